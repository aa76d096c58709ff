from __future__ import annotations

from typing import Annotated

import typer

from zhiyin.cli import show
from zhiyin.cli.groups import Edits, Reader
from zhiyin.cli.options import HERE, AsJson, Folder, opened


def profile(
    user: Annotated[str, typer.Argument(help="Id of the person.")],
    *,
    edits: Edits,
    reader: Reader,
    json: AsJson = False,
    folder: Folder = HERE,
) -> None:
    """A person in words, with the evidence.

    With --say or --edit the next list is another one.
    """
    from zhiyin.workflows.profile import Asked, edited, phraser_of, read_edits, told_lines

    said = read_edits(edits.say or (), edits.edit or ())
    with opened(folder) as shop:
        live = edited(shop, user, said)
        asked = Asked(user, reader.language, phraser_of(shop.settings, phrased=reader.phrased))
        found = told_lines(shop, live, asked)
        show.as_json(found) if json else show.lines(found)
