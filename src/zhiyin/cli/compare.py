from __future__ import annotations

from typing import Annotated

import typer

from zhiyin.cli import show
from zhiyin.cli.groups import Asked, Written
from zhiyin.cli.options import HERE, Folder, opened


def compare(
    champion: Annotated[str | None, typer.Argument(help="A bundle; by default the one that is live.")] = None,
    challenger: Annotated[str | None, typer.Argument(help="Another bundle; by default the newest.")] = None,
    *,
    again: Annotated[bool, typer.Option("--again", help="Measure both anew, on the shop as it is.")] = False,
    asked: Asked,
    written: Written,
    folder: Folder = HERE,
) -> None:
    """Compare two bundles, person by person.

    On the question that both were measured by; with --again, or another split, both are measured now."""
    from zhiyin.workflows.compare import compare as weigh

    with opened(folder) as shop:
        found = weigh(shop, champion, challenger, asked.terms(), again=again)
    show.comparison(found, written.out, written.report)
