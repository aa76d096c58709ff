"""What makes a measure too good: answers that the question already holds.

Each detector looks at one way in which that happens, in what can be seen of the data, and stays silent where
there is nothing to say. What is refused makes the numbers worthless; a warning says by how much to doubt them.
What no detector can see (a catalogue whose texts were written with the answers in hand) the permutation test may.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from zhiyin.data.dataset import Dataset, Doubles, Mask
from zhiyin.data.splits import Split
from zhiyin.data.vocabulary import PAD
from zhiyin.encoders.twins import twins
from zhiyin.evaluation.posing import Posed, deeds
from zhiyin.types import Event, Item

RARE = 0.01  # share of the people or targets from which on a warning is given
LONG = 20  # characters of a review that an item's text does not hold by chance
ALIKE = 3  # distinct items that two people do not take in the same order by chance, where one is new
BEHAVIOUR = ("also", "together", "bought", "viewed", "purchase", "co_", "cited_by", "similar_user")


@dataclass(frozen=True, slots=True)
class Found:
    """A leak, and whether it makes the numbers worthless; else it is a warning."""

    name: str
    refused: bool
    words: str


def leaks(posed: Posed, events: Iterable[Event] = ()) -> tuple[Found, ...]:
    """All that the split and the data show by themselves, and `events` of the log, which have texts."""
    seen = (found for detect in DETECTORS for found in detect(posed))
    return (*seen, *quoted_reviews(posed, events))


def answers_fitted(posed: Posed) -> Iterator[Found]:
    """What is wanted was fitted on. Where repeats are asked for, an earlier purchase of the same is none."""
    split = posed.split
    if not len(split.masked.rows):
        return
    known = deeds(split.fit, split.users[split.targets.owners], split.targets.rows, split.fit.weights > 0) != PAD
    if known.any():
        yield Found("answers_fitted", True, f"{_share(known)} of what is wanted is in the part that was fitted on")


def future_fitted(posed: Posed) -> Iterator[Found]:
    """A cut in time, and something fitted on from after it."""
    late = posed.split.fit.at >= posed.cut
    if late.any():
        yield Found("future_fitted", True, f"{_share(late)} of the events fitted on lie after the cut in time")


def target_time_known(posed: Posed) -> Iterator[Found]:
    """The moment of the question is that of the answer, or the history goes on after the question."""
    split = posed.split
    wanted, newest = _first_wanted(posed), _newest_known(split)
    late = split.past.now > wanted if np.isfinite(posed.cut) else split.past.now >= wanted
    told = late & (split.past.now > newest)
    if told.any():
        yield Found(
            "target_time_known",
            True,
            f"{_share(told)} of the people ask at the time of what they then chose, or later",
        )
    after = newest > split.past.now
    if after.any():
        yield Found("history_after_question", True, f"{_share(after)} of the histories go on after the question")


def unstable_order(posed: Posed) -> Iterator[Found]:
    """What was wanted carries the same time as the newest of the history: which came first is the file's order."""
    equal = _first_wanted(posed) == _newest_known(posed.split)
    if posed.rule != "new_items" and equal.mean() >= RARE:
        yield Found(
            "unstable_order",
            False,
            f"{_share(equal)} of the people chose the wanted item at the very time of the event before: which of "
            "them is later was decided by the order of the file",
        )


def twin_items(posed: Posed) -> Iterator[Found]:
    """Wanted items that nobody had, whose title is nearly that of an item that people had: new by name only."""
    fit, wanted = posed.split.fit, posed.split.targets.rows
    new = wanted[fit.support[wanted] == 0]
    cold, had = np.unique(new), np.flatnonzero(fit.support > 0)
    titles = [item.title for item in fit.catalogue]
    found = twins([titles[row] for row in cold], [titles[row] for row in had])
    twinned = np.isin(new, cold[[place for place, _ in found]])
    if found and twinned.mean() >= RARE:
        place, other = found[0]
        yield Found(
            "twin_items",
            False,
            f"{_share(twinned)} of the wanted new items have nearly the title of one that people had, such as "
            f"{titles[cold[place]][:60]!r} and {titles[had[other]][:60]!r}",
        )


def twin_people(posed: Posed) -> Iterator[Found]:
    """New people with exactly the events of somebody who was fitted on: the same person twice, or a copied log."""
    if posed.rule != "new_users":
        return
    data, split = posed.data, posed.split
    lives = _lives(data)
    fitted = set(lives[np.diff(split.fit.indptr) > 0].tolist()) - {0}
    twinned = np.array([life in fitted for life in lives[split.users].tolist()], bool)
    if twinned.mean() >= RARE:
        yield Found(
            "twin_people", False, f"{_share(twinned)} of the new people did exactly what a known person did"
        )


def later_relations(posed: Posed) -> Iterator[Found]:
    """Edges made of behaviour, and in a cut in time edges to what did not exist yet: both may be later than it."""
    data = posed.split.fit
    made = sorted({edge.relation for edge in data.relations if any(word in edge.relation for word in BEHAVIOUR)})
    if made:
        yield Found(
            "behaviour_relations",
            False,
            f"the relation {made[0]!r} is made of what people did, also of what they did after the question",
        )
    if not np.isfinite(posed.cut) or not data.relations:
        return
    new = _unborn(posed.data, posed.cut)
    ends = np.array([[data.items.row(edge.head), data.items.row(edge.tail)] for edge in data.relations], np.int32)
    between = (ends != PAD).all(axis=1)
    late = between & new[ends].any(axis=1)
    if late.sum() >= RARE * max(between.sum(), 1) and late.any():
        yield Found(
            "later_relations",
            False,
            f"{_share(late[between])} of the relations between items end at an item that came after the cut",
        )


def dated_by_answer(posed: Posed) -> Iterator[Found]:
    """Items published at the very second of their first event: the date was read off what people did."""
    data = posed.data
    first = np.full(len(data.items), np.inf)
    np.fmin.at(first, data.item_rows, data.at)
    dated = [(row, item.published_at) for row, item in enumerate(data.catalogue) if item.published_at is not None]
    equal = np.array([at.timestamp() == first[row] for row, at in dated], bool)
    if len(equal) and equal.mean() >= RARE:
        yield Found(
            "dated_by_answer",
            False,
            f"{_share(equal)} of the dated items are dated by the first event anybody had with them",
        )


Detector = Callable[[Posed], Iterator[Found]]
DETECTORS: tuple[Detector, ...] = (
    answers_fitted,
    future_fitted,
    target_time_known,
    unstable_order,
    twin_items,
    twin_people,
    later_relations,
    dated_by_answer,
)


def quoted_reviews(posed: Posed, events: Iterable[Event]) -> Iterator[Found]:
    """What a judged person wrote about a wanted item stands word for word in the item's own text or tags.

    `events` are those of the log: a dataset keeps no texts.
    """
    split = posed.split
    people = {split.fit.users[row]: number for number, row in enumerate(split.users) if row != PAD}
    wanted = [set(split.targets[number].tolist()) for number in range(len(split))]
    quoted: set[tuple[int, int]] = set()
    for event in events:
        if not event.text or event.item_id is None or event.user_id not in people:
            continue
        number, row = people[event.user_id], split.fit.items.row(event.item_id)
        if row in wanted[number] and _quoted(event.text, split.fit.catalogue[row]):
            quoted.add((number, row))
    if quoted:
        share = len(quoted) / len(split.targets.rows)
        yield Found(
            "quoted_reviews",
            share >= RARE,
            f"of {len(quoted):,} wanted items ({share:.1%}) the text holds what the judged person wrote later",
        )


def _quoted(said: str, item: Item) -> bool:
    words = _plain(said)
    return len(words) >= LONG and any(
        words in _plain(text)
        for text in (item.text, item.title, *(str(value) for value in item.attributes.values()))
    )


def _plain(text: str) -> str:
    return " ".join("".join(c if c.isalnum() else " " for c in text.casefold()).split())


def _first_wanted(posed: Posed) -> Doubles:
    """(U,) when each first did what is wanted of them; inf where that has no time."""
    split = posed.split
    first = np.full(len(split), np.inf)
    place = deeds(posed.data, split.users[split.targets.owners], split.targets.rows)
    np.fmin.at(first, split.targets.owners, np.append(posed.data.at, np.nan)[place])  # PAD = -1 is the last one
    return first


def _newest_known(split: Split) -> Doubles:
    """(U,) the time of the newest event of each history, -inf where none has one."""
    newest = np.full(len(split), -np.inf)
    np.fmax.at(newest, np.repeat(np.arange(len(split)), split.past.lengths), split.past.at)
    return newest


def _unborn(data: Dataset, cut: float) -> Mask:
    """(I,) items that were published after the cut, or seen then only."""
    seen = np.bincount(data.item_rows[data.at < cut], minlength=len(data.items)) > 0
    ever = np.bincount(data.item_rows, minlength=len(data.items)) > 0
    published = [item.published_at is not None and item.published_at.timestamp() >= cut for item in data.catalogue]
    return np.array(published, bool) | (ever & ~seen)


def _lives(data: Dataset) -> npt.NDArray[np.int64]:
    """(U,) a number that two people share when they did the same in the same order; 0 for too short a life."""
    found = np.zeros(len(data.users), np.int64)
    for user in range(len(data.users)):
        rows = data.item_rows[data.indptr[user] : data.indptr[user + 1]]
        if len(np.unique(rows)) >= ALIKE:
            found[user] = hash(rows.tobytes())
    return found


def _share(which: Mask) -> str:
    return f"{which.mean():.1%}"
