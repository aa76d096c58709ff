from __future__ import annotations

from typing import Annotated

import typer

from zhiyin.cli import show
from zhiyin.cli.groups import Question, Written
from zhiyin.cli.options import HERE, Folder, LogDir, opened
from zhiyin.cli.progress import terminal_progress
from zhiyin.errors import InvalidQuery

ALREADY = "--deep goes with --protocol: a bundle is measured by its own recipe, zhiyin train --deep makes one"


def evaluate(
    bundle: Annotated[str | None, typer.Argument(help="Its name or how it begins; the newest by default.")] = None,
    *,
    question: Question,
    written: Written,
    log_dir: LogDir = None,
    folder: Folder = HERE,
) -> None:
    """Measure a bundle against the baselines."""
    from zhiyin.workflows.evaluate import evaluate_alone, evaluate_bundle, page_kept, settings_in
    from zhiyin.workflows.tracking import open_log

    terms, report = question.terms(permute=question.permute), written.report
    log = open_log(folder, log_dir)
    if question.protocol is not None:
        settings = settings_in(folder, deep=question.deep)
        found = evaluate_alone(question.protocol, settings, question.name, terminal_progress(), terms, log)
    elif question.deep:
        raise InvalidQuery(ALREADY)
    else:
        with opened(folder) as shop:
            found = evaluate_bundle(shop, bundle, terms, log)
            report = report or page_kept(shop, found, terms)
    show.evaluation(found, written.out, report)
