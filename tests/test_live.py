"""The folds: what a snapshot holds, whatever the steps in which it came there."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zhiyin.data.signals import Signals
from zhiyin.data.store.memory import MemoryStore
from zhiyin.encoders.sentence import SentenceEncoder
from zhiyin.live import HISTORY, TREND_BLOCK, Live
from zhiyin.models.meaning import MeaningRecipe
from zhiyin.models.popular import Popular
from zhiyin.ranking.fusion import BLANK_KIND, COLD_KIND
from zhiyin.recipe import DefaultRecipe
from zhiyin.settings import Settings
from zhiyin.shop import Zhiyin
from zhiyin.snapshot import Snapshot
from zhiyin.testing.small import START, small_catalogue, small_events
from zhiyin.types import Event, EventType, Item, Query
from zhiyin.workflows.train import train

NOW = START + timedelta(days=20)
LAW = settings(
    max_examples=settings().max_examples // 2, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def fresh(shop: Zhiyin) -> Live:
    """As a server that starts now."""
    publication = shop.publication()
    assert publication is not None
    return Live(shop.bundle(publication.bundle), shop.store, Signals())


def act(shop: Zhiyin, user_id: str, item_id: str, type_: EventType = "like", minute: int = 0) -> None:
    shop.add_events([Event(user_id, item_id, type_, at=NOW + timedelta(minutes=minute))])


def popular_of(snapshot: Snapshot) -> Popular:
    popular = snapshot.models["popular"]
    assert isinstance(popular, Popular)
    return popular


def fill_block(shop: Zhiyin, item_id: str) -> None:
    """Purchases by strangers up to the end of the next block of trends."""
    start = shop.store.last_event()
    for n in range(2 * TREND_BLOCK - start % TREND_BLOCK):
        act(shop, f"stranger {start + n}", item_id, "purchase", n)


def assert_same(one: Snapshot, other: Snapshot) -> None:
    assert list(one.vocabulary) == list(other.vocabulary)
    assert list(one.items) == list(other.items)
    assert one.as_of == other.as_of
    assert one.trends_of == other.trends_of
    assert one.strangers == other.strangers
    assert np.array_equal(one.available, other.available)
    assert np.array_equal(one.fusion.kind, other.fusion.kind)
    for name, model in one.models.items():
        for key, array in model.arrays().items():
            assert np.array_equal(array, other.models[name].arrays()[key]), (name, key)


def test_a_snapshot_is_kept_until_something_happens(shop: Zhiyin) -> None:
    live = shop.live()
    assert live.snapshot() is live.snapshot()
    before = live.snapshot()
    act(shop, "u", "garden/spade")
    assert live.snapshot() is not before
    assert live.folded is live.snapshot()
    assert live.snapshot().as_of == shop.store.position()


def test_trends_fold_in_blocks(shop: Zhiyin) -> None:
    live = shop.live()
    row = live.snapshot().vocabulary.row("kitchen/spoon")
    before = popular_of(live.snapshot()).counts[row]
    while (shop.store.last_event() + 1) % TREND_BLOCK:
        act(shop, f"stranger {shop.store.last_event()}", "kitchen/spoon")
        assert popular_of(live.snapshot()).counts[row] == before
    act(shop, "the last of the block", "kitchen/spoon")
    assert popular_of(live.snapshot()).counts[row] > before + 1
    assert live.snapshot().trends_of == shop.store.last_event()


def test_a_trend_counts_an_item_that_arrives_after_its_events(shop: Zhiyin) -> None:
    live = shop.live()
    fill_block(shop, "not there yet")
    assert live.snapshot().strangers["not there yet"] > 60
    shop.put_items([Item("not there yet", "a late item")])
    late = live.snapshot()
    assert popular_of(late).counts[late.vocabulary.row("not there yet")] > 60
    assert not late.strangers
    assert_same(fresh(shop).snapshot(), late)


def test_dislikes_and_impressions_make_no_trend(shop: Zhiyin) -> None:
    live = shop.live()
    before = popular_of(live.snapshot()).counts.sum()
    for n in range(2 * TREND_BLOCK):
        act(shop, f"stranger {n}", "kitchen/spoon", ("dislike", "impression", "hide")[n % 3], n)
    assert popular_of(live.snapshot()).counts.sum() == before


changes = st.lists(
    st.tuples(
        st.sampled_from(["arrive", "reword", "recolour", "delete", "hide", "events", "look"]),
        st.sampled_from(["new 1", "new 2", "new 3", "music/piano", "garden/spade", "silent"]),
        st.integers(0, 3),
    ),
    max_size=14,
)


def apply(shop: Zhiyin, change: str, item_id: str, n: int) -> None:
    if change == "events":
        for minute in range(30 * n):
            act(shop, f"someone {shop.store.last_event()}", item_id, "click", minute)
        return
    if change == "delete":
        shop.store.delete_items([item_id])
        return
    item = shop.store.item(item_id) or Item(item_id, "violin for the music")
    shop.put_items(
        [
            {
                "arrive": item,
                "reword": replace(item, text=f"spade number {n} of a garden"),
                "recolour": replace(item, attributes={"colour": f"colour{n}"}),
                "hide": replace(item, available=n % 2 == 0),
                "look": item,
            }[change]
        ]
    )


@pytest.mark.slow
@LAW
@given(changes)
def test_a_snapshot_does_not_depend_on_the_steps(shop: Zhiyin, steps: list[tuple[str, str, int]]) -> None:
    live = shop.live()
    for change, item_id, n in steps:
        apply(shop, change, item_id, n)
        live.snapshot()
    now = live.snapshot()
    assert_same(live.at(now.as_of), now)
    assert_same(fresh(shop).snapshot(), now)


@pytest.mark.slow
def test_what_the_shipped_encoder_reads_does_not_depend_on_the_steps_either(
    tmp_path: Path, sentence_encoder: SentenceEncoder
) -> None:
    recipe = DefaultRecipe(meaning=MeaningRecipe(dim=6))  # a catalogue large enough for main axes
    with Zhiyin(Settings(folder=tmp_path, recipe=recipe), MemoryStore(), sentence_encoder) as shop:
        shop.put_items(small_catalogue())
        shop.add_events(small_events())
        shop.publish(train(shop).bundle)
        for n in range(6):
            shop.put_items([Item(f"new {n}", "a violin" if n == 1 else f"{n} spades and a song " * (n + 1))])
            shop.live().snapshot()
        assert_same(fresh(shop).snapshot(), shop.live().snapshot())


def test_a_server_that_starts_knows_what_changed_since_the_bundle(shop: Zhiyin) -> None:
    shop.put_items([replace(shop.item("music/piano"), available=False), Item("new", "a new violin")])
    shop.store.delete_items(["garden/spade"])
    world = fresh(shop).snapshot()
    assert not world.available[world.vocabulary.row("music/piano")]
    assert not world.available[world.vocabulary.row("garden/spade")]
    assert world.available[world.vocabulary.row("new")]
    assert world.fusion.cold[world.vocabulary.row("new")]


def test_an_item_that_gets_a_text_is_weighed_as_one_that_has_one(shop: Zhiyin) -> None:
    shop.put_items([Item("bare")])
    world = shop.live().snapshot()
    row = world.vocabulary.row("bare")
    assert world.fusion.kind[row] == BLANK_KIND
    shop.put_items([Item("bare", "a violin")])
    assert shop.live().snapshot().fusion.kind[row] == COLD_KIND
    assert_same(fresh(shop).snapshot(), shop.live().snapshot())
    assert shop.live().at(world.as_of).fusion.kind[row] == BLANK_KIND


def test_an_old_position_is_not_changed_by_what_came_later(shop: Zhiyin) -> None:
    before = shop.live().snapshot()
    shop.put_items([Item("new", "a new violin")])
    shop.store.delete_items(["garden/spade"])
    fill_block(shop, "music/piano")
    assert shop.live().snapshot().as_of != before.as_of
    assert_same(shop.live().at(before.as_of), before)
    assert_same(fresh(shop).at(before.as_of), before)


def test_an_arrived_item_that_is_reworded_gets_the_neighbours_of_its_new_words(shop: Zhiyin) -> None:
    music = shop.store.item("music/piano")
    assert music is not None
    shop.put_items([Item("new", "spade for the garden", "A spade of the garden.")])
    shop.live().snapshot()
    shop.put_items([Item("new", music.title, music.text)])
    world = shop.live().snapshot()
    asker = shop.live().asker(Query(like=("music/violin", "music/drum")), world, NOW)
    taste = world.models["taste"].score(asker.history)[0]
    assert taste[world.vocabulary.row("new")] > 0


def test_the_history_is_the_newest_that_says_something(shop: Zhiyin) -> None:
    for n in range(HISTORY + 30):
        act(shop, "u", "music/piano" if n % 2 else "music/drum", "click", 2 * n)
        act(shop, "u", "garden/pot", "impression", 2 * n + 1)
    live = shop.live()
    asker = live.asker(Query("u"), live.snapshot(), NOW)
    vocabulary = live.snapshot().vocabulary
    assert len(asker.history.rows) == HISTORY
    assert {vocabulary[row] for row in asker.history.rows} == {"music/piano", "music/drum"}
    assert {vocabulary[row] for row in asker.seen} == {"music/piano", "music/drum"}


def test_weights_signs_and_ages_of_a_history(shop: Zhiyin) -> None:
    act(shop, "u", "music/piano", "purchase")
    act(shop, "u", "music/drum", "hide", 60 * 24)
    live = shop.live()
    query = Query("u", session=("garden/pot",), like=("garden/spade",), unlike=("garden/rake", "unknown"))
    asker = live.asker(query, live.snapshot(), NOW + timedelta(days=3))
    assert asker.history.weights.tolist() == [1.0, -1.0, 0.5, 1.0, -1.0]
    assert asker.history.ages.tolist() == pytest.approx([3.0, 2.0, 0.0, 0.0, 0.0])
    names = {live.snapshot().vocabulary[row] for row in asker.hidden}
    assert names == {"music/drum", "garden/rake"}


def test_similar_items_do_not_depend_on_who_asks(shop: Zhiyin) -> None:
    act(shop, "u", "music/piano")
    live = shop.live()
    asker = live.asker(Query("u", like=("garden/spade",), scenario="similar"), live.snapshot(), NOW)
    assert len(asker.history.rows) == 1


def test_threads_share_a_live_world_while_it_changes(shop: Zhiyin) -> None:
    live, seen = shop.live(), list[Snapshot]()

    def look() -> None:
        for _ in range(40):
            seen.append(live.snapshot())

    threads = [Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for n in range(40):
        shop.put_items([Item(f"new {n}", f"violin {n}")])
    for thread in threads:
        thread.join()
    for snapshot in seen[::10]:
        assert len(snapshot.vocabulary) == len(snapshot.items) == snapshot.as_of.item
    assert_same(fresh(shop).snapshot(), live.snapshot())
    assert len(live.snapshot().vocabulary) == len(small_catalogue()) + 40


def test_who_asks_does_so_at_the_hour_and_in_the_circumstances_of_the_query(shop: Zhiyin) -> None:
    live = shop.live()
    asker = live.asker(Query("user 1", context={"device": "phone"}), live.snapshot(), NOW)
    assert asker.history.now.tolist() == [NOW.timestamp()]
    assert asker.history.contexts == ({"device": "phone"},)
    assert live.asker(Query(), live.snapshot(), NOW).history.contexts == ()
