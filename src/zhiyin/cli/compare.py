from __future__ import annotations

from typing import Annotated

import typer

from zhiyin.cli import show
from zhiyin.cli.options import HERE, Folder, Given, Hidden, Out, Report, Validation, opened


def compare(
    champion: Annotated[str | None, typer.Argument(help="A bundle; by default the one that is live.")] = None,
    challenger: Annotated[str | None, typer.Argument(help="Another bundle; by default the newest.")] = None,
    *,
    again: Annotated[bool, typer.Option("--again", help="Measure both anew, on the shop as it is.")] = False,
    split: Hidden = "auto",
    given: Given = 0,
    validation: Validation = False,
    out: Out = None,
    report: Report = None,
    folder: Folder = HERE,
) -> None:
    """Compare two bundles, person by person.

    On the question that both were measured by; with --again, or another split, both are measured now."""
    from zhiyin.workflows.compare import compare as weigh
    from zhiyin.workflows.posing import Terms

    terms = Terms(split, given, "validation" if validation else "test")
    with opened(folder) as shop:
        found = weigh(shop, champion, challenger, terms, again=again)
    show.comparison(found, out, report)
