from __future__ import annotations

from typing import Annotated

import typer

from zhiyin.cli import show
from zhiyin.cli.options import HERE, AsJson, Folder, Many, opened


def similar(
    item: Annotated[str, typer.Argument(help="Id of the item.")],
    *,
    n: Many = 10,
    json: AsJson = False,
    folder: Folder = HERE,
) -> None:
    """Items like this one."""
    with opened(folder) as shop:
        answer = shop.similar(item, n)
        show.as_json(answer) if json else show.answer(shop, answer)
