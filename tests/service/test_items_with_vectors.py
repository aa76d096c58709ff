"""Items that bring a vector along, over HTTP."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from asking import Caller, calling, ids, problem

import small_worlds
from zhiyin.testing.small import small_pictures

PIANO = next(list(item.vectors["image"]) for item in small_pictures() if item.item_id == "music/violin")


@pytest.fixture
def pictured(tmp_path: Path) -> Iterator[Caller]:
    """The small catalogue with images, and no event."""
    with small_worlds.empty(tmp_path) as shop:
        shop.put_items(small_pictures())
        with calling(shop) as caller:
            yield caller


def test_an_item_arrives_with_a_vector_and_is_recommended_by_it(pictured: Caller) -> None:
    poster = {"item_id": "poster", "vectors": {"image": PIANO}}
    assert pictured.post("/v1/items", [poster, {"item_id": "blank"}]).json()["changed"] == 2
    shown = pictured.post("/v1/similar", {"item_id": "music/violin", "n": 9})
    assert "poster" in ids(shown)
    assert "blank" not in ids(shown)
    (place,) = [place for place in shown.json()["items"] if place["item_id"] == "poster"]
    assert place["reasons"][0] | {"share": 0} == {
        "channel": "vector_image", "share": 0, "items": ["music/violin"], "words": [], "path": None,
    }  # fmt: skip


@pytest.mark.slow
def test_why_says_what_each_item_of_the_past_added(pictured: Caller) -> None:
    pictured.post("/v1/events", {"user_id": "ann", "item_id": "music/violin", "type": "like"})
    shown = pictured.post("/v1/recommend", {"user_id": "ann", "n": 5}).json()
    first = shown["items"][0]
    why = pictured.get(f"/v1/recommendations/{shown['recommendation_id']}/why/{first['item_id']}").json()
    assert [one["item_id"] for one in why["contributions"]["vector_image"]] == ["music/violin"]
    assert "vector_image" in why["parts"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("vectors", "told"),
    [
        ({"image": [0.0, 0.0]}, "all zeros"),
        ({"image": []}, "1 to 8,192 numbers"),
        ({"a/b": [1.0]}, "letters, digits"),
        ({"image": ["x"]}, "number"),
        ({"image": 3}, "array"),
    ],
)
def test_a_vector_that_is_none_is_refused_and_nothing_is_stored(
    pictured: Caller, vectors: object, told: str
) -> None:
    body = [{"item_id": "good"}, {"item_id": "bad", "vectors": vectors}]
    assert told in problem(pictured.post("/v1/items", body), 422)
    assert pictured.get("/v1/items/good").status_code == 404


def test_a_vector_of_another_length_is_kept_and_says_nothing(pictured: Caller) -> None:
    pictured.post("/v1/items", {"item_id": "odd", "title": "violin for the music", "vectors": {"image": [1, 2]}})
    assert "odd" in ids(pictured.post("/v1/similar", {"item_id": "music/violin"}))
