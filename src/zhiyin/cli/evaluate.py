from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zhiyin.cli import show
from zhiyin.cli.options import HERE, Folder, opened
from zhiyin.cli.progress import terminal_progress


def evaluate(
    bundle: Annotated[str | None, typer.Argument(help="Its name or how it begins; the newest by default.")] = None,
    *,
    protocol: Annotated[Path | None, typer.Option(help="A protocol.json instead of the shop's own past.")] = None,
    name: Annotated[str | None, typer.Option(help="A protocol inside that file.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write all that was measured as JSON.")] = None,
    folder: Folder = HERE,
) -> None:
    """Measure a bundle against the baselines.

    On the shop's own past, or by a published protocol; it says so when Popular wins.
    """
    from zhiyin.workflows.evaluate import evaluate_bundle
    from zhiyin.workflows.protocol import evaluate_alone

    if protocol is not None:
        found = evaluate_alone(protocol, folder, name, terminal_progress())
    else:
        with opened(folder) as shop:
            found = evaluate_bundle(shop, bundle)
    if out is not None:
        out.write_bytes(found.to_json(people=False))
    show.evaluation(found)
