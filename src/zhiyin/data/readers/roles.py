"""Columns and the roles they take: each column one role, each role said in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from zhiyin.data.readers.sample import Column, Sample

M = TypeVar("M")
Fits = Callable[[Column], bool]


@dataclass(frozen=True, slots=True)
class Inferred(Generic[M]):
    """A mapping, and every assumption in it as a sentence."""

    mapping: M
    said: tuple[str, ...]


@dataclass(slots=True)
class Roles:
    """What is taken so far. Grows while one file is inferred and is thrown away then."""

    sample: Sample
    names: Mapping[str, Sequence[str]]
    taken: dict[str, str] = field(default_factory=dict)  # column: role
    said: list[str] = field(default_factory=list)

    def free(self) -> list[Column]:
        """Columns without a role that hold anything, in the order of the file."""
        return [column for name, column in self.sample.columns.items() if name not in self.taken and column.filled]

    def named(self, role: str) -> list[Column]:
        """Free columns with a known name of a role, the likeliest name first."""
        place = {name: rank for rank, name in enumerate(self.names[role])}
        fitting = [column for column in self.free() if column.plain in place]
        return sorted(fitting, key=lambda column: place[column.plain])

    def find(self, role: str, fits: Fits) -> Column | None:
        """The likeliest free column by name that also looks like the role."""
        return next((column for column in self.named(role) if fits(column)), None)

    def take(self, role: str, column: Column, said: str = "") -> str:
        self.taken[column.name] = role
        self.said.append(f"I took `{column.name}` as {said or role}")
        return column.name

    def find_and_take(self, role: str, fits: Fits, said: str = "") -> str | None:
        column = self.find(role, fits)
        return self.take(role, column, said) if column else None

    def rest(self, what: str) -> tuple[str, ...]:
        """All columns left, which become attributes or context; empty ones are told and left out."""
        kept = tuple(column.name for column in self.free())
        empty = [name for name in self.sample.columns if name not in self.taken and name not in kept]
        if kept:
            self.said.append(f"I kept {', '.join(f'`{name}`' for name in kept)} as {what}")
        if empty:
            self.said.append(f"I left out {', '.join(f'`{name}`' for name in empty)}: nothing is in there")
        return kept


def shared(column: Column, ids: frozenset[str]) -> float:
    """Share of the column's distinct values that are among `ids`."""
    return len(column.distinct & ids) / max(1, len(column.distinct))


def counted(column: Column, sample: Sample) -> str:
    """How often a key repeats, in words."""
    return f"{len(column.distinct):,} distinct values in {sample.rows_said}"
