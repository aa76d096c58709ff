"""What a cross-encoder is worth: held-out lists, as they are served, with and without what it reads.

Lists are made on the online path by a bundle that was fitted without what is asked. How loud the part may be is
chosen on one half of the lists; whether it gains is told by the other, by a paired interval.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from zhiyin.data.dataset import Doubles
from zhiyin.data.ragged import pointers
from zhiyin.data.splits import Split
from zhiyin.data.vocabulary import Rows
from zhiyin.encoders.base import documents
from zhiyin.encoders.cross import Asked, Kind, past_text
from zhiyin.evaluation.comparing import Bootstrap
from zhiyin.evaluation.judging import batch_of
from zhiyin.live import Asker, Live
from zhiyin.metrics.intervals import Interval
from zhiyin.metrics.ranking import metric
from zhiyin.metrics.ranks import NOWHERE, Ranks
from zhiyin.models.base import history_batch
from zhiyin.policies.greedy import Greedy
from zhiyin.progress import Progress
from zhiyin.ranking.examples import parts_of
from zhiyin.ranking.reranking import PairReader, lifted
from zhiyin.recommender import Recommender, Shape
from zhiyin.types import Item, Query

METRIC = "ndcg@10"
CANDIDATES = 100  # of a list
LOUD = (0.03, 0.1, 0.2, 0.4, 0.7, 1.0, 1.5, 2.5)  # gates that are tried, in deviations of what is read
FEW = 40  # lists of a kind below which nothing can be shown

Wrote = Mapping[tuple[int, int], str]  # by rows of person and item


@dataclass(frozen=True, slots=True)
class Question:
    """Somebody who asks, and what would be right."""

    asker: Asker
    asked: Asked
    targets: Rows


@dataclass(frozen=True, slots=True)
class Shortlist:
    """The candidates of one question, best first."""

    asked: Asked
    texts: tuple[str, ...]  # of the first n, which are read
    rows: Rows  # (k,)
    scores: Doubles  # (k,) of all parts but what is read
    targets: Rows


@dataclass(frozen=True, slots=True)
class Told:
    """What was found for one kind of question; NDCG@10 of the lists that decide."""

    kind: Kind
    n_lists: int  # that decide; as many chose the gate
    gate: float  # 0: not read
    before: float
    after: float  # with the gate that was chosen
    gain: Interval
    within: float  # share of the lists that have an answer among what is read

    @property
    def better(self) -> bool:
        """Whether the interval says so."""
        return self.gate > 0 and self.gain.low > 0

    def sentence(self) -> str:
        name = {"typed": "typed wishes", "past": "next items"}[self.kind]
        if not self.n_lists:
            return f"{name}: too few held-out lists to show anything, so nothing is read for them"
        numbers = f"{METRIC} {self.after:.4f} against {self.before:.4f} on {self.n_lists:,} held-out lists"
        bounds = f"the interval of the difference is [{self.gain.low:+.4f}, {self.gain.high:+.4f}]"
        verdict = "better" if self.better else "no gain is shown, so nothing is read for them"
        return f"{name}: {verdict}; {numbers}, {bounds}"


def of_pasts(split: Split, catalogue: Sequence[Item], wrote: Wrote) -> list[Question]:
    """What people went on to take, after what is known of them."""
    found = []
    for n, one in enumerate(parts_of(batch_of(split.past), 1)):
        liked = one.rows[one.weights > 0][::-1].tolist()
        person = int(split.users[n])
        own = {catalogue[row].item_id: text for row in set(liked) if (text := wrote.get((person, row)))}
        asked = past_text((catalogue[row] for row in dict.fromkeys(liked)), own)
        nothing = np.zeros(0, np.int32)
        found.append(Question(Asker(one, split.masked[n], nothing), Asked("past", asked), split.targets[n]))
    return found


def of_wishes(wishes: Iterable[tuple[str, Rows]]) -> list[Question]:
    """What was typed by nobody in particular, and the rows that would be right."""
    nothing, nobody = np.zeros(0, np.int32), history_batch([], [], [])
    return [Question(Asker(nobody, nothing, nothing), Asked("typed", text), rows) for text, rows in wishes]


def shortlists(live: Live, questions: Sequence[Question], n: int, progress: Progress) -> list[Shortlist]:
    """The lists of these questions, of which the first n candidates are to be read."""
    world = live.snapshot()
    recommender = Recommender(live, Greedy(), Shape(CANDIDATES, CANDIDATES, 0.0, repeats=False, digest="lists"))
    found = []
    progress.start("making held-out lists", len(questions))
    for number, one in enumerate(questions):
        query = Query(text=one.asked.text if one.asked.kind == "typed" else None)
        heard = recommender.hear(world, one.asker, query)
        pool = recommender.eligible(recommender.retrieve(world, one.asker, heard, query), world, one.asker, query)
        ranked = recommender.rank(world, heard, pool, query)
        items = [item for row in ranked.rows[:n].tolist() if (item := world.items[row]) is not None]
        texts = tuple(documents(item)[0] for item in items)
        found.append(Shortlist(one.asked, texts, ranked.rows, ranked.scores, one.targets))
        progress.advance(number + 1)
    progress.done()
    return found


def read(reader: PairReader, lists: Sequence[Shortlist], progress: Progress) -> list[Doubles]:
    """For each list what is said of its first candidates, the lowest 0."""
    found = []
    progress.start("reading candidates of held-out lists", len(lists))
    for number, one in enumerate(lists):
        found.append(lifted(reader.score(one.asked.text, one.texts)))
        progress.advance(number + 1)
    progress.done()
    return found


def ndcg_of(lists: Sequence[Shortlist], said: Sequence[Doubles], gate: float, name: str = METRIC) -> Doubles:
    """(L,) of each list with the part of this gate; what is not on a list is nowhere."""
    above, tied, counts = [], [], []
    for one, lift in zip(lists, said, strict=True):
        scores = one.scores.copy()
        scores[: len(lift)] += gate * lift
        counts.append(len(one.targets))
        for target in one.targets.tolist():
            own = scores[one.rows == target]
            above.append(int((scores > own[0]).sum()) if len(own) else NOWHERE)
            tied.append(int((scores == own[0]).sum()) if len(own) else 1)
    sizes = np.array([len(one.rows) for one in lists], np.int64)
    return metric(name, Ranks(pointers(counts), np.array(above, np.int64), np.array(tied, np.int64), sizes))


def chosen_gate(lists: Sequence[Shortlist], said: Sequence[Doubles]) -> float:
    """The gate of the highest mean NDCG@10; 0 where the gain is below half its standard error."""
    before = ndcg_of(lists, said, 0.0)
    spread = float(np.median([one.std() for one in said if len(one) > 1] or [0.0]))
    if spread <= 0:
        return 0.0
    gains = {loud / spread: ndcg_of(lists, said, loud / spread) - before for loud in LOUD}
    gate = max(gains, key=lambda one: gains[one].mean())
    error = gains[gate].std(ddof=1) / np.sqrt(len(lists))
    return gate if gains[gate].mean() > 0.5 * error else 0.0


def told_of(
    kind: Kind,
    lists: Sequence[Shortlist],
    said: Sequence[Doubles],
    seed: int,
    served: Callable[[Sequence[Shortlist]], Doubles] | None = None,
) -> Told:
    """The gate chosen on one half of the lists, and what the other says of it. `served`: what lists get now, where
    something is read already."""
    if len(lists) < FEW:
        return Told(kind, 0, 0.0, float("nan"), float("nan"), Interval(0.0, 0.0, 0.0), float("nan"))
    mixed = np.random.default_rng([seed, 7]).permutation(len(lists))
    first, second = mixed[: len(lists) // 2], mixed[len(lists) // 2 :]
    gate = chosen_gate([lists[n] for n in first], [said[n] for n in first])
    deciding, theirs = [lists[n] for n in second], [said[n] for n in second]
    before = served(deciding) if served else ndcg_of(deciding, theirs, 0.0)
    after = ndcg_of(deciding, theirs, gate)
    gain = Bootstrap(2_000, seed=0).of({"gain": after - before})["gain"]
    within = [
        bool(np.isin(one.targets, one.rows[: len(lift)]).any()) for one, lift in zip(deciding, theirs, strict=True)
    ]
    return Told(kind, len(second), gate, float(before.mean()), float(after.mean()), gain, float(np.mean(within)))
