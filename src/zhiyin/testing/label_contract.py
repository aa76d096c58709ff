"""What every store must do with labels of items, and with what label models learn from."""

from __future__ import annotations

from datetime import timedelta

import pytest

from zhiyin.data.store.protocols import Store
from zhiyin.errors import InvalidData
from zhiyin.testing.event_log_contract import NOON
from zhiyin.types import PERSON, Event, Item, ItemLabel, LabelExample

LABEL = ItemLabel(("home",), {"home": 0.75, "garden": 0.25}, "f" * 64, NOON)


class LabelContract:
    """Labels of items, and what label models learn from."""

    def test_an_item_put_in_again_keeps_its_labels(self, store: Store) -> None:
        store.put_items([Item("a", "Lamp"), Item("b")])
        assert store.put_labels("topic", {"a": LABEL, "nowhere": LABEL}) == 1
        assert store.put_labels("topic", {"a": LABEL}) == 0
        assert store.put_items([Item("a", "Lamp")]) == 0
        assert store.put_items([Item("a", "Lamp of brass")]) == 1
        assert store.item("a") == Item("a", "Lamp of brass", labels={"topic": LABEL})
        changed = [(change.item_id, change.item and change.item.title) for change in store.item_changes(after=2)]
        assert changed == [("a", "Lamp"), ("a", "Lamp of brass")]

    def test_a_label_can_be_taken_away_and_goes_with_its_item(self, store: Store) -> None:
        store.put_items([Item("a", "Lamp")])
        store.put_labels("topic", {"a": LABEL})
        store.put_labels("mood", {"a": LABEL})
        assert store.put_labels("topic", {"a": None}) == 1
        assert store.item("a") == Item("a", "Lamp", labels={"mood": LABEL})
        store.delete_items(["a"])
        store.put_items([Item("a", "Lamp")])
        assert store.item("a") == Item("a", "Lamp")

    def test_examples_come_in_order_and_once_from_each_source(self, store: Store) -> None:
        one = LabelExample("topic", "a lamp", ("home",), "file.csv", NOON)
        other = LabelExample("topic", "a spade", ("garden", "tools"), "file.csv", NOON, "a")
        assert store.labels.add([one, other, one]) == 2
        assert store.labels.add([other, LabelExample("mood", "good", ("glad",), "file.csv", NOON)]) == 1
        assert list(store.labels.examples("topic")) == [one, other]
        assert store.labels.counts() == {"mood": 1, "topic": 2}

    def test_a_person_may_change_their_mind_and_change_it_back(self, store: Store) -> None:
        said = [
            LabelExample("topic", "a lamp", (label,), PERSON, NOON + timedelta(seconds=n))
            for n, label in enumerate(["home", "garden", "home"])
        ]
        assert [store.labels.add([one]) for one in (*said, said[0])] == [1, 1, 1, 0]
        assert [one.labels[0] for one in store.labels.examples("topic")] == ["home", "garden", "home"]

    def test_who_is_erased_takes_their_words_out_of_the_examples(self, store: Store) -> None:
        def said(text: str, item_id: str | None = None) -> LabelExample:
            return LabelExample("mood", text, ("glad",), "file.csv", NOON, item_id)

        store.append([Event("ann", "a", "review", text=" so good\n"), Event("bob", "a", "review", text="good")])
        store.append([Event("phone", None, "search", text="a lamp"), Event("ann", "a", "view")])
        store.merge("phone", "ann")
        store.labels.add([said("so good"), said("good"), said("a lamp"), said("a lamp", "a")])
        assert store.erase("ann").examples == 2
        assert list(store.labels.examples("mood")) == [said("good"), said("a lamp", "a")]

    def test_many_examples_stream(self, store: Store) -> None:
        many = [LabelExample("topic", f"text {n}", ("x",), "file.csv", NOON) for n in range(4_500)]
        assert store.labels.add(many) == 4_500
        assert list(store.labels.examples("topic")) == many

    def test_answers_are_replaced_label_by_label(self, store: Store) -> None:
        store.labels.put_answers("intent", {"card": "It comes tomorrow.", "pin": "Ask the bank."})
        store.labels.put_answers("intent", {"pin": "In the app."})
        assert store.labels.answers("intent") == {"card": "It comes tomorrow.", "pin": "In the app."}
        assert store.labels.answers("topic") == {}
        with pytest.raises(InvalidData, match="answer to 'pin'"):
            store.labels.put_answers("intent", {"pin": " "})
