from __future__ import annotations

from typing import Annotated

import typer

from zhiyin.cli import show
from zhiyin.cli.groups import Another
from zhiyin.cli.options import HERE, Folder, opened

Shown = Annotated[str | None, typer.Argument(help="Id of a list that was shown.")]


def replay(recommendation: Shown = None, *, another: Another, folder: Folder = HERE) -> None:
    """Make a logged list again, bit for bit.

    With --policy: what would all logged lists have earned by another policy? Exit code 1 if anything differs, or
    if the log cannot tell.
    """
    from zhiyin.workflows.off_policy import off_policy
    from zhiyin.workflows.replay import replay as again

    with opened(folder) as shop:
        if recommendation is None:
            told = off_policy(shop, another.question(shop))
            show.off_policy(told)
            raise typer.Exit(0 if told.answered else 1)
        found = again(shop, recommendation)
    show.say(found.differences or [f"the same, bit for bit: {len(found.logged.items)} places"])
    raise typer.Exit(0 if found.same else 1)
