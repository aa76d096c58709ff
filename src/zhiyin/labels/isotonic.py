"""Probabilities bent until they are what they say: a rising step curve through what held-out texts were.

The curve of the least squares, by pooling neighbours that fall until none does (Ayer et al. 1955). One curve for
all labels, of every text and label; what comes out is scaled to 1 where labels exclude each other (Zadrozny &
Elkan 2002). A little of what went in stays, so that nothing is impossible and the order of the labels is kept. It
is used where texts that it was not fitted to are told better with it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zhiyin.data.dataset import Doubles, Mask

KEPT = 0.01  # of what went in
PARTS = 5  # of the texts: each is bent by the curve of the others
MOST = 1_000_000  # texts x labels that a curve is fitted to
LEAST = 1e-12  # probability


@dataclass(frozen=True, slots=True)
class Curve:
    """Straight between its points, flat beyond the first and the last."""

    at: Doubles  # (P,) ascending
    value: Doubles  # (P,) ascending

    @classmethod
    def fit(cls, said: Doubles, right: Mask) -> Curve:
        """Of (n,) probabilities and whether each came true: a point at both ends of each step."""
        points, place = np.unique(said, return_inverse=True)
        counts = np.bincount(place)
        values, sizes, starts = list[float](), list[float](), list[int]()
        for start, (mean, size) in enumerate(
            zip(np.bincount(place, right) / counts, counts.tolist(), strict=True)
        ):
            value, weight, first = float(mean), float(size), start
            while values and values[-1] >= value:
                before = sizes.pop()
                value = (value * weight + values.pop() * before) / (weight + before)
                weight, first = weight + before, starts.pop()
            values.append(value)
            sizes.append(weight)
            starts.append(first)
        ends = np.array([*starts[1:], len(points)]) - 1
        return cls(points[np.stack([starts, ends], axis=1).ravel()], np.repeat(np.array(values), 2))

    def bent(self, said: Doubles, *, multi: bool) -> Doubles:
        """(n, K) probabilities made true."""
        found = (1.0 - KEPT) * np.interp(said, self.at, self.value) + KEPT * said
        return found if multi else found / found.sum(axis=1, keepdims=True)


def proven(said: Doubles, truth: Mask, *, multi: bool) -> tuple[Curve | None, Doubles]:
    """The curve of these (n, K) held-out probabilities, None where it gains no more log loss than the
    standard error of that; and the probabilities, each by the curve of the other texts where there is one."""
    part, bent = np.arange(len(said)) % PARTS, np.empty_like(said)
    for one in range(PARTS):
        bent[part == one] = _fitted(said[part != one], truth[part != one]).bent(said[part == one], multi=multi)
    gain = _losses(said, truth, multi=multi) - _losses(bent, truth, multi=multi)
    if gain.mean() <= gain.std() / np.sqrt(len(gain)):
        return None, said
    return _fitted(said, truth), bent


def _fitted(said: Doubles, truth: Mask) -> Curve:
    step = -(-said.size // MOST)
    return Curve.fit(said[::step].ravel(), truth[::step].ravel())


def _losses(said: Doubles, truth: Mask, *, multi: bool) -> Doubles:
    """(n,) log loss of each text."""
    logs = np.log(np.maximum(said, LEAST)) * truth
    if multi:
        logs = logs + np.log(np.maximum(1.0 - said, LEAST)) * ~truth
    return np.asarray(-logs.sum(axis=1))
