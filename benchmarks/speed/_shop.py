"""A made shop of any size: items with texts of made words, people with histories, an encoder that costs nothing.

The encoder gives the dimensions of the real one; how fast that reads is S6's matter.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path

import numpy as np

from zhiyin.bundle import save_bundle
from zhiyin.data.dataset import Floats, build_dataset
from zhiyin.data.store.open import open_store
from zhiyin.encoders.base import unit
from zhiyin.models.base import Run
from zhiyin.settings import ServiceSettings, Settings
from zhiyin.shop import Zhiyin
from zhiyin.types import Event, Item

HISTORY = 50  # events of a person
PEOPLE = 2_000
WORDS = 20_000  # that any item may have
THEMES, THEME_WORDS = 400, 150  # the words of a theme are its items' alone
START = datetime(2026, 1, 1, tzinfo=UTC)
BATCH = 5_000
MAX_BODY = 16 * 2**20


class MadeEncoder:
    """The sum of one random direction a word."""

    dim = 512
    fingerprint = "made-for-benchmarks:512"
    licence = "MIT"

    def encode(self, texts: Sequence[str]) -> Floats:
        nothing = np.zeros(self.dim, np.float32)
        return unit(
            np.array([sum(map(_direction, text.split()), nothing) for text in texts]).reshape(-1, self.dim)
        )


def open_shop(folder: Path) -> Zhiyin:
    settings = Settings(folder=folder, service=ServiceSettings(max_body_bytes=MAX_BODY))
    return Zhiyin(settings, open_store(f"sqlite:///{folder / 'zhiyin.db'}"), MadeEncoder())


def make_shop(folder: Path, n_items: int, *, people: int = PEOPLE) -> Zhiyin:
    """A shop with a live zero-shot bundle and HISTORY events for each person."""
    folder.mkdir(parents=True, exist_ok=True)
    shop = open_shop(folder)
    items = list(made_items(n_items))
    for start in range(0, n_items, BATCH):
        shop.store.put_items(items[start : start + BATCH])
    shop.live()
    events = list(made_events(n_items, people))
    for start in range(0, len(events), BATCH):
        shop.store.append(events[start : start + BATCH])
    return shop


def train(shop: Zhiyin) -> None:
    """Fit all default channels on what the shop's log holds, and publish."""
    position = shop.store.position()
    events = (event for _, event in shop.store.events(until=position.event))
    data = build_dataset(shop.store.items(), events, last_event=position.event)
    recipe, run = shop.settings.recipe, Run(MadeEncoder())
    fitted = recipe.fit(data, run)
    shop.publish(save_bundle(shop.bundles, fitted, recipe, data, run, position))


def made_items(n_items: int) -> Iterator[Item]:
    """Items of one theme stand together and share words, as texts of one shelf do."""
    rng = np.random.default_rng(7)
    for number in range(n_items):
        theme = theme_of(number, n_items)
        own = [f"t{theme}w{word}" for word in rng.zipf(1.25, 12) % THEME_WORDS]
        words = [f"w{word}" for word in rng.zipf(1.25, 14) % WORDS]
        yield Item(
            f"item-{number}",
            title=" ".join([*own[:4], *words[:2]]),
            text=" ".join([*own[4:], *words[2:]]),
            categories=(f"theme{theme}",),
            brand=f"brand{number % 300}",
            price=float(number % 97),
        )


def made_events(n_items: int, people: int) -> Iterator[Event]:
    """Each person keeps to two themes, and in each theme some items are taken far more often than others."""
    rng = np.random.default_rng(11)
    themes = min(THEMES, n_items)
    for person in range(people):
        liked = rng.integers(0, themes, 2)[rng.integers(0, 2, HISTORY)]
        places = (liked + rng.random(HISTORY) ** 3) * (n_items / themes)
        for place, item in enumerate(places.astype(np.int64).tolist()):
            at = START + timedelta(minutes=person * HISTORY + place)
            yield Event(f"person-{person}", f"item-{item}", "click", at=at, event_id=f"{person}-{place}")


def theme_of(number: int, n_items: int) -> int:
    return number * min(THEMES, n_items) // n_items


@lru_cache(maxsize=WORDS * 2)
def _direction(word: str) -> Floats:
    seed = int.from_bytes(hashlib.blake2b(word.encode(), digest_size=8).digest(), "little")
    return np.random.default_rng(seed).standard_normal(MadeEncoder.dim, dtype=np.float32)
