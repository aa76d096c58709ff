"""A static table that says what a language model says: no torch, half a minute for twelve thousand titles.

1. Every token is read by the teacher as a text of its own (Tulkens & van Dongen 2024, "Model2Vec").
2. Frequent tokens are turned down: weight a / (a + p) (Arora, Liang & Ma 2017, "SIF"), p of the texts and of Zipf.
3. The main axes of what the teacher says of the texts are kept.
4. One linear map for all tokens, then a row of its own for each that occurs, by ridge to the teacher's rows of
   whole texts. How far a token may go is chosen on texts that were held out. Here this does most of the work.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from zhiyin.data.dataset import Floats
from zhiyin.data.ragged import Ragged
from zhiyin.data.vocabulary import Rows
from zhiyin.encoders.base import unit

RARE = 1e-3  # a of SIF
ZIPF = 0.2  # how much Zipf's law counts beside the texts
PRIOR = 1_000.0  # texts that all tokens together count for where axes are chosen
MAPPED = 1.0  # ridge of the map
STRENGTHS = (1.0, 0.3, 0.1, 0.03)  # ridges of single tokens that are tried, strongest first
WORTH = 0.002  # of the cosine: less is not worth moving tokens further
HELD = 0.1  # of the texts
ENOUGH = 50  # texts to choose by
STEPS = 25  # of conjugate gradients


@dataclass(frozen=True, slots=True)
class Table:
    """A row a token, and the axes (teacher's dim, dim) by which it lies in the teacher's space."""

    rows: Floats
    axes: Floats
    strength: float  # ridge of single tokens; 0: none moved
    cosine: float  # to the teacher, mean over held-out texts; NaN where there were too few


@dataclass(frozen=True, slots=True)
class Lesson:
    """What a table is distilled from, all by the same teacher."""

    tokens: Floats  # (V, teacher's dim) unit rows of each token alone
    read: Ragged  # the tokens of each text
    texts: Floats  # (n, teacher's dim) unit rows of the texts

    def part(self, chosen: Rows) -> Lesson:
        return Lesson(self.tokens, self.read.take(chosen), self.texts[chosen])


def distil_table(lesson: Lesson, dim: int, rng: np.random.Generator) -> Table:
    """The table of at most `dim` columns; texts may lack, then only the steps 1 to 3 are done."""
    order = rng.permutation(len(lesson.texts)).astype(np.int32)
    n_held = int(len(order) * HELD)
    if len(order) < ENOUGH:
        fitting = _Fitting(lesson, dim)
        return Table(fitting.rows(STRENGTHS[0]), fitting.axes, STRENGTHS[0], float("nan"))
    trial, held = _Fitting(lesson.part(order[n_held:]), dim), lesson.part(order[:n_held])
    worth = {strength: _cosine(trial.rows(strength), trial.axes, held) for strength in STRENGTHS}
    chosen = next(one for one in STRENGTHS if worth[one] >= max(worth.values()) - WORTH)
    fitting = _Fitting(lesson, dim)
    return Table(fitting.rows(chosen), fitting.axes, chosen, worth[chosen])


def _cosine(rows: Floats, axes: Floats, held: Lesson) -> float:
    """Mean over the texts, in the teacher's space."""
    said = unit(_counts(held.read, len(rows)) @ rows) @ axes.T
    return float((said * held.texts).sum(axis=1).mean())


class _Fitting:
    """Tables of one lesson, for any strength."""

    def __init__(self, lesson: Lesson, dim: int) -> None:
        counts = _counts(lesson.read, len(lesson.tokens))
        self._loud = loudness(np.asarray(counts.sum(axis=0)).ravel())
        heard = np.maximum(counts @ self._loud, 1e-12)
        self._means = sp.csr_matrix(sp.diags(1 / heard) @ counts @ sp.diags(self._loud)).astype(np.float32)
        self.axes = main_axes(lesson, dim)
        self._wanted = lesson.texts @ self.axes
        self._begun = self._mapped(lesson.tokens)

    def rows(self, strength: float) -> Floats:
        """(V, dim) as they are summed."""
        moved = _ridge(self._means, self._wanted - self._means @ self._begun, strength)
        return (self._begun + moved) * self._loud[:, None]

    def _mapped(self, tokens: Floats) -> Floats:
        """All tokens by one map and one shift, drawn towards the axes as they are."""
        plain = tokens @ self.axes
        said = self._means @ plain
        scale = float((said * self._wanted).sum()) / max(float((said**2).sum()), 1e-12) if len(said) else 1.0
        begun = plain * scale
        features = np.column_stack([self._means @ tokens, np.ones(self._means.shape[0], np.float32)])
        gram = features.T @ features + MAPPED * np.eye(features.shape[1])
        change = np.linalg.solve(gram, features.T @ (self._wanted - said * scale)).astype(np.float32)
        return begun + tokens @ change[:-1] + change[-1]


def loudness(counts: Floats) -> Floats:
    """(V,) the weight of each token, from how often it occurs; rare ones have high numbers in most tokenizers."""
    zipf = 1.0 / np.arange(1, len(counts) + 1)
    total = max(float(counts.sum()), 1.0)
    share = (counts / total + ZIPF * zipf / zipf.sum()) / (1.0 + ZIPF)
    return (RARE / (RARE + share)).astype(np.float32)


def main_axes(lesson: Lesson, dim: int) -> Floats:
    """(teacher's dim, dim) orthonormal: what most of the texts' rows lies along, and a little the tokens'."""
    tokens = lesson.tokens.T @ lesson.tokens * (PRIOR / max(len(lesson.tokens), 1))
    _, axes = np.linalg.eigh((lesson.texts.T @ lesson.texts + tokens).astype(np.float64))
    return np.ascontiguousarray(axes[:, ::-1][:, :dim], np.float32)


def _ridge(means: sp.csr_matrix, wanted: Floats, strength: float) -> Floats:
    """(V, dim) X of the least |means X - wanted|² + strength |X|², every column by conjugate gradients
    (Hestenes & Stiefel 1952, on the normal equations)."""
    found = np.zeros((means.shape[1], wanted.shape[1]), np.float32)
    left = means.T @ wanted
    way, size = left.copy(), (left**2).sum(axis=0)
    for _ in range(STEPS):
        said = means @ way
        step = size / np.maximum((said**2).sum(axis=0) + strength * (way**2).sum(axis=0), 1e-20)
        found += step * way
        left -= step * (means.T @ said + strength * way)
        before, size = size, (left**2).sum(axis=0)
        way = left + size / np.maximum(before, 1e-20) * way
    return found


def _counts(read: Ragged, n_tokens: int) -> sp.csr_matrix:
    """(n, V) how often each token stands in each text."""
    once = np.ones(len(read.rows), np.float32)
    return sp.csr_matrix((once, read.rows, read.indptr), shape=(len(read), n_tokens))
