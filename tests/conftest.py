"""Shared fixtures: a small shop in a folder of its own, with a store in memory and a quick encoder."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from zhiyin.data.store.memory import MemoryStore
from zhiyin.settings import PolicySettings, Settings
from zhiyin.shop import Zhiyin
from zhiyin.testing.encoders import HashEncoder
from zhiyin.testing.small import small_catalogue, small_events
from zhiyin.workflows.train import train


@pytest.fixture
def encoder() -> HashEncoder:
    return HashEncoder()


@pytest.fixture
def empty_shop(tmp_path: Path, encoder: HashEncoder) -> Iterator[Zhiyin]:
    """No item, no event, no bundle; nothing left to chance."""
    settings = Settings(folder=tmp_path, policy=PolicySettings(name="greedy"))
    with Zhiyin(settings, MemoryStore(), encoder) as shop:
        yield shop


@pytest.fixture
def untrained_shop(empty_shop: Zhiyin) -> Zhiyin:
    """The small catalogue, and no event."""
    empty_shop.put_items(small_catalogue())
    return empty_shop


@pytest.fixture
def shop(untrained_shop: Zhiyin) -> Zhiyin:
    """The small world with a trained bundle that is live."""
    untrained_shop.add_events(small_events())
    untrained_shop.publish(train(untrained_shop).bundle)
    return untrained_shop
