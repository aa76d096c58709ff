from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zhiyin.cli import show
from zhiyin.cli.options import HERE, Folder, Given, Hidden, LogDir, Out, Report, Validation, opened
from zhiyin.cli.progress import terminal_progress


def evaluate(
    bundle: Annotated[str | None, typer.Argument(help="Its name or how it begins; the newest by default.")] = None,
    *,
    split: Hidden = "auto",
    given: Given = 0,
    validation: Validation = False,
    permute: Annotated[bool, typer.Option("--permute", help="Also the permutation test: 11 more fits.")] = False,
    protocol: Annotated[Path | None, typer.Option(help="A protocol.json instead of the shop's own past.")] = None,
    name: Annotated[str | None, typer.Option(help="A protocol inside that file.")] = None,
    out: Out = None,
    report: Report = None,
    log_dir: LogDir = None,
    folder: Folder = HERE,
) -> None:
    """Measure a bundle against the baselines."""
    from zhiyin.workflows.evaluate import evaluate_alone, evaluate_bundle, page_kept
    from zhiyin.workflows.posing import Terms
    from zhiyin.workflows.tracking import open_log

    terms = Terms(split, given, "validation" if validation else "test", permute=permute)
    log = open_log(folder, log_dir)
    if protocol is not None:
        found = evaluate_alone(protocol, folder, name, terminal_progress(), terms, log)
    else:
        with opened(folder) as shop:
            found = evaluate_bundle(shop, bundle, terms, log)
            report = report or page_kept(shop, found, terms)
    show.evaluation(found, out, report)
