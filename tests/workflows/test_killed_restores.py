"""A restore that is killed leaves no shop or a whole one, at whatever moment."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import kill_restores
import orjson
import pytest
from test_backup import new_shop, shop_at

from zhiyin.errors import InvalidData, InvalidSettings, NotFound
from zhiyin.settings import FILE
from zhiyin.settings_file import PLAN, RESTORING, load_settings
from zhiyin.types import Query
from zhiyin.workflows import moving_in
from zhiyin.workflows.backup import backup, restore
from zhiyin.workflows.doctor import doctor
from zhiyin.workflows.init import Files, init_project


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a shop that answers."""
    folder = tmp_path_factory.mktemp("saved")
    with new_shop(folder / "shop") as shop:
        shop.live()
        return backup(shop, folder / "saved.tar.gz").path


@pytest.mark.slow
def test_killed_at_any_step_it_leaves_no_shop_or_a_whole_one_and_the_next_finishes_it(
    tmp_path: Path, saved: Path
) -> None:
    other = tmp_path / "other.tar.gz"
    with new_shop(tmp_path / "other") as shop:
        backup(shop, other)
    done = subprocess.run(
        [sys.executable, kill_restores.__file__, str(saved), str(tmp_path / "home"), str(other)],
        check=True,
        capture_output=True,
        text=True,
    )
    *kills, end = map(json.loads, done.stdout.splitlines())
    assert (end["whole"], end["toml"], end["steps"] > 20) == (True, True, True)
    left = [kill["left"] for kill in kills]
    assert sorted(set(left), key=left.index) == ["none", "half", "whole"], "in this order, each for a while"
    assert left.count("half") >= 3
    for kill in kills:
        if kill["other"]:
            begun = kill["left"] != "none"
            assert ("exists, and nothing is overwritten" in kill["again"]) == begun, kill
            assert kill["whole"] == begun, kill
        else:
            assert kill["whole"], kill
            assert kill["again"] == "restored" or (kill["left"] == "whole" and "exists" in kill["again"]), kill


def interrupted_at(rename: int, saved: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C before this rename of the move."""
    done, plain = 0, Path.rename

    def renamed(self: Path, target: Path) -> Path:
        nonlocal done
        done += 1
        if done > rename:
            raise KeyboardInterrupt
        return plain(self, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", renamed)
        with pytest.raises(KeyboardInterrupt):
            restore(saved, folder)


def test_a_folder_where_a_restore_was_interrupted_says_how_to_go_on(
    tmp_path: Path, saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupted_at(1, saved, tmp_path, monkeypatch)
    assert (tmp_path / "zhiyin.db").exists()
    with pytest.raises(
        NotFound, match=r"a restore into .* was interrupted: `zhiyin restore FILE --folder .*` finishes"
    ):
        load_settings(tmp_path)
    (found,) = doctor(tmp_path)
    assert (found.light, found.cure) == ("red", "zhiyin restore FILE")
    (tmp_path / "items.csv").write_text("id,title\na,Tea\n")
    with pytest.raises(InvalidSettings, match="was interrupted"):
        init_project(tmp_path, Files(tmp_path / "items.csv"), force=True)
    restored = restore(saved, tmp_path)
    assert (restored.path, len(restored.bundles)) == (saved, 1)
    assert not (tmp_path / RESTORING).exists()
    with shop_at(tmp_path) as shop:
        assert shop.answer(Query("user 3")).bundle == restored.bundles[0]


def test_what_was_interrupted_is_finished_without_the_archive(
    tmp_path: Path, saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupted_at(0, saved, tmp_path, monkeypatch)
    with pytest.raises(InvalidData, match="is finished now"):
        restore(tmp_path / "lost.tar.gz", tmp_path)
    with shop_at(tmp_path) as shop:
        assert shop.settings.name == "first"


def test_what_came_into_a_place_meanwhile_is_not_overwritten(
    tmp_path: Path, saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupted_at(0, saved, tmp_path, monkeypatch)
    (tmp_path / "zhiyin.db").write_text("somebody else's")
    for _ in range(2):
        with pytest.raises(InvalidData, match=r"zhiyin\.db exists, and nothing is overwritten: .* move it away"):
            restore(saved, tmp_path)
    (tmp_path / "zhiyin.db").unlink()
    restore(saved, tmp_path)
    with shop_at(tmp_path) as shop:
        assert shop.store.counts()["items"] == 25


@pytest.mark.parametrize("end", ["-wal", "-journal"])
def test_what_a_lost_store_left_beside_it_is_not_taken_for_a_part_of_the_new_one(
    tmp_path: Path, saved: Path, end: str
) -> None:
    (tmp_path / f"zhiyin.db{end}").write_bytes(b"of another store")
    with pytest.raises(InvalidData, match=f"zhiyin.db{end} exists"):
        restore(saved, tmp_path)
    assert [one.name for one in tmp_path.iterdir()] == [f"zhiyin.db{end}"]


def test_two_restores_into_one_folder_are_one_too_many(tmp_path: Path, saved: Path) -> None:
    with moving_in.one_at_a_time(tmp_path), pytest.raises(InvalidData, match="being restored into"):
        restore(saved, tmp_path)
    restore(saved, tmp_path)


def test_a_place_on_another_disk_is_only_renamed_into_as_well(tmp_path: Path) -> None:
    elsewhere = Path("/dev/shm") / tmp_path.name
    if not elsewhere.parent.is_dir() or elsewhere.parent.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is one disk only")
    try:
        store, bundles = elsewhere / "store" / "zhiyin.db", elsewhere / "bundles"
        toml = f'name = "first"\n[store]\nurl = "sqlite:///{store}"\n[bundles]\nfolder = "{bundles}"\n'
        store.parent.mkdir(parents=True)
        with new_shop(tmp_path / "shop", toml=toml) as shop:
            shop.live()
            path = backup(shop, tmp_path / "saved.tar.gz").path
        for one in (*store.parent.iterdir(), *bundles.rglob("*")):
            one.unlink(missing_ok=True) if one.is_file() else None
        bundles.rename(elsewhere / "lost")
        restore(path, tmp_path / "again")
        assert [one.name for one in store.parent.iterdir()] == ["zhiyin.db"]
        with shop_at(tmp_path / "again") as shop:
            assert len(shop.answer(Query("user 3")).items) == 10
    finally:
        shutil.rmtree(elsewhere, ignore_errors=True)


def test_a_plan_is_read_back_as_it_was_decided(tmp_path: Path) -> None:
    (tmp_path / RESTORING).mkdir()
    plan = moving_in.Plan("a.tar.gz", "0" * 64, ("b",), 3, ((".restoring/store.db", "zhiyin.db"), ("x", "../y")))
    assert moving_in.interrupted(tmp_path) is None
    moving_in.decide(tmp_path, plan)
    assert moving_in.interrupted(tmp_path) == plan
    assert orjson.loads((tmp_path / RESTORING / PLAN).read_bytes())["files"] == 3
    assert not (tmp_path / FILE).exists()
