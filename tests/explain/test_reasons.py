"""Reasons are arithmetic: shares of the parts, and the history items that contributed most."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from zhiyin.data.dataset import build_dataset
from zhiyin.data.vocabulary import Vocabulary
from zhiyin.explain.reasons import MAX_REASONS, MAX_SOURCES, MIN_SHARE, reasons_for
from zhiyin.models.base import Batch, Model, Run, history_batch
from zhiyin.models.context import ContextRecipe
from zhiyin.ranking.fusion import Heard
from zhiyin.shop import Zhiyin
from zhiyin.snapshot import Snapshot
from zhiyin.testing.encoders import HashEncoder
from zhiyin.testing.small import small_catalogue
from zhiyin.types import Event, Item, Reason

NOBODY = history_batch([], [], [])


@pytest.fixture
def world(shop: Zhiyin) -> Snapshot:
    return shop.live().snapshot()


def reasons(
    parts: dict[str, float], row: int, world: Snapshot, history: Batch, wish: Batch | None = None
) -> tuple[Reason, ...]:
    heard = Heard.by(world.models, history, wish)
    (found,) = reasons_for([parts], np.array([row], np.int32), world, heard)
    return found


def test_a_share_is_of_the_positive_parts_largest_first(world: Snapshot) -> None:
    parts = {"popular": 1.0, "taste": 3.0, "words": -2.0, "meaning": 0.1, "fresh": 0.0}
    found = reasons(parts, 0, world, NOBODY)
    assert [reason.channel for reason in found] == ["taste", "popular"]
    assert [reason.share for reason in found] == pytest.approx([3 / 4.1, 1 / 4.1], abs=1e-4)


def test_there_are_few_reasons_and_none_for_a_list_by_chance(world: Snapshot) -> None:
    assert (
        len(reasons(dict.fromkeys(("popular", "taste", "words", "meaning"), 1.0), 0, world, NOBODY)) == MAX_REASONS
    )
    assert reasons({"popular": -1.0, "taste": 0.0}, 0, world, NOBODY) == ()
    assert reasons({}, 0, world, NOBODY) == ()
    shares = [reason.share for reason in reasons({"popular": 100.0, "taste": 1.0}, 0, world, NOBODY)]
    assert min(shares) >= MIN_SHARE


def test_the_sources_are_the_history_items_that_contributed_most(world: Snapshot) -> None:
    rows = world.vocabulary.rows(["music/piano", "garden/spade", "music/drum", "music/piano"])
    history = history_batch(rows.tolist(), [1.0, 1.0, 0.4, 1.0], [0.0] * 4)
    target = world.vocabulary.row("music/violin")
    (reason,) = reasons({"meaning": 1.0}, target, world, history)
    why = world.models["meaning"].scorer(history).why(np.array([target], np.int32))[:, 0]
    best = world.vocabulary[int(history.rows[int(why.argmax())])]
    assert reason.items[0] == best
    assert len(reason.items) == len(set(reason.items)) <= MAX_SOURCES
    assert "garden/spade" not in reason.items


def test_what_was_disliked_is_no_source(world: Snapshot) -> None:
    rows = world.vocabulary.rows(["music/piano"])
    (reason,) = reasons(
        {"meaning": 1.0}, world.vocabulary.row("music/violin"), world, history_batch(rows.tolist(), [-1.0], [0.0])
    )
    assert reason.items == ()


def test_a_wish_names_the_words_that_it_shares_with_the_item(world: Snapshot) -> None:
    wish = history_batch([], [], [], "A loud VIOLIN for 花园 music")
    (reason,) = reasons({"wish_words": 1.0}, world.vocabulary.row("music/violin"), world, NOBODY, wish)
    assert reason.words == ("violin",), "what every other item has too explains nothing"
    (reason,) = reasons({"wish_words": 1.0}, world.vocabulary.row("garden/spade"), world, NOBODY, wish)
    assert reason.words == ("花园",)


def test_every_list_of_a_person_has_reasons_that_name_their_items(shop: Zhiyin) -> None:
    answer = shop.recommend(user_id="user 0", n=5)
    had = {event.item_id for event in shop.store.history("user 0", limit=50)}
    named = {item for place in answer.items for reason in place.reasons for item in reason.items}
    assert named
    assert named <= had <= {item.item_id for item in small_catalogue()}


def test_the_moment_is_a_reason_where_people_took_the_item_at_such_moments_themselves() -> None:
    start = datetime(2026, 6, 5, tzinfo=UTC)  # a Friday
    events = [
        Event(f"{item} {n}", item, "like", start + timedelta(days=n, hours=hour, minutes=1))
        for item, hour in (("bread", 8), ("beer", 20))
        for n in range(60)
    ]
    data = build_dataset([Item("bread"), Item("beer"), Item("bare")], events)
    model = ContextRecipe().fit(data, Run(HashEncoder()))
    evening = history_batch([], [], [], now=(start + timedelta(hours=19)).timestamp())
    world = Small({"context": model}, data.items)
    heard = Heard.by(world.models, evening)
    rows = data.items.rows(["beer", "bread", "bare"])
    parts = [{"context": 1.0, "popular": 1.0}] * 3
    beer, bread, bare = reasons_for(parts, rows, world, heard)
    assert [(reason.channel, reason.words) for reason in beer] == [("context", ("evening",)), ("popular", ())]
    assert [reason.channel for reason in bread] == [reason.channel for reason in bare] == ["popular"]


@dataclass
class Small:
    """What reasons need to know."""

    models: Mapping[str, Model]
    vocabulary: Vocabulary
