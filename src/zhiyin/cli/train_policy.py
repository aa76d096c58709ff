"""The command `zhiyin train policy`, below `zhiyin train`."""

from __future__ import annotations

from typing import Annotated

import typer

from zhiyin.cli.options import HERE, Folder, opened
from zhiyin.cli.show import say


def policy(
    *,
    reward: Annotated[str | None, typer.Option(help="An event, as click, that is worth 1; unset: all.")] = None,
    seed: Annotated[int, typer.Option(help="Who teaches, and who judges.")] = 0,
    folder: Folder = HERE,
) -> None:
    """Learn from the log what to add to scores.

    Kept only if people it was not learned from would have taken more; exit code 1 if not. It serves nothing by
    itself: [policy] learned names it."""
    from zhiyin.workflows.learn_policy import learn_policy
    from zhiyin.workflows.shown_lists import worth_of

    with opened(folder) as shop:
        taught = learn_policy(shop, worth_of(shop, reward), seed)
    say(taught.sentences)
    raise typer.Exit(0 if taught.file else 1)
