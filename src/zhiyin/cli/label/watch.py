from __future__ import annotations

from typing import Annotated

import typer

from zhiyin.cli.label.options import Name
from zhiyin.cli.options import HERE, Folder, opened
from zhiyin.cli.show import say, table
from zhiyin.types import WatchPeriod, WatchSource


def watch(
    name: Name,
    *,
    period: Annotated[WatchPeriod, typer.Option(help="How long a step is.")] = "week",
    source: Annotated[
        WatchSource, typer.Option(help="What people wrote, or items by their publication.")
    ] = "events",
    label: Annotated[list[str] | None, typer.Option(help="Only these labels; may be given several times.")] = None,
    folder: Folder = HERE,
) -> None:
    """The share of labels over time, with alerts.

    An alert is a share farther from those before it than chance goes.
    """
    from zhiyin.workflows.labels.watching import watch as look

    with opened(folder) as shop:
        found = look(shop, name, period=period, source=source, labels=label or ())
    table((period, "label", "texts", "share", "95 % interval", ""), found.rows())
    if found.undated:
        say([f"{found.undated:,} texts have no time: left out"])
    say([f"{len(found.alerts):,} alerts in {found.n_texts:,} texts"])
