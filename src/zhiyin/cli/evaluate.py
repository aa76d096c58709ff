from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from zhiyin.cli import show
from zhiyin.cli.options import HERE, Asked, Folder, LogDir, Written, opened
from zhiyin.cli.progress import terminal_progress


@dataclass(frozen=True, slots=True)
class Question(Asked):
    """What is asked of the bundle, or of a recipe on other data."""

    permute: Annotated[bool, typer.Option("--permute", help="Also the permutation test: 11 more fits.")] = False
    protocol: Annotated[Path | None, typer.Option(help="A protocol.json instead of the shop's own past.")] = None
    name: Annotated[str | None, typer.Option(help="A protocol inside that file.")] = None


def evaluate(
    bundle: Annotated[str | None, typer.Argument(help="Its name or how it begins; the newest by default.")] = None,
    *,
    question: Question,
    written: Written,
    log_dir: LogDir = None,
    folder: Folder = HERE,
) -> None:
    """Measure a bundle against the baselines."""
    from zhiyin.workflows.evaluate import evaluate_alone, evaluate_bundle, page_kept
    from zhiyin.workflows.tracking import open_log

    terms, report = question.terms(permute=question.permute), written.report
    log = open_log(folder, log_dir)
    if question.protocol is not None:
        found = evaluate_alone(question.protocol, folder, question.name, terminal_progress(), terms, log)
    else:
        with opened(folder) as shop:
            found = evaluate_bundle(shop, bundle, terms, log)
            report = report or page_kept(shop, found, terms)
    show.evaluation(found, written.out, report)
