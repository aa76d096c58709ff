"""Metrics against a second implementation: every order of the ties written out, and scikit-learn."""

from itertools import permutations
from math import log2

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, ndcg_score, roc_auc_score

from zhiyin.data.ragged import Ragged
from zhiyin.metrics import ranking
from zhiyin.metrics.ranks import ranks_of_targets


def plain(order: list[int], targets: set[int], k: int) -> dict[str, float]:
    """The textbook definitions for one list without ties."""
    hits = [item in targets for item in order[:k]]
    n, found = len(targets), sum(hits)
    gain = sum(hit / log2(place + 2) for place, hit in enumerate(hits))
    ideal = [1 / log2(place + 2) for place in range(n)]
    precision, recall = found / k, found / n
    first = [1 / (place + 1) for place, hit in enumerate(hits) if hit]
    precisions = [sum(hits[: place + 1]) / (place + 1) for place, hit in enumerate(hits) if hit]
    others = [item for item in order if item not in targets]
    right = sum(order.index(target) < order.index(other) for target in targets for other in others)
    return {
        f"hr@{k}": float(found > 0),
        f"recall@{k}": recall,
        f"recall_min_k@{k}": found / min(k, n),
        f"precision@{k}": precision,
        f"f1@{k}": 2 * precision * recall / (precision + recall) if found else 0.0,
        f"ndcg@{k}": gain / sum(ideal[:k]),
        f"ndcg@{k}_full_ideal": gain / sum(ideal),
        f"mrr@{k}": first[0] if first else 0.0,
        f"map@{k}": sum(precisions) / min(k, n),
        "auc": right / (n * len(others)) if others else float("nan"),
    }


def over_all_tie_breaks(scores: list[int], targets: set[int], k: int) -> dict[str, float]:
    """The mean of `plain` over every permutation of the items, sorted stably by score."""
    lists = [sorted(mixed, key=lambda item: -scores[item]) for mixed in permutations(range(len(scores)))]
    tables = [plain(order, targets, k) for order in lists]
    return {name: float(np.mean([table[name] for table in tables])) for name in tables[0]}


@st.composite
def small_rankings(draw: st.DrawFn) -> tuple[list[int], set[int], int]:
    scores = draw(st.lists(st.integers(0, 3), min_size=1, max_size=6))
    targets = draw(st.sets(st.integers(0, len(scores) - 1), min_size=1))
    return scores, targets, draw(st.integers(1, 7))


@given(small_rankings())
def test_expectations_are_the_mean_over_every_order_of_the_ties(
    case: tuple[list[int], set[int], int],
) -> None:
    scores, targets, k = case
    ranks = ranks_of_targets(np.array([scores], np.float32), Ragged.of([sorted(targets)]))
    got = {name: float(values[0]) for name, values in ranking.table(ranks, (k,)).items()}
    assert got == pytest.approx(over_all_tie_breaks(scores, targets, k), abs=1e-9, nan_ok=True)


def some_users(levels: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(8)
    relevant = rng.random((50, 80)) < 0.1
    relevant[:, 0] = True
    scores = rng.permuted(np.tile(np.arange(80) % levels, (50, 1)), axis=1)
    return scores.astype(np.float32), relevant


@pytest.mark.parametrize("levels", [80, 12, 2])
@pytest.mark.parametrize("k", [1, 10, 80])
def test_ndcg_is_scikit_learns_also_with_ties(levels: int, k: int) -> None:
    scores, relevant = some_users(levels)
    ours = ranking.ndcg(ranks_of_targets(scores, Ragged.of([np.flatnonzero(row) for row in relevant])), k)
    assert ours.mean() == pytest.approx(ndcg_score(relevant, scores, k=k), abs=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("levels", [80, 12, 2])
def test_auc_is_scikit_learns_also_with_ties(levels: int) -> None:
    scores, relevant = some_users(levels)
    ours = ranking.auc(ranks_of_targets(scores, Ragged.of([np.flatnonzero(row) for row in relevant])))
    assert ours == pytest.approx([roc_auc_score(*pair) for pair in zip(relevant, scores, strict=True)])


def test_gauc_is_the_mean_of_scikit_learns_auc_by_targets() -> None:
    scores, relevant = some_users(12)
    ranks = ranks_of_targets(scores, Ragged.of([np.flatnonzero(row) for row in relevant]))
    each = [roc_auc_score(*pair) for pair in zip(relevant, scores, strict=True)]
    assert ranking.gauc(ranks) == pytest.approx(np.average(each, weights=relevant.sum(axis=1)))


def test_average_precision_is_scikit_learns_without_ties() -> None:
    scores, relevant = some_users(80)
    ours = ranking.average_precision(
        ranks_of_targets(scores, Ragged.of([np.flatnonzero(row) for row in relevant])), 80
    )
    assert ours == pytest.approx([average_precision_score(*pair) for pair in zip(relevant, scores, strict=True)])
