from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zhiyin.cli.label.options import Name
from zhiyin.cli.options import HERE, Folder, Many, opened
from zhiyin.cli.show import table


def next_(
    name: Name,
    *,
    n: Many = 20,
    texts: Annotated[Path | None, typer.Option(help="File of texts; the items if not given.")] = None,
    text_column: Annotated[str | None, typer.Option(help="Column of the texts.")] = None,
    seed: Annotated[int, typer.Option(help="Of the draw.")] = 0,
    folder: Folder = HERE,
) -> None:
    """Texts that would teach most.

    Those that the model is in doubt of, unlike each other: label them with `zhiyin label add`, then train.
    """
    from zhiyin.workflows.labels.next import next_texts

    with opened(folder) as shop:
        found = next_texts(shop, name, n, texts=texts, column=text_column, seed=seed)
    rows = [(one.item_id or "", one.text[:100], one.said, f"{one.probability or 0:.2f}") for one in found]
    table(("item", "text", "believed", "probability"), rows)
