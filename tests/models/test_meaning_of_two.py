"""Meaning where two read the catalogue, by hand: what either adds, and what stays where only one could read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from zhiyin.data.dataset import Floats, build_dataset
from zhiyin.encoders.base import encode_items, unit
from zhiyin.encoders.pair import TwoReaders
from zhiyin.models.base import Run, history_batch
from zhiyin.models.meaning import Meaning, MeaningRecipe, evened
from zhiyin.testing.encoders import HashEncoder
from zhiyin.testing.small import small_catalogue
from zhiyin.types import Item

FIRST = HashEncoder.dim


class Narrow:
    """A reader whose cosines all lie near 1, as those of some models do."""

    dim, fingerprint, licence = 40, "narrow", "MIT"

    def encode(self, texts: Sequence[str]) -> Floats:
        rows = HashEncoder().encode(texts)[:, : self.dim]
        return np.where(np.abs(rows).sum(axis=1, keepdims=True) > 0, unit(rows * 0.1 + 1.0), 0.0).astype(
            np.float32
        )


@pytest.fixture
def meaning() -> Meaning:
    data = build_dataset(small_catalogue(), ())
    return MeaningRecipe().fit(data, Run(TwoReaders(HashEncoder(), Narrow())))


def test_both_are_as_loud_as_each_other() -> None:
    read = encode_items(TwoReaders(HashEncoder(), Narrow()), small_catalogue()[1:])
    found, loudness = evened(read, FIRST)
    variance = [part.var(axis=0).sum() for part in (found[:, :FIRST], found[:, FIRST:])]
    assert variance[0] == pytest.approx(variance[1], rel=1e-4)
    assert loudness > 5
    assert np.array_equal(found[:, :FIRST], read[:, :FIRST])
    assert evened(read[:, :FIRST], FIRST)[1] == 1.0
    assert evened(np.ones((3, 9), np.float32), 4)[1] == 1.0, "who says the same of all is left as it is"
    assert evened(read[:0], FIRST)[1] == 1.0


def test_a_wish_that_only_the_first_could_read_is_scored_by_the_first_parts_alone(meaning: Meaning) -> None:
    wish = history_batch([], [], [], "a violin for the music")
    typed = HashEncoder().encode(wish.texts)[0]
    wanted = meaning.vectors[:, :FIRST] @ typed  # the axes of a small catalogue are as they were
    np.testing.assert_allclose(meaning.score(wish)[0], wanted, atol=1e-5)
    heard = replace(wish, readings=Narrow().encode(wish.texts))
    both = meaning.vectors[:, FIRST:] @ (heard.readings[0] * meaning.loudness)
    np.testing.assert_allclose(
        meaning.score(heard)[0] * np.sqrt(1 + meaning.loudness**2), wanted + both, rtol=1e-3, atol=1e-4
    )


def test_an_item_that_only_the_first_could_read_is_as_usual_to_the_second(meaning: Meaning) -> None:
    items = [Item("late", "A harpsichord for the music"), Item("silent too")]
    joined = meaning.joined(encode_items(meaning.encoder, items))
    rows = meaning._read(joined)
    centred = HashEncoder().encode(["A harpsichord for the music"]) * np.sqrt(0.5) - meaning.centre[:FIRST]
    np.testing.assert_allclose(rows[0, :FIRST], unit(centred)[0], atol=1e-5)
    assert not rows[0, FIRST:].any()
    assert not rows[1].any()


def test_what_is_saved_is_what_is_read(meaning: Meaning) -> None:
    again = Meaning.of_arrays(meaning.arrays(), meaning.encoder)
    assert again.loudness == meaning.loudness
    wish = replace(history_batch([], [], [], "drum"), readings=Narrow().encode(["drum"]))
    assert np.array_equal(again.score(wish), meaning.score(wish))
    alone = MeaningRecipe().fit(build_dataset(small_catalogue(), ()), Run(HashEncoder()))
    assert "loudness" not in alone.arrays()
    assert not Meaning.of_arrays(alone.arrays(), HashEncoder()).two
