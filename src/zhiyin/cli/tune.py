from __future__ import annotations

from typing import Annotated

import typer

from zhiyin.cli import show
from zhiyin.cli.groups import Effort, Hidden, Kept
from zhiyin.cli.options import HERE, Folder, opened


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
    from zhiyin.evaluation.posing import Terms
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
