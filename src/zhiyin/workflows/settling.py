"""What came of everything that was shown: what is learned from at `zhiyin train`."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from zhiyin.data.answers import AnswerLog, Outline
from zhiyin.data.signals import Signals
from zhiyin.outcomes import changes, joined, moment_of, reward_of
from zhiyin.policies.ledger import Key, Ledger

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


def settled_exposures(
    log: AnswerLog, signals: Signals, window: float, until: int, *, over: bool = False
) -> list[Settled]:
    """The newest MOST whose outcome is known by this position of the log, by the time of their lists. `over`: only
    those whose window has passed, else also those that were answered before that."""
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
        if not over or lines[key][1].at + window < ledger.now
    )
    return sorted(found, key=lambda one: one.outline.at)[-MOST:]
