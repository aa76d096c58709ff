"""Phrasers: who says the lines. Templates by default; a language model may say them better, never more.

A sentence of a model is held against the facts of its line (zhiyin.profile.checking). One that does not keep to
them is not shown, the template's is, and every line tells whose words it is in.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

from zhiyin.profile.traits import Language
from zhiyin.profile.wording import Wording

Phrased = Literal["template", "model"]


class Phraser(Protocol):
    """Says lines."""

    def phrase(self, lines: Sequence[Wording], language: Language) -> Sequence[tuple[str, Phrased]]:
        """One sentence for each line, and whose words it is in."""
        ...


class Templates:
    """The sentences as they are."""

    def phrase(self, lines: Sequence[Wording], language: Language) -> Sequence[tuple[str, Phrased]]:
        return as_templates(lines)


def as_templates(lines: Sequence[Wording]) -> list[tuple[str, Phrased]]:
    return [(line.sentence, "template") for line in lines]
