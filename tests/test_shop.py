"""One shop: what CLI, service and library share."""

from dataclasses import replace
from pathlib import Path

import pytest

from zhiyin import Zhiyin as Exported
from zhiyin.data.store.memory import MemoryStore
from zhiyin.errors import BrokenBundle, InvalidData, NotFound
from zhiyin.settings import Settings
from zhiyin.shop import Zhiyin, new_id
from zhiyin.testing.encoders import HashEncoder
from zhiyin.testing.small import START, small_catalogue, small_events
from zhiyin.types import Event, Item, Query
from zhiyin.workflows.train import train


@pytest.mark.slow
def test_a_folder_with_settings_is_a_shop(tmp_path: Path) -> None:
    (tmp_path / "zhiyin.toml").write_text('name = "mine"\n[policy]\nname = "greedy"\n')
    with Exported.open(tmp_path) as shop:
        assert shop.settings.name == "mine"
        shop.put_items([Item("a", "a red lamp"), Item("b", "a loud drum")])
        assert shop.recommend(text="something to light the room", n=1).items[0].item_id == "a"
    assert (tmp_path / "zhiyin.db").exists()
    with Exported.open(tmp_path) as again:
        assert again.item("b").title == "a loud drum"
        assert again.recommend(text="percussion", n=1).items[0].item_id == "b"


def test_an_answer_is_in_the_log_before_it_is_returned(shop: Zhiyin) -> None:
    answer = shop.recommend(user_id="user 1", n=3)
    assert shop.store.recommendation(answer.recommendation_id) == answer
    computed = shop.compute(Query("user 1", n=3))
    assert shop.store.recommendation(computed.recommendation_id) is None


def test_a_similar_list_needs_an_item_and_does_not_show_it(shop: Zhiyin) -> None:
    similar = shop.similar("music/violin", n=4)
    assert similar.query.scenario == "similar"
    assert "music/violin" not in [place.item_id for place in similar.items]
    assert [place.item_id.split("/")[0] for place in similar.items][:2] == ["music"] * 2
    with pytest.raises(NotFound, match="no item 'unheard of'"):
        shop.similar("unheard of")


def test_events_sent_twice_count_once(shop: Zhiyin) -> None:
    event = Event("u", "music/violin", "like", at=START, event_id="e")
    assert shop.add_events([event]).stored == 1
    assert shop.add_events([event]).duplicates == 1


def test_an_event_without_a_time_happens_now_and_is_the_newest(shop: Zhiyin) -> None:
    shop.add_events([Event("u", "music/violin", "like", at=START), Event("u", "garden/spade", "like")])
    shop.add_events([Event("v", "garden/spade", "like", order=7)])
    assert [event.item_id for event in shop.store.history("u", limit=2)] == ["garden/spade", "music/violin"][::-1]
    (own,) = shop.store.history("v", limit=2)
    assert (own.at, own.order) == (None, 7), "what has an order keeps it"


@pytest.mark.slow
def test_a_bundle_goes_live_by_publishing_and_back_by_publishing_the_old_one(shop: Zhiyin) -> None:
    first = shop.publication()
    assert first is not None
    shop.put_items([Item("extra", "violin")])
    second = train(shop).bundle
    assert shop.live().snapshot().bundle.name == first.bundle
    shop.publish(second)
    assert shop.live().snapshot().bundle.name == second
    shop.publish(first.bundle, reason="rolled back")
    assert shop.recommend(n=1).bundle == first.bundle
    assert shop.store.publications()[0].reason == "rolled back"


@pytest.mark.slow
def test_a_publication_by_another_process_is_noticed(shop: Zhiyin, monkeypatch: pytest.MonkeyPatch) -> None:
    other = Zhiyin(shop.settings, shop.store, HashEncoder())
    before = other.recommend(n=1).bundle
    shop.put_items([Item("extra", "violin")])
    name = train(shop).bundle
    shop.publish(name)
    monkeypatch.setattr("zhiyin.shop.LOOK_AGAIN", 0.0)
    assert other.recommend(n=1).bundle == name != before


@pytest.mark.slow
def test_a_broken_bundle_is_not_published_and_the_old_one_keeps_serving(shop: Zhiyin) -> None:
    before = shop.recommend(n=1).bundle
    shop.put_items([Item("extra", "violin")])
    name = train(shop).bundle
    with (shop.bundles / name / "taste.safetensors").open("ab") as file:
        file.write(b"!")
    with pytest.raises(BrokenBundle, match=r"taste\.safetensors"):
        shop.publish(name)
    with pytest.raises(NotFound):
        shop.publish("0123")
    assert shop.recommend(n=1).bundle == before
    assert shop.publication().bundle == before  # type: ignore[union-attr]


def test_a_catalogue_without_items_cannot_be_trained_on(empty_shop: Zhiyin) -> None:
    with pytest.raises(InvalidData, match="catalogue is empty"):
        train(empty_shop)


@pytest.mark.slow
def test_training_twice_on_the_same_data_gives_the_same_bundle(shop: Zhiyin, tmp_path: Path) -> None:
    with Zhiyin(Settings(folder=tmp_path / "twin"), MemoryStore(), HashEncoder()) as twin:
        twin.put_items(small_catalogue())
        twin.add_events(small_events())
        assert train(twin).bundle == train(shop).bundle
        assert train(twin, seed=9).bundle != train(shop).bundle


def test_an_item_that_changed_is_served_as_it_is_now(shop: Zhiyin) -> None:
    shop.put_items([replace(shop.item("music/violin"), title="viola")])
    assert shop.item("music/violin").title == "viola"


def test_ids_of_lists_are_never_alike() -> None:
    assert len({new_id() for _ in range(1_000)}) == 1_000
