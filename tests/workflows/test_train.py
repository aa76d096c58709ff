from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
from small_shop import shop_in, small_shop

from zhiyin.bundle import read_manifest
from zhiyin.data.dataset import build_dataset
from zhiyin.errors import InvalidData
from zhiyin.ranking.learn import FusionRecipe
from zhiyin.recipe import DefaultRecipe
from zhiyin.shop import Zhiyin
from zhiyin.testing.small import small_catalogue, small_events
from zhiyin.types import Event, Relation
from zhiyin.workflows.shop_data import shop_data
from zhiyin.workflows.train import set_by_fit, train

pytestmark = pytest.mark.slow


@dataclass
class Noted:
    """A progress that remembers what it was told."""

    titles: list[str] = field(default_factory=list)
    open: int = 0

    def start(self, title: str, total: float) -> None:
        assert self.open == 0, "one task after another"
        self.titles.append(title)
        self.open += 1

    def advance(self, done: float, note: str = "") -> None:
        assert self.open == 1

    def done(self) -> None:
        self.open -= 1


def test_a_bundle_is_made_of_everything_in_the_store(tmp_path: Path) -> None:
    shop = small_shop(tmp_path)
    trained = train(shop, seed=3)
    manifest = read_manifest(shop.bundles / trained.bundle)
    events = len(list(shop.store.events()))
    assert (trained.mode, trained.n_items, trained.n_users, trained.n_events) == ("trained", 25, 60, events)
    assert (manifest.seed, manifest.data.n_events, manifest.data.last_event) == (3, events, events)
    assert shop.bundle(trained.bundle).saw(["user 7"])
    assert set(trained.seconds) == {"reading", "fitting", "saving"}


def test_what_was_left_open_is_told_as_it_was_chosen(tmp_path: Path) -> None:
    shop = small_shop(tmp_path)
    trained = train(shop)
    bundle = shop.bundle(trained.bundle).fitted
    fitted = bundle.recipe
    assert trained.chosen["taste.reg"] == fitted.taste.reg
    assert trained.chosen["popular.half_life"] == fitted.popular.half_life
    assert trained.chosen == dict(set_by_fit(DefaultRecipe(), bundle))
    assert "vectors.recency" not in trained.chosen, "nobody brought any"
    assert "taste.k" not in trained.chosen
    if trained.fusion_learned:
        assert any(f"taste.reg {fitted.taste.reg}" in sentence for sentence in trained.sentences())


def test_training_makes_nothing_live(tmp_path: Path) -> None:
    shop = small_shop(tmp_path)
    train(shop)
    assert shop.publication() is None


def test_an_empty_catalogue_is_refused_with_the_cure(tmp_path: Path) -> None:
    shop = shop_in(tmp_path)
    shop.add_events(small_events(3))
    with pytest.raises(InvalidData, match="zhiyin import"):
        train(shop)


def test_without_events_the_bundle_is_zero_shot_and_answers(tmp_path: Path) -> None:
    shop = small_shop(tmp_path, events=[])
    trained = train(shop)
    assert trained.mode == "zero_shot"
    assert not any("again" in sentence for sentence in trained.sentences())  # nobody came back: nobody came
    shop.publish(trained.bundle)
    likeliest = max(shop.recommend(text="for the garden").items, key=lambda place: place.score)
    assert "garden" in likeliest.item_id


def test_the_same_log_and_seed_make_the_same_bundle(tmp_path: Path) -> None:
    first, second = (train(small_shop(tmp_path / name), seed=1).bundle for name in ("a", "b"))
    assert first == second
    assert train(small_shop(tmp_path / "a"), seed=2).bundle != first


def test_events_of_unknown_items_are_counted_and_said(tmp_path: Path) -> None:
    shop = small_shop(
        tmp_path, [*small_events(60), Event("ann", "nowhere", "click"), Event("ann", None, "search")]
    )
    trained = train(shop)
    assert trained.n_unknown == 1
    assert any("1 events speak of items" in sentence for sentence in trained.sentences())


def test_long_work_is_shown_one_task_after_another(tmp_path: Path) -> None:
    shop = small_shop(tmp_path)
    noted = Noted()
    shop.progress = noted
    train(shop)
    assert noted.titles[:2] == ["reading texts", "reading events"]
    assert "reading texts" in noted.titles
    assert noted.open == 0


def test_the_store_gives_the_same_dataset_as_the_events_themselves(tmp_path: Path) -> None:
    shop = small_shop(tmp_path)
    data, as_of = shop_data(shop)
    direct = build_dataset(small_catalogue(), small_events(60))
    assert as_of.event == data.last_event == len(data)
    for name in ("indptr", "item_rows", "weights", "types", "values", "at"):
        np.testing.assert_array_equal(getattr(data, name), getattr(direct, name))


def test_what_each_relation_weighs_is_told(tmp_path: Path) -> None:
    shop = small_shop(tmp_path)
    items = [item.item_id for item in shop.store.items()]
    beds = [Relation(item, "bed", "north" if n % 2 else "south") for n, item in enumerate(items)]
    shop.store.put_relations([*beds, *(Relation(item, "shelf", str(n // 4)) for n, item in enumerate(items))])
    recipe = DefaultRecipe(fusion=FusionRecipe(proven=False))
    trained = train(Zhiyin(shop.settings.model_copy(update={"recipe": recipe}), shop.store, shop.encoder()))
    assert set(trained.relations) == {"bed", "shelf"}
    assert max(trained.relations.values()) == pytest.approx(1.0)
    assert any(said.startswith("learned weights of relations: ") for said in trained.sentences())


@pytest.mark.parametrize(("allowed", "told"), [(False, True), (True, False)])
def test_a_shop_to_which_people_come_back_is_told_of_repeats(tmp_path: Path, allowed: bool, told: bool) -> None:
    shop = small_shop(tmp_path)
    again = [replace(event, event_id=f"again {n}") for n, event in enumerate(small_events())]
    shop.store.append(again)
    ranking = shop.settings.ranking.model_copy(update={"repeats": allowed})
    settings = shop.settings.model_copy(update={"ranking": ranking})
    trained = train(Zhiyin(settings, shop.store, shop.encoder()))
    assert any("ranking.repeats = true" in said for said in trained.sentences()) is told
    assert not any("ranking.repeats" in said for said in train(small_shop(tmp_path / "other")).sentences())
