"""What every log of events must do; a part of `StoreContract`, with what its other parts share."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from itertools import permutations

import pytest
from hypothesis import HealthCheck, given, settings

from zhiyin.data.store.codec import micros
from zhiyin.data.store.protocols import Appended, Store, Taken
from zhiyin.errors import InvalidData
from zhiyin.testing import strategies as some
from zhiyin.types import AsOf, Event, EventType, Item

NOON = datetime(2026, 1, 31, 12, 0, 0, 123_457, tzinfo=UTC)
law = settings(  # examples share the store: each looks at what it added
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def click(user_id: str, item_id: str, minute: int | None = None, order: int | None = None) -> Event:
    at = None if minute is None else NOON + timedelta(minutes=minute)
    return Event(user_id, item_id, "click", at=at, order=order)


def search(user_id: str, text: str, minute: int | None = None) -> Event:
    at = None if minute is None else NOON + timedelta(minutes=minute)
    return Event(user_id, None, "search", at=at, text=text)


def edit(user_id: str, text: str) -> Event:
    return Event(user_id, None, "edit", at=NOON, text=text, context={"field": "category", "stance": "more"})


def item_ids(events: list[Event]) -> list[str | None]:
    return [event.item_id for event in events]


def told(event: Event) -> Taken:
    return Taken(str(event.item_id), event.type, event.value, None if event.at is None else micros(event.at))


class EventLogContract:
    """Append, history, events."""

    def test_an_empty_log_is_at_zero(self, store: Store) -> None:
        assert store.last_event() == 0
        assert store.history("nobody", limit=5) == []
        assert list(store.events()) == []
        assert store.append([]) == Appended(0, 0, 0)

    @pytest.mark.slow
    @law
    @given(event=some.events())
    def test_an_event_comes_out_equal(self, store: Store, event: Event) -> None:
        before = store.last_event()
        if store.append([event]).stored:
            ((_, back),) = store.events(after=before)
            assert back == event
            assert back.at is None or back.at.tzinfo is UTC
        assert store.append([event]).stored == 0

    def test_an_event_without_id_is_known_by_its_content(self, store: Store) -> None:
        event = replace(click("u", "a", 0), value=3.0, context={"page": "home", "rank": 1})
        same = replace(
            event, context={"rank": 1, "page": "home"}, at=NOON.astimezone(timezone(timedelta(hours=8)))
        )
        others = [
            replace(event, at=NOON + timedelta(microseconds=1)),
            replace(event, order=0),
            replace(event, value=None),
            replace(event, context={}),
            replace(event, session_id="home"),
            replace(event, recommendation_id="home"),
        ]
        appended = store.append([event, same, *others])
        assert (appended.stored, appended.duplicates) == (1 + len(others), 1)

    def test_an_event_with_id_is_known_by_its_id(self, store: Store) -> None:
        first = replace(click("u", "a", 0), event_id="e1")
        again = [replace(first, item_id="b"), replace(first, user_id="v")]
        appended = store.append([first, *again, replace(first, event_id="e2")])
        assert (appended.stored, appended.duplicates) == (2, 2)
        assert appended.last == store.last_event()
        assert item_ids(store.history("u", limit=9)) == ["a", "a"]

    def test_several_batches_in_one_transaction_are_counted_each(self, store: Store) -> None:
        batches = [[click("u", "a"), click("u", "b")], [], [click("u", "b"), click("u", "c")]]
        each = store.append_each(batches)
        assert [(one.stored, one.duplicates) for one in each] == [(2, 0), (0, 0), (1, 1)]
        assert [one.last for one in each] == [2, 2, store.last_event()]
        with pytest.raises(InvalidData):
            store.append_each([[click("u", "d")], [replace(click("u", "e"), context={"x": float("nan")})]])
        assert store.last_event() == each[-1].last

    def test_history_is_the_newest_events_oldest_first(self, store: Store) -> None:
        store.append([click("u", "c", 3), click("u", "a", 1), click("v", "x", 9), click("u", "b", 2)])
        assert item_ids(store.history("u", limit=9)) == ["a", "b", "c"]
        assert item_ids(store.history("u", limit=2)) == ["b", "c"]
        assert store.history("u", limit=0) == []

    @pytest.mark.parametrize("arrival", list(permutations(range(4))))
    def test_order_is_time_then_order_then_arrival(self, store: Store, arrival: tuple[int, ...]) -> None:
        right = [
            click("u", "untimed", None, 7),
            click("u", "no order", 0),
            click("u", "o1", 0, -1),
            click("u", "o2", 0, 2),
        ]
        store.append([right[place] for place in arrival])
        assert store.history("u", limit=9) == right
        assert store.history("u", limit=3) == right[1:]
        assert store.taken("u", limit=3) == [told(event) for event in right[1:]]

    def test_what_was_taken_is_the_history_in_few_words(self, store: Store) -> None:
        store.append([Event("u", "a", "view", at=NOON, value=2.5), click("v", "b", 1), click("u", "c", None, 1)])
        store.append([Event("u", None, "search", at=NOON, text="garden")])
        store.merge("v", "u")
        for limit, until in ((9, None), (2, None), (9, 2), (0, None)):
            history = store.history("v", limit=limit, until=until)
            assert store.taken("v", limit=limit, until=until) == [told(event) for event in history]
        assert len(store.taken("u", limit=9)) == 3
        with pytest.raises(InvalidData, match="limit"):
            store.taken("u", limit=-1)

    def test_events_alike_in_time_stay_in_order_of_arrival(self, store: Store) -> None:
        store.append([click("u", name, 0) for name in "dacb"])
        assert item_ids(store.history("u", limit=9)) == list("dacb")

    def test_history_has_no_searches(self, store: Store) -> None:
        store.append([click("u", "a", 0), Event("u", None, "search", at=NOON, text="garden")])
        assert item_ids(store.history("u", limit=1)) == ["a"]
        assert len(list(store.events())) == 2

    def test_what_was_said_is_of_one_type_without_an_item_in_the_order_of_the_log(self, store: Store) -> None:
        first = [search("v", "first"), search("u", "late", 9), click("u", "a", 1), edit("u", "garden")]
        first.append(search("u", "early", 0))
        until = store.append(first).last
        store.append([search("u", "last"), search("other", "not mine"), search("v", "merged")])
        store.merge("v", "u")

        def words(limit: int, type_: EventType = "search", until: int | None = None) -> list[str | None]:
            return [event.text for event in store.said("v", type_, limit=limit, until=until)]

        assert words(9) == ["first", "late", "early", "last", "merged"]
        assert words(2) == ["last", "merged"]
        assert words(9, until=until) == ["first", "late", "early"]
        assert words(9, "edit") == ["garden"]
        assert {event.user_id for event in store.said("v", "search", limit=9)} == {"u"}
        assert store.said("v", "edit", limit=9)[0].context == {"field": "category", "stance": "more"}
        assert words(0) == words(9, "click") == []
        with pytest.raises(InvalidData, match="limit"):
            words(-1)
        store.erase("u")
        assert words(9) == words(9, "edit") == []

    def test_what_was_written_are_searches_and_reviews_in_the_order_of_the_log(self, store: Store) -> None:
        review = Event("u", "a", "review", at=NOON, text="lovely", value=5)
        until = store.append([search("v", "first"), review, click("u", "b", 1), edit("u", "garden")]).last
        store.append([search("u", "late", 9), search("u", "early", 0), search("other", "not mine")])
        store.merge("v", "u")

        def words(limit: int, until: int | None = None) -> list[str | None]:
            return [event.text for event in store.written("v", limit=limit, until=until)]

        assert words(9) == ["first", "lovely", "late", "early"]
        assert words(2) == ["late", "early"]
        assert words(9, until=until) == ["first", "lovely"]
        assert words(0) == []
        assert store.written("u", limit=9)[1] == review
        with pytest.raises(InvalidData, match="limit"):
            words(-1)
        store.erase("u")
        assert words(9) == []

    def test_history_until_does_not_see_what_came_later(self, store: Store) -> None:
        until = store.append([click("u", "b", 5)]).last
        store.append([click("u", "late arrival", 1), click("u", "c", 6)])
        assert item_ids(store.history("u", limit=9, until=until)) == ["b"]
        assert item_ids(store.history("u", limit=9)) == ["late arrival", "b", "c"]

    def test_a_negative_limit_is_refused(self, store: Store) -> None:
        with pytest.raises(InvalidData, match="limit"):
            store.history("u", limit=-1)
        with pytest.raises(InvalidData, match="limit"):
            store.recent(limit=-1)

    def test_events_stream_between_two_positions(self, store: Store) -> None:
        store.append([click("u", f"{number:05d}", number) for number in range(5_000)])
        numbered = list(store.events())
        seqs = [seq for seq, _ in numbered]
        assert seqs == sorted(set(seqs))
        assert [event.item_id for _, event in numbered] == [f"{number:05d}" for number in range(5_000)]
        assert list(store.events(after=seqs[9], until=seqs[4_000])) == numbered[10:4_001]
        assert list(store.events(after=seqs[-1])) == []
        assert list(store.events(until=10**15)) == numbered

    def test_a_stream_ends_where_the_log_ended_when_it_began(self, store: Store) -> None:
        store.append([click("u", "a", 0)])
        seen = 0
        for _ in store.events():
            seen += 1
            store.append([click("u", "again", seen)])
        assert seen == 1

    @pytest.mark.parametrize("value", [float("nan"), float("inf"), 2**64, "\ud800", None, ["a"]])
    def test_what_json_cannot_keep_is_refused_and_nothing_is_written(self, store: Store, value: object) -> None:
        bad = replace(click("u", "b"), context={"odd": value})  # type: ignore[dict-item]
        with pytest.raises(InvalidData):
            store.append([click("u", "a"), bad])
        with pytest.raises(InvalidData):
            store.put_items([Item("a"), Item("b", attributes={"odd": value})])  # type: ignore[dict-item]
        assert store.position() == AsOf(0, 0)

    @pytest.mark.parametrize("field", ["order", "position"])
    def test_a_number_past_64_bits_is_refused(self, store: Store, field: str) -> None:
        number = 2**63
        event = (
            replace(click("u", "a"), order=number)
            if field == "order"
            else replace(click("u", "a"), position=number)
        )
        with pytest.raises(InvalidData, match=field):
            store.append([event])

    def test_a_time_that_utc_does_not_have_is_refused(self, store: Store) -> None:
        first = datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=8)))
        with pytest.raises(InvalidData, match="years"):
            store.append([Event("u", "a", "click", at=first)])
        with pytest.raises(InvalidData, match="years"):
            store.put_items([Item("a", published_at=first)])

    def test_threads_read_while_others_write(self, store: Store) -> None:
        def act(worker: int) -> int:
            appended = [store.append([click(f"u{worker}", f"{n}", n)]).stored for n in range(20)]
            assert len(store.history(f"u{worker}", limit=50)) == 20
            assert store.last_event() >= 20
            return sum(appended)

        with ThreadPoolExecutor(6) as pool:
            assert sum(pool.map(act, range(6))) == 120
        assert store.counts()["events"] == 120
