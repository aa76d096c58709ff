"""A copy of a shop in a folder that goes away: what happens there never reaches the log of the shop itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import copytree
from tempfile import TemporaryDirectory

from zhiyin.data.store.open import open_store
from zhiyin.files import linked
from zhiyin.settings import BundleSettings, ServiceSettings, Settings, StoreSettings, TrackingSettings
from zhiyin.settings_lists import PolicySettings
from zhiyin.shop import Zhiyin

STORE, BUNDLES = "zhiyin.db", "bundles"


@contextmanager
def scratch_copy(shop: Zhiyin, policy: PolicySettings | None = None) -> Iterator[Zhiyin]:
    """The store as of one moment and the bundle that is live, under the same settings, or under another policy."""
    serving = shop.live().folded.bundle
    with TemporaryDirectory(prefix="zhiyin-scratch-") as name:
        folder = Path(name)
        shop.store.backup(str(folder / STORE))
        place = folder / BUNDLES / serving.name
        copytree(shop.bundles / serving.name, place, copy_function=lambda one, two: linked(Path(one), Path(two)))
        settings = _settings(shop.settings, folder, policy or shop.settings.policy)
        with Zhiyin(settings, open_store(settings.store_url()), serving.encoder) as copy:
            yield copy


def _settings(said: Settings, folder: Path, policy: PolicySettings) -> Settings:
    """The same for every list; nothing is noted elsewhere, and nobody is served."""
    reader = said.reranker.model
    moved = {
        "folder": folder,
        "policy": policy,
        "store": StoreSettings(url=f"sqlite:///{STORE}"),
        "bundles": BundleSettings(folder=BUNDLES),
        "service": ServiceSettings(),
        "tracking": TrackingSettings(),
        "reranker": said.reranker.model_copy(update={"model": str(said.path(reader))})
        if reader
        else said.reranker,
    }
    return said.model_copy(update=moved)
