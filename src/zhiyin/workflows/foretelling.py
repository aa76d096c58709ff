"""Whether what is seen so far is to count before its window has passed: judged as of moments of the log.

At each moment there is known what was known then: exposures whose window had passed, and those still open as far
as they had come. With that, what was shown from then to the next moment is foretold twice: as a bundle without
stages would, where an answer counts at once and a silence at the end, and with what traces foretell. Each has
learned from what it would have learned from at the first moment.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from zhiyin.data.dataset import Doubles, Floats
from zhiyin.data.vocabulary import Rows
from zhiyin.live import MINE
from zhiyin.policies.belief import Items, person_of
from zhiyin.policies.belief_model import BeliefModel, kinds_of
from zhiyin.policies.evidence import Evidence
from zhiyin.policies.ledger import Exposure, trace_of
from zhiyin.policies.progressive import Progressive
from zhiyin.types import Item
from zhiyin.workflows.settling import Settled, looked_at

STAGES = 5  # numbers of a trace
FIRST = 60.0  # seconds until the first, in windows that are long enough
MOMENTS = 5  # of the log, at which it is judged
JUDGED = 0.2  # share of the exposures, the newest, that are foretold
LEAST = 500  # exposures that were over at the first moment
SURE = 1.0  # standard errors that it is to come closer by


Learn = Callable[[Sequence[Settled]], BeliefModel]  # what is believed after some exposures


@dataclass(frozen=True, slots=True)
class Foretelling:
    """What came of learning what open windows foretell."""

    model: BeliefModel | None = None  # learned from what is over alone, and with stages; None: left out
    closer: float = 0.0  # share of the squared error that it took away
    doubt: float = 0.0  # one standard error of that
    n_people: int = 0  # to whom that was shown

    @property
    def sentence(self) -> str:
        """For a terminal."""
        if not self.n_people:
            return f"open windows: fewer than {LEAST:,} exposures were over in time to judge what they foretell"
        told = f"open windows: {self.closer:+.2%} ± {self.doubt:.2%} of the error as of earlier moments taken away"
        return f"{told} by what they foretell" + ("" if self.model else ", too little: left out")


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The items that exposures are of, and (I, D) vectors as the bundle reads them."""

    items: Sequence[Item]
    vectors: Floats

    def rows(self, exposures: Sequence[Settled]) -> Rows:
        """(n,)"""
        rows = {item.item_id: row for row, item in enumerate(self.items)}
        return np.array([rows[one.item_id] for one in exposures], np.int32)

    def unseen(self, model: BeliefModel) -> Items:
        """Before any exposure."""
        kinds = kinds_of(model.kinds, [item.categories for item in self.items])
        return Items.unseen(model.prior, model.whitening(self.vectors), kinds)


def stages_of(window: float) -> Doubles:
    """(STAGES,) seconds, each as many times the one before; the last is the window."""
    return np.geomspace(min(FIRST, window / STAGES), window, STAGES)


def learn_foretelling(
    exposures: Sequence[Settled], catalogue: Catalogue, window: float, learn: Learn
) -> Foretelling:
    """From exposures in the order of time, whose window has passed or that were answered."""
    newest = exposures[-1].outline.at
    over = _over(exposures, window, newest)
    first = over[int((1.0 - JUDGED) * len(over))].outline.at if over else newest
    known = _over(over, window, first)
    if len(known) < LEAST or len({one.reward for one in known}) < 2:
        return Foretelling()
    then = [told for one in exposures if (told := one.as_of(first, window)) is not None]
    gains = Trial(over, catalogue, first).gains(learn(then), staged(known, catalogue, learn))
    closer, whole = gains.sum(axis=0)
    share = float(closer / whole)
    doubt = float((gains[:, 0] - share * gains[:, 1]).std() * np.sqrt(len(gains)) / whole)
    model = staged(over, catalogue, learn) if share > SURE * doubt else None
    return Foretelling(model, share, doubt, len(gains))


def staged(exposures: Sequence[Settled], catalogue: Catalogue, learn: Learn) -> BeliefModel:
    """What is believed after exposures that are over, and what their traces foretold."""
    model = learn(exposures)
    some, stages = looked_at(exposures, model.looks), stages_of(model.window)
    traces = [trace_of(one.outline.at, one.answers, stages.tolist(), np.inf) for one in some]
    bases = [model.expected(one.outline, one.item_id) for one in some]
    found = Progressive.fit(stages, np.array(traces), np.array(bases), catalogue.rows(some))
    return replace(model, progressive=found)


class Trial:
    """Exposures of which everything is known now, and what would have been expected of them then: of those from
    `first` on, as of MOMENTS."""

    def __init__(self, exposures: Sequence[Settled], catalogue: Catalogue, first: float) -> None:
        self.exposures, self.catalogue, self.rows = exposures, catalogue, catalogue.rows(exposures)
        self.at = np.array([one.outline.at for one in exposures])
        self.judged = np.flatnonzero(self.at >= first).astype(np.int32)
        self.moments = np.unique(self.at[self.judged[np.arange(MOMENTS) * len(self.judged) // MOMENTS]])

    def gains(self, model: BeliefModel, other: BeliefModel) -> Doubles:
        """(people, 2) how much nearer the other comes, and the error of the model, squared and summed."""
        rewards = np.array([self.exposures[n].reward for n in self.judged.tolist()])
        looked = np.array([_exposure(model, self.exposures[n]).looked for n in self.judged.tolist()])
        weights = np.where(rewards != 0, 1.0, looked)
        error, others = (weights * (rewards - self.expected(one)) ** 2 for one in (model, other))
        _, person = np.unique([self.exposures[n].user_id for n in self.judged.tolist()], return_inverse=True)
        return np.stack([np.bincount(person, error - others), np.bincount(person, error)], axis=1)

    def expected(self, model: BeliefModel) -> Doubles:
        """(n,) rewards of those that are judged, each by what was known at the moment before."""
        shown, unseen = [_exposure(model, one) for one in self.exposures], self.catalogue.unseen(model)
        base = np.array([shown[n].base for n in self.judged.tolist()])
        until = [*self.moments[1:].tolist(), np.inf]
        beliefs = [
            self._believed(model, unseen, shown, (moment, last))
            for moment, last in zip(self.moments.tolist(), until, strict=True)
        ]
        return base + np.concatenate(beliefs)

    def _believed(
        self, model: BeliefModel, items: Items, shown: Sequence[Exposure], span: tuple[float, float]
    ) -> Doubles:
        """(n,) of what was shown from the first moment of the span to the last, as of the first."""
        moment, last = span
        counts, totals = np.zeros(len(items.counts)), np.zeros(len(items.counts))
        sums: defaultdict[int, Evidence] = defaultdict(Evidence)
        mine: defaultdict[str, list[tuple[int, float, float]]] = defaultdict(list)
        for n in np.flatnonzero(self.at < moment).tolist():
            answers = [one for one in self.exposures[n].answers if one[0] <= moment]
            if trace := trace_of(shown[n].at, answers, model.stages, moment):
                row, evidence = int(self.rows[n]), Evidence.of(model, shown[n], trace)
                sums[row] = sums[row].moved(Evidence(), evidence)
                if counted := (evidence.settled + evidence.open) * model.fade(moment):
                    rest = model.told(trace, shown[n].base).rest
                    mine[self.exposures[n].user_id].append((row, rest, counted))
        for row, one in sums.items():
            counts[row], totals[row] = one.sums
        fade = model.fade(moment)
        asked = self.judged[(self.at[self.judged] >= moment) & (self.at[self.judged] < last)]
        return self._of_people(items.of_sums(counts * fade, totals * fade), mine, asked)

    def _of_people(
        self, items: Items, past: Mapping[str, Sequence[tuple[int, float, float]]], asked: Rows
    ) -> Doubles:
        """(n,) of who is asked, by what everybody answered and they themselves."""
        believed = items.believed(self.rows[asked])[0]
        places: defaultdict[str, list[int]] = defaultdict(list)
        for place, n in enumerate(asked.tolist()):
            places[self.exposures[n].user_id].append(place)
        for user, mine in places.items():
            if told := past.get(user, [])[-MINE:]:
                rows, rests, shares = (np.array(column) for column in zip(*told, strict=True))
                theta = person_of(items, rows.astype(np.int32), rests, shares)
                believed[mine] += theta.expected(items.ground.z[self.rows[asked[mine]]].astype(np.float64))
        return believed


def _over(exposures: Sequence[Settled], window: float, moment: float) -> list[Settled]:
    return [one for one in exposures if one.outline.at + window < moment]


def _exposure(model: BeliefModel, one: Settled) -> Exposure:
    base = model.expected(one.outline, one.item_id)
    key = one.recommendation_id, one.item_id
    return Exposure(key, one.outline.at, base, model.looked(one.outline, one.item_id, base))
