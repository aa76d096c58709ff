"""A bundle that carries its encoder, in processes of their own: published, its model removed, started again."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from zhiyin.shop import Zhiyin
from zhiyin.testing.small import small_catalogue, small_events
from zhiyin.testing.tiny_models import tiny_model
from zhiyin.workflows.backup import backup, restore
from zhiyin.workflows.train import train

pytestmark = pytest.mark.slow
WITHIN = 60.0  # seconds
WISH = {"text": "iron pot for the garden", "n": 5}


def zhiyin(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "zhiyin", *map(str, words)], capture_output=True, text=True, check=False
    )


@contextmanager
def up(folder: Path) -> Iterator[httpx.Client]:
    """`zhiyin up` and somebody who asks."""
    command = [sys.executable, "-m", "zhiyin", "up", "--folder", str(folder), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        try:
            assert child.stdout is not None
            with httpx.Client(base_url=child.stdout.readline().split()[-1], timeout=WITHIN) as client:
                yield client
            child.send_signal(signal.SIGTERM)
            assert child.wait(WITHIN) == 0
        finally:
            child.kill()


def asked(client: httpx.Client) -> tuple[str, set[str]]:
    """The bundle that answers, and whether what was typed was understood."""
    found = client.post("/v1/search", json=WISH).raise_for_status().json()
    return found["bundle"], {part for item in found["items"] for part in item["parts"]}


def until(client: httpx.Client, bundle: str) -> None:
    end = time.monotonic() + WITHIN
    while asked(client)[0] != bundle:
        assert time.monotonic() < end, "the service never took it up"
        time.sleep(0.1)


def with_model(folder: Path, name: str, seed: int) -> str:
    """A bundle that was made with a model in a folder."""
    tiny_model(folder / "models" / name, seed=seed)
    (folder / "zhiyin.toml").write_text(f'[encoder]\nmodel = "models/{name}"\n')
    with Zhiyin.open(folder) as shop:
        if not shop.store.counts()["items"]:
            shop.put_items(small_catalogue())
            shop.add_events(small_events())
        return train(shop).bundle


def remove_models(folder: Path) -> None:
    for name in ("models", "cache"):
        shutil.rmtree(folder / name, ignore_errors=True)


def test_what_is_live_answers_after_its_model_was_removed_and_on_another_machine(tmp_path: Path) -> None:
    folder, other = tmp_path / "shop", tmp_path / "other"
    folder.mkdir()
    bundle = with_model(folder, "ours", 0)
    assert zhiyin("publish", bundle[:12], "--force", "--folder", folder).returncode == 0
    remove_models(folder)
    with up(folder) as client:
        name, parts = asked(client)
        assert name == bundle
        assert "wish_meaning" in parts
    other.mkdir()
    (other / "zhiyin.toml").write_text('name = "other"\n')
    with Zhiyin.open(other) as shop:  # a shop that never heard of the model
        shop.put_items(small_catalogue())
    shutil.copytree(folder / "bundles" / bundle, other / "bundles" / bundle)
    said = zhiyin("publish", bundle[:12], "--force", "--folder", other)
    assert said.returncode == 0, said.stderr
    with up(other) as client:
        name, parts = asked(client)
        assert name == bundle
        assert "wish_meaning" in parts


def test_a_running_service_goes_to_another_encoder_and_back_and_past_a_damaged_one(tmp_path: Path) -> None:
    first = with_model(tmp_path, "ours", 0)
    assert zhiyin("publish", first[:12], "--force", "--folder", tmp_path).returncode == 0
    with up(tmp_path) as client:
        until(client, first)
        second = with_model(tmp_path, "other", 1)
        remove_models(tmp_path)
        assert zhiyin("publish", second[:12], "--force", "--folder", tmp_path).returncode == 0
        until(client, second)
        assert zhiyin("rollback", "--folder", tmp_path).returncode == 0
        until(client, first)
        graph = tmp_path / "bundles" / second / "encoder" / "model.onnx"
        graph.write_bytes(graph.read_bytes()[:-1])
        said = zhiyin("publish", second[:12], "--force", "--folder", tmp_path)
        assert said.returncode != 0
        assert "encoder/model.onnx" in said.stderr
        assert asked(client)[0] == first, "what was served goes on"


def test_a_backup_brings_the_encoders_once_and_a_restored_shop_serves(tmp_path: Path) -> None:
    folder, again = tmp_path / "shop", tmp_path / "again"
    folder.mkdir()
    first = with_model(folder, "ours", 0)
    with Zhiyin.open(folder) as shop:
        second = train(shop, seed=1).bundle
        shop.publish(second)
        saved = backup(shop, tmp_path / "saved.tar.gz")
    remove_models(folder)
    assert restore(saved.path, again).bundles == tuple(sorted((first, second)))
    graphs = [again / "bundles" / name / "encoder" / "model.onnx" for name in (first, second)]
    assert graphs[0].samefile(graphs[1])
    with up(again) as client:
        name, parts = asked(client)
        assert name == second
        assert "wish_meaning" in parts
