"""The command `zhiyin train`; `zhiyin train text` lies below it."""

from __future__ import annotations

from typing import Annotated

import typer

from zhiyin.cli.options import HERE, Folder, LogDir, opened
from zhiyin.cli.show import say


def train(
    *,
    seed: Annotated[int, typer.Option(help="Of everything random.")] = 0,
    deep: Annotated[
        bool, typer.Option("--deep", help="Learn a net of what follows what, too; needs torch.")
    ] = False,
    log_dir: LogDir = None,
    folder: Folder = HERE,
) -> None:
    """Fit a new bundle from the store.

    Nothing goes live by this.
    """
    from zhiyin.workflows.tracking import open_log
    from zhiyin.workflows.train import train as fit

    log = open_log(folder, log_dir)
    with opened(folder) as shop:
        made = fit(shop, seed, log, deep=deep)
    say(made.sentences())
    say([f"Next: zhiyin evaluate {made.bundle[:12]}, then zhiyin publish {made.bundle[:12]}"])
