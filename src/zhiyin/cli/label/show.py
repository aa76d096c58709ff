from __future__ import annotations

from typing import Annotated

import typer

from zhiyin.cli.options import HERE, AsJson, Folder, opened
from zhiyin.cli.show import say, table


def show(
    name: Annotated[str | None, typer.Argument(help="Of which label model; all of them if not given.")] = None,
    *,
    as_json: AsJson = False,
    folder: Folder = HERE,
) -> None:
    """Label models, and what each is worth."""
    from zhiyin.workflows.labels.showing import show_all, show_one

    with opened(folder) as shop:
        if name is None:
            table(*show_all(shop))
            return
        found = show_one(shop, name)
    say([found.to_json()] if as_json else found.sentences())
