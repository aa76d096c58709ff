"""Shared fixtures: the small shop, a fresh one for each test. What takes long is fitted once and copied."""

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

import small_worlds
from zhiyin.encoders.sentence import SentenceEncoder
from zhiyin.shop import Zhiyin
from zhiyin.testing.small import small_events
from zhiyin.workflows.train import train

PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # a busy machine breaks no law
settings.register_profile("all", PATIENT)
settings.register_profile("fast", PATIENT, max_examples=10)  # make check
settings.load_profile("all")


def pytest_collection_finish() -> None:
    """What was imported stays: no search for garbage goes through it again."""
    gc.freeze()


@pytest.fixture
def empty_shop(tmp_path: Path) -> Iterator[Zhiyin]:
    """No item, no event, no bundle."""
    with small_worlds.empty(tmp_path) as shop:
        yield shop


@pytest.fixture
def untrained_shop(tmp_path: Path) -> Iterator[Zhiyin]:
    """The small catalogue, and no event."""
    with small_worlds.untrained(tmp_path) as shop:
        yield shop


@pytest.fixture
def shop(tmp_path: Path, trained_folder: Path) -> Iterator[Zhiyin]:
    """The small world with a trained bundle that is live."""
    with small_worlds.trained(tmp_path, trained_folder) as shop:
        yield shop


@pytest.fixture(scope="session")
def trained_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What training leaves in the folder of the small world: to be copied, not used."""
    folder = tmp_path_factory.mktemp("trained")
    with small_worlds.untrained(folder) as shop:
        shop.add_events(small_events())
        train(shop)
    return folder


@pytest.fixture(scope="session")
def sentence_encoder() -> SentenceEncoder:
    """The encoder that is shipped. Loading its weights takes most of a second."""
    return SentenceEncoder()
