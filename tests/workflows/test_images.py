"""Pictures of items into vectors: only what is new is looked at, nothing broken stops it, a kill costs little."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from PIL import Image
from small_shop import shop_in

from zhiyin.data.fetching import Fetcher
from zhiyin.data.store.open import open_store
from zhiyin.encoders.album import FILE, Album
from zhiyin.errors import NotFound
from zhiyin.settings_file import load_settings
from zhiyin.shop import Zhiyin
from zhiyin.testing.encoders import ColourEncoder, HashEncoder
from zhiyin.types import Item, Query
from zhiyin.workflows.doctor import examine
from zhiyin.workflows.images import CHUNK, Pictured, Wanted, encode_images
from zhiyin.workflows.ingest import ingest
from zhiyin.workflows.init import Files, init_project
from zhiyin.workflows.train import train

COLOURS = {"rose": (220, 20, 40), "brick": (170, 40, 30), "sky": (60, 140, 250), "sea": (10, 60, 190)}


def draw(folder: Path, name: str, colour: tuple[int, int, int]) -> None:
    Image.new("RGB", (12, 12), colour).save(folder / name)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Zhiyin]:
    """Four items with pictures in its folder, two of them red, two blue; one more without a picture."""
    with shop_in(tmp_path) as shop:
        for name, colour in COLOURS.items():
            draw(tmp_path, f"{name}.png", colour)
        shop.put_items([Item(name, f"The {name}", image=f"{name}.png") for name in COLOURS])
        shop.put_items([Item("plain", "Nobody drew it")])
        yield shop


def told(found: Pictured) -> tuple[int, int, int]:
    """Given, unchanged, encoded."""
    counted = found.given + found.unchanged + found.brought + found.unfetched + len(found.troubles)
    assert counted == found.n_items, "everything is accounted for"
    return found.given, found.unchanged, found.n_encoded


def light(shop: Zhiyin) -> tuple[str, str]:
    (finding,) = (one for one in examine(shop) if one.about == "pictures")
    return finding.light, finding.cure


def test_items_get_the_vectors_of_their_pictures_and_keep_all_else(shop: Zhiyin) -> None:
    encoder = ColourEncoder()
    found = encode_images(shop, encoder)
    assert told(found) == (4, 0, 4)
    assert "4 items with a picture = 4 given a vector" in found.sentences()[0]
    for name in COLOURS:
        item = shop.item(name)
        pixels = encoder.look((shop.settings.folder / f"{name}.png").read_bytes())
        assert item.vectors["image"] == pytest.approx(encoder.encode(pixels[None])[0], abs=1e-5)
        assert replace(item, vectors={}) == Item(name, f"The {name}", image=f"{name}.png")
    assert not shop.item("plain").vectors


@pytest.mark.slow
def test_only_what_is_new_or_changed_is_looked_at(shop: Zhiyin) -> None:
    encode_images(shop, ColourEncoder())
    before = shop.store.last_item()
    assert told(encode_images(shop, ColourEncoder())) == (0, 4, 0)
    assert shop.store.last_item() == before, "nothing was written"
    draw(shop.settings.folder, "rose.png", (0, 250, 0))
    shop.put_items([Item("leaf", image="rose.png"), Item("lips", image="brick.png")])
    assert told(encode_images(shop, ColourEncoder())) == (3, 3, 1), "two have the new picture, one a known one"
    assert told(encode_images(shop, ColourEncoder(), Wanted(again=True))) == (0, 6, 4)


def test_an_encoder_that_sees_otherwise_looks_at_everything_again(shop: Zhiyin) -> None:
    class Sharper(ColourEncoder):
        fingerprint = "sharper"
        side, dim = 8, 192

    encode_images(shop, ColourEncoder())
    assert told(encode_images(shop, Sharper())) == (4, 0, 4)
    assert {len(shop.item(name).vectors["image"]) for name in COLOURS} == {192}


def test_a_vector_that_was_handed_in_stays(shop: Zhiyin) -> None:
    mine = replace(shop.item("rose"), vectors={"image": (0.6, 0.8)})
    shop.put_items([mine])
    found = encode_images(shop, ColourEncoder())
    assert (told(found), found.brought) == ((3, 0, 3), 1)
    assert shop.item("rose") == mine
    assert told(encode_images(shop, ColourEncoder(), Wanted(again=True)))[0] == 1
    assert len(shop.item("rose").vectors["image"]) == ColourEncoder.dim


def test_what_is_broken_or_missing_is_named_with_its_cure_and_stops_nothing(shop: Zhiyin) -> None:
    folder = shop.settings.folder
    (folder / "text.jpg").write_text("no picture")
    (folder / "black.png").write_bytes((folder / "rose.png").read_bytes()[:45])
    draw(folder, "night.png", (0, 0, 0))
    names = ("text.jpg", "black.png", "night.png", "../rose.png", "gone.png")
    shop.put_items([Item(f"bad {name}", image=name) for name in names])
    found = encode_images(shop, ColourEncoder())
    assert told(found) == (4, 0, 5)
    kinds = {one.item_id.removeprefix("bad "): one.kind for one in found.troubles}
    assert kinds == dict.fromkeys(names[:4], "broken") | {"gone.png": "missing"}
    said = "\n".join(found.sentences())
    assert "broken: the picture of 'bad text.jpg': it is none of JPEG" in said
    assert "missing: the picture of 'bad gone.png': 'gone.png' is not in" in said
    assert not any(shop.item(f"bad {name}").vectors for name in names)
    assert b"bad black.png" in found.to_json()


def test_a_picture_that_broke_takes_its_vector_away_and_one_that_is_gone_does_not(shop: Zhiyin) -> None:
    encode_images(shop, ColourEncoder())
    (shop.settings.folder / "rose.png").write_text("no picture any more")
    (shop.settings.folder / "sky.png").unlink()
    found = encode_images(shop, ColourEncoder())
    assert [(one.item_id, one.kind) for one in found.troubles] == [("rose", "broken"), ("sky", "missing")]
    assert "image" not in shop.item("rose").vectors
    assert "image" in shop.item("sky").vectors
    with Album(shop.settings.path("cache")) as album:
        bare = [Item(name, image=f"{name}.png") for name in ("rose", "sky")]
        assert ["image" in item.vectors for item in album.restored(bare)] == [False, True]


def test_a_picture_that_many_share_is_looked_at_once(shop: Zhiyin) -> None:
    shop.put_items([Item(f"like a rose {n}", image="rose.png") for n in range(3 * CHUNK)])
    assert told(encode_images(shop, ColourEncoder())) == (3 * CHUNK + 4, 0, 4)


def test_many_troubles_are_not_all_told_at_once(shop: Zhiyin) -> None:
    shop.put_items([Item(f"lost {n}", image=f"lost {n}.png") for n in range(2 * CHUNK)])
    found = encode_images(shop, ColourEncoder())
    assert told(found) == (4, 0, 4)
    assert len(found.of_kind("missing")) == 2 * CHUNK
    assert f"missing: {2 * CHUNK - 10} more; --out FILE writes all of them" in found.sentences()


def test_pictures_lie_in_the_folder_that_is_named(shop: Zhiyin) -> None:
    elsewhere = shop.settings.folder / "elsewhere"
    elsewhere.mkdir()
    draw(elsewhere, "rose.png", COLOURS["rose"])
    found = encode_images(shop, ColourEncoder(), Wanted(elsewhere))
    assert (told(found), len(found.of_kind("missing"))) == ((1, 0, 1), 3)
    with pytest.raises(NotFound, match="nowhere is no folder: --dir"):
        encode_images(shop, ColourEncoder(), Wanted(elsewhere / "nowhere"))


@pytest.mark.slow
def test_the_web_is_asked_only_when_it_may_be_and_for_what_has_changed(shop: Zhiyin, tmp_path: Path) -> None:
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # its name there
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path)))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        address = f"http://127.0.0.1:{server.server_port}"
        shop.put_items([Item(name, image=f"{address}/{name}.png") for name in COLOURS])
        found = encode_images(shop, ColourEncoder())
        assert (told(found), found.unfetched) == ((0, 0, 0), 4)
        assert light(shop) == ("amber", "zhiyin images --fetch, then zhiyin train")
        refused = encode_images(shop, ColourEncoder(), Wanted(fetch=True))
        assert [one.kind for one in refused.troubles] == ["broken"] * 4
        assert "not on the public internet" in refused.troubles[0].reason
        asking = Wanted(fetch=True, fetcher=Fetcher(10_000, allowed=lambda address: True))
        assert told(encode_images(shop, ColourEncoder(), asking)) == (4, 0, 4)
        assert told(encode_images(shop, ColourEncoder(), asking)) == (0, 4, 0)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_the_doctor_says_when_nobody_has_looked(shop: Zhiyin) -> None:
    assert light(shop) == ("amber", "zhiyin images, then zhiyin train")
    encode_images(shop, ColourEncoder())
    assert light(shop) == ("green", "")
    shop.put_items([Item("new", "Not seen yet", image="rose.png")])
    assert light(shop)[0] == "amber"


@pytest.mark.slow
def test_an_import_leaves_the_vectors_of_pictures_that_are_called_as_before(tmp_path: Path) -> None:
    rows = "item_id,title,image\n" + "".join(f"{name},The {name},{name}.png\n" for name in COLOURS)
    (tmp_path / "items.csv").write_text(rows)
    init_project(tmp_path, Files(items=tmp_path / "items.csv"))
    for name, colour in COLOURS.items():
        draw(tmp_path, f"{name}.png", colour)
    with Zhiyin(load_settings(tmp_path), open_store(f"sqlite:///{tmp_path / 'zhiyin.db'}"), HashEncoder()) as shop:
        ingest(shop.settings, shop.store)
        encode_images(shop, ColourEncoder())
        assert ingest(shop.settings, shop.store).files[0].stored == 0, "importing twice changes nothing"
        assert all("image" in shop.item(name).vectors for name in COLOURS)
        (tmp_path / "items.csv").write_text(rows.replace("The rose", "A rose").replace("sky.png", "sea.png"))
        assert ingest(shop.settings, shop.store).files[0].stored == 2
        assert (shop.item("rose").title, "image" in shop.item("rose").vectors) == ("A rose", True)
        assert "image" not in shop.item("sky").vectors, "it has another picture now"
        assert told(encode_images(shop, ColourEncoder())) == (1, 3, 0), "which was seen already"


@pytest.mark.slow
def test_a_run_that_is_killed_goes_on_where_it_was(tmp_path: Path) -> None:
    n = 4 * CHUNK
    with shop_in(tmp_path, open_store(f"sqlite:///{tmp_path / 'shop.db'}")) as shop:
        for number in range(n):
            draw(tmp_path, f"{number}.png", (number % 256, 200, 100 + number // 256))
        shop.put_items([Item(f"{number:04}", image=f"{number}.png") for number in range(n)])
        code = "from test_images import look_until_killed; look_until_killed()"
        child = subprocess.Popen(
            [sys.executable, "-c", code, tmp_path], cwd=Path(__file__).parent, stdout=subprocess.PIPE
        )
        assert child.stdout is not None
        assert child.stdout.readline() == b"one chunk is seen\n"
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
        assert (tmp_path / "cache" / FILE).exists()
        found = encode_images(shop, ColourEncoder())
        assert told(found)[2] == n - CHUNK, "the first chunk was kept, the second not"
        assert all("image" in item.vectors for item in shop.store.items())
        assert told(encode_images(shop, ColourEncoder())) == (0, n, 0)


def look_until_killed() -> None:
    """In a process of its own: the second chunk never comes to its end."""

    class Tired(ColourEncoder):
        def encode(self, pixels):  # type: ignore[no-untyped-def]
            if self.encoded:
                print("one chunk is seen", flush=True)  # noqa: T201
                signal.pause()
            return super().encode(pixels)

    folder = Path(sys.argv[1])
    with shop_in(folder, open_store(f"sqlite:///{folder / 'shop.db'}")) as shop:
        encode_images(shop, Tired())


def test_what_looks_alike_is_found_by_its_picture_alone(shop: Zhiyin) -> None:
    encode_images(shop, ColourEncoder())
    made = train(shop)
    assert "vector_image" in made.channels
    shop.publish(made.bundle)
    for one, twin in (("rose", "brick"), ("brick", "rose"), ("sky", "sea"), ("sea", "sky")):
        found = shop.compute(Query(like=(one,), n=4, scenario="similar")).items
        by_picture = {place.item_id: place.parts.get("vector_image", 0.0) for place in found}
        assert max(by_picture, key=lambda item_id: by_picture[item_id]) == twin
