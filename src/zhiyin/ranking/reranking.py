"""The part `cross`: the first few candidates are read side by side with what is asked, and lifted by that.

    part_i = gate · weight · (s_i − min over the n of s)   of the n candidates that were read, 0 of all others

s is what a cross-encoder says of a pair (zhiyin.encoders.cross). The n are the first by the sum of all other
parts, and no part is below 0, so nothing that was not read overtakes what was: only the n change places among
themselves. The gates, one of typed wishes and one of pasts, were learned and measured on held-out lists, and are 0
where no gain was shown: then nothing is read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from zhiyin.data.dataset import Doubles
from zhiyin.encoders.base import documents
from zhiyin.encoders.cross import Asked, Kind
from zhiyin.encoders.language import Precision
from zhiyin.ranking.fusion import Parts
from zhiyin.types import Item

PART = "cross"
MOST = 50  # candidates


class RerankerSettings(BaseModel):
    """A cross-encoder that reads the first candidates of each list."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str = Field(
        default="",
        description="Folder of what `zhiyin train reranker` made, such as rerankers/ours; empty: none reads.",
    )
    sha256: str = Field(
        default="", description="Of its cross.json, which tells what was measured; written with `model`."
    )
    n: int = Field(
        default=20, ge=2, le=MOST, description="Candidates that it reads, at most as many as were measured."
    )
    weight: float = Field(
        default=1.0, ge=0, le=10, description="How loud it is against what was learned; 0: nothing is read."
    )
    precision: Precision = Field(
        default="int8", description="Of its numbers: int8 is faster, and a little less exact."
    )
    threads: int = Field(
        default=1, ge=1, le=64, description="Candidates read side by side; lists are the same with any number."
    )

    def shaping(self) -> dict[str, object]:
        """What of it shapes a list; nothing where none reads."""
        return self.model_dump(include={"sha256", "n", "weight", "precision"}) if self.model else {}


class PairReader(Protocol):
    """What reads two texts as one."""

    def score(self, asked: str, texts: Sequence[str]) -> Doubles:
        """(n,) how well each of the texts answers."""
        ...


@dataclass(frozen=True, slots=True)
class Reranker:
    """Who reads, how many, and how loud."""

    reader: PairReader
    n: int
    gates: Mapping[Kind, float]  # times the weight

    def hears(self, kind: Kind) -> bool:
        """Whether anything is read for such a question."""
        return self.gates[kind] > 0

    def reread(self, parts: Parts, asked: Asked, items: Sequence[Item]) -> Parts:
        """With the part of what it reads. The columns of `parts` are candidates, best first; `items` are the first
        n of them, or fewer."""
        if not (asked.text and self.hears(asked.kind) and items):
            return parts
        gate = self.gates[asked.kind]
        added = np.zeros(parts.values.shape[1])
        added[: len(items)] = gate * lifted(self.reader.score(asked.text, [documents(item)[0] for item in items]))
        return Parts((*parts.names, PART), np.vstack([parts.values, added]), {**parts.gates, PART: gate})


def lifted(said: Doubles) -> Doubles:
    """The same differences, the lowest 0."""
    return said - said.min() if len(said) else said
