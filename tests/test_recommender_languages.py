"""The online path with the encoder that is shipped: two languages, one space."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from zhiyin.data.store.memory import MemoryStore
from zhiyin.encoders.sentence import SentenceEncoder
from zhiyin.settings import Settings
from zhiyin.settings_lists import PolicySettings
from zhiyin.shop import Zhiyin
from zhiyin.testing.small import small_catalogue, small_events
from zhiyin.workflows.train import train


@pytest.fixture
def real_shop(tmp_path: Path, sentence_encoder: SentenceEncoder) -> Iterator[Zhiyin]:
    """With the encoder that is shipped."""
    settings = Settings(folder=tmp_path, policy=PolicySettings(name="greedy"))
    with Zhiyin(settings, MemoryStore(), sentence_encoder) as shop:
        shop.put_items(small_catalogue())
        shop.add_events(small_events())
        yield shop


@pytest.mark.slow
def test_a_wish_in_chinese_finds_what_is_described_in_english(real_shop: Zhiyin) -> None:
    before = real_shop.recommend(text="小提琴", n=3)
    assert before.mode == "zero_shot"
    real_shop.publish(train(real_shop).bundle)
    after = real_shop.recommend(text="拉小提琴", n=3)
    assert after.mode == "trained"
    for answer in (before, after):
        assert "music/violin" in [place.item_id for place in answer.items]
    assert datetime.now(UTC) - after.at < timedelta(minutes=1)
