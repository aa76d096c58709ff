from __future__ import annotations

from pathlib import Path

import pytest
from small_shop import small_shop

from zhiyin.shop import Zhiyin
from zhiyin.types import Query
from zhiyin.workflows.inspect import inspect
from zhiyin.workflows.train import train


@pytest.mark.slow
def test_every_channel_shows_what_it_alone_would_show(tmp_path: Path) -> None:
    shop = small_shop(tmp_path)
    shop.publish(train(shop).bundle)
    found = inspect(shop, Query("user 3", text="drum", n=4))
    assert set(found.channels) >= {"popular", "together", "taste", "words", "meaning", "wish_words"}
    seen = had(shop, "user 3")
    assert found.channels["wish_words"][0] == "music/drum"
    for items in found.channels.values():
        assert len(items) <= 4
        assert not set(items) & seen


def test_the_list_beside_them_is_a_real_answer_that_is_not_logged(tmp_path: Path) -> None:
    shop = small_shop(tmp_path)
    found = inspect(shop, Query("user 3", n=4))
    assert found.fused.mode == "zero_shot"
    assert shop.store.counts()["recommendations"] == 0
    rows = found.rows()
    assert [row[0] for row in rows] == ["1", "2", "3", "4"]
    assert [row[1] for row in rows] == [place.item_id for place in found.fused.items]


def had(shop: Zhiyin, user_id: str) -> set[str]:
    return {str(event.item_id) for event in shop.store.history(user_id, limit=99)}
