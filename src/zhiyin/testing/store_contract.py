"""What every store must do: inherit `StoreContract` in a test class and give a fixture `store`, an empty one.

@pytest.fixture(params=[open_in_memory, open_sqlite])
def store(request, tmp_path): ...

class TestStore(StoreContract): ...
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta, timezone

import pytest
from hypothesis import given

from zhiyin.data.store.protocols import Erased, Store
from zhiyin.errors import InvalidData
from zhiyin.testing import strategies as some
from zhiyin.testing.answer_contract import AnswerContract
from zhiyin.testing.event_log_contract import NOON, EventLogContract, click, item_ids, law
from zhiyin.testing.label_contract import LabelContract
from zhiyin.testing.whole_contract import WholeContract, shown
from zhiyin.types import (
    Item,
    Relation,
    User,
)


class CatalogueContract:
    """Items, people, relations."""

    @pytest.mark.slow
    @law
    @given(item=some.items())
    def test_an_item_comes_out_equal(self, store: Store, item: Item) -> None:
        store.delete_items([item.item_id])  # with the labels that it had
        store.put_items([item])
        assert store.item(item.item_id) == item
        assert store.put_items([item]) == 0
        *_, last = store.item_changes(after=0)
        assert store.last_item() == last.seq

    def test_an_unchanged_item_writes_nothing(self, store: Store) -> None:
        item = Item("a", "Lamp", attributes={"height": 30, "wood": True}, published_at=NOON)
        assert store.put_items([item, Item("b")]) == 2
        there = store.last_item()
        shuffled = replace(item, attributes={"wood": True, "height": 30})
        elsewhere = replace(item, published_at=NOON.astimezone(timezone(timedelta(hours=8))))
        assert store.put_items([shuffled, elsewhere]) == 0
        assert store.last_item() == there
        assert store.put_items([replace(item, price=3.0)]) == 1
        assert store.last_item() > there

    def test_the_log_tells_how_items_changed(self, store: Store) -> None:
        old, new = Item("a", "old"), Item("a", "new")
        assert store.put_items([old, new, Item("b")]) == 3
        assert store.delete_items(["a", "a", "unknown"]) == 1
        changes = list(store.item_changes(after=0))
        assert [(change.item_id, change.item) for change in changes] == [
            ("a", old),
            ("a", new),
            ("b", Item("b")),
            ("a", None),
        ]
        seqs = [change.seq for change in changes]
        assert seqs == sorted(set(seqs))
        assert store.last_item() == seqs[-1]
        assert list(store.item_changes(after=seqs[0], until=seqs[2])) == changes[1:3]
        assert store.item("a") is None
        assert list(store.items()) == [Item("b")]

    def test_the_newest_changes_are_the_catalogue_as_it_was(self, store: Store) -> None:
        store.put_items([Item("a", "old"), Item("b"), Item("x")])
        store.put_items([Item("a", "new")])
        store.delete_items(["b"])
        store.put_items([Item("a", "newer"), Item("b", "back")])
        changes = list(store.item_changes(after=0))
        for until in (0, *(change.seq for change in changes), changes[-1].seq + 9):
            newest = {change.item_id: change for change in changes if change.seq <= until}
            told = list(store.newest_changes(until=until))
            assert told == sorted(newest.values(), key=lambda change: change.seq)
        assert [(change.item_id, change.item) for change in store.newest_changes(until=changes[4].seq)] == [
            ("x", Item("x")),
            ("a", Item("a", "new")),
            ("b", None),
        ]

    @pytest.mark.slow
    def test_the_newest_changes_of_many_items_stream(self, store: Store) -> None:
        items = [Item(f"{number:04d}") for number in range(4_100)]
        store.put_items(items)
        store.put_items([replace(item, price=1.0) for item in items[::2]])
        newest = {change.item_id: change.item for change in store.newest_changes(until=store.last_item())}
        assert newest == {item.item_id: item for item in store.items()}

    def test_a_deleted_item_can_come_back(self, store: Store) -> None:
        store.put_items([Item("a")])
        store.delete_items(["a"])
        assert store.put_items([Item("a")]) == 1
        assert [change.item for change in store.item_changes(after=0)] == [Item("a"), None, Item("a")]

    def test_items_come_by_id_in_the_order_of_code_points(self, store: Store) -> None:
        ids = [f"{number:04d}" for number in range(3_000)] + ["a", "B", "é", "知", "😀", "\uffee"]
        store.put_items([Item(item_id) for item_id in reversed(ids)])
        assert [item.item_id for item in store.items()] == sorted(ids)
        assert len(list(store.item_changes(after=0))) == len(ids)
        assert store.delete_items(ids) == len(ids)

    def test_an_item_not_there_is_none(self, store: Store) -> None:
        assert store.item("a") is None
        assert store.last_item() == 0

    def test_users_are_replaced(self, store: Store) -> None:
        old, new = User("u", {"age": 7}), User("u", {"age": 8, "city": "知音"})
        assert store.put_users([old, User("v")]) == 2
        assert store.put_users([old]) == 0
        assert store.put_users([new]) == 1
        assert store.user("u") == new
        assert store.user("w") is None
        assert store.put_users([]) == 0

    def test_users_stream_in_the_order_of_their_ids(self, store: Store) -> None:
        users = [User(f"user {number:04d}", {"number": number}) for number in range(2_100)]
        store.put_users(users[::-1])
        assert list(store.users()) == users

    def test_a_relation_is_stored_once_and_read_sorted(self, store: Store) -> None:
        edges = [Relation("b", "by", "x"), Relation("a", "of", "y"), Relation("a", "by", "z")]
        assert store.put_relations([*edges, edges[0]]) == 3
        assert store.put_relations(edges) == 0
        assert list(store.relations()) == [edges[2], edges[1], edges[0]]

    def test_many_relations_stream(self, store: Store) -> None:
        edges = [Relation(f"{n // 100:03d}", f"r{n % 100:02d}", "x") for n in range(4_500)]
        assert store.put_relations(edges) == len(edges)
        assert list(store.relations()) == edges


class PeopleContract:
    """Merge and erase."""

    def test_merged_events_are_one_history(self, store: Store) -> None:
        store.append([click("session", "b", 2), click("account", "a", 1), click("account", "c", 3)])
        store.merge("session", "account")
        for name in ("session", "account"):
            history = store.history(name, limit=9)
            assert item_ids(history) == ["a", "b", "c"]
            assert {event.user_id for event in history} == {"account"}
            assert item_ids(store.history(name, limit=2)) == ["b", "c"]
            assert store.resolve(name) == "account"
        assert {event.user_id for _, event in store.events()} == {"account"}

    def test_events_of_items_come_in_the_order_of_the_log_by_the_merged_ids(self, store: Store) -> None:
        store.append([click("session", "b", 2), click("ann", "a", 9), click("ann", "c", 1), click("bob", "b", 1)])
        store.merge("session", "account")
        found = list(store.events_of(["b", "a", "nothing"]))
        assert [(event.user_id, event.item_id) for event in found] == [
            ("account", "b"),
            ("ann", "a"),
            ("bob", "b"),
        ]
        assert list(store.events_of([])) == []
        store.erase("session")
        assert [event.user_id for event in store.events_of(["b"])] == ["bob"]

    def test_events_after_the_merge_count_too(self, store: Store) -> None:
        store.merge("session", "account")
        store.append([click("session", "a", 0)])
        assert item_ids(store.history("account", limit=9)) == ["a"]

    def test_chains_are_followed_in_any_order_of_merging(self, store: Store) -> None:
        store.append([click(name, name, minute) for minute, name in enumerate("abcd")])
        store.merge("c", "d")
        store.merge("a", "b")
        store.merge("b", "c")
        assert [store.resolve(name) for name in "abcd"] == ["d"] * 4
        assert item_ids(store.history("b", limit=9)) == list("abcd")
        assert {event.user_id for _, event in store.events()} == {"d"}

    def test_a_cycle_is_refused(self, store: Store) -> None:
        store.merge("a", "b")
        store.merge("b", "c")
        with pytest.raises(InvalidData, match="merged"):
            store.merge("c", "a")
        assert store.resolve("a") == "c"

    def test_merging_twice_or_with_itself_changes_nothing(self, store: Store) -> None:
        store.merge("a", "b")
        store.merge("a", "b")
        store.merge("a", "a")
        store.merge("c", "c")
        assert (store.resolve("a"), store.resolve("c")) == ("b", "c")
        assert store.counts()["aliases"] == 1

    def test_all_ids_of_a_person_are_known_from_any_of_them(self, store: Store) -> None:
        store.merge("tablet", "session")
        store.merge("session", "account")
        for id_ in ("tablet", "session", "account"):
            first, *merged = store.ids_of(id_)
            assert (first, set(merged)) == ("account", {"session", "tablet"})
        assert store.ids_of("nobody") == ["nobody"]

    def test_merging_elsewhere_moves_an_alias_with_all_below_it(self, store: Store) -> None:
        store.append([click("phone", "x", 0)])
        store.merge("phone", "session")
        store.merge("session", "first")
        store.merge("session", "second")
        assert store.history("first", limit=9) == []
        assert item_ids(store.history("second", limit=9)) == ["x"]
        assert store.erase("first") == Erased(0, 0, 0, 0)
        assert store.resolve("phone") == "second"

    @pytest.mark.parametrize("bad", ["", "  ", "a\x00b", "x" * 600])
    def test_merging_what_is_no_id_is_refused(self, store: Store, bad: str) -> None:
        with pytest.raises(InvalidData):
            store.merge(bad, "u")
        with pytest.raises(InvalidData):
            store.merge("u", bad)

    @pytest.mark.parametrize("name", ["account", "session"])
    def test_erasing_removes_the_whole_person_and_nobody_else(self, store: Store, name: str) -> None:
        store.append([click("session", "a", 0), click("account", "b", 1), click("other", "a", 2)])
        store.put_users([User("account"), User("other")])
        store.log([shown("r1", "session"), shown("r2", "account"), shown("r3", "other"), shown("r4")])
        store.merge("session", "account")
        store.merge("alias", "other")
        assert store.erase(name) == Erased(events=2, recommendations=2, user=1, aliases=1)
        assert store.history(name, limit=9) == []
        assert store.user("account") is None
        assert store.recommendation("r1") is None
        assert store.resolve("session") == "session"
        assert item_ids(store.history("alias", limit=9)) == ["a"]
        assert [entry.recommendation_id for entry in store.recent(limit=9)] == ["r4", "r3"]
        assert store.user("other") == User("other")

    def test_an_erased_event_can_be_sent_again_under_a_new_number(self, store: Store) -> None:
        event = click("u", "a", 0)
        first = store.append([event]).last
        assert store.erase("u").events == 1
        assert store.erase("u") == Erased(0, 0, 0, 0)
        again = store.append([event])
        assert (again.stored, again.duplicates) == (1, 0)
        assert again.last > first

    def test_an_erased_alias_is_free_to_be_merged_anew(self, store: Store) -> None:
        store.merge("a", "b")
        store.erase("b")
        store.merge("b", "a")
        assert store.resolve("b") == "a"


class StoreContract(
    EventLogContract, CatalogueContract, PeopleContract, AnswerContract, LabelContract, WholeContract
):
    """All of it."""
