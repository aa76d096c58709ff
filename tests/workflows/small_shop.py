"""A shop of the small world, in memory or on disk; run as a program it publishes until it is killed."""

from __future__ import annotations

import sys
from pathlib import Path

from zhiyin.data.store.memory import MemoryStore
from zhiyin.data.store.open import open_store
from zhiyin.data.store.protocols import Store
from zhiyin.encoders.base import Encoder
from zhiyin.settings import Settings
from zhiyin.settings_lists import RankingSettings
from zhiyin.shop import Zhiyin
from zhiyin.testing.encoders import HashEncoder
from zhiyin.testing.small import small_catalogue, small_events
from zhiyin.types import Event

HOSTILE = "<script>alert('&quot;')</script>\u202e]]>"  # a name


def shop_in(
    folder: Path, store: Store | None = None, encoder: Encoder | None = None, *, repeats: bool = False
) -> Zhiyin:
    """An empty shop."""
    settings = Settings(folder=folder, ranking=RankingSettings(repeats=repeats))
    return Zhiyin(settings, store or MemoryStore(), encoder or HashEncoder())


def small_shop(folder: Path, events: list[Event] | None = None, *, repeats: bool = False) -> Zhiyin:
    """A shop with the small catalogue and these events, by default those of 60 people."""
    shop = shop_in(folder, repeats=repeats)
    shop.put_items(small_catalogue())
    shop.add_events(small_events(60) if events is None else events)
    return shop


def shop_on_disk(folder: Path) -> Zhiyin:
    return shop_in(folder, open_store(f"sqlite:///{folder / 'shop.db'}"))


def publish_for_ever(folder: Path, names: list[str]) -> None:
    """Make one bundle after another live, and say so after each."""
    with shop_on_disk(folder) as shop:
        while True:
            for name in names:
                print(shop.publish(name).seq, name, flush=True)  # noqa: T201


def train_for_ever(folder: Path) -> None:
    """Train with one seed after another, and say what each made."""
    from zhiyin.workflows.train import train

    with shop_on_disk(folder) as shop:
        seed = 0
        while True:
            seed += 1
            print(seed, train(shop, seed).bundle, flush=True)  # noqa: T201


if __name__ == "__main__":
    _, verb, where, *bundles = sys.argv
    if verb == "train":
        train_for_ever(Path(where))
    else:
        publish_for_ever(Path(where), bundles)
