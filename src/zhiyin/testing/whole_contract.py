"""What every store must do as a whole: numbers, backups, and what is shown and published."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given

from zhiyin.data.store.open import check_store, open_store
from zhiyin.data.store.protocols import Store
from zhiyin.errors import InvalidData, NotFound
from zhiyin.testing import strategies as some
from zhiyin.testing.event_log_contract import NOON, click, law
from zhiyin.testing.label_contract import LABEL
from zhiyin.types import PERSON, AsOf, Event, Item, LabelExample, Place, Query, Recommendation, Relation, User


def shown(recommendation_id: str, user_id: str | None = None) -> Recommendation:
    return Recommendation(
        recommendation_id=recommendation_id,
        at=NOON,
        query=Query(user_id),
        bundle="b1",
        settings="s1",
        as_of=AsOf(3, 2),
        policy="greedy",
        variant="control",
        mode="popular",
        items=(Place("a", 1.5, {"popular": 1.5}, 0.0),),
        candidates=(("a", 1.5), ("b", 0.1)),
    )


class WholeContract:
    """Recommendations, publications, numbers, copies."""

    @pytest.mark.slow
    @law
    @given(recommendation=some.recommendations())
    def test_a_recommendation_comes_out_equal(self, store: Store, recommendation: Recommendation) -> None:
        if store.recommendation(recommendation.recommendation_id) is None:
            store.log([recommendation])
            back = store.recommendation(recommendation.recommendation_id)
            assert back == recommendation
            assert back is not None
            assert back.at.tzinfo is UTC

    def test_recent_is_newest_first_and_sees_merged_people(self, store: Store) -> None:
        store.log([shown("r1", "a"), shown("r2", "b"), shown("r3"), shown("r4", "a")])
        store.merge("a", "c")
        store.merge("b", "c")

        def recent(limit: int, user_id: str | None = None) -> list[str]:
            return [entry.recommendation_id for entry in store.recent(limit=limit, user_id=user_id)]

        assert recent(9) == ["r4", "r3", "r2", "r1"]
        assert recent(2, "c") == recent(2, "a") == ["r4", "r2"]
        assert recent(9, "nobody") == []
        assert recent(0) == []
        assert store.recent(limit=1, user_id="c") == [shown("r4", "a")]

    def test_all_lists_stream_oldest_first(self, store: Store) -> None:
        logged = [shown(f"r{number}") for number in (3, 1, 2)]
        store.log(logged)
        assert list(store.recommendations()) == logged

    def test_logging_a_list_twice_is_harmless_but_another_under_its_id_is_refused(self, store: Store) -> None:
        store.log([])
        store.log([shown("r1"), shown("r1")])
        store.log([shown("r1")])
        with pytest.raises(InvalidData, match="r1"):
            store.log([shown("r2"), shown("r1", "somebody")])
        assert store.recommendation("r2") is None
        assert store.counts()["recommendations"] == 1

    @pytest.mark.parametrize("bad", [float("nan"), float("-inf")])
    def test_a_list_with_an_endless_number_is_refused(self, store: Store, bad: float) -> None:
        place = shown("r1").items[0]
        for entry in (
            replace(shown("r1"), candidates=(("a", bad),)),
            replace(shown("r1"), items=(replace(place, score=bad),)),
            replace(shown("r1"), items=(replace(place, log_propensity=bad),)),
            replace(shown("r1"), items=(replace(place, parts={"taste": bad}),)),
        ):
            with pytest.raises(InvalidData, match="NaN"):
                store.log([entry])
        assert store.recommendation("r1") is None

    def test_publications_are_newest_first(self, store: Store) -> None:
        assert store.publications() == []
        first = store.publish("b1", at=NOON, reason="published")
        second = store.publish("b2", at=NOON.astimezone(timezone(timedelta(hours=8))), reason="published")
        back = store.publish("b1", at=NOON, reason="rolled back")
        assert store.publications() == [back, second, first]
        assert second.seq > first.seq
        assert second.at.tzinfo is UTC

    def test_counts_are_rows_by_kind(self, store: Store) -> None:
        kinds = ("items", "users", "events", "recommendations", "relations", "aliases")
        assert store.counts() == dict.fromkeys(kinds, 0)
        store.append([click("u", "a", 0), click("u", "a", 1), Event("u", None, "search", text="x")])
        store.put_items([Item("a")])
        store.merge("s", "u")
        numbers = dict.fromkeys(kinds, 0) | {"items": 1, "events": 3, "aliases": 1}
        assert store.counts() == numbers | {"events.click": 2, "events.search": 1}

    def test_unknown_items_are_counted_and_named_most_frequent_first(self, store: Store) -> None:
        store.put_items([Item("known")])
        names = ("known", "rare", "also rare", "often", "often")
        store.append([click("u", name, minute) for minute, name in enumerate(names)])
        store.append([Event("u", None, "search", text="x")])
        assert store.unknown_items() == (4, ["often", "also rare", "rare"])
        assert store.unknown_items(limit=1) == (4, ["often"])

    def test_position_is_the_end_of_both_logs(self, store: Store) -> None:
        store.append([click("u", "a")])
        store.put_items([Item("a"), Item("b")])
        assert store.position() == AsOf(store.last_event(), store.last_item())

    def test_a_backup_holds_everything(self, store: Store, tmp_path: Path) -> None:
        _fill(store)
        path = tmp_path / "copy of 100%.db"
        store.backup(str(path))
        assert list(tmp_path.glob("copy*")) == [path]
        check_store(str(path))
        copy = open_store(str(path))
        assert list(_everything(copy)) == list(_everything(store))
        newest = store.append([click("new", "a")]).last
        assert copy.append([click("new", "a")]).last == newest
        copy.close()

    def test_a_backup_overwrites_nothing(self, store: Store, tmp_path: Path) -> None:
        path = tmp_path / "there.db"
        path.write_text("precious")
        with pytest.raises(InvalidData, match="exists"):
            store.backup(str(path))
        assert path.read_text() == "precious"
        with pytest.raises(NotFound, match="folder"):
            store.backup(str(tmp_path / "nowhere" / "copy.db"))

    def test_closing_twice_is_harmless(self, store: Store) -> None:
        store.close()
        store.close()


def _fill(store: Store) -> None:
    store.append([click("u", "a", 0), click("s", "b", 1), click("gone", "a", 2)])
    store.put_items([Item("a", "Lamp"), Item("b")])
    store.delete_items(["b"])
    store.put_users([User("u", {"age": 7})])
    store.put_relations([Relation("a", "by", "x")])
    store.merge("s", "u")
    store.log([shown("r1", "u"), shown("r2")])
    store.put_labels("topic", {"a": LABEL})
    store.labels.add([LabelExample("topic", "a lamp", ("home",), PERSON, NOON, "a")])
    store.labels.put_answers("topic", {"home": "Look there."})
    store.publish("b1", at=NOON, reason="published")
    store.erase("gone")


def _everything(store: Store) -> Iterator[object]:
    yield store.counts()
    yield store.publications()
    yield store.recent(limit=9)
    yield store.user("u")
    yield store.history("s", limit=9)
    yield from store.events()
    yield from store.item_changes(after=0)
    yield from store.items()
    yield from store.relations()
    yield from store.labels.examples("topic")
    yield store.labels.answers("topic")
