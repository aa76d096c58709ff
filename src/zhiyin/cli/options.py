"""Options that several commands have, and opening the shop they speak of."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from zhiyin.shop import Zhiyin

Folder = Annotated[Path, typer.Option("--folder", "-C", help="Folder of the shop, where its zhiyin.toml is.")]
Many = Annotated[int, typer.Option("--n", "-n", help="How many items.")]
AsJson = Annotated[bool, typer.Option("--json", help="The whole answer as JSON.")]
Out = Annotated[Path | None, typer.Option(help="Write all that was measured as JSON.")]
LogDir = Annotated[Path | None, typer.Option(help="Note the run there for TensorBoard.")]
HERE = Path()


@contextmanager
def opened(folder: Path) -> Iterator[Zhiyin]:
    """The shop in a folder, with progress on the terminal."""
    from zhiyin.cli.progress import terminal_progress
    from zhiyin.shop import Zhiyin

    progress = terminal_progress()
    try:
        with Zhiyin.open(folder, progress) as shop:
            yield shop
    finally:
        progress.done()
