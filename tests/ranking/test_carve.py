"""Held-out examples: nothing of them is fitted, and histories lie before their targets."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from zhiyin.data.dataset import Dataset, build_dataset
from zhiyin.models.base import Run
from zhiyin.models.meaning import MeaningRecipe
from zhiyin.models.words import WordsRecipe
from zhiyin.ranking.examples import BEGINNINGS, LATE_OF_ONE, LONGEST, Examples, carve
from zhiyin.ranking.learn import FusionRecipe
from zhiyin.recipe import kinds_of
from zhiyin.testing.encoders import HashEncoder
from zhiyin.testing.small import small_catalogue, small_dataset
from zhiyin.types import Event, Item

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize("timed", [True, False])
@pytest.mark.parametrize("seed", range(5))
def test_nothing_held_out_is_fitted_and_histories_lie_before_their_targets(timed: bool, seed: int) -> None:
    data = numbered(timed)
    part, examples = carve(data, 3_000, 0.2, seed)
    fitted = set(part.values.tolist())
    assert len(part) == len(fitted) < len(data)
    hidden = set(data.item_rows[~np.isin(data.values, part.values)]) - set(part.item_rows.tolist())
    assert hidden  # items whose every event was held out, as if they had just arrived
    assert len(examples.targets)
    starts = examples.batch.indptr
    for b, target in enumerate(examples.targets):
        history = examples.batch.rows[starts[b] : starts[b + 1]]
        ages = examples.batch.ages[starts[b] : starts[b + 1]]
        assert (ages >= 0).all()
        assert not hidden & set(history.tolist())
        assert owners_of(data, part, history, int(target), bool(examples.begun[b]))


def test_targets_of_sets_are_drawn_from_all_items() -> None:
    catalogue = small_catalogue()
    events = [Event(f"u{user}", item.item_id, "like") for user in range(200) for item in catalogue]
    _, examples = carve(build_dataset(catalogue, events), 3_000, 0.0, 0)
    counts = np.bincount(examples.targets, minlength=len(catalogue))
    expected = len(examples) / len(catalogue)
    assert abs(counts - expected).max() < 5 * np.sqrt(expected), "not those with the highest rows"


def test_a_target_is_the_newest_item_that_was_new_to_its_user() -> None:
    events = [
        Event("ann", item_id, "click", order=order)
        for order, item_id in enumerate(["garden/spade", "garden/hose", "garden/spade", "garden/spade"])
    ]
    once = [Event(f"user {n}", "garden/rake", "click", order=n) for n in range(9)]  # nobody else comes back
    data = build_dataset(small_catalogue(), events + once)
    part, examples = carve(data, 3_000, 0.0, 0)
    assert [data.items[row] for row in examples.targets] == ["garden/hose"]
    assert [data.items[row] for row in examples.batch.rows] == ["garden/spade"]
    fitted = [data.items[row] for row in part.item_rows]
    assert (fitted.count("garden/spade"), fitted.count("garden/hose")) == (3, 0)


def test_where_people_come_back_a_target_is_late_and_nothing_after_it_is_fitted() -> None:
    weekly = ["garden/spade", "garden/hose"] * 20
    events = [Event(f"u{u}", id_, "purchase", order=n) for u in range(30) for n, id_ in enumerate(weekly)]
    data = build_dataset(small_catalogue(), events)
    part, examples = carve(data, 3_000, 0.0, 0)
    assert data.repeat_share > 0.9
    now = examples.newest
    assert len(now) == 30 * 2  # both items are among everybody's last four events
    assert set(np.diff(part.indptr).tolist()) == {36, 18}, "of some people one item is held out altogether"
    assert now.batch.lengths.max() == 36


def test_no_event_of_a_user_with_their_target_is_fitted() -> None:
    data = small_dataset()
    part, examples = carve(data, 3_000, 0.0, 0)
    fitted = set(zip(part.user_rows.tolist(), part.item_rows.tolist(), strict=True))
    everything = set(zip(data.user_rows.tolist(), data.item_rows.tolist(), strict=True))
    held = everything - fitted
    assert len(held) == len(examples.targets)
    assert sorted(item for _, item in held) == sorted(examples.targets.tolist())


def test_a_dataset_without_a_positive_event_gives_no_examples() -> None:
    data = build_dataset(small_catalogue(), [Event("u", "garden/spade", "hide", order=1)])
    part, examples = carve(data, 3_000, 0.1, 0)
    assert len(part) == 1
    assert not len(examples.targets)


def test_of_few_people_each_gives_some_targets_and_never_more_than_a_tenth() -> None:
    items = [Item(f"{n:03}") for n in range(100)]
    events = [Event("much", f"{n:03}", "like", order=n) for n in range(100)]
    events += [Event("some", f"{n:03}", "like", order=n) for n in range(30)]
    events += [Event("few", f"{n:03}", "like", order=n) for n in range(3)]
    data = build_dataset(items, events)
    _, examples = carve(data, 1_000, 0.0, 0)
    assert told(data, examples.newest) == [27, 28, 29, *range(90, 100)]
    assert sorted(examples.newest.batch.lengths.tolist()) == [27] * 3 + [90] * 10, "of none what is held out"
    assert examples.begun.sum() == 1, "of whom did little"
    _, few = carve(data, 3, 0.0, 0)
    assert len(few) == 3
    assert set(told(data, few.newest)) == {29, 99}


def told(data: Dataset, examples: Examples) -> list[int]:
    """The numbers of the targets."""
    return sorted(int(data.items[row]) for row in examples.targets)


def test_what_is_bought_together_does_not_tell_of_itself() -> None:
    names = [item.item_id for item in small_catalogue()]
    events = [
        Event(
            f"u{user}",
            names[(user + 3 * basket + n) % len(names)],
            "purchase",
            at=NOON + timedelta(days=basket, minutes=n),
        )
        for user in range(60)
        for basket in range(6)
        for n in range(3)
    ]
    data = build_dataset(small_catalogue(), events)
    _, examples = carve(data, 3_000, 0.0, 0)
    assert len(examples) > 30
    assert (examples.batch.lengths % 3 != 1).any(), "an item of an earlier basket may be held out"
    assert (examples.batch.ages > 0.9).all(), "what was bought on that day is not known"
    again = build_dataset(small_catalogue(), events + [replace(e, at=e.at + timedelta(days=60)) for e in events])
    _, examples = carve(again, 3_000, 0.0, 0)
    assert again.repeat_share > 0.4
    assert (examples.batch.ages > 0.9).all()


@pytest.mark.slow
def test_of_some_people_the_history_is_how_they_began() -> None:
    items = [Item(f"{n:03}") for n in range(100)]
    events = [Event(f"u{user}", f"{n:03}", "like", order=n) for user in range(300) for n in range(100)]
    data = build_dataset(items, events)
    _, examples = carve(data, 600, 0.0, 0)
    numbers = np.array([int(data.items[row]) for row in examples.targets])
    lengths = examples.batch.lengths
    assert 0.4 < examples.begun.mean() < 0.6, "about as many as of the others"
    assert {0, 1, 2, 8} <= set(lengths[examples.begun].tolist()) <= set(range(BEGINNINGS.max() + 1))
    assert (numbers[examples.begun] >= lengths[examples.begun]).all(), "what they took later"
    assert abs(numbers[examples.begun].mean() - 51) < 6, "any of it"
    assert lengths[~examples.begun].min() == numbers[~examples.begun].min() >= 97, "the others as they are now"
    assert not examples.newest.begun.any()


@pytest.mark.parametrize("ordered", [True, False])
def test_it_is_known_what_else_somebody_went_on_to_take(ordered: bool) -> None:
    items = [Item(f"{n:03}") for n in range(40)]
    events = [
        Event(f"u{user}", f"{n:03}", "hide" if n == 39 else "like", order=n if ordered else None)
        for user in range(100)
        for n in range(40)
    ]
    data = build_dataset(items, events)
    _, examples = carve(data, 300, 0.1, 0)
    assert examples.begun.any()
    assert len(examples.later) == len(examples)
    liked = {row for row in range(40) if data.items[row] != "039"}
    for n, target in enumerate(examples.targets.tolist()):
        history = set(examples.batch.rows[examples.batch.indptr[n] : examples.batch.indptr[n + 1]].tolist())
        later = set(examples.later[n].tolist())
        assert target in later <= liked - history
        if not ordered:
            assert later == liked - history
        elif not examples.begun[n]:
            assert min(int(data.items[row]) for row in later) > max(int(data.items[row]) for row in history)
        else:
            assert max(int(data.items[row]) for row in later) == 38, "to the end"
    few = examples.some(np.array([5, 2]))
    assert few.later[0].tolist() == examples.later[5].tolist()
    first = next(examples.parts())
    assert first.later.rows.tolist() == examples.later.take(np.arange(len(first))).rows.tolist()


def test_who_took_much_later_is_asked_more_often_as_they_began() -> None:
    """People of 100 items ten times as often as people of 10, but nobody more than 20 times."""
    items = [Item(f"{n:03}") for n in range(400)]
    sizes = [10, 100] * 150 + [400] * 20
    events = [
        Event(f"u{user}", f"{n:03}", "like", order=n) for user, size in enumerate(sizes) for n in range(size)
    ]
    data = build_dataset(items, events)
    _, examples = carve(data, 10_000, 0.0, 0)
    begun = examples.some(np.flatnonzero(examples.begun))
    sizes_of = [1 + max(int(data.items[row]) for row in begun.later[n]) for n in range(len(begun))]
    people = Counter(sizes_of)
    assert people[100] == pytest.approx(10 * people[10], rel=0.5)
    assert people[400] % 20 == 0


def test_of_some_people_without_an_order_a_few_items_are_known() -> None:
    items = [Item(f"{n:03}") for n in range(40)]
    data = build_dataset(items, [Event(f"u{user}", f"{n:03}", "like") for user in range(300) for n in range(40)])
    _, examples = carve(data, 900, 0.0, 0)
    assert {0, 1, 2, 8} <= set(examples.batch.lengths[examples.begun].tolist()) <= set(range(BEGINNINGS.max() + 1))
    assert examples.newest.batch.lengths.min() >= 36


def numbered(timed: bool) -> Dataset:
    """`values` number the events, so that they can be told apart."""
    data = small_dataset(timed=timed)
    object.__setattr__(data, "values", np.arange(len(data), dtype=np.float32))
    return data


def owners_of(data: Dataset, part: Dataset, history: np.ndarray, target: int, begun: bool) -> bool:
    """Whether some user has this target held out, and this history fitted: before it, where there is an order; of
    who has begun the first of it, in a set any."""
    for user in range(len(data.users)):
        mine = np.arange(data.indptr[user], data.indptr[user + 1])
        for place in mine[data.item_rows[mine] == target]:
            earlier = mine < place if data.ordered else mine != place
            before = mine[earlier & np.isin(data.values[mine], part.values)]
            out = data.values[place] not in part.values
            rows = data.item_rows[before]
            if begun and not data.ordered:
                same = not Counter(history.tolist()) - Counter(rows.tolist())
            else:
                same = (rows[: len(history)] if begun else rows).tolist() == history.tolist()
            if out and same:
                return True
    return False


@pytest.mark.slow
@pytest.mark.parametrize(("n_untaken", "hidden"), [(0, 10), (22, 20), (800, 40)])
def test_as_many_items_are_hidden_as_nobody_took_within_limits(n_untaken: int, hidden: int) -> None:
    """Of 200 that people took: a twentieth, a tenth, a fifth."""
    items = [Item(f"{n:03}") for n in range(200 + n_untaken)]
    events = [
        Event(f"u{user}", f"{(user + n) % 200:03}", "like", order=n) for user in range(400) for n in range(20)
    ]
    data = build_dataset(items, events)
    part, _ = FusionRecipe().carve(data, 0)
    gone = int(((data.support > 0) & (part.support == 0)).sum())
    assert gone == pytest.approx(hidden, abs=1)
    named, _ = FusionRecipe(hidden_share=0.5).carve(data, 0)
    assert int((named.support == 0).sum()) == 100 + n_untaken


def test_who_is_asked_asks_when_the_target_was_taken_and_as_it_was_then() -> None:
    """Every event has another hour and says its own item as its device."""
    names = [item.item_id for item in small_catalogue()]
    events = [
        Event(f"u{user}", name, "like", at=NOON + timedelta(hours=25 * user + place), context={"device": name})
        for user in range(40)
        for place, name in enumerate(names[user % 5 : user % 5 + 8])
    ]
    data = build_dataset(small_catalogue(), events)
    part, examples = carve(data, 3_000, 0.1, 0)
    assert [field.name for field in part.context] == ["device"]
    told = [context["device"] for context in examples.batch.contexts]
    assert told == [data.items[row] for row in examples.targets]
    moments = {(event.item_id, event.at and event.at.timestamp()) for event in events}
    now = examples.batch.now.tolist()
    assert {(data.items[row], at) for row, at in zip(examples.targets, now, strict=True)} <= moments
    some = next(examples.some(np.array([3, 1])).parts()).batch
    assert some.now.tolist() == [now[3], now[1]]
    assert [context["device"] for context in some.contexts] == [told[3], told[1]]


def test_without_times_it_is_not_known_when_anybody_asks() -> None:
    _, examples = carve(small_dataset(timed=False), 3_000, 0.1, 0)
    assert np.isnan(examples.batch.now).all()
    assert examples.batch.contexts == ()


def test_one_very_long_past_is_not_multiplied_by_its_targets() -> None:
    """200,000 events of one person took 3,000 times 180,000 entries, and all memory."""
    n_items, n = 1_500, 30_000
    items = [Item(str(number)) for number in range(n_items)]
    whale = [Event("whale", str(number % n_items), "click", order=number) for number in range(n)]
    others = [Event(f"u{u}", str(number), "click", order=number) for u in range(20) for number in range(10)]
    _, examples = carve(build_dataset(items, whale + others), 3_000, 0.0, 0)
    assert examples.batch.lengths.max() == LONGEST
    of_whale = examples.newest.batch.lengths > 10
    assert of_whale.sum() <= LATE_OF_ONE, "nobody's habits are all that is learned"
    assert (~of_whale).any()


def test_a_long_past_is_told_by_its_newest_entries() -> None:
    items = [Item(str(number)) for number in range(3 * LONGEST)]
    events = [Event("ann", item.item_id, "click", order=order) for order, item in enumerate(items)]
    data = build_dataset(items, events + [Event(f"u{u}", "0", "click", order=1) for u in range(5)])
    _, examples = carve(data, 3_000, 0.0, 1)
    start, end = examples.newest.batch.indptr[:2]
    known = [int(data.items[row]) for row in examples.newest.batch.rows[start:end]]
    assert len(known) == LONGEST
    assert min(known) > 3 * LONGEST - 1.5 * LONGEST


def taken(*supports: int, timed: bool = False) -> Dataset:
    """Items that so many people took each."""
    events = [
        Event(f"u{n % 97}", f"i{row}", "like", at=NOON + timedelta(minutes=97 * n + row) if timed else None)
        for row, support in enumerate(supports)
        for n in range(support)
    ]
    return build_dataset([Item(f"i{row}") for row in range(len(supports))], events)


def test_in_a_set_a_new_item_stands_for_all_that_is_still_to_come_of_it() -> None:
    data = taken(*[90] * 40, *[0] * 10)
    part, examples = carve(data, 3_000, 0.2, 0)
    cold = part.support[examples.targets] == 0
    assert cold.any()
    assert set(examples.counts[cold].tolist()) == {10.0}, (
        "of a tenth of the others' events it is ten times as much"
    )
    assert set(examples.counts[~cold].tolist()) == {1.0}


def test_what_nobody_took_by_chance_is_no_new_item() -> None:
    """100 items were taken once and 20 twice, so about as many as 235 were missed: 20 untaken ones are no news."""
    _, examples = carve(taken(*[90] * 40, *[1] * 100, *[2] * 20, *[0] * 20), 3_000, 0.2, 0)
    assert set(examples.counts.tolist()) == {1.0}


def test_where_there_is_an_order_new_items_count_as_often_as_they_were_taken() -> None:
    _, examples = carve(taken(*[90] * 40, *[0] * 10, timed=True), 3_000, 0.2, 0)
    assert set(examples.counts.tolist()) == {1.0}


@pytest.mark.parametrize(("timed", "kinds"), [(False, [0, 0, 1, 1]), (True, [0, 1, 1, 1])])
def test_in_a_set_only_what_nobody_took_is_cold(timed: bool, kinds: list[int]) -> None:
    data, run = taken(9, 2, 0, 0, timed=timed), Run(HashEncoder())
    titled = replace(data, catalogue=[replace(item, title="a spade") for item in data.catalogue])
    words, meaning = WordsRecipe().fit(titled, run), MeaningRecipe().fit(titled, run)
    rows = [data.items.row(f"i{n}") for n in range(4)]
    assert kinds_of(titled, words, meaning)[rows].tolist() == kinds
