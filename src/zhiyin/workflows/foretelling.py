"""Whether what is seen so far is to count before its window has passed: judged as of moments of the log.

At each moment there is known what was known then: exposures whose window had passed, and those still open as far
as they had come. With that, what was shown from then to the next moment is foretold twice: as a bundle without
stages would, where an answer counts at once and a silence at the end, and with what traces foretell.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from zhiyin.data.dataset import Doubles
from zhiyin.data.vocabulary import Rows
from zhiyin.live import MINE
from zhiyin.policies.belief import Items, person_of
from zhiyin.policies.belief_model import BeliefModel
from zhiyin.policies.evidence import Evidence
from zhiyin.policies.ledger import Exposure, trace_of
from zhiyin.policies.progressive import Progressive
from zhiyin.workflows.settling import Settled

STAGES = 5  # numbers of a trace
FIRST = 60.0  # seconds until the first, in windows that are long enough
MOMENTS = 5  # of the log, at which it is judged
JUDGED = 0.2  # share of the exposures, the newest, that are foretold
LEAST = 500  # exposures that were over at the first moment
SURE = 1.0  # standard errors that it is to come closer by


@dataclass(frozen=True, slots=True)
class Foretelling:
    """What came of learning what open windows foretell."""

    progressive: Progressive | None = None
    closer: float = 0.0  # share of the squared error that it took away
    doubt: float = 0.0  # one standard error of that
    n_judged: int = 0

    @property
    def sentence(self) -> str:
        """For a terminal."""
        if not self.n_judged:
            return f"open windows: fewer than {LEAST:,} exposures were over in time to judge what they foretell"
        told = f"open windows: {self.closer:+.2%} ± {self.doubt:.2%} of the error as of earlier moments taken away"
        return f"{told} by what they foretell" + ("" if self.progressive else ", too little: left out")


@dataclass(frozen=True, slots=True)
class Ground:
    """The items that exposures are of."""

    rows: Mapping[str, int]  # by item id
    z: Doubles  # (I, d)
    kinds: Rows  # (I,)


def stages_of(window: float) -> Doubles:
    """(STAGES,) seconds, each as many times the one before; the last is the window."""
    return np.geomspace(min(FIRST, window / STAGES), window, STAGES)


def learn_foretelling(
    exposures: Sequence[Settled],
    looked_at: Sequence[Settled],
    ground: Ground,
    model: BeliefModel,
    before: Callable[[float], BeliefModel],
) -> Foretelling:
    """From exposures whose window has passed, in the order of time, and those of them that are likely to have been
    looked at; `before`: what would have been learned from those that were over at a moment."""
    first = exposures[int((1.0 - JUDGED) * len(exposures))].outline.at
    known = [one for one in looked_at if one.outline.at + model.window < first]
    if len(known) < LEAST:
        return Foretelling()
    then = before(first)
    told = replace(then, progressive=fitted(then, known, ground))
    gains = np.array([*Trial(exposures, ground, then, first).gains(told).values()])
    closer, whole = gains.sum(axis=0)
    share = float(closer / whole)
    doubt = float((gains[:, 0] - share * gains[:, 1]).std() * np.sqrt(len(gains)) / whole)
    progressive = fitted(model, looked_at, ground) if share > SURE * doubt else None
    return Foretelling(progressive, share, doubt, len(gains))


def fitted(model: BeliefModel, exposures: Sequence[Settled], ground: Ground) -> Progressive:
    """From exposures whose window has passed."""
    stages = stages_of(model.window)
    traces = [trace_of(one.outline.at, one.answers, stages.tolist(), np.inf) for one in exposures]
    bases = [model.expected(one.outline, one.item_id) for one in exposures]
    rows = np.array([ground.rows[one.item_id] for one in exposures], np.int32)
    return Progressive.fit(stages, np.array(traces), np.array(bases), rows)


class Trial:
    """Exposures of which everything is known now, and what was known of them then, from `first` on."""

    def __init__(self, exposures: Sequence[Settled], ground: Ground, model: BeliefModel, first: float) -> None:
        self.exposures, self.ground, self.model = exposures, ground, model
        self.shown = [_expected(model, one) for one in exposures]
        self.at = np.array([one.outline.at for one in exposures])
        judged = np.flatnonzero(self.at >= first)
        self.moments = self.at[judged[np.arange(MOMENTS) * len(judged) // MOMENTS]]
        self.rows = np.array([ground.rows[one.item_id] for one in exposures], np.int32)

    def gains(self, other: BeliefModel) -> Mapping[str, Doubles]:
        """(2,) by person: how much nearer the other comes, and the error of the model, squared and summed."""
        found: defaultdict[str, Doubles] = defaultdict(lambda: np.zeros(2))
        for moment, until in zip(self.moments, [*self.moments[1:], np.inf], strict=True):
            asked = np.flatnonzero((self.at >= moment) & (self.at < until)).astype(np.int32)
            by_one, by_other = (self.foretold(one, asked, float(moment)) for one in (self.model, other))
            for n, mine, others in zip(asked.tolist(), by_one.tolist(), by_other.tolist(), strict=True):
                reward, exposure = self.exposures[n].reward, self.shown[n]
                weight = 1.0 if reward else exposure.looked
                error = weight * (reward - exposure.base - mine) ** 2
                nearer = error - weight * (reward - exposure.base - others) ** 2
                found[self.exposures[n].user_id] += nearer, error
        return found

    def foretold(self, model: BeliefModel, asked: Rows, moment: float) -> Doubles:
        """(n,) what was believed at this moment of the exposures that are asked for, beyond what was expected."""
        sums: defaultdict[int, Evidence] = defaultdict(Evidence)
        mine: defaultdict[str, list[tuple[int, float, float]]] = defaultdict(list)
        fade = model.fade(moment)
        for n in np.flatnonzero(self.at < moment).tolist():
            answers = [one for one in self.exposures[n].answers if one[0] <= moment]
            trace = trace_of(self.shown[n].at, answers, model.stages, moment)
            if not trace:
                continue
            row = int(self.rows[n])
            evidence = Evidence.of(model, self.shown[n], trace)
            sums[row] = sums[row].moved(Evidence(), evidence)
            counted = (evidence.settled + evidence.open) * fade
            if counted > 0:
                mine[self.exposures[n].user_id].append((row, model.told(trace, self.shown[n].base).rest, counted))
        items = Items.unseen(model.prior, self.ground.z, self.ground.kinds)
        counts, totals = np.zeros(len(self.ground.z)), np.zeros(len(self.ground.z))
        for row, one in sums.items():
            counts[row], totals[row] = one.sums
        return self._of_people(items.of_sums(counts * fade, totals * fade), mine, asked)

    def _of_people(
        self, items: Items, past: Mapping[str, Sequence[tuple[int, float, float]]], asked: Rows
    ) -> Doubles:
        """(n,) of who is asked, by what everybody answered and they themselves."""
        expected = items.believed(self.rows[asked])[0]
        by_person: defaultdict[str, list[int]] = defaultdict(list)
        for place, n in enumerate(asked.tolist()):
            by_person[self.exposures[n].user_id].append(place)
        for user, places in by_person.items():
            if told := past.get(user, [])[-MINE:]:
                rows, rests, shares = (np.array(column) for column in zip(*told, strict=True))
                theta = person_of(items, rows.astype(np.int32), rests, shares)
                expected[places] += theta.expected(self.ground.z[self.rows[asked[places]]])
        return expected


def _expected(model: BeliefModel, one: Settled) -> Exposure:
    base = model.expected(one.outline, one.item_id)
    key = one.recommendation_id, one.item_id
    return Exposure(key, one.outline.at, base, model.looked(one.outline, one.item_id, base))
