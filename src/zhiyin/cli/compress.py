from __future__ import annotations

from typing import Annotated

import typer

from zhiyin.cli import show
from zhiyin.cli.groups import Less, Lessons
from zhiyin.cli.options import HERE, Folder, Out, opened


def compress(
    *,
    name: Annotated[str, typer.Option(help="What the smaller model is called: it lies in towers/NAME.")] = "small",
    less: Less,
    lessons: Lessons,
    out: Out = None,
    folder: Folder = HERE,
) -> None:
    """Make a smaller model of the one that reads.

    Either a static table (--static), or a smaller net: --layers, --prune and --sparsity, then --minutes of being
    taught, which needs torch. Every step is measured. What reads now is not changed."""
    from zhiyin.workflows.compress import compress as make

    with opened(folder) as shop:
        found = make(shop, less.wishes(name, lessons))
    show.compression(found, out)
