from __future__ import annotations

from typing import Annotated

import typer

from zhiyin.cli.options import HERE, Folder, Many, opened
from zhiyin.cli.show import table


def inspect(
    *,
    user: Annotated[str | None, typer.Option("--user", "-u", help="Whose list.")] = None,
    text: Annotated[str | None, typer.Option("--text", "-t", help="For which wish.")] = None,
    n: Many = 10,
    folder: Folder = HERE,
) -> None:
    """One list beside those of each channel."""
    from zhiyin.types import Query
    from zhiyin.workflows.inspect import inspect as look

    with opened(folder) as shop:
        found = look(shop, Query(user_id=user, text=text, n=n))
    table(("", "list", *found.channels), found.rows())
