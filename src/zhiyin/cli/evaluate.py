from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zhiyin.cli import show
from zhiyin.cli.options import HERE, Folder, opened
from zhiyin.cli.progress import terminal_progress
from zhiyin.types import SplitName


def evaluate(
    bundle: Annotated[str | None, typer.Argument(help="Its name or how it begins; the newest by default.")] = None,
    *,
    split: Annotated[SplitName, typer.Option(help="What is hidden; auto: what the data can answer.")] = "auto",
    given: Annotated[int, typer.Option(min=0, help="Events that new users tell; 0 for four fifths.")] = 0,
    validation: Annotated[bool, typer.Option("--validation", help="Judge the validation part.")] = False,
    permute: Annotated[bool, typer.Option("--permute", help="Also the permutation test: 11 more fits.")] = False,
    protocol: Annotated[Path | None, typer.Option(help="A protocol.json instead of the shop's own past.")] = None,
    name: Annotated[str | None, typer.Option(help="A protocol inside that file.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write all that was measured as JSON.")] = None,
    folder: Folder = HERE,
) -> None:
    """Measure a bundle against the baselines.

    On the shop's own past, or by a published protocol."""
    from zhiyin.workflows.evaluate import evaluate_alone, evaluate_bundle
    from zhiyin.workflows.posing import Terms

    terms = Terms(split, given, "validation" if validation else "test", permute=permute)
    if protocol is not None:
        found = evaluate_alone(protocol, folder, name, terminal_progress(), terms)
    else:
        with opened(folder) as shop:
            found = evaluate_bundle(shop, bundle, terms)
    if out is not None:
        out.write_bytes(found.to_json(people=False))
    show.evaluation(found)
