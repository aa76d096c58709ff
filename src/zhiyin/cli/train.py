from __future__ import annotations

from typing import Annotated

import typer

from zhiyin.cli.options import HERE, Folder, opened
from zhiyin.cli.show import say


def train(*, seed: Annotated[int, typer.Option(help="Of everything random.")] = 0, folder: Folder = HERE) -> None:
    """Fit a new bundle from the store.

    Nothing goes live by this.
    """
    from zhiyin.workflows.train import train as fit

    with opened(folder) as shop:
        made = fit(shop, seed)
    say(made.sentences())
    say([f"Next: zhiyin evaluate {made.bundle[:12]}, then zhiyin publish {made.bundle[:12]}"])
