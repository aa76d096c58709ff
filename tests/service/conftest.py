"""The small world behind an application: one for each test, or one that many tests share and none may change."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from asking import Caller, calling, serving, unchanged

import small_worlds
from zhiyin.shop import Zhiyin


@pytest.fixture
def api(shop: Zhiyin) -> Iterator[Caller]:
    """The small world, trained."""
    with calling(shop) as caller:
        yield caller


@pytest.fixture
def untrained(untrained_shop: Zhiyin) -> Iterator[Caller]:
    with calling(untrained_shop) as caller:
        yield caller


@pytest.fixture
def shared(_trained: Caller) -> Iterator[Caller]:
    """The small world, trained, for questions and what is refused."""
    with unchanged(_trained) as caller:
        yield caller


@pytest.fixture
def shared_untrained(_untrained: Caller) -> Iterator[Caller]:
    with unchanged(_untrained) as caller:
        yield caller


@pytest.fixture(scope="session")
def _trained(tmp_path_factory: pytest.TempPathFactory, trained_folder: Path) -> Iterator[Caller]:
    with serving(small_worlds.trained(tmp_path_factory.mktemp("shared"), trained_folder)) as caller:
        yield caller


@pytest.fixture(scope="session")
def _untrained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Caller]:
    with serving(small_worlds.untrained(tmp_path_factory.mktemp("shared"))) as caller:
        yield caller
