"""Questions to somebody new: which items of a bundle may be asked about, and what each answer is worth.

A list of the scenario `questions` holds them, the most telling first; what people answer (like, dislike, hide)
goes the way of all answers. Where a bundle has learned no belief, tastes are as likely in all directions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from zhiyin.data.dataset import Doubles, Floats
from zhiyin.data.vocabulary import Rows
from zhiyin.models.popular import Popular
from zhiyin.policies.asking import Questionnaire
from zhiyin.policies.gaussian import Gaussian
from zhiyin.policies.whitening import Whitening
from zhiyin.ranking.fusion import Heard, Parts
from zhiyin.snapshot import Snapshot, readers

TELLING = "telling"
MOST = 2_000  # items that may be asked about: those that most people took
BY_CROWD = ("evergreen", "popular")  # channels that count people, the better one first


@dataclass(frozen=True, slots=True)
class Questions:
    """What a bundle may ask; made once for many lists."""

    form: Questionnaire
    whitening: Whitening
    people: Gaussian
    noise: float

    @classmethod
    def of(cls, first: Snapshot) -> Self:
        """Of the items that a bundle was fitted on and that have a title, as it read them."""
        vectors, belief = readers(first.bundle.fitted.models)[1].vectors, first.bundle.fitted.belief
        rows, counts = _familiar(first)
        if belief is None:
            whitening = Whitening.of(vectors[rows])
            dim = whitening.axes.shape[1]
            people, noise = Gaussian.alike(dim, 1.0 / dim), 1.0
        else:
            whitening, people, noise = belief.whitening, belief.prior.people, belief.prior.noise
        return cls(Questionnaire.of(rows, whitening(vectors[rows]), counts), whitening, people, noise)

    def parts(self, heard: Heard, rows: Rows, vectors: Floats, n: int) -> Parts:
        """One part: what asking about these rows is worth, n of them one after the other. `vectors` (I, D)."""
        may = np.isin(self.form.rows, rows)
        worth = self.form.worth(self._person(heard, vectors), self.noise, may, n)
        values = np.zeros(len(rows))
        values[np.searchsorted(rows, self.form.rows[may])] = worth[may]
        return Parts((TELLING,), values[None, :], {TELLING: 1.0})

    def _person(self, heard: Heard, vectors: Floats) -> Gaussian:
        """What is known of their taste: by answers to lists, or by their past."""
        if heard.believer is not None:
            return heard.believer.to
        past = heard.history
        if not len(past.rows):
            return self.people
        z = self.whitening(vectors[past.rows])
        return self.people.updated_by_all(z, past.weights.astype(np.float64), np.full(len(z), self.noise))


def _familiar(first: Snapshot) -> tuple[Rows, Doubles]:
    """Rows, ascending, of the items that most people took, and how many; without any people, of all alike."""
    fitted, n = first.bundle.fitted, len(first.fitted)
    counts = np.zeros(n)
    for name in BY_CROWD:
        crowd = fitted.models.get(name)
        if isinstance(crowd, Popular):
            counts = crowd.counts[:n]
            break
    titled = np.array([item is not None and bool(item.title.strip()) for item in first.fitted], bool)
    some = np.flatnonzero(titled).astype(np.int32)
    rows = np.sort(some[np.argsort(-counts[some], kind="stable")[:MOST]])
    return rows, counts[rows]
