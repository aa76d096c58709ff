from __future__ import annotations

from typing import Annotated

import typer

from zhiyin.cli import show
from zhiyin.cli.options import HERE, Folder, Given, Hidden, LogDir, Out, opened


def tune(
    *,
    minutes: Annotated[float, typer.Option(min=0, help="For the recipe, and as many for each baseline.")] = 10.0,
    trials: Annotated[int, typer.Option(min=1, help="The most that are tried of each.")] = 200,
    split: Hidden = "auto",
    given: Given = 0,
    test: Annotated[bool, typer.Option("--test", help="Ask the test part too, of the best of each.")] = False,
    write: Annotated[bool, typer.Option("--write", help="Write what was found into zhiyin.toml.")] = False,
    seed: Annotated[int, typer.Option(help="Of everything random.")] = 0,
    out: Out = None,
    log_dir: LogDir = None,
    folder: Folder = HERE,
) -> None:
    """Search for better settings of the recipe.

    On the validation part alone. What was tried is kept: the same command goes on, more minutes add to it."""
    from zhiyin.workflows.posing import Terms
    from zhiyin.workflows.searching import Budget
    from zhiyin.workflows.tracking import open_log
    from zhiyin.workflows.tune import Wishes, write_settings
    from zhiyin.workflows.tune import tune as search

    wishes = Wishes(Budget(minutes * 60, trials), Terms(split, given), seed, test)
    log = open_log(folder, log_dir)
    with opened(folder) as shop:
        found = search(shop, wishes, log)
        if write:
            write_settings(shop, found)
    show.tuning(found, out, written=write)
