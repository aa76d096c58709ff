from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from zhiyin.cli.options import HERE, Folder, opened
from zhiyin.cli.show import say


def export(
    to: Annotated[Path, typer.Argument(help="A folder that is empty or not there yet.")],
    *,
    format_: Annotated[Literal["jsonl", "parquet"], typer.Option("--format", help="Of the files.")] = "jsonl",
    folder: Folder = HERE,
) -> None:
    """Write everything into plain files.

    With a zhiyin.toml beside them: `zhiyin import` reads them again.
    """
    from zhiyin.workflows.export import export as write

    with opened(folder) as shop:
        done = write(shop, to, format_, progress=shop.progress)
    say(f"{to / name}: {rows:,} rows" for name, rows in done.files.items())
