"""What is measured on the way to a smaller model, counted by hand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from zhiyin.data.dataset import Floats
from zhiyin.testing.encoders import HashEncoder
from zhiyin.training.distil.chain import NEAREST, Made, Panel, agreement, nearest
from zhiyin.training.distil.texts import lesson_texts
from zhiyin.types import Item

TEXTS = [f"text {n} of {n % 7}" for n in range(30)]


class Halved:
    """Only the first columns of another encoder's rows."""

    fingerprint, licence, dim = "halved", "MIT", 8

    def encode(self, texts: Sequence[str]) -> Floats:
        found: Floats = HashEncoder().encode(texts)[:, :8]
        return found


def test_of_itself_an_encoder_loses_nothing() -> None:
    encoder = HashEncoder()
    step = Panel.of(TEXTS, encoder, lambda one: float(one.dim)).measure(
        Made("all", "as it is", encoder, 2_000_000)
    )
    assert (step.megabytes, step.agreement, step.quality) == (2.0, 1.0, encoder.dim)
    assert step.cosine == pytest.approx(1.0)
    assert step.cosine_low == pytest.approx(1.0)
    assert step.per_second > 0
    assert step.latency_ms > 0


def test_a_space_of_another_width_is_compared_where_it_is_known_how_it_lies() -> None:
    panel = Panel.of(TEXTS, HashEncoder(), None)
    lost = panel.measure(Made("half", "", Halved(), 1))
    assert np.isnan([lost.cosine, lost.cosine_low, lost.quality]).all()
    assert 0 < lost.agreement < 1
    axes = np.eye(HashEncoder().dim, 8, dtype=np.float32)
    found = panel.measure(Made("half", "", Halved(), 1, axes))
    wanted = (HashEncoder().encode(TEXTS)[:, :8] ** 2).sum(axis=1)
    assert found.cosine == pytest.approx(wanted.mean(), abs=1e-6)
    assert found.cosine_low == pytest.approx(np.quantile(wanted, 0.05), abs=1e-6)


def test_neighbours_are_others_and_agreement_is_the_share_of_them() -> None:
    rows = np.array([[1, 0], [0.9, 0.1], [0, 1], [0.1, 0.9]], np.float32)
    assert nearest(rows)[:, 0].tolist() == [1, 0, 3, 2]
    assert nearest(rows).shape == (4, 3)
    assert nearest(np.eye(30, dtype=np.float32)).shape == (30, NEAREST)
    assert agreement(np.array([[1, 2], [0, 3]]), np.array([[2, 1], [3, 9]])) == 0.75
    assert np.isnan(agreement(nearest(rows[:1]), nearest(rows[:1])))


def test_lessons_are_what_is_said_of_items_parts_of_it_and_what_was_typed() -> None:
    items = [
        Item("a", "a large blue cup of clay", "For tea.", categories=("kitchen", "cups"), brand="Acorn"),
        Item("b", "青花瓷茶杯", categories=("cups",)),
        Item("c", ""),
    ]
    found = lesson_texts(items, ["something for tea"], np.random.default_rng(0))
    assert found[0] == "something for tea"
    assert {"a large blue cup of clay", "kitchen", "cups", "Acorn", "Acorn cups", "青花瓷茶杯"} <= set(found)
    assert len(found) == len(set(found))
    whole = " ".join(item.title for item in items)
    crops = [text for text in found if text in whole and text not in {item.title for item in items}]
    assert len(crops) >= 2, "a few words of one, a few characters of the other"
    assert lesson_texts([], [], np.random.default_rng(0)) == []
