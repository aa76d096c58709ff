"""Bundles that carry what reads: alike on any machine, a file is there once, and nothing damaged is used."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from shutil import copytree, rmtree

import numpy as np
import orjson
import pytest

from zhiyin import files
from zhiyin.bundle import load_bundle, read_manifest, save_bundle
from zhiyin.encoders.base import Encoder
from zhiyin.encoders.cache import CachedEncoder
from zhiyin.encoders.carried import files_of
from zhiyin.encoders.language import LanguageEncoder
from zhiyin.encoders.pretrained import find_pretrained
from zhiyin.encoders.sentence import SentenceEncoder
from zhiyin.encoders.static import StaticEncoder
from zhiyin.errors import BrokenBundle
from zhiyin.models.base import Run
from zhiyin.recipe import DefaultRecipe
from zhiyin.testing.encoders import HashEncoder
from zhiyin.testing.model_contract import askers
from zhiyin.testing.small import small_dataset
from zhiyin.testing.tables import PIECES, tiny_table, word_pieces
from zhiyin.testing.tiny_models import tiny_model
from zhiyin.types import AsOf

DATA, RECIPE = small_dataset(), DefaultRecipe(off=("taste", "factors", "reader", "together"))
TEXTS = ["iron pot", "", "warm cup of tea", "garden saw"]


def net(folder: Path, seed: int = 0) -> LanguageEncoder:
    (tiny_model(folder / "ours", seed=seed) / "README.md").write_text("---\nlicense: mit\n---\n# Ours\n")
    (folder / "ours" / "tower.json").write_text('{"base": "tiny"}')
    return LanguageEncoder(find_pretrained("ours", folder), folder / "graphs", "float32")


def table(folder: Path) -> StaticEncoder:
    rows = np.random.default_rng(0).standard_normal((len(PIECES), 8)).astype(np.float32)
    tiny_table(folder / "table", rows, word_pieces())
    return StaticEncoder(find_pretrained("table", folder))


def save(folder: Path, encoder: Encoder, seed: int = 0) -> Path:
    run = Run(encoder, seed=seed)
    return folder / save_bundle(folder, RECIPE.fit(DATA, run), RECIPE, DATA, run, AsOf(7, 3))


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("made")
    bundle = save(home / "bundles", CachedEncoder(net(home), home / "cache"))
    rmtree(home / "ours")
    rmtree(home / "graphs")
    rmtree(home / "cache")
    return bundle


@pytest.fixture
def bundle(tmp_path: Path, saved: Path) -> Path:
    """A copy, as on another machine: nothing else of where it was made is there."""
    return copytree(saved, tmp_path / "elsewhere" / saved.name)


@pytest.mark.slow
@pytest.mark.parametrize("make", [net, table])
def test_what_a_bundle_carries_reads_as_what_it_was_made_with(
    tmp_path: Path, make: Callable[[Path], Encoder]
) -> None:
    before = make(tmp_path / "made")
    made = save(tmp_path / "bundles", before)
    rows = before.encode(TEXTS)
    rmtree(tmp_path / "made")
    found = load_bundle(made.parent, made.name)
    assert np.array_equal(found.encoder.encode(TEXTS), rows)
    assert (found.encoder.dim, found.encoder.fingerprint, found.encoder.licence) == (
        before.dim,
        before.fingerprint,
        before.licence,
    )
    again = save(tmp_path / "again", found.encoder)
    assert again.name == made.name, "one that was carried can be carried on"


def test_licence_origin_and_story_go_with_it(bundle: Path) -> None:
    assert sorted(read_manifest(bundle).carried) == [
        "README.md",
        "about.json",
        "config.json",
        "model.onnx",
        "tokenizer.json",
        "tower.json",
    ]
    assert "license: mit" in (bundle / "encoder" / "README.md").read_text()
    assert orjson.loads((bundle / "encoder" / "config.json").read_bytes())["model_type"] == "bert"


def test_a_model_without_a_page_is_given_one_that_names_its_licence(tmp_path: Path) -> None:
    tiny_model(tmp_path / "bare")
    page = files_of(LanguageEncoder(find_pretrained("bare", tmp_path), tmp_path, "float32"))["README.md"].decode()
    assert "Licence: unknown" in page
    assert find_pretrained("bare", tmp_path).sha256 in page


@pytest.mark.parametrize(("make", "name"), [(net, "ours"), (table, "table")])
def test_a_model_that_was_changed_while_it_read_is_not_carried(
    tmp_path: Path, make: Callable[[Path], Encoder], name: str
) -> None:
    encoder = make(tmp_path)
    tokens = tmp_path / name / "tokenizer.json"
    tokens.write_bytes(tokens.read_bytes() + b" ")
    with pytest.raises(BrokenBundle, match=r"was changed while it was read"):
        save(tmp_path / "bundles", encoder)
    assert list((tmp_path / "bundles").iterdir()) == []


def test_scores_are_those_of_where_it_was_made(bundle: Path, saved: Path) -> None:
    here, there = load_bundle(bundle.parent, bundle.name), load_bundle(saved.parent, saved.name)
    assert np.array_equal(here.fitted.score(askers(DATA)), there.fitted.score(askers(DATA)))


def test_the_encoder_that_is_open_already_is_not_opened_twice(bundle: Path) -> None:
    first = load_bundle(bundle.parent, bundle.name).encoder
    assert load_bundle(bundle.parent, bundle.name, first).encoder is first
    assert load_bundle(bundle.parent, bundle.name, HashEncoder()).encoder.fingerprint == first.fingerprint


@pytest.mark.slow
def test_bundles_of_one_encoder_share_its_files(tmp_path: Path) -> None:
    encoder = net(tmp_path)
    one, two = (save(tmp_path / "bundles", encoder, seed) for seed in (0, 1))
    assert one != two
    for name in read_manifest(one).carried:
        assert (one / "encoder" / name).samefile(two / "encoder" / name)
    assert not (one / "meaning.safetensors").samefile(two / "meaning.safetensors")
    rmtree(one)
    assert load_bundle(two.parent, two.name).encoder.fingerprint == encoder.fingerprint


@pytest.mark.slow
def test_a_damaged_file_is_not_shared(tmp_path: Path) -> None:
    encoder = net(tmp_path)
    one = save(tmp_path / "bundles", encoder)
    (one / "encoder" / "model.onnx").write_bytes(b"cut")
    two = save(tmp_path / "bundles", encoder, seed=1)
    assert load_bundle(two.parent, two.name).encoder.fingerprint == encoder.fingerprint
    with pytest.raises(BrokenBundle, match=r"encoder/model\.onnx"):
        load_bundle(one.parent, one.name)


@pytest.mark.slow
def test_where_the_file_system_knows_no_links_there_are_copies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(files.os, "link", refuse)
    encoder = net(tmp_path)
    one, two = (save(tmp_path / "bundles", encoder, seed) for seed in (0, 1))
    assert not (one / "encoder" / "model.onnx").samefile(two / "encoder" / "model.onnx")
    assert load_bundle(two.parent, two.name).encoder.fingerprint == encoder.fingerprint


def flipped(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


@pytest.mark.slow
@pytest.mark.parametrize("damage", [flipped, cut, Path.unlink])
@pytest.mark.parametrize("file", ["model.onnx", "tokenizer.json", "about.json", "README.md"])
def test_any_damaged_file_of_an_encoder_breaks_the_bundle(
    bundle: Path, file: str, damage: Callable[[Path], None]
) -> None:
    at_hand = load_bundle(bundle.parent, bundle.name).encoder
    damage(bundle / "encoder" / file)
    with pytest.raises(BrokenBundle, match=rf"encoder/{file}"):
        load_bundle(bundle.parent, bundle.name)
    with pytest.raises(BrokenBundle, match=rf"encoder/{file}"):
        load_bundle(bundle.parent, bundle.name, at_hand)


def rewritten(bundle: Path, change: Callable[[dict[str, object]], None]) -> Path:
    """With a manifest that somebody wrote anew, the folder named after it."""
    told = orjson.loads((bundle / "manifest.json").read_bytes())
    change(told)
    text = orjson.dumps(told)
    (bundle / "manifest.json").write_bytes(text)
    return bundle.rename(bundle.with_name(hashlib.sha256(text).hexdigest()))


def test_a_bundle_of_the_format_before_loads_by_the_encoder_it_names(tmp_path: Path) -> None:
    encoder = net(tmp_path)
    made = save(tmp_path / "bundles", encoder)
    rmtree(made / "encoder")

    def as_before(told: dict[str, object]) -> None:
        files = told["files"]
        assert isinstance(files, dict)
        told |= {"format": 2, "files": {name: digest for name, digest in files.items() if "/" not in name}}

    old = rewritten(made, as_before)
    assert load_bundle(old.parent, old.name, encoder).encoder is encoder
    for other in (None, HashEncoder()):
        with pytest.raises(
            BrokenBundle, match=r"was made with encoder ours:\w+\.2\.float32, here is (none|hashed)"
        ):
            load_bundle(old.parent, old.name, other)


def test_files_that_are_another_encoder_than_the_manifest_says_are_refused(bundle: Path) -> None:
    def renamed(told: dict[str, object]) -> None:
        told["encoder"] = "ours:0123456789abcdef.2.int8"

    path = rewritten(bundle, renamed)
    with pytest.raises(BrokenBundle, match="the bundle was made with ours:0123456789abcdef"):
        load_bundle(path.parent, path.name)


@pytest.mark.parametrize("lacking", ["tokenizer.json", "model.onnx", "about.json"])
def test_a_file_that_the_manifest_does_not_answer_for_is_not_looked_at(bundle: Path, lacking: str) -> None:
    def without(told: dict[str, object]) -> None:
        files = told["files"]
        assert isinstance(files, dict)
        del files[f"encoder/{lacking}"]

    path = rewritten(bundle, without)
    with pytest.raises(BrokenBundle, match="which is no encoder"):
        load_bundle(path.parent, path.name)


@pytest.mark.parametrize("content", [b"", b"{}", b'{"fingerprint": 3}'])
def test_a_page_that_is_none_breaks_the_bundle(bundle: Path, content: bytes) -> None:
    (bundle / "encoder" / "about.json").write_bytes(content)

    def answered(told: dict[str, object]) -> None:
        files = told["files"]
        assert isinstance(files, dict)
        files["encoder/about.json"] = hashlib.sha256(content).hexdigest()

    path = rewritten(bundle, answered)
    with pytest.raises(BrokenBundle, match=r"about\.json cannot be read"):
        load_bundle(path.parent, path.name)


def test_what_comes_along_is_named_and_not_carried(tmp_path: Path) -> None:
    assert files_of(SentenceEncoder()) == {}
    assert read_manifest(save(tmp_path, HashEncoder())).carried == ()
