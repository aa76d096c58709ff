"""What `zhiyin train` learns from answers to lists: the prior of beliefs, kept only if it foretells newer answers.

The oldest four fifths of all settled exposures are learned from, the rest is foretold twice: by the score alone,
and with what is believed of items and people by then. Unless beliefs come closer, beyond doubt, a bundle has none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from threadpoolctl import threadpool_limits

from zhiyin.data.dataset import Doubles, Floats, Mask
from zhiyin.data.vocabulary import key_of
from zhiyin.live import MINE
from zhiyin.policies.belief import Items, person_of
from zhiyin.policies.belief_model import DAY, BeliefModel, features, kinds_of, worth_of
from zhiyin.policies.examination import Examination
from zhiyin.policies.fitting import FittedPrior, Outcomes, fit_prior, groups
from zhiyin.policies.whitening import Whitening
from zhiyin.settings_lists import BeliefSettings
from zhiyin.types import Item
from zhiyin.workflows.foretelling import Catalogue, Foretelling, learn_foretelling
from zhiyin.workflows.settling import Settled, looked_at, looks_of

LEAST = 500  # settled exposures that something is learned from
LEARNED = 0.8  # share of them, the oldest, before those that are foretold
SURE = 1.0  # standard errors that beliefs are to come closer by
MANY = 20  # exposures of items of a first category for which κ is learned by itself


@dataclass(frozen=True, slots=True)
class Learned:
    """What came of learning beliefs."""

    model: BeliefModel | None
    n_exposures: int
    closer: float = 0.0  # share of the squared error that beliefs took away from the newest fifth
    doubt: float = 0.0  # one standard error of that
    foretelling: Foretelling | None = None  # None: not asked for, or nothing is believed

    @property
    def sentence(self) -> str:
        """For a terminal; empty where nobody answered to lists."""
        if not self.n_exposures:
            return ""
        if self.n_exposures < LEAST:
            return (
                f"beliefs: {self.n_exposures:,} of the {LEAST:,} exposures needed to learn from answers to lists"
            )
        told = f"{self.closer:+.2%} ± {self.doubt:.2%} of the error in what newer answers were"
        verdict = "taken away by beliefs" if self.model else "taken away by beliefs, too little: left out"
        more = f"; {self.foretelling.sentence}" if self.foretelling else ""
        return f"{self.n_exposures:,} exposures learned from: {told} {verdict}{more}"


def learn_belief(
    exposures: Sequence[Settled], items: Sequence[Item], vectors: Floats, said: BeliefSettings
) -> Learned:
    """From settled exposures in the order of time; `vectors` (I, D) of the items as the bundle reads them."""
    rows = {item.item_id: row for row, item in enumerate(items)}
    known = [one for one in exposures if one.item_id in rows]
    if not said.on or len(known) < LEAST or len({one.reward for one in known}) < 2:
        return Learned(None, len(known))
    with threadpool_limits(1, "blas"):  # matrices of 64 × 64 are too small to be shared out
        learned = _lesson(known, items, vectors, said).learned()
        if learned.model is None or not said.progressive:
            return learned

        def learn(some: Sequence[Settled]) -> BeliefModel:
            return _lesson(some, items, vectors, said).whole()

        found = learn_foretelling(known, Catalogue(items, vectors), said.window, learn)
        return replace(learned, model=found.model or learned.model, foretelling=found)


def _lesson(exposures: Sequence[Settled], items: Sequence[Item], vectors: Floats, said: BeliefSettings) -> _Lesson:
    looks = looks_of(exposures)
    return _Lesson(looked_at(exposures, looks), items, vectors, said, looks)


class _Lesson:
    """Exposures as arrays."""

    def __init__(
        self,
        exposures: Sequence[Settled],
        items: Sequence[Item],
        vectors: Floats,
        said: BeliefSettings,
        looks: Examination,
    ) -> None:
        rows = {item.item_id: row for row, item in enumerate(items)}
        people = {name: n for n, name in enumerate(dict.fromkeys(one.user_id for one in exposures))}
        self.said, self.items, self.people, self.looks = said, items, people, looks
        self.at = np.array([one.outline.at for one in exposures])
        self.outcomes = Outcomes(
            np.array([people[one.user_id] for one in exposures], np.int32),
            np.array([rows[one.item_id] for one in exposures], np.int32),
            np.array([features(one.outline, one.item_id) for one in exposures]),
            np.array([one.reward for one in exposures]),
        )
        self.whitening = Whitening.of(vectors)
        self.z = self.whitening(vectors)
        self.kinds = self._kinds()
        self.rows_of_kinds = kinds_of(self.kinds, [item.categories for item in items])

    def learned(self) -> Learned:
        before = np.arange(len(self.at)) < LEARNED * len(self.at)
        gains = self._gains(self._model(before), before)
        error = gains.sum(axis=0)
        share = float(error[0] / error[1])
        doubt = float((gains[:, 0] - share * gains[:, 1]).std() * np.sqrt(len(gains)) / error[1])
        model = self.whole() if share > SURE * doubt else None
        return Learned(model, len(self.at), share, doubt)

    def whole(self) -> BeliefModel:
        """Of all of them, whether it foretells anything or not."""
        return self._model(np.ones(len(self.at), bool))

    def _model(self, known: Mask) -> BeliefModel:
        """Learned from these exposures."""
        some = self.outcomes.among(known)
        fitted: FittedPrior = fit_prior(some, self.z, self.rows_of_kinds)
        pseudo = np.zeros(len(self.kinds) + 1)  # of a kind that nobody answered to: nothing is heeded
        pseudo[: len(fitted.prior.pseudo)] = fitted.prior.pseudo
        return BeliefModel(
            prior=replace(fitted.prior, pseudo=pseudo),
            whitening=self.whitening,
            base=tuple(fitted.base.tolist()),
            worth=worth_of(fitted.base.tolist(), some.features[:, 1], some.rewards),
            kinds=self.kinds,
            window=self.said.window,
            half_life=self.said.half_life * DAY,
            since=float(self.at[known].max()),
            looks=self.looks,
            people=np.sort(np.array([key_of(name) for name in self.people], np.uint64)),
        )

    def _gains(self, model: BeliefModel, before: Mask) -> Doubles:
        """(people, 2) of what was not learned from: how much nearer beliefs came, and the error without, both
        squared and summed by person."""
        outcomes = self.outcomes
        base = outcomes.features @ np.array(model.base)
        rests = outcomes.rewards - base
        unseen = Items.unseen(model.prior, self.z, self.rows_of_kinds)
        items = unseen.seen_all(outcomes.items[before], rests[before], np.ones(np.count_nonzero(before)))
        gains = []
        for mine in groups(outcomes.users):
            past, asked = mine[before[mine]][-MINE:], mine[~before[mine]]
            if not len(asked):
                continue
            theta = person_of(items, outcomes.items[past], rests[past], np.ones(len(past)))
            rows = outcomes.items[asked]
            expected = items.believed(rows)[0] + theta.expected(self.z[rows])
            alone = float((rests[asked] ** 2).sum())
            gains.append((alone - float(((rests[asked] - expected) ** 2).sum()), alone))
        return np.array(gains)

    def _kinds(self) -> tuple[str, ...]:
        """First categories with enough exposures."""
        counts = np.bincount(self.outcomes.items, minlength=len(self.items))
        total: dict[str, int] = {}
        for item, count in zip(self.items, counts.tolist(), strict=True):
            if item.categories:
                total[item.categories[0]] = total.get(item.categories[0], 0) + count
        return tuple(sorted(name for name, count in total.items() if count >= MANY))
