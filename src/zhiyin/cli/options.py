"""Options that several commands have, and opening the shop they speak of."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from zhiyin.types import SplitName

if TYPE_CHECKING:
    from zhiyin.shop import Zhiyin
    from zhiyin.workflows.posing import Terms

Folder = Annotated[Path, typer.Option("--folder", "-C", help="Folder of the shop, where its zhiyin.toml is.")]
Many = Annotated[int, typer.Option("--n", "-n", help="How many items.")]
AsJson = Annotated[bool, typer.Option("--json", help="The whole answer as JSON.")]
Out = Annotated[Path | None, typer.Option(help="Write all that was measured as JSON.")]
LogDir = Annotated[Path | None, typer.Option(help="Note the run there for TensorBoard.")]
HERE = Path()


@dataclass(frozen=True, slots=True)
class Hidden:
    """What the lists are to find."""

    split: Annotated[SplitName, typer.Option(help="What is hidden; auto: what the data can answer.")] = "auto"
    given: Annotated[int, typer.Option(min=0, help="Events that new users tell; 0 for four fifths.")] = 0


@dataclass(frozen=True, slots=True)
class Asked(Hidden):
    """And in which part of the data."""

    validation: Annotated[bool, typer.Option("--validation", help="Judge the validation part.")] = False

    def terms(self, *, permute: bool = False) -> Terms:
        """As an evaluation takes them."""
        from zhiyin.workflows.posing import Terms

        return Terms(self.split, self.given, "validation" if self.validation else "test", permute=permute)


@dataclass(frozen=True, slots=True)
class Written:
    """Files that tell what was found."""

    out: Out = None
    report: Annotated[Path | None, typer.Option(help="Write a page to read, one HTML file.")] = None


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
