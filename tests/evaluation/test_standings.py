"""What every single one got, kept to compare bundles: it is read back as it was, and named by nobody."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from zhiyin.errors import BrokenBundle
from zhiyin.evaluation.standings import FILE, WHOLE, Standing, load_standings, save_standings
from zhiyin.metrics.ranking import metric
from zhiyin.metrics.ranks import NOWHERE, Ranks

RANKS = Ranks(np.array([0, 2, 3, 3]), np.array([0, NOWHERE, 7]), np.array([1, 1, 4]), np.array([9, 9, 8]))
HOSTILE = 'kind <script>"/shelf/bucket/\u2028'
STANDING = Standing(
    "abc",
    RANKS,
    {HOSTILE: np.array([True, False, True]), "none": np.zeros(3, bool)},
    {"novelty@10": np.array([0.5, np.nan, 2.0], np.float32)},
)


def test_standings_are_read_back_as_they_were(tmp_path: Path) -> None:
    (tmp_path / "b1").mkdir()
    save_standings(tmp_path, "b1", {WHOLE: STANDING, "cold_items": replace(STANDING, split="def", buckets={})})
    found = load_standings(tmp_path, "b1")
    assert [(name, one.split) for name, one in found.items()] == [(WHOLE, "abc"), ("cold_items", "def")]
    whole = found[WHOLE]
    for name in ("indptr", "above", "tied", "n_candidates"):
        np.testing.assert_array_equal(getattr(whole.ranks, name), getattr(RANKS, name))
    assert {name: mask.tolist() for name, mask in whole.buckets.items()} == {
        HOSTILE: [True, False, True],
        "none": [False] * 3,
    }
    np.testing.assert_array_equal(whole.shelf["novelty@10"], [0.5, np.nan, 2.0])


def test_any_metric_of_any_bucket_can_be_had_of_them() -> None:
    np.testing.assert_array_equal(STANDING.of("ndcg@5"), metric("ndcg@5", RANKS))
    np.testing.assert_array_equal(STANDING.of("recall@10"), [0.5, 0.75, np.nan])
    np.testing.assert_array_equal(STANDING.of("recall@10", HOSTILE), [1.0, 0.75, np.nan])
    assert np.isnan(STANDING.of("hr@10", "none")).all()
    np.testing.assert_array_equal(STANDING.of("novelty@10"), [0.5, np.nan, 2.0])


@pytest.mark.parametrize("content", [None, b"", b"\x08\0\0\0\0\0\0\0{}      ", b"{}"])
def test_what_are_no_standings_is_refused_with_the_cure(tmp_path: Path, content: bytes | None) -> None:
    (tmp_path / "abc").mkdir()
    if content is not None:
        (tmp_path / "abc" / FILE).write_bytes(content)
    with pytest.raises(BrokenBundle, match="zhiyin evaluate abc measures again"):
        load_standings(tmp_path, "abc")
