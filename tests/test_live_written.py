"""What people wrote, in the next list: as of its position in the log, quoted in reasons, gone when erased."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from small_worlds import untrained
from zhiyin.bundle import save_bundle
from zhiyin.data.signals import Signals
from zhiyin.live import Live
from zhiyin.models.base import Run
from zhiyin.models.clicks import Clicks, ClicksScorer
from zhiyin.recipe import DefaultRecipe, Fitted
from zhiyin.shop import Zhiyin
from zhiyin.testing.nets import random_clicks
from zhiyin.testing.small import START, small_events
from zhiyin.types import Event, Item, Query
from zhiyin.workflows.erase import erase
from zhiyin.workflows.replay import replay
from zhiyin.workflows.shop_data import shop_data

NOW = START + timedelta(days=20)


@pytest.fixture(scope="module")
def fitted_on(tmp_path_factory: pytest.TempPathFactory) -> tuple[Fitted, Path]:
    """The small shop's channels, and a click model that nobody taught, which is heard loudest."""
    folder = tmp_path_factory.mktemp("clicks")
    shop = untrained(folder)
    shop.add_events(small_events())
    data, _ = shop_data(shop)
    run = Run(shop.encoder())
    fitted = DefaultRecipe(off=("factors", "taste")).fit(data, run)
    fusion = fitted.fusion
    loud = replace(
        fusion,
        channels=(*fusion.channels, "clicks"),
        scales=np.append(fusion.scales, np.float32(1.0)),
        gates=np.concatenate([fusion.gates, np.full_like(fusion.gates[:1], 3.0)]),
        wish_scales=np.append(fusion.wish_scales, np.float32(0.0)),
    )
    return Fitted({**fitted.models, "clicks": random_clicks(data, run)}, loud, fitted.recipe), folder


@pytest.fixture
def shop(fitted_on: tuple[Fitted, Path], tmp_path: Path) -> Iterator[Zhiyin]:
    fitted, _ = fitted_on
    with untrained(tmp_path) as opened:
        opened.add_events(small_events())
        data, as_of = shop_data(opened)
        run = Run(opened.encoder())
        opened.publish(save_bundle(opened.bundles, fitted, fitted.recipe, data, run, as_of))
        yield opened


def search(shop: Zhiyin, user_id: str, text: str, minute: int) -> None:
    shop.add_events([Event(user_id, None, "search", text=text, at=NOW + timedelta(minutes=minute))])


def clicks_of(shop: Zhiyin, query: Query, at: datetime = NOW + timedelta(days=1)) -> tuple[Clicks, ClicksScorer]:
    live = shop.live()
    world = live.snapshot()
    model = world.models["clicks"]
    assert isinstance(model, Clicks)
    return model, model.scorer(live.asker(query, world, at).history)


def test_a_search_counts_in_the_next_list_and_is_quoted(shop: Zhiyin) -> None:
    before = shop.answer(Query(user_id="new", n=5))
    assert before.mode == "popular"
    search(shop, "new", "a flute for music", 1)
    after = shop.answer(Query(user_id="new", n=5))
    assert after.mode == "trained"
    assert any("clicks" in place.parts for place in after.items)
    assert not any("clicks" in place.parts for place in before.items)
    quoted = {word for place in after.items for reason in place.reasons for word in reason.words}
    assert "a flute for music" in quoted
    assert replay(shop, before.recommendation_id).same
    assert replay(shop, after.recommendation_id).same
    for place in after.items:
        assert place.score == pytest.approx(sum(place.parts.values()), abs=1e-9)


def test_texts_stand_among_the_entries_as_they_were_written(shop: Zhiyin) -> None:
    search(shop, "u", "spade", 1)
    shop.add_events([Event("u", "music/drum", "click", at=NOW + timedelta(minutes=2))])
    search(shop, "u", "flute", 3)
    shop.add_events([Event("u", "garden/rake", "dislike", at=NOW + timedelta(minutes=4), text="it broke")])
    live = shop.live()
    written = live.asker(Query(user_id="u"), live.snapshot(), NOW + timedelta(days=1)).history.written
    assert written.texts == ("spade", "flute", "it broke")
    assert written.after.tolist() == [0, 1, 2]
    assert written.signs.tolist() == [1.0, 1.0, -1.0]


def test_the_live_log_says_the_same_as_the_dataset_of_it(shop: Zhiyin) -> None:
    """What is learned from and what is served are one reading of one log."""
    for n, (item, text) in enumerate(
        [("music/drum", "sticks"), ("garden/rake", "leaves"), ("music/flute", "lips")]
    ):
        shop.add_events([Event("u", item, "click", at=NOW + timedelta(minutes=10 * n))])
        search(shop, "u", text, 10 * n + 5)
    shop.add_events([Event("u", "kitchen/pan", "review", at=NOW + timedelta(hours=1), text="heavy", value=5)])
    live = shop.live()
    written = live.asker(Query(user_id="u"), live.snapshot(), NOW + timedelta(days=1)).history.written
    data, _ = shop_data(shop)
    user = data.users.row("u")
    entries = np.arange(data.indptr[user], data.indptr[user + 1])
    wanted = data.notes.at(entries).of(np.array([0, len(entries)]))
    assert written.texts == wanted.texts
    assert written.after.tolist() == wanted.after.tolist()


def test_likeness_has_no_person_and_so_no_texts(shop: Zhiyin) -> None:
    search(shop, "u", "flute", 1)
    live = shop.live()
    query = Query(user_id="u", like=("music/drum",), scenario="similar")
    assert not len(live.asker(query, live.snapshot(), NOW).history.written)


def test_only_so_many_texts_are_read_and_each_once(shop: Zhiyin) -> None:
    for n in range(9):
        search(shop, "u", f"flute {n}", n)
    model, scorer = clicks_of(shop, Query(user_id="u"))
    assert len(scorer.why_written(np.array([0], np.int32))) == model.most == 4
    counted = Counting(model.encoder)
    again = replace(model, encoder=counted)
    live = shop.live()
    history = live.asker(Query(user_id="u"), live.snapshot(), NOW + timedelta(days=1)).history
    again.scorer(history)
    assert counted.texts == [f"flute {n}" for n in range(5, 9)]


def test_what_is_erased_is_read_no_more(shop: Zhiyin) -> None:
    search(shop, "u", "flute", 1)
    assert len(clicks_of(shop, Query(user_id="u"))[1].why_written(np.array([0], np.int32)))
    erase(shop, "u")
    assert not len(clicks_of(shop, Query(user_id="u"))[1].why_written(np.array([0], np.int32)))


def test_items_that_come_and_change_are_scored_by_their_text(shop: Zhiyin) -> None:
    search(shop, "u", "flute", 1)
    shop.put_items([Item("late", title="flute for the music"), Item("other", title="flute for the music")])
    query = Query(user_id="u")
    live = shop.live()
    rows = live.snapshot().vocabulary.rows(["late", "other"])
    one, other = clicks_of(shop, query)[1].score(rows)
    assert one == other != 0
    shop.put_items([Item("late", title="a bowl")])
    changed, same = clicks_of(shop, query)[1].score(rows)
    assert same == other
    assert changed != one
    spade = live.snapshot().vocabulary.row("garden/spade")
    first = clicks_of(shop, query)[0].vectors[spade]
    item = shop.item("garden/spade")
    shop.put_items([replace(item, title="piano")])
    assert np.abs(clicks_of(shop, query)[0].vectors[spade] - first).max() > 0
    shop.put_items([item])
    np.testing.assert_array_equal(clicks_of(shop, query)[0].vectors[spade], first)
    fresh = Live(live.snapshot().bundle, shop.store, Signals()).snapshot().models["clicks"].arrays()
    for name, array in clicks_of(shop, query)[0].arrays().items():
        np.testing.assert_array_equal(array, fresh[name])


class Counting:
    """An encoder that remembers what it was asked."""

    def __init__(self, encoder) -> None:  # type: ignore[no-untyped-def]
        self._encoder, self.texts = encoder, list[str]()
        self.dim, self.fingerprint, self.licence = encoder.dim, encoder.fingerprint, encoder.licence

    def encode(self, texts):  # type: ignore[no-untyped-def]
        self.texts += texts
        return self._encoder.encode(texts)
