from __future__ import annotations

from typing import Annotated

import typer

from zhiyin.cli import show
from zhiyin.cli.options import HERE, AsJson, Folder, opened


def exploration(
    *,
    lists: Annotated[int, typer.Option(min=1, help="How many of the newest lists.")] = 2_000,
    json: AsJson = False,
    folder: Folder = HERE,
) -> None:
    """What exploring cost, and what it bought."""
    from zhiyin.workflows.exploring import exploration as look

    with opened(folder) as shop:
        found = look(shop, lists)
    show.as_json(found) if json else show.exploration(found)
