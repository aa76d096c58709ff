"""The command `zhiyin train text`, below `zhiyin train`."""

from __future__ import annotations

from typing import Annotated

import typer

from zhiyin.cli.options import HERE, Folder, LogDir, opened
from zhiyin.cli.show import say


def text(
    *,
    seed: Annotated[int, typer.Option(help="Of everything random.")] = 0,
    adopt: Annotated[
        bool, typer.Option("--adopt/--no-adopt", help="Whether what is shown to be better goes live.")
    ] = True,
    log_dir: LogDir = None,
    folder: Folder = HERE,
) -> None:
    """Adapt a language model to this shop.

    By the settings in [tower]; needs torch. What reads now is replaced only by what is shown to be better."""
    from zhiyin.workflows.adapt import adapt_text
    from zhiyin.workflows.tracking import open_log

    log = open_log(folder, log_dir)
    with opened(folder) as shop:
        say(adapt_text(shop, seed, log, adopt=adopt).sentences())
