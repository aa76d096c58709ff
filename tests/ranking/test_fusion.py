"""Fusion: one sum, gates by bucket, and what is learned from lists whose truth is known."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhiyin.data.dataset import Dataset
from zhiyin.models.base import Batch, Run, history_batch
from zhiyin.models.propagation import have_text
from zhiyin.ranking.examples import some
from zhiyin.ranking.fusion import (
    BLANK_KIND,
    BUCKETS,
    COLD_KIND,
    FRESH,
    KINDS,
    Fusion,
    Heard,
    buckets,
    item_kinds,
    standardised,
)
from zhiyin.recipe import DefaultRecipe
from zhiyin.snapshot import readers
from zhiyin.testing.encoders import HashEncoder
from zhiyin.testing.model_contract import askers
from zhiyin.testing.small import SILENT, small_dataset

DATA: Dataset = small_dataset()
MODELS = DefaultRecipe().fit(DATA, Run(HashEncoder())).models
WORDS, MEANING = readers(MODELS)
RNG = np.random.default_rng(8)
C, H = len(MODELS), len(BUCKETS)
ROWS = np.arange(len(DATA.items), dtype=np.int32)


@pytest.fixture
def fusion() -> Fusion:
    """Every gate another number; the second channel silent for short histories."""
    gates = RNG.random((C, H, KINDS)).astype(np.float32)
    gates[1, :3] = 0.0
    return Fusion(
        channels=tuple(MODELS),
        scales=(0.1 + RNG.random(C)).astype(np.float32),
        gates=gates,
        constants=RNG.normal(size=(H, KINDS)).astype(np.float32) * np.array([0, 1, 1, 1], np.float32),
        wish_scales=np.array([0.2 if name in ("words", "meaning") else 0.0 for name in MODELS], np.float32),
        kind=item_kinds(DATA.support, have_text(WORDS, MEANING, ROWS), 5),
        learned=True,
    )


def test_the_parts_sum_to_the_score_of_the_batch(fusion: Fusion) -> None:
    batch = askers(DATA)
    scores = fusion.score(MODELS, batch)
    rows = RNG.permutation(ROWS)
    for b in range(len(batch)):
        parts = fusion.parts(Heard.by(MODELS, some(batch, np.array([b]))), rows)
        np.testing.assert_allclose(parts.scores, scores[b, rows], rtol=1e-4, atol=1e-5)
        for place in (0, 9):
            assert sum(parts.of(place).values()) == pytest.approx(parts.scores[place])


def test_a_part_is_gate_times_standardised_score(fusion: Fusion) -> None:
    asker = history_batch([2, 9, 4], [1.0, 1.0, -1.0], [0.0] * 3)  # two liked: bucket 2
    parts = fusion.parts(Heard.by(MODELS, asker), ROWS)
    assert fusion.cold.any()
    assert not fusion.cold.all()
    for c, name in enumerate(MODELS):
        if name not in parts.names:
            assert not fusion.gates[c, 2].any()
            continue
        gate = fusion.gates[c, 2, fusion.kind]
        wanted = gate * standardised(MODELS[name].score(asker)[0], fusion.scales[c])
        np.testing.assert_allclose(parts.values[parts.names.index(name)], wanted, rtol=1e-4, atol=1e-5)
        assert parts.gates[name] == fusion.gates[c, 2, 0]
    fresh = parts.values[parts.names.index(FRESH)]
    np.testing.assert_allclose(fresh, fusion.constants[2, fusion.kind], rtol=1e-6)


def test_a_channel_left_out_takes_only_its_own_part_away(fusion: Fusion) -> None:
    asker = some(askers(DATA), np.array([1]))
    whole = fusion.parts(Heard.by(MODELS, asker), ROWS)
    without = fusion.parts(Heard.by({n: m for n, m in MODELS.items() if n != "meaning"}, asker), ROWS)
    gone = whole.values[whole.names.index("meaning")]
    np.testing.assert_allclose(without.scores, whole.scores - gone, atol=1e-9)


def test_a_wish_adds_parts_of_the_channels_that_read(fusion: Fusion) -> None:
    asker, wish = some(askers(DATA), np.array([1])), history_batch([], [], [], "a violin")
    parts = fusion.parts(Heard.by(MODELS, asker, wish), ROWS)
    assert {name for name in parts.names if name.startswith("wish_")} == {"wish_words", "wish_meaning"}
    violin = DATA.items.row("music/violin")
    assert parts.values[parts.names.index("wish_words")].argmax() == violin
    assert len(parts.names) == len(parts.values) == len(set(parts.names))


@pytest.mark.parametrize(
    ("n", "bucket"), [(0, 0), (1, 1), (2, 2), (4, 2), (5, 3), (9, 3), (10, 4), (19, 4), (99, 5)]
)
def test_the_bucket_counts_what_was_liked(n: int, bucket: int) -> None:
    asker = history_batch([0] * n + [1] * 3, [0.3] * n + [-1.0] * 3, [0.0] * (n + 3))
    assert buckets(asker).tolist() == [bucket]


def test_buckets_of_a_batch_are_those_of_its_askers() -> None:
    batch: Batch = askers(DATA)
    assert buckets(batch).tolist() == [int(buckets(some(batch, np.array([b])))[0]) for b in range(len(batch))]


@given(st.floats(-1e6, 1e6, width=32), st.floats(-1e6, 1e6, width=32), st.floats(1e-3, 1e3))
def test_standardising_is_odd_and_keeps_the_order(a: float, b: float, scale: float) -> None:
    x, y = standardised(np.array([a, b], np.float32), scale)
    assert -x == standardised(np.array([-a], np.float32), scale)[0]
    assert (x <= y) if a <= b else (x >= y)


def test_an_extended_fusion_holds_later_items_for_cold(fusion: Fusion) -> None:
    longer = fusion.extended(np.array([True, False]))
    assert longer.kind.tolist() == [*fusion.kind.tolist(), COLD_KIND, BLANK_KIND]
    again = longer.reworded(np.array([ROWS[-1] + 1, ROWS[-1] + 2], np.int32), np.array([False, True]))
    assert again.kind.tolist() == [*fusion.kind.tolist(), BLANK_KIND, COLD_KIND]
    warm = np.flatnonzero(~fusion.cold)[:1].astype(np.int32)
    assert not longer.reworded(warm, np.array([False])).cold[warm[0]], "what people know needs no text"


def test_an_item_without_a_text_is_of_a_kind_of_its_own(fusion: Fusion) -> None:
    """Beside cold items that read like something, it would lose by what nothing can say of it."""
    silent = DATA.items.row(SILENT)
    assert fusion.kind[silent] == BLANK_KIND
    assert (fusion.kind == COLD_KIND).any()
    asker = history_batch([2, 9], [1.0, 1.0], [0.0] * 2)
    fresh = fusion.parts(Heard.by(MODELS, asker), ROWS).named(FRESH)
    assert fresh[silent] == pytest.approx(fusion.constants[2, BLANK_KIND])


def test_in_a_bundle_of_before_a_blank_item_is_cold_as_others_are(fusion: Fusion) -> None:
    arrays = dict(fusion.arrays())
    old = arrays | {"gates": fusion.gates[..., :3], "constants": fusion.constants[:, :3], "cold": fusion.cold}
    del old["kind"]
    again = Fusion.of_arrays(fusion.channels, old, learned=True)
    kind = np.where(fusion.cold, COLD_KIND, fusion.kind)
    batch = askers(DATA)
    assert np.array_equal(again.score(MODELS, batch), replace(fusion, kind=kind).score(MODELS, batch))


def test_a_fusion_comes_back_from_its_arrays(fusion: Fusion) -> None:
    again = Fusion.of_arrays(fusion.channels, fusion.arrays(), learned=True)
    assert np.array_equal(again.score(MODELS, askers(DATA)), fusion.score(MODELS, askers(DATA)))
