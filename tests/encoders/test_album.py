"""The album: what was seen stays seen, whoever made it, and nothing else is taken for it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from zhiyin.encoders.album import Album, Page, digest_of
from zhiyin.encoders.base import unit
from zhiyin.types import Item

A, B = digest_of(b"a"), digest_of(b"b")
ROWS = unit(np.random.default_rng(4).normal(size=(2, 1280)).astype(np.float32))


def test_a_vector_comes_back_as_it_is_kept_and_points_where_it_did(tmp_path: Path) -> None:
    with Album(tmp_path, "eye") as album:
        album.add({A: ROWS[0], B: ROWS[1]})
        first = album.vector(A)
    with Album(tmp_path, "eye") as album:
        again = album.vector(A)
        assert album.digests() == {A, B}
        assert album.vector(digest_of(b"c")) is None
    assert first is not None
    assert again == first
    assert np.dot(first, ROWS[0]) / np.linalg.norm(first) == pytest.approx(1.0, abs=1e-7)
    assert max(len(str(number)) for number in first) <= 8, "a sign, 0. and five digits"


def test_what_one_encoder_saw_another_has_not_seen(tmp_path: Path) -> None:
    with Album(tmp_path, "eye") as album:
        album.add({A: ROWS[0]})
        album.note({"cup": Page("cup.png", A)})
        seen = album.vector(A)
    with Album(tmp_path, "other eye") as album:
        assert (album.vector(A), album.page("cup"), album.digests()) == (None, None, set())
        assert seen is not None
        assert album.made(seen), "but it was made here"


def test_a_vector_that_was_handed_in_was_not_made_here(tmp_path: Path) -> None:
    with Album(tmp_path, "eye") as album:
        album.add({A: ROWS[0]})
        vector = album.vector(A)
        assert vector is not None
        assert album.made(vector)
        assert not album.made((*vector[:-1], vector[-1] + 0.01))
        assert not album.made((0.5, 0.5))


def test_an_item_that_comes_again_with_the_same_picture_gets_its_vector_again(tmp_path: Path) -> None:
    with Album(tmp_path, "eye") as album:
        album.add({A: ROWS[0]})
        album.note({"cup": Page("cup.png", A), "pan": Page("pan.png", B)})
        vector = album.vector(A)
    bare = [
        Item("cup", image="cup.png", vectors={"sound": (1.0,)}),
        Item("cup", image="other.png"),
        Item("cup"),
        Item("cup", image="cup.png", vectors={"image": (1.0,)}),
        Item("pan", image="pan.png"),
        Item("new", image="cup.png"),
    ]
    with Album(tmp_path) as album:
        found = album.restored(bare)
        assert found[1:] == bare[1:]
        assert found[0].vectors == {"sound": (1.0,), "image": vector}
        album.forget(["cup"])
        assert album.restored(bare) == bare
