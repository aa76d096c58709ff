"""How a shop's own data is judged: the data itself says which question can be asked of it.

With times and enough people who come back, a cut in time: it is the only split in which nothing later than
the list is known. Else the last event of everybody; of sets without any order, a random one.
Cold items and new people are carved apart, since a cut in time seldom has enough of either.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zhiyin.data.carving import simulated_cold, warm_carve
from zhiyin.data.dataset import Dataset, Mask
from zhiyin.data.splits import Row, Split, Terms, TimeCut, given_rows, global_time, leave_one_out
from zhiyin.errors import InvalidData

CUT = 0.9  # of the positive events lie before the cut in time
ENOUGH = 200  # people to judge; or a fifth of all, where that is fewer
SHARE = 0.5  # of the people of an unordered dataset who lose an event
HELD = 0.1  # of items and of people that are hidden to see what is done for new ones
FEW = 50  # people or cold items below which nothing is carved
NEWCOMERS = (1, 3, 5)  # events that a new person has when they ask


@dataclass(frozen=True, slots=True)
class Posed:
    """A question: what is fitted on, who is asked, and how that came about in words."""

    rule: str  # global_time | leave_one_out | one_of_a_set, or the name of a protocol in a file
    split: Split
    words: str


def pose(data: Dataset, seed: int, *, filter_history: bool) -> Posed:
    """The question for all of the data. Raises InvalidData if nobody can be judged."""
    terms = Terms(filter_history=filter_history)
    in_time = _in_time(data, filter_history=filter_history)
    if in_time is not None:
        return in_time
    try:
        if not data.ordered:
            split = warm_carve(data, SHARE, np.random.default_rng(seed))
            return Posed("one_of_a_set", split, "one event of every second person is hidden: there is no order")
        split = leave_one_out(data, terms)
    except InvalidData as error:
        raise InvalidData(
            f"{len(data):,} events of {len(data.users):,} people are too few to measure anything: it takes "
            "people with two events or more; import more, or publish without a measure with --force"
        ) from error
    return Posed(
        "leave_one_out",
        split,
        "the last event of each person is hidden, fitted on all before the second-last (too few people come back "
        "for a cut in time, so what others did later is known)",
    )


def carve_cold(data: Dataset, seed: int) -> dict[str, Split]:
    """Questions about new items and new people, all fitted on one part; empty where there is too little."""
    rng = np.random.default_rng(seed)
    n_known = int((data.support > 0).sum())
    if min(n_known, len(data.users)) * HELD < FEW:
        return {}
    held = np.zeros(len(data.users), bool)
    held[rng.choice(len(held), round(HELD * len(held)), replace=False)] = True
    items = simulated_cold(data.keep(~held[data.user_rows]), HELD, rng)
    known = items.fit.support > 0
    firsts = [(data.users[user], _first_liked(data, known, user, rng)) for user in np.flatnonzero(held).tolist()]
    found = {"cold_items": items}
    for n in NEWCOMERS:
        rows = [Row(user, ids[:n], ids[n : n + 1]) for user, ids in firsts if len(ids) > n]
        if len(rows) >= FEW:
            found[f"newcomers_{n}"] = given_rows(items.fit, rows)
    return found


def sample(split: Split, most: int, seed: int) -> Split:
    """At most so many of the people, drawn at random; 0 for all."""
    if not 0 < most < len(split):
        return split
    return split.take(np.sort(np.random.default_rng(seed).choice(len(split), most, replace=False)))


def _in_time(data: Dataset, *, filter_history: bool) -> Posed | None:
    liked = data.weights > 0
    if not liked.any() or not np.isfinite(data.at).all():
        return None
    cut = float(np.quantile(data.at[liked], CUT))
    terms = Terms(refit=True, filter_history=filter_history)
    try:
        split = global_time(data, TimeCut(validation_from=cut, test_from=cut), terms)
    except InvalidData:  # nobody comes back after the cut
        return None
    if len(split) < min(ENOUGH, 0.2 * len(data.users)):
        return None
    moment = np.datetime64(int(cut), "s")
    return Posed("global_time", split, f"fitted on all before {moment} UTC, judged by what people chose after")


def _first_liked(data: Dataset, known: Mask, user: int, rng: np.random.Generator) -> tuple[str, ...]:
    """The ids of the distinct `known` (I,) items that somebody liked, oldest first, as many as can be asked of."""
    mine = slice(data.indptr[user], data.indptr[user + 1])
    liked = data.item_rows[mine][data.weights[mine] > 0]
    liked = liked[known[liked]]
    if not data.ordered:
        liked = rng.permutation(liked)
    return tuple(data.items[row] for row in list(dict.fromkeys(liked.tolist()))[: max(NEWCOMERS) + 1])
