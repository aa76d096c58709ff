"""The small shop in a folder, with a store in memory and a quick encoder; nothing is left to chance."""

from pathlib import Path
from shutil import copytree

from zhiyin.bundle import newest_in
from zhiyin.data.store.memory import MemoryStore
from zhiyin.settings import Settings
from zhiyin.settings_lists import PolicySettings
from zhiyin.shop import Zhiyin
from zhiyin.testing.encoders import HashEncoder
from zhiyin.testing.small import small_catalogue, small_events


def empty(folder: Path) -> Zhiyin:
    """No item, no event, no bundle."""
    return Zhiyin(Settings(folder=folder, policy=PolicySettings(name="greedy")), MemoryStore(), HashEncoder())


def untrained(folder: Path) -> Zhiyin:
    """The small catalogue, and no event."""
    shop = empty(folder)
    shop.put_items(small_catalogue())
    return shop


def trained(folder: Path, fitted: Path) -> Zhiyin:
    """The small catalogue and events, with the bundle that was fitted on them in another folder live."""
    shop = untrained(folder)
    shop.add_events(small_events())
    copytree(fitted, folder, dirs_exist_ok=True)
    shop.publish(newest_in(shop.bundles).name)
    return shop
