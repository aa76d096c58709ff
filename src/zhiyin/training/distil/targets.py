"""What is to be learned: the rows of one teacher, or of several as if they were one.

The cosine of rows laid side by side, each divided by the root of their number, is the mean of the teachers'
cosines: that is what an ensemble says of two texts (Hinton, Vinyals & Dean 2015). Its main axes, as many as the
student has columns, are the rows of that width whose products come nearest to it (Eckart & Young 1936).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from zhiyin.data.dataset import Floats
from zhiyin.data.vocabulary import Rows
from zhiyin.encoders.base import Encoder, unit

TURNED_BY = 2_000  # texts


@dataclass(frozen=True, slots=True)
class Targets:
    """Of n texts: the rows that the student is to have, and those whose cosines it is to have."""

    rows: Floats  # (n, student's dim) unit
    whole: Floats  # (n, dims of all teachers) unit

    @classmethod
    def of(cls, teachers: Sequence[Floats], dim: int, now: Callable[[int], Floats]) -> Self:
        """`now` (n) what the student says of the first n texts: several teachers' rows are turned to lie near it,
        which changes no cosine. One teacher of the student's width `dim` is taken as it is."""
        whole = side_by_side(teachers)
        if len(teachers) == 1 and whole.shape[1] == dim:
            return cls(whole, whole)
        _, axes = np.linalg.eigh((whole.T @ whole).astype(np.float64))
        rows = whole @ axes[:, ::-1][:, :dim].astype(np.float32)
        rows = np.pad(rows, ((0, 0), (0, dim - rows.shape[1])))
        student = now(min(len(rows), TURNED_BY))
        left, _, right = np.linalg.svd(rows[: len(student)].T @ student)  # Schönemann 1966
        return cls(unit(rows @ (left @ right)), whole)

    def part(self, chosen: Rows) -> Self:
        return replace(self, rows=self.rows[chosen], whole=self.whole[chosen])


def side_by_side(teachers: Sequence[Floats]) -> Floats:
    """(n, all dims) unit rows of which the cosine is the mean of the teachers' cosines."""
    return unit(np.concatenate(teachers, axis=1) / np.sqrt(np.float32(len(teachers))))


@dataclass(frozen=True, slots=True)
class Ensemble:
    """Several teachers as one encoder."""

    teachers: Sequence[Encoder]

    @property
    def dim(self) -> int:
        return sum(one.dim for one in self.teachers)

    @property
    def fingerprint(self) -> str:
        return "+".join(one.fingerprint for one in self.teachers)

    @property
    def licence(self) -> str:
        return "; ".join(one.licence for one in self.teachers)

    def encode(self, texts: Sequence[str]) -> Floats:
        return side_by_side([one.encode(texts) for one in self.teachers])
