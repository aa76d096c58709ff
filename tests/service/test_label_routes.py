"""Texts are told what they are over HTTP, and people decide what items are."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from asking import NOW, Caller, calling, problem

from zhiyin.data.store.memory import MemoryStore
from zhiyin.settings import LabelSettings, Settings
from zhiyin.shop import Zhiyin
from zhiyin.testing.encoders import HashEncoder
from zhiyin.testing.small import small_catalogue
from zhiyin.types import PERSON, Event, ItemLabel
from zhiyin.workflows.labels.training import Asked, train_labels

pytestmark = pytest.mark.slow


@pytest.fixture
def labelled(tmp_path: Path) -> Iterator[Caller]:
    """A shop with a label model of its categories, of which music is held to be harmful."""
    store = MemoryStore()
    store.put_items(small_catalogue())
    settings = Settings(folder=tmp_path, labels={"kind": LabelSettings(harmful=("music",))})
    with Zhiyin(settings, store, HashEncoder()) as shop:
        train_labels(shop, "kind", Asked(attribute="category"), datetime(2026, 1, 1, tzinfo=UTC))
        store.labels.put_answers("kind", {"garden": "See the garden."})
        with calling(shop) as caller:
            yield caller


def test_texts_are_told_with_answers(labelled: Caller) -> None:
    answer = labelled.post("/v1/labels/kind", {"texts": ["a spade for the garden and a rake", ""]})
    assert answer.status_code == 200, answer.text
    said = answer.json()
    assert said["model"] == "kind"
    known, empty = said["texts"]
    assert dict(known["near"])["garden"] > 0.1
    assert (empty["labels"], empty["unknown"], empty["answer"]) == ([], True, None)


def test_a_model_that_is_not_there_and_texts_that_are_none_are_refused(labelled: Caller) -> None:
    assert problem(labelled.post("/v1/labels/mood", {"texts": ["a"]}), 404)
    assert problem(labelled.post("/v1/labels/..%2Fkind", {"texts": ["a"]}), 404)
    assert "1 to 1,000 texts" in problem(labelled.post("/v1/labels/kind", {"texts": []}), 422)
    assert "at most 100,000" in problem(labelled.post("/v1/labels/kind", {"texts": ["x" * 100_001]}), 422)
    long = labelled.post("/v1/labels/kind", {"texts": ["spade " * 16_000]})
    assert long.status_code == 200


def test_shares_are_watched_over_time(labelled: Caller) -> None:
    def reviews(week: int, words: str, n: int) -> list[Event]:
        at = NOW + timedelta(weeks=week)
        return [Event(f"u{n}", "music/drum", "review", at=at, text=f"{words} {n}") for n in range(n)]

    for week in range(3):
        labelled.shop.add_events([*reviews(week, "a spade for the garden", 15), *reviews(week, "a drum", 1)])
    labelled.shop.add_events([*reviews(3, "a spade for the garden", 2), *reviews(3, "a drum", 14)])
    said = labelled.get("/v1/labels/kind/watch?label=garden&period=week").json()
    assert (said["name"], said["period"], said["n_texts"], said["undated"]) == ("kind", "week", 64, 0)
    assert [share["total"] for share in said["shares"]] == [16] * 4
    assert [share["alert"] for share in said["shares"]] == [False, False, False, True]
    everything = labelled.get("/v1/labels/kind/watch").json()["shares"]
    assert {share["label"] for share in everything} == {"garden", "kitchen", "music", "unknown"}


def test_watching_what_is_not_there_is_refused_with_the_cure(labelled: Caller) -> None:
    assert "no text among events" in problem(labelled.get("/v1/labels/kind/watch"), 422)
    labelled.shop.add_events([Event("u", "music/drum", "review", at=NOW, text="a drum")])
    assert "knows no label" in problem(labelled.get("/v1/labels/kind/watch?label=jazz"), 422)
    assert problem(labelled.get("/v1/labels/mood/watch"), 404)
    assert problem(labelled.get("/v1/labels/kind/watch?period=year"), 422)


def test_a_decision_leaves_the_queue_and_becomes_an_example(labelled: Caller) -> None:
    unsure = ItemLabel(("music",), {"music": 0.55, "garden": 0.45}, "model", NOW)
    labelled.shop.store.put_labels("kind", {"music/drum": unsure})
    seen = labelled.get("/console/api/labels").json()
    assert [one["item_id"] for one in seen["queues"]["kind"]] == ["music/drum"]
    assert seen["models"][0]["harmful"] == ["music"]
    said = labelled.post("/v1/labels/kind/decisions", {"item_id": "music/drum", "label": "garden"})
    assert (said.status_code, said.json()["by"]) == (200, PERSON)
    assert labelled.get("/console/api/labels").json()["queues"]["kind"] == []
    (example,) = labelled.shop.store.labels.examples("kind")
    assert (example.item_id, example.labels, example.source) == ("music/drum", ("garden",), PERSON)
    assert labelled.get("/v1/items/music/drum").json()["labels"] == {"kind": ["garden"]}
    assert problem(labelled.post("/v1/labels/kind/decisions", {"item_id": "nowhere", "label": "x"}), 404)
