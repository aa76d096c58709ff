"""Options that several commands about labels have."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from zhiyin.workflows.labels.reading import Columns
    from zhiyin.workflows.labels.training import Asked

Name = Annotated[str, typer.Argument(help="Name of the label model, such as topic.")]


@dataclass(frozen=True, slots=True)
class Examples:
    """Where examples come from."""

    texts: Annotated[Path | None, typer.Option(help="CSV, JSON Lines or Parquet with texts and labels.")] = None
    attribute: Annotated[
        str | None, typer.Option(help="Learn from this attribute of the items, or from category or brand.")
    ] = None
    text_column: Annotated[str | None, typer.Option(help="Column of the texts.")] = None
    label_column: Annotated[str | None, typer.Option(help="Column of the labels.")] = None
    answer_column: Annotated[str | None, typer.Option(help="Column of the answer to the label.")] = None
    harm: Annotated[
        bool, typer.Option("--harm", help="Begin with the examples of harm that come along, in place of a file.")
    ] = False
    tower: Annotated[
        str | None, typer.Option(help="Also teach a language model, such as minilm, itself; needs torch, minutes.")
    ] = None
    minutes: Annotated[float, typer.Option(min=0, help="That --tower may take.")] = 30.0
    unlabelled: Annotated[
        Path | None, typer.Option(help="File of texts without labels, to learn from where that helps.")
    ] = None
    unlabelled_items: Annotated[
        bool,
        typer.Option("--unlabelled-items", help="Learn from the items without labels, too, where that helps."),
    ] = False
    several: Annotated[str, typer.Option(help="What stands between several labels of a text, such as |.")] = ""

    def asked(self, seed: int) -> Asked:
        """As training takes it."""
        from zhiyin.workflows.labels.training import Asked

        return Asked(
            self.path(),
            self.columns(),
            self.attribute,
            seed,
            self.tower,
            self.minutes,
            self.unlabelled,
            self.unlabelled_items,
        )

    def path(self) -> Path | None:
        """The file to read."""
        from zhiyin.workflows.labels.reading import examples_of_harm

        return examples_of_harm() if self.harm and self.texts is None else self.texts

    def columns(self) -> Columns:
        """As reading takes them."""
        from zhiyin.workflows.labels.reading import Columns

        return Columns(self.text_column, self.label_column, self.answer_column, self.several)
