"""Many systems on one split in one pass: the recipe, its channels alone and left out, and the baselines.

Every channel scores a batch once; the recipe's sum and the sums without one channel are made of the same
parts (a score is a sum), so that leaving a channel out costs an addition, not a fit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Protocol, cast

import numpy as np

from zhiyin.data.dataset import Floats
from zhiyin.data.splits import Past, Split
from zhiyin.data.vocabulary import PAD, Rows
from zhiyin.errors import InvalidData
from zhiyin.metrics.judge import Judged, PerUser, judge
from zhiyin.metrics.ranks import Ranks
from zhiyin.models.base import Batch, Model
from zhiyin.models.baselines import Peer
from zhiyin.progress import Progress
from zhiyin.ranking.fusion import Fusion
from zhiyin.recipe import Fitted

OURS = "ours"
CHANNEL, WITHOUT = "channel:", "without:"
CELLS = 4_000_000  # people x items scored at once: 16 MB a system


@dataclass(frozen=True, slots=True)
class Systems:
    """What is judged side by side."""

    fitted: Fitted
    peers: Mapping[str, Peer]
    channels: bool = True  # also each channel alone, and the sum without it

    def scores(self, batch: Batch) -> Iterator[tuple[str, Floats]]:
        """(B, I) of every system by its name."""
        if self.channels:
            yield from self._taken_apart(batch)
        else:
            yield OURS, self.fitted.score(batch)
        for name, scorer in self.peers.items():
            yield name, scorer.score(batch)

    def _taken_apart(self, batch: Batch) -> Iterator[tuple[str, Floats]]:
        fusion = self.fitted.fusion
        rest = only(fusion, (), fresh=True).score({}, batch)
        parts: dict[str, Floats] = {}
        for name, model in self.fitted.models.items():
            alone = model.score(batch)
            remembered = {name: cast(Model, _Remembered(alone))}
            parts[name] = only(fusion, (name,), fresh=False).score(remembered, batch)
            yield CHANNEL + name, alone
        yield OURS, _summed(rest, list(parts.values()))
        for left in parts:
            yield WITHOUT + left, _summed(rest, [part for name, part in parts.items() if name != left])


@dataclass(frozen=True, slots=True)
class _Remembered:
    """Scores that a model gave already, where the fusion asks the model."""

    scores: Floats

    def score(self, batch: Batch) -> Floats:
        return self.scores


class Scores(Protocol):
    """Some systems side by side."""

    def scores(self, batch: Batch) -> Iterator[tuple[str, Floats]]:
        """(B, I) of every system by its name."""
        ...


@dataclass(frozen=True, slots=True)
class Listed:
    """What a system that is not asked here listed for each of a split's people: (U, n), in any order."""

    rows: Rows  # PAD where a list ends sooner
    scores: Floats  # of these; what is not listed stands below, all of it tied


Guests = Callable[[Split], Mapping[str, Listed]]


def nobody(split: Split) -> Mapping[str, Listed]:
    return {}


def judge_all(split: Split, systems: Scores, ks: tuple[int, ...], progress: Progress) -> dict[str, PerUser]:
    """What each of the split's people got from each system, by the system's name."""
    n_items = len(split.candidates)
    parts: dict[str, list[PerUser]] = {}
    progress.start("judging", len(split))
    done = 0
    for batch in split.batches(max(1, min(512, CELLS // n_items))):
        for name, scores in systems.scores(batch_of(batch.past)):
            judged = Judged(scores, batch.targets, batch.masked, batch.candidates)
            parts.setdefault(name, []).append(judge([judged], ks, n_items))
        done += len(batch)
        progress.advance(done)
    progress.done()
    return {name: _joined(found) for name, found in parts.items()}


def judge_listed(split: Split, listed: Listed, ks: tuple[int, ...]) -> PerUser:
    """What each of the split's people got from lists: exact at places within them, by chance below.

    Raises InvalidData where there are not as many lists as people, or shorter ones than the last of the places.
    """
    n_items = len(split.candidates)
    if len(listed.rows) != len(split) or listed.rows.shape[1] < min(max(ks), n_items):
        raise InvalidData(
            f"lists are (people, places) of {len(split)} people with {max(ks)} places or more, got "
            f"{listed.rows.shape}: list as many as are judged"
        )
    parts, done = [], 0
    for batch in split.batches(max(1, min(512, CELLS // n_items))):
        rows, said = (array[done : done + len(batch)] for array in (listed.rows, listed.scores))
        owners, places = np.nonzero(rows != PAD)
        scores = np.full((len(batch), n_items), -np.inf, np.float32)
        scores[owners, rows[owners, places]] = said[owners, places]
        parts.append(judge([Judged(scores, batch.targets, batch.masked, batch.candidates)], ks, n_items))
        done += len(batch)
    return _joined(parts)


def batch_of(past: Past) -> Batch:
    """Histories as the live path asks about them: without what says nothing (an impression)."""
    said = past.weights != 0
    before = np.concatenate([[0], np.cumsum(said)]).astype(np.int64)
    return Batch(
        before[past.indptr],
        past.rows[said],
        past.weights[said],
        past.ages[said],
        now=past.comes,
        contexts=past.contexts,
        written=past.notes.at(np.flatnonzero(said)).of(before[past.indptr]),
    )


def only(fusion: Fusion, channels: tuple[str, ...], *, fresh: bool) -> Fusion:
    """The fusion with the gates of all other channels shut."""
    shut = np.array([name not in channels for name in fusion.channels], bool)
    gates = fusion.gates.copy()
    gates[shut] = 0.0
    constants = fusion.constants if fresh else np.zeros_like(fusion.constants)
    return replace(fusion, gates=gates, constants=constants)


def _summed(rest: Floats, parts: list[Floats]) -> Floats:
    """In the order of the fusion, so that the floats are its floats."""
    total = rest.copy()
    for part in parts:
        total += part
    return total


def _joined(parts: list[PerUser]) -> PerUser:
    return PerUser(parts[0].ks, Ranks.joined(p.ranks for p in parts), np.concatenate([p.top for p in parts]))
