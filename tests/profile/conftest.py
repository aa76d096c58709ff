"""One world for all: the small catalogue among many other things, read by a quick encoder, before any event."""

from collections.abc import Iterator

import pytest

import small_worlds
from zhiyin.live import Live
from zhiyin.types import Item

OTHERS = 60  # so that a theme is a tenth of the catalogue


@pytest.fixture(scope="package")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with small_worlds.untrained(tmp_path_factory.mktemp("profile")) as shop:
        shop.put_items([Item(f"other/{n}", f"thing {n}", categories=(f"kind {n % 10}",)) for n in range(OTHERS)])
        yield shop.live()
