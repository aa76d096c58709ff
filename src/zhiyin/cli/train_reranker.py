"""The command `zhiyin train reranker`, below `zhiyin train`."""

from __future__ import annotations

from typing import Annotated

import typer

from zhiyin.cli.options import HERE, Folder, LogDir, opened
from zhiyin.cli.show import say


def reranker(
    *,
    seed: Annotated[int, typer.Option(help="Of everything random.")] = 0,
    adopt: Annotated[
        bool, typer.Option("--adopt/--no-adopt", help="Whether what is shown to be better reads from now on.")
    ] = True,
    log_dir: LogDir = None,
    folder: Folder = HERE,
) -> None:
    """Teach a model to read candidates again.

    By the settings in [cross]; needs torch. It reads only in lists that are shown to be better for it."""
    from zhiyin.workflows.rerank import train_reranker
    from zhiyin.workflows.tracking import open_log

    log = open_log(folder, log_dir)
    with opened(folder) as shop:
        say(train_reranker(shop, seed, log, adopt=adopt).sentences())
