from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from zhiyin.cli import show
from zhiyin.cli.options import HERE, Folder, Hidden, LogDir, Out, opened


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is tried."""

    minutes: Annotated[float, typer.Option(min=0, help="For the recipe, and as many for each baseline.")] = 10.0
    trials: Annotated[int, typer.Option(min=1, help="The most that are tried of each.")] = 200
    seed: Annotated[int, typer.Option(help="Of everything random.")] = 0


@dataclass(frozen=True, slots=True)
class Kept:
    """Where what was found goes."""

    write: Annotated[bool, typer.Option("--write", help="Write what was found into zhiyin.toml.")] = False
    out: Out = None
    log_dir: LogDir = None


def tune(
    *,
    effort: Effort,
    hidden: Hidden,
    test: Annotated[bool, typer.Option("--test", help="Ask the test part too, of the best of each.")] = False,
    kept: Kept,
    folder: Folder = HERE,
) -> None:
    """Search for better settings of the recipe.

    On the validation part alone. What was tried is kept: the same command goes on, more minutes add to it."""
    from zhiyin.workflows.posing import Terms
    from zhiyin.workflows.searching import Budget
    from zhiyin.workflows.tracking import open_log
    from zhiyin.workflows.tune import Wishes, write_settings
    from zhiyin.workflows.tune import tune as search

    budget = Budget(effort.minutes * 60, effort.trials)
    wishes = Wishes(budget, Terms(hidden.split, hidden.given), effort.seed, test)
    log = open_log(folder, kept.log_dir)
    with opened(folder) as shop:
        found = search(shop, wishes, log)
        if kept.write:
            write_settings(shop, found)
    show.tuning(found, kept.out, written=kept.write)
