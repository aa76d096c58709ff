"""A shop with a net: trained from its store, served with items that came later."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from cycles import SMALL

from zhiyin.bundle import read_manifest
from zhiyin.data.store.memory import MemoryStore
from zhiyin.ranking.learn import FusionRecipe
from zhiyin.recipe import DefaultRecipe
from zhiyin.settings import Settings
from zhiyin.shop import Zhiyin
from zhiyin.testing.encoders import HashEncoder
from zhiyin.testing.small import small_catalogue, small_events
from zhiyin.types import Event, Item, Query
from zhiyin.workflows.train import UNFINISHED, train

pytestmark = pytest.mark.slow


def test_a_net_is_trained_published_and_knows_what_comes_later(tmp_path: Path) -> None:
    recipe = DefaultRecipe(sequence=SMALL.model_copy(update={"epochs": 2}), fusion=FusionRecipe(proven=False))
    with Zhiyin(Settings(folder=tmp_path, recipe=recipe), MemoryStore(), HashEncoder()) as shop:
        shop.put_items(small_catalogue())
        shop.add_events(small_events(90))
        made = train(shop, deep=True)
        assert "sequence" in made.channels
        assert not (shop.bundles / UNFINISHED).exists()
        assert read_manifest(shop.bundles / made.bundle).recipe["deep"] is True
        shop.publish(made.bundle)
        shop.put_items([Item("late", title="trowel for the garden", text="A trowel that loves the garden.")])
        shop.add_events([Event("new", "late", "click", at=datetime(2026, 2, 1, tzinfo=UTC), event_id="late-1")])
        before = shop.compute(Query(user_id="new", n=5))
        assert before.items
        shop.put_items([Item("late", title="flute for music", text="A flute that everybody wants for the music.")])
        after = shop.compute(Query(user_id="new", n=5))
        assert after.items
        for one in (*before.items, *after.items):
            assert one.score == pytest.approx(sum(one.parts.values()), abs=1e-6)
        parts = {name for one in (*before.items, *after.items) for name in one.parts}
        assert "sequence" in parts
