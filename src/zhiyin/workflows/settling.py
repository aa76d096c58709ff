"""What came of everything that was shown: what is learned from at `zhiyin train`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from zhiyin.data.answers import AnswerLog, Outline
from zhiyin.data.signals import Signals
from zhiyin.outcomes import changes, joined, moment_of, reward_of
from zhiyin.policies.examination import Examination, SeenLists
from zhiyin.policies.ledger import Key, Ledger, trace_of

MOST = 200_000  # newest of them


@dataclass(frozen=True, slots=True)
class Settled:
    """An exposure and what came of it."""

    recommendation_id: str
    user_id: str
    item_id: str
    outline: Outline
    reward: float
    answers: tuple[tuple[float, float], ...] = ()  # at, reward; those within the window or not, in no order

    def as_of(self, moment: float, window: float) -> Settled | None:
        """As it was known at a moment; None where nothing had come of it yet."""
        came = [one for one in self.answers if one[0] <= moment]
        trace = trace_of(self.outline.at, came, (window,), moment) if self.outline.at < moment else ()
        return replace(self, reward=trace[-1], answers=tuple(came)) if trace else None


def settled_exposures(log: AnswerLog, signals: Signals, window: float, until: int) -> list[Settled]:
    """The newest MOST whose window has passed by this position of the log, or that were answered, by the time of
    their lists."""
    ledger, lines = Ledger((window,)), dict[Key, tuple[str, Outline]]()
    came, counted = defaultdict[Key, set[tuple[float, float]]](set), dict[Key, float]()
    for answer, outline in joined(log.stream(until=until), log):
        key = answer.recommendation_id, answer.item_id
        if answer.type == "impression":
            lines.setdefault(key, (answer.user_id, outline))
        reward = reward_of(answer, signals)
        if reward:
            came[key].add((moment_of(answer, outline), reward))
        for change in changes(ledger, answer, outline, reward):
            counted[change.exposure.key] = change.after[-1]
    found = (
        Settled(key[0], lines[key][0], key[1], lines[key][1], reward, tuple(came.get(key, ())))
        for key, reward in counted.items()
    )
    return sorted(found, key=lambda one: one.outline.at)[-MOST:]


def looks_of(exposures: Sequence[Settled]) -> Examination:
    """How far people look, from the lists of these exposures."""
    lists: dict[str, dict[str, tuple[Outline, set[str]]]] = {}
    for one in exposures:
        _, clicked = lists.setdefault(one.outline.scenario, {}).setdefault(
            one.recommendation_id, (one.outline, set())
        )
        clicked.update([one.item_id] if one.reward > 0 else ())
    deepest = max(len(one.outline.scores) for one in exposures)
    return Examination.fit({name: _seen(list(some.values())) for name, some in lists.items()}, deepest)


def looked_at(exposures: Sequence[Settled], looks: Examination) -> list[Settled]:
    """Without silences that nobody may have looked at, left out by chance as far as that is likely."""
    usual = float(np.mean([one.reward for one in exposures]))
    drawn = np.random.default_rng(0).random(len(exposures))
    return [
        one
        for one, chance in zip(exposures, drawn.tolist(), strict=True)
        if one.reward
        or chance < looks.share(list(one.outline.scores).index(one.item_id), one.outline.scenario, usual)
    ]


def _seen(lists: Sequence[tuple[Outline, set[str]]]) -> SeenLists:
    """Lists of one surface with what was clicked of each."""
    lengths = np.array([len(outline.scores) for outline, _ in lists])
    logged, clicks = np.zeros((len(lists), lengths.max())), np.zeros((len(lists), lengths.max()), bool)
    for row, (outline, clicked) in enumerate(lists):
        logged[row, : lengths[row]] = outline.log_propensities
        clicks[row, : lengths[row]] = [item_id in clicked for item_id in outline.scores]
    return SeenLists.of_luce(logged, clicks, lengths)
