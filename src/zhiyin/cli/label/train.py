from __future__ import annotations

from typing import Annotated

import typer

from zhiyin.cli.label.options import Examples, Name
from zhiyin.cli.options import HERE, Folder, Out, opened
from zhiyin.cli.show import say


def train(
    name: Name,
    *,
    examples: Examples,
    seed: Annotated[int, typer.Option(help="Of everything random.")] = 0,
    out: Out = None,
    folder: Folder = HERE,
) -> None:
    """Learn labels from texts, and say how well.

    Examples stay in the store; the model is in use at once.
    """
    from datetime import UTC, datetime

    from zhiyin.workflows.labels.training import train_labels

    with opened(folder) as shop:
        found = train_labels(shop, name, examples.asked(seed), datetime.now(UTC))
    say(found.sentences())
    if out is not None:
        out.write_bytes(found.report.to_json())
    say([f"Next: zhiyin label text {name} TEXT, or zhiyin label apply {name}"])
