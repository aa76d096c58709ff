from __future__ import annotations

from typing import Annotated

import typer

from zhiyin.cli import show
from zhiyin.cli.groups import Question, Written
from zhiyin.cli.options import HERE, Folder, LogDir, opened
from zhiyin.cli.progress import terminal_progress


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
