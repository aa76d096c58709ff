"""What the columns of the graph stand for: a relation, and the entity or item at its end. With the graph they are
saved, so that a reason can name them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import numpy.typing as npt

from zhiyin.data.dataset import Floats
from zhiyin.data.vocabulary import PAD, Rows
from zhiyin.models.base import Arrays


@dataclass(frozen=True, slots=True)
class Columns:
    """What C columns stand for."""

    relations: tuple[str, ...]  # (R,) each of some column
    weights: Floats  # (R,) of the relations
    relation_of: Rows  # (C,)
    ends: tuple[str, ...]  # (C,) name of the entity, or id of the item
    item_of: Rows  # (C,) the item whose own links the column holds; PAD for an entity
    edges: Rows  # (3, n) relation, head and tail of what links items to each other, in this order ascending

    def __len__(self) -> int:
        return len(self.relation_of)

    def take(self, kept: npt.NDArray[np.integer]) -> Self:
        """Only these columns."""
        ends = tuple(self.ends[column] for column in kept.tolist())
        return replace(self, relation_of=self.relation_of[kept], ends=ends, item_of=self.item_of[kept])

    def end(self, column: int) -> tuple[str | None, str | None]:
        """What a column leads to: the name of an entity, or the id of an item."""
        told = self.ends[column]
        return (told, None) if self.item_of[column] == PAD else (None, told)

    def outward(self, relation: int, one: int, other: int) -> bool | None:
        """Whether an item is the head of the edge to another; None where both are heads, or there is no edge."""
        out, back = self._leads(relation, one, other), self._leads(relation, other, one)
        return None if out == back else out

    def _leads(self, *edge: int) -> bool:
        start, stop = 0, self.edges.shape[1]
        for told, wanted in zip(self.edges, edge, strict=True):
            part = told[start:stop]
            start, stop = (
                start + int(np.searchsorted(part, wanted)),
                start + int(part.searchsorted(wanted, "right")),
            )
        return stop > start

    def arrays(self) -> Arrays:
        return {
            **packed("relations", self.relations),
            **packed("ends", self.ends),
            "weights": self.weights,
            "relation_of": self.relation_of,
            "item_of": self.item_of,
            "edges": self.edges,
        }

    @classmethod
    def of_arrays(cls, arrays: Arrays) -> Self:
        return cls(
            unpacked("relations", arrays),
            np.asarray(arrays["weights"], np.float32),
            np.asarray(arrays["relation_of"], np.int32),
            unpacked("ends", arrays),
            np.asarray(arrays["item_of"], np.int32),
            np.asarray(arrays["edges"], np.int32),
        )


def packed(name: str, texts: tuple[str, ...]) -> Arrays:
    """Texts as arrays to save."""
    encoded = [text.encode() for text in texts]
    return {
        f"{name}.bytes": np.frombuffer(b"".join(encoded), np.uint8),
        f"{name}.stops": np.cumsum([len(text) for text in encoded], dtype=np.int64),
    }


def unpacked(name: str, arrays: Arrays) -> tuple[str, ...]:
    """The texts that were saved under this name."""
    whole, stops = np.asarray(arrays[f"{name}.bytes"]).tobytes(), np.asarray(arrays[f"{name}.stops"]).tolist()
    return tuple(whole[start:stop].decode() for start, stop in zip([0, *stops], stops, strict=False))
