"""Events are read while texts are: the same data, one task shown after another; what ends one ends the other."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from small_shop import small_shop

from zhiyin.data.dataset import Floats
from zhiyin.errors import EndpointFailed, InvalidData
from zhiyin.shop import Zhiyin
from zhiyin.testing.encoders import HashEncoder
from zhiyin.types import Event
from zhiyin.workflows import shop_data as module
from zhiyin.workflows.shop_data import shop_data

pytestmark = pytest.mark.slow


class Ending(HashEncoder):
    """An encoder that ends with an error once the events are being read."""

    def __init__(self, error: BaseException, begun: threading.Event) -> None:
        super().__init__()
        self.error, self.begun = error, begun

    def encode(self, texts: Sequence[str]) -> Floats:
        assert self.begun.wait(10)
        raise self.error


class Steps:
    """A progress that remembers all it was told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def start(self, title: str, total: float) -> None:
        self.told.append(f"{title}, {total:.0f}")

    def advance(self, done: float, note: str = "") -> None:
        self.told.append("on")

    def done(self) -> None:
        self.told.append("done")


def test_it_is_the_same_data_as_without_reading_texts(tmp_path: Path) -> None:
    shop = small_shop(tmp_path)
    (alone, at), (beside, same) = shop_data(shop), shop_data(shop, encoder=shop.encoder())
    assert (list(alone.items), list(alone.users), at) == (list(beside.items), list(beside.users), same)
    for name in ("indptr", "item_rows", "weights", "types", "at"):
        np.testing.assert_array_equal(getattr(alone, name), getattr(beside, name))


def test_how_far_the_events_are_is_told_once_the_texts_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = small_shop(tmp_path)
    monkeypatch.setattr(module, "TOLD_EVERY", 10)
    monkeypatch.setattr(module, "GLANCE", 0.001)
    shop.progress = steps = Steps()
    n_events = len(list(shop.store.events()))
    shop_data(shop, encoder=shop.encoder())
    assert f"reading events, {n_events}" in steps.told
    assert steps.told[-1] == "done"


@pytest.mark.parametrize("error", [EndpointFailed("the endpoint is gone"), KeyboardInterrupt()])
def test_what_ends_the_reading_of_texts_ends_the_reading_of_events(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    shop, begun, seen = small_shop(tmp_path), threading.Event(), 0
    event = Event("someone", "nothing", "view")

    def endless(*, until: int) -> Iterator[tuple[int, Event]]:
        nonlocal seen
        while True:
            begun.set()
            seen += 1
            yield seen, event

    monkeypatch.setattr(shop.store, "events", endless)
    monkeypatch.setattr(module, "TOLD_EVERY", 10)
    with pytest.raises(type(error)):
        shop_data(shop, encoder=Ending(error, begun))
    assert all(not thread.name.startswith("ThreadPoolExecutor") for thread in threading.enumerate())


def test_an_error_of_the_store_comes_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = small_shop(tmp_path)

    def broken(*, until: int) -> Iterator[tuple[int, Event]]:
        raise EndpointFailed("the disk is gone")
        yield

    monkeypatch.setattr(shop.store, "events", broken)
    with pytest.raises(EndpointFailed, match="disk"):
        shop_data(shop, encoder=shop.encoder())


def test_an_empty_catalogue_is_told_before_anything_is_read(tmp_path: Path) -> None:
    with Zhiyin.open(_empty(tmp_path)) as shop, pytest.raises(InvalidData, match="catalogue is empty"):
        shop_data(shop, encoder=Ending(AssertionError("read"), threading.Event()))


def _empty(folder: Path) -> Path:
    (folder / "zhiyin.toml").write_text('name = "empty"\n')
    return folder
