"""Bundles: whole or not at all, named by content, and nothing of a damaged one is used."""

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from shutil import copytree, rmtree

import numpy as np
import pytest

from zhiyin.bundle import Bundle, bundles_in, find_bundle, load_bundle, newest_in, save_bundle
from zhiyin.data.dataset import build_dataset
from zhiyin.errors import BrokenBundle, NotFound
from zhiyin.models.base import Run
from zhiyin.recipe import DefaultRecipe
from zhiyin.testing.encoders import HashEncoder
from zhiyin.testing.model_contract import askers
from zhiyin.testing.small import small_catalogue, small_dataset, small_events
from zhiyin.types import AsOf

ENCODER = HashEncoder()
FILES = [
    "evergreen.safetensors",
    "factors.safetensors",
    "fusion.safetensors",
    "manifest.json",
    "meaning.safetensors",
    "popular.safetensors",
    "quality.safetensors",
    "reader.safetensors",
    "taste.safetensors",
    "together.safetensors",
    "transition.safetensors",
    "vocabulary.arrow",
    "words.safetensors",
]


class OtherEncoder(HashEncoder):
    fingerprint = "another:1"


def save(folder: Path, seed: int = 0, recipe: DefaultRecipe | None = None) -> str:
    data, recipe = small_dataset(), recipe or DefaultRecipe()
    fitted = recipe.fit(data, Run(ENCODER, seed=seed))
    return save_bundle(folder, fitted, recipe, data, Run(ENCODER, seed=seed), AsOf(7, 3))


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("saved")
    return folder / save(folder)


@pytest.fixture
def bundle(tmp_path: Path, saved: Path) -> Path:
    """A copy, which may be damaged."""
    return copytree(saved, tmp_path / saved.name)


@pytest.mark.slow
def test_a_bundle_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    data, recipe = small_dataset(), DefaultRecipe()
    fitted = recipe.fit(data, Run(ENCODER))
    name = save_bundle(tmp_path, fitted, recipe, data, Run(ENCODER, seed=4), AsOf(7, 3))
    back = load_bundle(tmp_path, name, ENCODER)
    assert back.name == name
    assert list(back.items) == list(data.items)
    assert np.array_equal(back.fitted.score(askers(data)), fitted.score(askers(data)))
    assert back.manifest.mode == "trained"
    assert back.manifest.seed == 4
    assert (back.manifest.data.last_event, back.manifest.data.last_item) == (7, 3)
    assert back.manifest.data.n_events == len(data)
    assert DefaultRecipe.model_validate(back.manifest.recipe) == recipe
    assert sorted(path.name for path in (tmp_path / name).iterdir()) == FILES


def test_a_bundle_knows_whom_it_saw_without_naming_them(bundle: Path) -> None:
    back: Bundle = load_bundle(bundle.parent, bundle.name, ENCODER)
    assert back.saw(["user 3"])
    assert back.saw(["nobody", "user 29"])
    assert not back.saw(["nobody"])
    assert not back.saw([])
    assert not any(b"user 3" in path.read_bytes() for path in bundle.iterdir())


@pytest.mark.slow
def test_the_same_data_recipe_and_seed_give_the_same_name(tmp_path: Path) -> None:
    names = {save(tmp_path / "a"), save(tmp_path / "b"), save(tmp_path / "a")}
    assert len(names) == 1
    assert save(tmp_path, seed=1) not in names
    assert save(tmp_path, recipe=DefaultRecipe(off=("taste",))) not in names
    assert len(bundles_in(tmp_path / "a")) == 1


@pytest.mark.slow
def test_the_order_in_which_events_were_read_does_not_change_the_name(tmp_path: Path) -> None:
    names = set()
    for folder, events in (("a", small_events()), ("b", small_events()[::-1])):
        data, recipe = build_dataset(small_catalogue()[::-1], events), DefaultRecipe()
        fitted = recipe.fit(data, Run(ENCODER))
        names.add(save_bundle(tmp_path / folder, fitted, recipe, data, Run(ENCODER, seed=0), AsOf()))
    assert len(names) == 1


def flipped(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def emptied(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.slow
@pytest.mark.parametrize("damage", [flipped, cut, emptied, Path.unlink])
@pytest.mark.parametrize("file", FILES)
def test_any_damaged_file_breaks_the_bundle(bundle: Path, file: str, damage: Callable[[Path], None]) -> None:
    damage(bundle / file)
    with pytest.raises(BrokenBundle, match=file):
        load_bundle(bundle.parent, bundle.name, ENCODER)


def renamed(bundle: Path, text: bytes) -> str:
    """A manifest that somebody wrote anew, with the folder named after it."""
    (bundle / "manifest.json").write_bytes(text)
    return bundle.rename(bundle.with_name(hashlib.sha256(text).hexdigest())).name


def test_a_manifest_that_forgives_a_changed_file_has_another_name(bundle: Path) -> None:
    flipped(bundle / "taste.safetensors")
    manifest = json.loads((bundle / "manifest.json").read_bytes())
    manifest["files"]["taste.safetensors"] = hashlib.sha256(
        (bundle / "taste.safetensors").read_bytes()
    ).hexdigest()
    (bundle / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(BrokenBundle, match=r"manifest\.json"):
        load_bundle(bundle.parent, bundle.name, ENCODER)


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b'{"format": 2}', b'"text"', b'{"format": 2, "data": {}}'])
def test_a_manifest_that_is_none_breaks_the_bundle(bundle: Path, text: bytes) -> None:
    name = renamed(bundle, text)
    with pytest.raises(BrokenBundle, match=r"manifest\.json"):
        load_bundle(bundle.parent, name, ENCODER)


def test_a_bundle_of_another_format_is_refused(bundle: Path) -> None:
    manifest = json.loads((bundle / "manifest.json").read_bytes()) | {"format": 99, "more": 1}
    name = renamed(bundle, json.dumps(manifest).encode())
    with pytest.raises(BrokenBundle, match="format 99"):
        load_bundle(bundle.parent, name, ENCODER)


def test_a_bundle_for_another_encoder_is_refused(bundle: Path) -> None:
    with pytest.raises(BrokenBundle, match="was made with encoder hashed-words-v1:64, here is another:1"):
        load_bundle(bundle.parent, bundle.name, OtherEncoder())


def test_a_bundle_is_found_by_the_beginning_of_its_name(bundle: Path) -> None:
    for length in (1, 12, 64):
        assert find_bundle(bundle.parent, bundle.name[:length]) == bundle
    twin = bundle.with_name(bundle.name[:20] + "0" * 44)
    twin.mkdir()
    with pytest.raises(NotFound, match="more than one bundle begins"):
        find_bundle(bundle.parent, bundle.name[:12])
    assert find_bundle(bundle.parent, bundle.name) == bundle


@pytest.mark.parametrize("name", ["", "zz", "*", "../..", ".draft", "ABC", "abc*", "0" * 65])
def test_no_other_name_finds_anything(bundle: Path, name: str) -> None:
    with pytest.raises(NotFound, match=f"there are: {bundle.name[:12]}"):
        find_bundle(bundle.parent, name)


def test_a_folder_without_bundles_says_so(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "not there"):
        with pytest.raises(NotFound, match="none yet"):
            load_bundle(folder, "abc", ENCODER)


def test_a_folder_that_lost_its_manifest_is_listed_last(bundle: Path) -> None:
    broken = bundle.with_name("abc")
    broken.mkdir()
    assert bundles_in(bundle.parent) == [bundle, broken]


def test_the_newest_is_one_that_learned_though_a_question_made_another_since(bundle: Path) -> None:
    """`zhiyin train`, a first visitor, then `zhiyin evaluate` spoke of what the visitor made."""
    data, recipe, run = build_dataset(small_catalogue(), ()), DefaultRecipe(), Run(ENCODER)
    made = bundle.parent / save_bundle(bundle.parent, recipe.fit(data, run), recipe, data, run, AsOf(0, 0))
    os.utime(made / "manifest.json", (2e9, 2e9))
    assert bundles_in(bundle.parent) == [made, bundle]
    assert newest_in(bundle.parent) == bundle
    rmtree(bundle)
    assert newest_in(made.parent) == made


@pytest.mark.slow
def test_drafts_vanish_and_left_over_ones_are_not_seen_and_go_with_the_next(tmp_path: Path) -> None:
    (tmp_path / ".draft-killed").mkdir()
    (tmp_path / ".draft-killed" / "taste.safetensors").write_bytes(b"half")
    assert bundles_in(tmp_path) == []
    name = save(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.slow
def test_a_save_that_fails_leaves_nothing(tmp_path: Path) -> None:
    data, recipe = small_dataset(), DefaultRecipe()
    fitted = recipe.fit(data, Run(ENCODER))
    too_large = AsOf(2**70)  # JSON has no such number
    with pytest.raises(TypeError):
        save_bundle(tmp_path, fitted, recipe, data, Run(ENCODER, seed=0), too_large)
    assert list(tmp_path.iterdir()) == []


def test_a_zero_shot_bundle_has_the_channels_that_read(tmp_path: Path) -> None:
    data, recipe = build_dataset(small_catalogue(), ()), DefaultRecipe()
    fitted = recipe.fit(data, Run(ENCODER))
    name = save_bundle(tmp_path, fitted, recipe, data, Run(ENCODER, seed=0), AsOf())
    back = load_bundle(tmp_path, name, ENCODER)
    assert back.manifest.mode == "zero_shot"
    assert back.manifest.channels == ("words", "meaning")
    assert not back.manifest.fusion_learned
