from __future__ import annotations

import io
import tarfile
from pathlib import Path
from threading import Event as Flag
from threading import Thread

import numpy as np
import pytest
from small_shop import shop_in

from zhiyin.data.store.open import open_store
from zhiyin.errors import InvalidData, InvalidSettings, NotFound
from zhiyin.ranking.learned import learned_of
from zhiyin.settings import FILE
from zhiyin.settings_file import load_settings
from zhiyin.shop import Zhiyin
from zhiyin.testing.encoders import HashEncoder
from zhiyin.testing.small import small_catalogue, small_events
from zhiyin.types import Event, Query
from zhiyin.workflows.backup import backup, restore
from zhiyin.workflows.train import train


def shop_at(folder: Path) -> Zhiyin:
    """A shop of the files in a folder."""
    settings = load_settings(folder)
    return Zhiyin(settings, open_store(settings.store_url()), HashEncoder())


def new_shop(folder: Path, *, toml: str = 'name = "first"\n') -> Zhiyin:
    folder.mkdir()
    (folder / FILE).write_text(toml)
    shop = shop_at(folder)
    shop.put_items(small_catalogue())
    shop.add_events(small_events(12))
    return shop


@pytest.mark.slow
def test_a_restored_shop_is_the_same_shop(tmp_path: Path) -> None:
    with new_shop(tmp_path / "shop") as shop:
        shop.publish(train(shop).bundle)
        shown = shop.answer(Query("user 3"))
        saved = backup(shop, tmp_path / "saved.tar.gz")
        counts, name = dict(shop.store.counts()), shop.publication()
    assert saved.path.stat().st_mode & 0o077 == 0
    restored = restore(saved.path, tmp_path / "again")
    assert restored.bundles == saved.bundles
    with shop_at(tmp_path / "again") as shop:
        assert dict(shop.store.counts()) == counts
        assert shop.publication() == name
        again = shop.recommender().recommend(shown.query, shown.recommendation_id, shown.at)
        assert again == shop.store.recommendation(shown.recommendation_id)
        assert shop.settings.name == "first"


@pytest.mark.slow
def test_the_part_that_is_added_to_scores_is_restored_and_others_are_not(tmp_path: Path) -> None:
    with new_shop(tmp_path / "shop") as shop:
        encoder = shop.live().folded.bundle.manifest.encoder
        dim = HashEncoder().dim
        parts = [
            learned_of(encoder, score, np.zeros(2), (np.zeros(dim), np.ones(dim)), "a test")
            for score in (0.1, 0.2)
        ]
        added, _ = (one.save(tmp_path / "shop" / "policies") for one in parts)
        (tmp_path / "shop" / FILE).write_text(f'[policy]\nlearned = "policies/{added.name}"\n')
    with shop_at(tmp_path / "shop") as shop:
        saved = backup(shop, tmp_path / "saved.tar.gz")
    restore(saved.path, tmp_path / "again")
    assert [path.name for path in (tmp_path / "again" / "policies").iterdir()] == [added.name]
    with shop_at(tmp_path / "again") as shop:
        assert shop.answer(Query("user 3")).policy == "softmax, learned"


def test_a_backup_while_events_come_in_is_of_one_moment(tmp_path: Path) -> None:
    stop = Flag()
    with new_shop(tmp_path / "shop") as shop:
        began = shop.store.last_event()

        def write() -> None:
            number = 0
            while not stop.is_set():
                shop.add_events([Event("busy", "music/drum", "click", event_id=f"{number}-{n}") for n in range(5)])
                number += 1

        writer = Thread(target=write)
        writer.start()
        try:
            backup(shop, tmp_path / "saved.tar.gz")
        finally:
            stop.set()
            writer.join()
        ended = shop.store.last_event()
    restore(tmp_path / "saved.tar.gz", tmp_path / "again")
    with shop_at(tmp_path / "again") as shop:
        saved = shop.store.last_event()
        assert began <= saved <= ended
        assert (saved - began) % 5 == 0  # whole transactions only


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    with new_shop(tmp_path / "shop") as shop:
        saved = backup(shop, tmp_path / "saved.tar.gz")
        with pytest.raises(InvalidData, match="nothing is overwritten"):
            backup(shop, saved.path)
    with pytest.raises(InvalidData, match="nothing is overwritten"):
        restore(saved.path, tmp_path / "shop")
    (tmp_path / "half").mkdir()
    (tmp_path / "half" / "zhiyin.db").write_text("somebody else's")
    with pytest.raises(InvalidData, match="nothing is overwritten"):
        restore(saved.path, tmp_path / "half")
    assert (tmp_path / "half" / "zhiyin.db").read_text() == "somebody else's"
    assert [path.name for path in (tmp_path / "half").iterdir()] == ["zhiyin.db"]


@pytest.mark.parametrize("at", [0.1, 0.5, 0.9])
def test_a_backup_with_a_changed_byte_is_refused_and_leaves_nothing(tmp_path: Path, at: float) -> None:
    with new_shop(tmp_path / "shop") as shop:
        path = backup(shop, tmp_path / "saved.tar.gz").path
    content = bytearray(path.read_bytes())
    content[int(len(content) * at)] ^= 0x40
    path.write_bytes(content)
    with pytest.raises(InvalidData, match="another copy"):
        restore(path, tmp_path / "again")
    assert list((tmp_path / "again").iterdir()) == []


@pytest.mark.parametrize("share", [0.0, 0.3, 0.99])
def test_a_backup_that_was_cut_short_is_refused(tmp_path: Path, share: float) -> None:
    with new_shop(tmp_path / "shop") as shop:
        path = backup(shop, tmp_path / "saved.tar.gz").path
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(InvalidData):
        restore(path, tmp_path / "again")


@pytest.mark.parametrize(
    "name", ["../evil", "/tmp/evil", "bundles/../../evil", "cron", "bundles/a/b/c", "bundles/a/encoder/b/c"]
)
def test_an_archive_with_anything_else_in_it_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "evil.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        member = tarfile.TarInfo(name)
        member.size = 4
        tar.addfile(member, io.BytesIO(b"evil"))
    with pytest.raises(InvalidData, match="do not use it"):
        restore(path, tmp_path / "again")
    assert list((tmp_path / "again").iterdir()) == []


@pytest.mark.slow
def test_a_bundle_that_is_not_what_its_name_says_is_refused(tmp_path: Path) -> None:
    """The archive is whole, but what was saved was broken already."""
    with new_shop(tmp_path / "shop") as shop:
        name = train(shop).bundle
        (shop.bundles / name / "fusion.safetensors").write_bytes(b"changed")
        path = backup(shop, tmp_path / "saved.tar.gz").path
    with pytest.raises(InvalidData, match="unsound"):
        restore(path, tmp_path / "again")


def test_a_store_in_memory_cannot_be_saved(tmp_path: Path) -> None:
    shop = shop_in(tmp_path)
    shop.settings = shop.settings.model_copy(
        update={"store": shop.settings.store.model_copy(update={"url": "memory:"})}
    )
    with pytest.raises(InvalidSettings, match="memory"):
        backup(shop, tmp_path / "saved.tar.gz")


def test_a_file_that_is_not_there_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="zhiyin backup"):
        restore(tmp_path / "nothing.tar.gz", tmp_path / "again")
