from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from small_shop import shop_in, small_shop

from zhiyin.data.store.memory import MemoryStore
from zhiyin.errors import InvalidData
from zhiyin.profile.edits import Said, edit_event, standing
from zhiyin.profile.traits import Trait
from zhiyin.settings_file import load_settings
from zhiyin.shop import Zhiyin
from zhiyin.testing.small import small_catalogue, small_events
from zhiyin.types import PERSON, Event, Item, ItemLabel, LabelExample, Query, Relation, Translation, User
from zhiyin.workflows.export import Format, export
from zhiyin.workflows.ingest import ingest
from zhiyin.workflows.init import Files, init_project

FORMATS: tuple[Format, ...] = ("jsonl", "parquet")


def rich_shop(folder: Path) -> Zhiyin:
    """A shop with something in every field."""
    shop = small_shop(folder, small_events(8))
    shop.put_items(
        [
            Item(
                "茶/🍵 1",
                "Tea, green",
                'Two "lines"\nand a comma, too',
                categories=("Drink, hot", "a|b"),
                brand="山",
                attributes={"title": "clash", "organic": True, "grams": 50, "mixed": "x"},
                price=3.5,
                url="https://example.org/tea?a=1&b=2",
                image="https://example.org/tea.png",
                language="en",
                translations={"zh": Translation("绿茶", "两行\n文字"), "de": Translation("Tee")},
                vectors={"own": (0.25, -1.5)},
                available=False,
                published_at=datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC),
            ),
            Item("plain", attributes={"mixed": 2, "grams": 1.5}),
        ]
    )
    at = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
    shop.add_events(
        [
            Event("ann", None, "search", at=at, text="green tea", session_id="s"),
            Event(
                "ann", "plain", "view", at=at, value=12.5, context={"page": "home", "user_id": "clash", "ok": True}
            ),
            Event("ann", "plain", "click", order=7, event_id="e", recommendation_id="r", position=3),
            Event("session", "plain", "like"),
            edit_event("ann", Said(Trait("text", "slow films, “quiet”"), "never", at), "edit 1"),
            edit_event("session", Said(Trait("category", "Drink, hot"), "more", at)),
        ]
    )
    shop.store.merge("session", "bob")
    shop.store.put_users([User("ann", {"age": 30, "city": "Ulm"}), User("bob")])
    shop.store.put_relations([Relation("plain", "goes with", "茶/🍵 1")])
    shop.answer(Query("ann"))
    return shop


def imported(folder: Path) -> MemoryStore:
    store = MemoryStore()
    report = ingest(load_settings(folder), store)
    assert [file.quarantined for file in report.files] == [0] * len(report.files)
    return store


@pytest.mark.slow
@pytest.mark.parametrize("format_", FORMATS)
def test_what_is_imported_again_is_what_was_exported(tmp_path: Path, format_: Format) -> None:
    shop = rich_shop(tmp_path / "shop")
    done = export(shop, tmp_path / "out", format_)
    again = imported(tmp_path / "out")
    theirs = {item.item_id: item for item in again.items()}
    for item in shop.store.items():
        assert comparable(theirs.pop(item.item_id)) == comparable(item)
    assert not theirs
    assert [plain(event) for _, event in again.events()] == [plain(event) for _, event in shop.store.events()]
    for person in ("ann", "bob"):
        said = shop.store.said(person, "edit", limit=9)
        assert said
        assert standing(again.said(person, "edit", limit=9)) == standing(said)
    assert list(again.users()) == list(shop.store.users())
    assert list(again.relations()) == list(shop.store.relations())
    assert done.files[f"items.{format_}"] == len(small_catalogue()) + 2
    assert export(shop, tmp_path / "twice", format_).files == done.files


def comparable(item: Item) -> Item:
    """Attributes of one name are of one type in a file, and one that is called like a field is renamed."""
    attributes = {"own_title" if name == "title" else name: value for name, value in item.attributes.items()}
    return replace(
        item, attributes={name: str(value) if name == "mixed" else value for name, value in attributes.items()}
    )


def plain(event: Event) -> Event:
    context = {"own_user_id" if name == "user_id" else name: value for name, value in event.context.items()}
    return replace(event, context=context)


@pytest.mark.slow
@pytest.mark.parametrize("format_", FORMATS)
def test_labels_come_back_with_who_said_them_and_when(tmp_path: Path, format_: Format) -> None:
    shop, at = rich_shop(tmp_path / "shop"), datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
    book = shop.store.labels
    book.add(
        [
            LabelExample("topic", "two\nlines, “quoted”", ("none", "a|b"), "file.csv", at),
            LabelExample("topic", "a tea", ("n/a",), PERSON, at, "plain"),
            LabelExample("mood", "nothing of it", (), "file.csv", at),
        ]
    )
    book.put_answers("topic", {"none": "Ask us.", "a|b": "See a."})
    said = ItemLabel(("none",), {"none": 0.75, "b": 0.25}, "f" * 64, at)
    shop.store.put_labels("topic", {"plain": said, "茶/🍵 1": ItemLabel((), {}, PERSON, at)})
    done = export(shop, tmp_path / "out", format_)
    assert [done.files[f"{noun}.{format_}"] for noun in ("label_examples", "label_answers", "item_labels")] == [
        3,
        2,
        2,
    ]
    again = imported(tmp_path / "out")
    for name in ("topic", "mood"):
        assert list(again.labels.examples(name)) == list(book.examples(name))
        assert again.labels.answers(name) == book.answers(name)
    assert {item.item_id: dict(item.labels) for item in again.items() if item.labels} == {
        "plain": {"topic": said},
        "茶/🍵 1": {"topic": ItemLabel((), {}, PERSON, at)},
    }
    twice = ingest(load_settings(tmp_path / "out"), again)
    assert {file.kind: file.stored for file in twice.files if "label" in file.kind} == {
        "label examples": 0,
        "label answers": 0,
        "item labels": 0,
    }


def test_labels_that_cannot_be_read_go_to_quarantine_with_the_reason(tmp_path: Path) -> None:
    shop, at = rich_shop(tmp_path / "shop"), datetime(2026, 3, 1, tzinfo=UTC)
    shop.store.labels.add([LabelExample("topic", "a tea", ("tea",), PERSON, at)])
    shop.store.put_labels("topic", {"plain": ItemLabel(("tea",), {"tea": 1.0}, PERSON, at)})
    export(shop, tmp_path / "out")
    examples, items = tmp_path / "out" / "label_examples.jsonl", tmp_path / "out" / "item_labels.jsonl"
    good, said = json.loads(examples.read_text()), json.loads(items.read_text())
    bad = [{"name": "../x"}, {"labels": "tea"}, {"at": None}, {"text": " "}]
    examples.write_text("\n".join(json.dumps({**good, **change}) for change in bad))
    worse = [{"item_id": "nowhere"}, {"probabilities": []}, {"probabilities": [1.5]}, {"near": ["tea", 3]}]
    items.write_text("\n".join(json.dumps({**said, **change}) for change in worse))
    store = MemoryStore()
    report = ingest(load_settings(tmp_path / "out"), store)
    assert {file.kind: file.quarantined for file in report.files if "label" in file.kind} == {
        "label examples": 4,
        "item labels": 4,
    }
    assert store.labels.counts() == {}
    reasons = "".join(path.read_text() for path in (tmp_path / "out" / "quarantine").iterdir())
    for reason in (
        "small letters",
        "a list is meant",
        "a time is missing",
        "a text is missing",
        "no item 'nowhere'",
    ):
        assert reason in reasons


@pytest.mark.parametrize("format_", FORMATS)
def test_a_stranger_can_begin_with_the_files_alone(tmp_path: Path, format_: Format) -> None:
    done = export(small_shop(tmp_path / "shop"), tmp_path / "out", format_)
    files = Files(tmp_path / "out" / f"items.{format_}", tmp_path / "out" / f"events.{format_}")
    init_project(tmp_path / "new", files)
    store = imported(tmp_path / "new")
    assert store.counts()["events"] == done.files[f"events.{format_}"]
    assert {item.item_id for item in store.items()} == {item.item_id for item in small_catalogue()}


def test_lists_and_publications_are_written_too(tmp_path: Path) -> None:
    shop = rich_shop(tmp_path / "shop")
    export(shop, tmp_path / "out")
    (line,) = (tmp_path / "out" / "recommendations.jsonl").read_text(encoding="utf-8").splitlines()
    shown = json.loads(line)
    assert (shown["user_id"], len(shown["items"])) == ("ann", 10)
    assert json.loads(shown["query"])["n"] == 10
    (line,) = (tmp_path / "out" / "publications.jsonl").read_text().splitlines()
    assert json.loads(line)["bundle"] == shown["bundle"]


def test_no_key_leaves_the_house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = small_shop(tmp_path / "shop")
    monkeypatch.setenv("ZHIYIN_SERVICE__API_KEYS", "geheim")
    export(shop, tmp_path / "out")
    assert not [path for path in (tmp_path / "out").iterdir() if b"geheim" in path.read_bytes()]


def test_nothing_is_overwritten_and_nothing_empty_is_written(tmp_path: Path) -> None:
    shop = shop_in(tmp_path / "shop")
    assert export(shop, tmp_path / "out").files == {}
    with pytest.raises(InvalidData, match="choose an empty folder"):
        export(shop, tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["zhiyin.toml"]
