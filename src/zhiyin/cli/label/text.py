from __future__ import annotations

from typing import Annotated

import typer

from zhiyin.cli.label.options import Name
from zhiyin.cli.options import HERE, AsJson, Folder, opened
from zhiyin.cli.show import say


def text(
    name: Name,
    words: Annotated[str, typer.Argument(metavar="TEXT", help="What is to be told.")],
    *,
    as_json: AsJson = False,
    folder: Folder = HERE,
) -> None:
    """What one text is, and what is answered.

    With how sure that is, and what was near.
    """
    import orjson

    from zhiyin.workflows.labels.asking import classify

    with opened(folder) as shop:
        found = classify(shop, name, [words]).texts[0]
    say([orjson.dumps(found, option=orjson.OPT_INDENT_2).decode()] if as_json else found.sentences())
