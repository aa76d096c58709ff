"""People like one: by hand, and what must not matter."""

from collections.abc import Iterator
from math import log2, sqrt
from pathlib import Path

import pytest

from zhiyin.data.store.memory import MemoryStore
from zhiyin.errors import NotFound
from zhiyin.settings import Settings
from zhiyin.shop import Zhiyin
from zhiyin.testing.encoders import HashEncoder
from zhiyin.types import Event, EventType, Item
from zhiyin.workflows.kindred import Kindred, similar_people

LIKES = {"ann": "abcd", "bob": "abxy", "cat": "az", "dan": "xyz", "eve": "cd"}


def took(user_id: str, items: str, kind: EventType = "like") -> list[Event]:
    return [Event(user_id, item, kind, order=place) for place, item in enumerate(items)]


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Zhiyin]:
    store = MemoryStore()
    store.put_items([Item(id_) for id_ in "abcdxyz"])
    store.append([event for user_id, items in LIKES.items() for event in took(user_id, items)])
    with Zhiyin(Settings(folder=tmp_path), store, HashEncoder()) as opened:
        yield opened


def test_similarity_by_hand(shop: Zhiyin) -> None:
    """a has three likers, b, c and d have two each."""
    found = similar_people(shop, "ann", 9)
    assert found.user_id == "ann"
    a, b = 1 / log2(4), 1 / log2(3)
    assert [one.user_id for one in found.people] == ["eve", "bob", "cat"]
    assert [one.similarity for one in found.people] == pytest.approx(
        [2 * b / sqrt(4 * 2), (a + b) / sqrt(4 * 4), a / sqrt(4 * 2)]
    )
    assert found.people[1] == Kindred("bob", found.people[1].similarity, 2, ("b", "a"))
    assert similar_people(shop, "ann", 1).people == found.people[:1]


def test_what_is_disliked_or_taken_back_is_not_shared(shop: Zhiyin) -> None:
    shop.store.append(took("fay", "abcd", "dislike"))
    shop.store.append(took("eve", "cd", "dislike"))
    assert [one.user_id for one in similar_people(shop, "ann", 9).people] == ["bob", "cat"]
    assert similar_people(shop, "fay", 9).people == ()


def test_a_session_is_its_person_and_nobody_is_like_themselves(shop: Zhiyin) -> None:
    shop.store.merge("eve", "ann")
    shop.store.merge("cat", "bob")
    found = similar_people(shop, "eve", 9)
    assert found.user_id == "ann"
    assert [(one.user_id, one.n_shared) for one in found.people] == [("bob", 2)]


def test_the_erased_never_appear(shop: Zhiyin) -> None:
    shop.store.erase("eve")
    assert [one.user_id for one in similar_people(shop, "ann", 9).people] == ["bob", "cat"]
    with pytest.raises(NotFound, match="did nothing yet"):
        similar_people(shop, "eve", 9)
