from __future__ import annotations

from typing import Annotated

import typer

from zhiyin.cli.options import HERE, Folder, Many, opened
from zhiyin.cli.show import say, table


def trace(
    *,
    item: Annotated[str, typer.Option("--why-not", help="Id of the item that is missed.")],
    user: Annotated[str | None, typer.Option("--user", "-u", help="In whose list.")] = None,
    text: Annotated[str | None, typer.Option("--text", "-t", help="For which wish.")] = None,
    n: Many = 10,
    folder: Folder = HERE,
) -> None:
    """Why an item is not in a list.

    The stage at which it was lost, with the number.
    """
    from zhiyin.types import Query
    from zhiyin.workflows.trace import trace as follow

    with opened(folder) as shop:
        found = follow(shop, Query(user_id=user, text=text, n=n), item)
    say([f"{found.stage}: {found.sentence}"])
    table(("channel", "score", "rank", "part"), found.rows())
