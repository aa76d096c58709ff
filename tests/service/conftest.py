"""The small world behind an application."""

from collections.abc import Iterator

import pytest
from asking import Caller, calling

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
