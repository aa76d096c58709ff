from __future__ import annotations

import sys
from typing import Annotated

import typer

from zhiyin.cli.options import HERE, Folder, opened
from zhiyin.cli.show import say


def erase(
    user: Annotated[str, typer.Argument(help="Id of the person; all ids merged with it are erased too.")],
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    folder: Folder = HERE,
) -> None:
    """Remove a person for good.

    The receipt says what is gone, and which bundles saw the person.
    """
    from zhiyin.workflows.erase import erase as remove

    if sys.stdin.isatty() and not yes:
        typer.confirm(f"Remove everything about {user} for good?", abort=True)
    with opened(folder) as shop:
        say(remove(shop, user).sentences())
