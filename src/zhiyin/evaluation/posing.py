"""How data is asked: by the split that was wished for, or by the one that the data itself can answer.

With times and enough people who come back, a cut in time: it is the only split in which nothing later than
the list is known. Else the last event of everybody; of sets without any order, a random one.
New items and new people can be asked about, and are carved apart beside, since a cut in time seldom has enough.
Whoever is asked about is there at that moment: hour, weekday and context of the first event that is wanted are
told, of its item nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from zhiyin.data.carving import drawn, new_items, new_people, simulated_cold, warm_carve
from zhiyin.data.dataset import NEARLY_ALL, Dataset, Mask
from zhiyin.data.splits import Part, Split, TimeCut, global_time, leave_one_out, window
from zhiyin.data.splits import Terms as Cutting
from zhiyin.data.vocabulary import PAD, Rows
from zhiyin.errors import InvalidData
from zhiyin.types import SplitName

CUTS = (0.8, 0.9)  # shares of the positive events that lie before the validation, and before the test
ENOUGH = 200  # people to judge; or a fifth of all, where that is fewer
SHARE = 0.5  # of the people of an unordered dataset who lose an event
HELD = 0.1  # of items or of people that are hidden to see what is done for new ones
FEW = 50  # people or cold items below which nothing is carved
NEWCOMERS = (1, 3, 5)  # events that a new person has when they ask


@dataclass(frozen=True, slots=True)
class Terms:
    """What can be asked of an evaluation; the rest is said by the data or the protocol."""

    split: SplitName = "auto"
    given: int = 0  # of new-users: events that each tells; 0 for four fifths of them
    part: Part = "test"
    refit: bool = False  # fit on the validation part too; a cut in time is always fitted up to the cut
    filter_history: bool | None = None  # None: the first that the protocol reports; what a person had is not shown
    permute: bool = False  # also the permutation test, which takes eleven more fits
    max_users: int | None = None  # drawn at random; 0 for all; None: all by a protocol, 10,000 of a shop
    resamples: int = 2_000  # of the bootstrap
    seed: int = 0  # of all that is drawn for the question; never that of a fit, so that bundles meet the same

    @property
    def decides(self) -> bool:
        """Whether this is the question that publishing goes by, so that the answer is kept with the bundle."""
        return self.split == "auto" and self.part == "test"


@dataclass(frozen=True, slots=True)
class Posed:
    """A question: what is fitted on, who is asked, and how that came about in words."""

    rule: str  # global_time | leave_one_out | one_of_a_set | new_users | new_items, or a protocol in a file
    split: Split
    words: str
    data: Dataset  # all of it: what the split was made of
    cut: float = np.inf  # of a cut in time: epoch seconds at which everybody asks


def pose(data: Dataset, terms: Terms) -> Posed:
    """The question for all of the data. Raises InvalidData if nobody can be judged, or not as wished for."""
    if terms.given and terms.split != "new-users":
        raise InvalidData(f"--given is what new users tell, and the split is {terms.split}: add --split new-users")
    match terms.split:
        case "time":
            return _in_time(data, terms)
        case "new-users":
            return _of_new_users(data, terms)
        case "new-items":
            return _of_new_items(data, terms)
        case "last":
            return _of_the_last(data, terms)
        case _:
            return _by_the_data(data, terms)


def carve_cold(data: Dataset, seed: int) -> dict[str, Split]:
    """Questions about new items and new people, all fitted on one part; empty where there is too little."""
    rng = np.random.default_rng(seed)
    n_known = int((data.support > 0).sum())
    if min(n_known, len(data.users)) * HELD < FEW:
        return {}
    (held,) = drawn(np.arange(len(data.users), dtype=np.int32), len(data.users), HELD, rng)
    items = simulated_cold(data.keep(~held[data.user_rows]), HELD, rng)
    found = {"cold_items": items}
    for n in NEWCOMERS:
        found[f"newcomers_{n}"] = new_people(data, held, items.fit, n, rng)
    return {name: split for name, split in found.items() if len(split) >= FEW}


def deeds(
    data: Dataset, users: Rows, rows: Rows, among: Mask | None = None, *, last: bool = True
) -> npt.NDArray[np.int64]:
    """(T,) the place in `data` of the last (or first) event of each of these pairs of a user and an item, of those
    that are `among` (E,); PAD where there is none."""
    kept = np.arange(len(data)) if among is None else np.flatnonzero(among)
    keys = data.user_rows[kept].astype(np.int64) * len(data.items) + data.item_rows[kept]
    order = np.argsort(keys, kind="stable")
    keys, kept = keys[order], kept[order]
    asked = users.astype(np.int64) * len(data.items) + rows
    place = np.searchsorted(keys, asked, side="right") - 1 if last else np.searchsorted(keys, asked)
    keys, kept = np.append(keys, PAD), np.append(kept, PAD)
    return np.where((keys[place] == asked) & (users != PAD), kept[place], PAD)


def sample(split: Split, most: int, seed: int) -> Split:
    """At most so many of the people, drawn at random; 0 for all."""
    if not 0 < most < len(split):
        return split
    return split.take(np.sort(np.random.default_rng(seed).choice(len(split), most, replace=False)))


def _by_the_data(data: Dataset, terms: Terms) -> Posed:
    try:
        posed = _in_time(data, terms)
        if len(posed.split) >= min(ENOUGH, 0.2 * len(data.users)):
            return posed
    except InvalidData:  # without times, or nobody comes back after the cut
        pass
    if data.ordered:
        return _of_the_last(data, terms)
    split = warm_carve(data, SHARE, np.random.default_rng(terms.seed))
    return _somebody(
        Posed("one_of_a_set", split, "one event of every second person is hidden: there is no order", data)
    )


def _in_time(data: Dataset, terms: Terms) -> Posed:
    dated = np.isfinite(data.at)
    data = data if dated.all() else data.keep(dated)
    liked = data.weights > 0
    if not liked.any() or dated.mean() < NEARLY_ALL:
        raise InvalidData(
            "a cut in time needs positive events, nearly all with a time: --split last goes by order, and "
            "--split new-users needs neither"
        )
    validation, test = np.quantile(data.at[liked], CUTS)
    cut = TimeCut(float(validation), float(test))
    split = global_time(data, cut, _cutting(terms, refit=True))
    moments = [str(np.datetime64(int(moment), "s")).replace("T", " ") for moment in (validation, test)]
    if terms.part == "test":
        words = f"fitted on all before {moments[1]} UTC, judged by what people chose after"
    else:
        words = f"fitted on all before {moments[0]} UTC, judged by what people chose until {moments[1]} UTC"
    if undated := int((~dated).sum()):
        words += f", without {undated:,} events that have no time"
    return Posed("global_time", split, words, data, window(cut, terms.part)[0])


def _of_the_last(data: Dataset, terms: Terms) -> Posed:
    try:
        split = leave_one_out(data, _cutting(terms, refit=terms.refit))
    except InvalidData as error:
        raise _too_few(data) from error
    which = "last" if terms.part == "test" else "second-last"
    fitted = which if terms.refit else "second-last"
    return Posed(
        "leave_one_out",
        split,
        f"the {which} event of each person is hidden, fitted on all before the {fitted} (without a cut in time "
        "what others did later is known)",
        data,
    )


def _of_new_users(data: Dataset, terms: Terms) -> Posed:
    rng = np.random.default_rng(terms.seed)
    people = np.arange(len(data.users), dtype=np.int32)
    test, validation = drawn(people, len(people), HELD, rng, times=2)
    asked = test if terms.part == "test" else validation
    hidden = test if terms.refit and terms.part == "test" else test | validation
    split = new_people(data, asked, data.keep(~hidden[data.user_rows]), terms.given, rng)
    told = f"their first {terms.given}" if terms.given else "the first four fifths of their"
    words = f"people whom nothing was fitted on tell {told} positive events, judged by what new they chose later"
    return _somebody(Posed("new_users", split, words, data))


def _of_new_items(data: Dataset, terms: Terms) -> Posed:
    rng = np.random.default_rng(terms.seed)
    known = np.flatnonzero(data.support).astype(np.int32)
    test, validation = drawn(known, len(data.items), HELD, rng, times=2)
    asked = test if terms.part == "test" else validation
    hidden = test if terms.refit and terms.part == "test" else test | validation
    words = (
        "a tenth of the items is hidden as if they had just arrived, judged by who chose them; all items are "
        "candidates, and what people did at other times is known"
    )
    return _somebody(Posed("new_items", new_items(data, asked, hidden), words, data))


def _cutting(terms: Terms, *, refit: bool) -> Cutting:
    return Cutting(terms.part, refit, terms.filter_history is not False)


def _somebody(posed: Posed) -> Posed:
    if not len(posed.split):
        raise _too_few(posed.data)
    return posed


def _too_few(data: Dataset) -> InvalidData:
    n_liked = int((data.weights > 0).sum())
    return InvalidData(
        f"{n_liked:,} positive events of {len(data.users):,} people are too few to measure this: it takes people "
        "with two or more; import more, or publish without a measure with --force"
    )
