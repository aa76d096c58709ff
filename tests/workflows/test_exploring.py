"""What exploring cost and bought: against lists that were made on known days, of known chances."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from small_shop import small_shop

from visitors import visited
from zhiyin.data.dataset import Doubles
from zhiyin.errors import NotFound
from zhiyin.shop import Zhiyin
from zhiyin.types import Event, Item, Query, Recommendation
from zhiyin.workflows import exploring
from zhiyin.workflows.exploring import exploration
from zhiyin.workflows.train import train

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
KNIFE = Query(text="a knife for the kitchen", n=4)


def shop_of(folder: Path, name: str, budget: float = 0.2) -> Zhiyin:
    shop = small_shop(folder)
    said = {"name": name, "budget": budget, "floor": 0.0, "temperature": 1.0}
    policy = shop.settings.policy.model_copy(update=said)
    shop.settings = shop.settings.model_copy(update={"policy": policy})
    return shop


def serve(
    shop: Zhiyin, n: int, at: datetime = NOON, apart: timedelta = timedelta(minutes=1)
) -> list[Recommendation]:
    recommender, first = shop.recommender(), shop.store.counts()["recommendations"]
    lists = [recommender.recommend(KNIFE, f"list {first + one}", at + one * apart) for one in range(n)]
    shop.store.log(lists)
    return lists


def test_the_best_alone_costs_nothing(tmp_path: Path) -> None:
    shop = shop_of(tmp_path, "greedy")
    serve(shop, 5)
    found = exploration(shop)
    assert (found.explored, found.budget, found.policy) == (0.0, None, "greedy")
    assert found.lost is not None
    assert found.lost.value == pytest.approx(0.0, abs=1e-12)
    assert found.newcomers.n == 0
    assert found.sights == {}
    assert found.widths == ()


@pytest.mark.slow
def test_what_is_spent_is_within_the_budget_and_told_by_day(tmp_path: Path) -> None:
    shop = shop_of(tmp_path, "budgeted")
    lists = [*serve(shop, 60), *serve(shop, 30, NOON + timedelta(days=1))]
    found = exploration(shop)
    assert found.budget == 0.2
    assert found.lost is not None
    assert 0.01 < found.lost.value <= 0.2
    assert found.lost.low > 0
    assert [(day.day, day.n_lists) for day in found.days] == [("2026-03-01", 60), ("2026-03-02", 30)]
    both = [day.lost.value for day in found.days if day.lost is not None]
    assert found.lost.value == pytest.approx((60 * both[0] + 30 * both[1]) / 90)
    assert found.explored == pytest.approx(np.mean([place.explored for one in lists for place in one.items]))
    assert exploration(shop, 30).n_lists == 30
    assert "of the 20.00% that may be" in found.sentences[1]


def test_a_list_whose_bundle_is_gone_is_counted_and_its_cost_is_not(tmp_path: Path) -> None:
    shop = shop_of(tmp_path, "budgeted")
    (shown,) = serve(shop, 1)
    shop.store.log([replace(shown, recommendation_id="x", bundle="0" * 64)])
    found = exploration(shop)
    assert sum(found.left_out.values()) == 1
    assert found.n_lists == 2
    shop.settings = shop.settings.model_copy()
    assert any("cost not known: 1 lists whose bundle" in line for line in found.sentences)


@pytest.mark.slow
def test_a_new_item_is_followed_from_the_first_list_that_could_show_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exploring, "AIM", 6)
    shop = shop_of(tmp_path, "greedy")
    serve(shop, 2)
    shop.put_items([Item("new", "A knife for the kitchen"), Item("never", "Something else altogether")])
    old = shop.item("kitchen/knife")
    shop.put_items([replace(old, price=3.0)])
    serve(shop, 10, NOON + timedelta(hours=1), timedelta(hours=1))
    new = exploration(shop).newcomers
    assert (new.aim, new.n, new.n_there) == (6, 2, 1), "what changed is not new"
    assert new.curve == ((5.0, 0.5),), "the sixth list that had it was made five hours after the first"
    assert new.median_hours == 5.0
    assert exploration(shop, 4).newcomers.n == 0, "these lists know it from the start"


@pytest.mark.slow
def test_how_far_people_look_is_told_by_surface(tmp_path: Path) -> None:
    shop = shop_of(tmp_path, "softmax")
    lists = serve(shop, 40)
    clicks = [
        Event("guest", one.items[0].item_id, "click", recommendation_id=one.recommendation_id) for one in lists
    ]
    shop.add_events([*clicks, Event("guest", lists[0].items[2].item_id, "hide", recommendation_id="list 0")])
    (name, sight), *_ = exploration(shop).sights.items()
    assert name == "for_you"
    assert len(sight.chance) == len(sight.low) == len(sight.high) == 4
    assert sight.chance[0] == 1.0
    assert sight.chance[1] < 0.45, "only the first place was ever clicked; before any click it is .62"
    assert 0 < sight.n_clicks <= 40
    quick = exploration(shop, exact=False).sights[name]
    assert quick.chance == pytest.approx(sight.chance, rel=0.15), "by logged chances alone nearly the same"


def test_the_belief_is_told_by_how_often_items_were_shown(tmp_path: Path) -> None:
    shop = shop_of(tmp_path, "greedy")
    serve(shop, 12)

    def widths(items: Sequence[str]) -> Doubles:
        return np.where([item.startswith("kitchen/knife") for item in items], 0.1, 0.5)

    found = {(one.least, one.most): one for one in exploration(shop, widths=widths).widths}
    assert set(found) == {(0, 0), (10, 99)}
    assert found[0, 0].sd == 0.5
    assert found[10, 99].n_items == 4


@pytest.mark.slow
def test_the_live_belief_is_surer_of_what_was_shown_more_often(tmp_path: Path) -> None:
    shop = small_shop(tmp_path, repeats=True)
    shop.publish(train(shop).bundle)
    visited(shop, lambda _, item_id: 0.5 if item_id in ("garden/lamp", "music/song") else 0.05, 400)
    shop.publish(train(shop).bundle)
    assert shop.live().snapshot().beliefs is not None
    found = {one.least: one for one in exploration(shop, exact=False).widths}
    assert found[100].sd < min(one.sd for least, one in found.items() if least < 100)


def test_before_the_first_list_there_is_nothing_to_tell(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no list was shown yet"):
        exploration(small_shop(tmp_path))
