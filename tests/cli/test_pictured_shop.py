"""`zhiyin images`, from files with pictures to lists by what things look like."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import Result

from zhiyin.cli.guard import WRONG
from zhiyin.shop import Zhiyin
from zhiyin.types import Query

pytestmark = pytest.mark.slow

Zhi = Callable[..., Result]  # the fixture of conftest

KINDS = ("striped", "spotted")
EACH = 6  # things of a kind


def draw(path: Path, kind: str, seed: int) -> None:
    """Lines or dots, in colours of their own."""
    rng = np.random.default_rng(seed)
    colours = rng.integers(0, 256, (2, 3)).astype(np.uint8)
    y, x = np.mgrid[:96, :96]
    width = rng.integers(5, 12)
    dots = (x % (3 * width) - width) ** 2 + (y % (3 * width) - width) ** 2 < width**2
    which = dots if kind == "spotted" else (x // width) % 2 == 0
    Image.fromarray(colours[which.astype(int)]).save(path)


@pytest.fixture
def pictured(tmp_path: Path, zhi: Zhi) -> Path:
    """A shop whose titles tell nothing, with a folder of pictures, and people who like one kind each."""
    folder = tmp_path / "shop"
    (folder / "pictures").mkdir(parents=True)
    names = [f"{kind}{number}" for kind in KINDS for number in range(EACH)]
    for number, name in enumerate(names):
        draw(folder / "pictures" / f"{name}.png", name[:-1], number)
    rows = "".join(f"{name},Thing {number},{name}.png\n" for number, name in enumerate(names))
    (folder / "items.csv").write_text("item_id,title,image\n" + rows)
    events = [
        f"u{user},{KINDS[user % 2]}{(user + day) % EACH},click,2026-01-{day + 1:02d}T10:00:00Z\n"
        for user in range(30)
        for day in range(4)
    ]
    (folder / "events.csv").write_text("user_id,item_id,event,at\n" + "".join(events))
    files = ("--items", folder / "items.csv", "--events", folder / "events.csv")
    assert zhi("init", *files, "-C", folder).exit_code == 0
    assert zhi("import", "-C", folder).exit_code == 0
    return folder


def said(zhi: Zhi, *words: object) -> str:
    result = zhi(*words)
    assert result.exit_code == 0, result.output
    return str(result.stdout)


def test_from_pictures_to_lists_of_what_looks_alike(pictured: Path, zhi: Zhi) -> None:
    assert "-> zhiyin images, then zhiyin train" in said(zhi, "doctor", "-C", pictured)
    told = said(zhi, "images", "--dir", pictured / "pictures", "--out", pictured / "told.json", "-C", pictured)
    assert "12 items with a picture = 12 given a vector" in told
    assert "12 pictures encoded" in told
    assert "Next: zhiyin train" in told
    assert json.loads((pictured / "told.json").read_text())["given"] == 12
    assert "0 stored + 12 there already" in said(zhi, "import", "-C", pictured)
    again = said(zhi, "images", "--dir", pictured / "pictures", "-C", pictured)
    assert "12 unchanged" in again
    assert "Next" not in again
    assert "-> zhiyin images" not in said(zhi, "doctor", "-C", pictured)
    told = said(zhi, "train", "-C", pictured)
    (idle,) = [line for line in told.splitlines() if line.startswith("left out")] or [""]
    assert ("vector_image" in told.splitlines()[0]) != ("vector_image" in idle)


def test_each_is_most_like_its_kind_by_its_picture(pictured: Path, zhi: Zhi) -> None:
    said(zhi, "images", "--dir", pictured / "pictures", "-C", pictured)
    right = 0
    with Zhiyin.open(pictured) as shop:  # a zero-shot bundle has every channel
        for item in shop.store.items():
            found = shop.compute(Query(like=(item.item_id,), n=11, scenario="similar")).items
            best = max(found, key=lambda place: place.parts.get("vector_image", -1.0))
            right += best.item_id[:-1] == item.item_id[:-1]
    assert right >= 11, "of twelve"


def test_without_the_extra_its_name_is_told(pictured: Path, zhi: Zhi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    told = zhi("images", "-C", pictured)
    assert told.exit_code == WRONG
    assert "pip install 'zhiyin[images]'" in " ".join(told.output.split())
