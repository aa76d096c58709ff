"""What must hold for every ranking."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhiyin.data.ragged import Ragged
from zhiyin.metrics.ranking import METRICS, table
from zhiyin.metrics.ranks import Ranks, ranks_of_targets

KS = (1, 3, 10)


@st.composite
def rankings(draw: st.DrawFn) -> tuple[np.ndarray, Ragged]:
    """Scores of a few users with many ties, and one to all items as targets."""
    n_users, n_items = draw(st.integers(1, 4)), draw(st.integers(2, 15))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    scores = rng.integers(0, draw(st.integers(1, 12)), (n_users, n_items)).astype(np.float32)
    return scores, Ragged.of([rng.permutation(n_items)[: rng.integers(1, n_items)] for _ in range(n_users)])


def values(scores: np.ndarray, targets: Ragged) -> dict[str, np.ndarray]:
    return table(ranks_of_targets(scores.astype(np.float32), targets), KS)


@given(rankings())
def test_every_metric_lies_between_zero_and_one(case: tuple[np.ndarray, Ragged]) -> None:
    for name, got in values(*case).items():
        assert (got >= -1e-12).all(), name
        assert (got <= 1 + 1e-12).all(), name


@pytest.mark.slow
@given(rankings(), st.randoms(use_true_random=False))
def test_permuting_the_users_permutes_the_values(case: tuple[np.ndarray, Ragged], random) -> None:  # type: ignore[no-untyped-def]
    scores, targets = case
    order = np.array(random.sample(range(len(scores)), len(scores)))
    moved = values(scores[order], targets.take(order))
    for name, got in values(scores, targets).items():
        assert moved[name] == pytest.approx(got[order]), name


@pytest.mark.slow
@given(rankings(), st.randoms(use_true_random=False))
def test_permuting_the_items_changes_nothing(case: tuple[np.ndarray, Ragged], random) -> None:  # type: ignore[no-untyped-def]
    scores, targets = case
    order = np.array(random.sample(range(scores.shape[1]), scores.shape[1]))
    new_row = np.argsort(order)
    moved = values(scores[:, order], Ragged.of([new_row[rows] for rows in targets]))
    for name, got in values(scores, targets).items():
        assert moved[name] == pytest.approx(got), name


@pytest.mark.slow
@given(rankings(), st.integers(-1000, 1000), st.integers(1, 50))
def test_shifting_and_stretching_the_scores_changes_nothing(
    case: tuple[np.ndarray, Ragged], shift: int, stretch: int
) -> None:
    scores, targets = case
    moved = values(stretch * scores + shift, targets)
    for name, got in values(scores, targets).items():
        assert moved[name].tolist() == got.tolist(), name


@pytest.mark.slow
@given(rankings(), st.integers(1, 20), st.integers(0, 100))
def test_raising_the_score_of_a_target_never_lowers_a_metric(
    case: tuple[np.ndarray, Ragged], lift: int, which: int
) -> None:
    scores, targets = case
    before = values(scores, targets)
    raised = scores.copy()
    raised[0, targets[0][which % len(targets[0])]] += lift
    for name, got in values(raised, targets).items():
        assert got[0] >= before[name][0] - 1e-9, name


@given(rankings())
def test_a_perfect_list_gets_one(case: tuple[np.ndarray, Ragged]) -> None:
    scores, targets = case
    scores[targets.owners, targets.rows] += 100
    got = values(scores, targets)
    assert got["auc"] == pytest.approx(1.0)
    for name in ("hr@", "recall_min_k@", "ndcg@", "mrr@", "map@"):
        for k in KS:
            assert got[name.replace("@", f"@{k}")] == pytest.approx(1.0), (name, k)


@given(rankings())
def test_a_longer_list_never_lowers_what_counts_hits(case: tuple[np.ndarray, Ragged]) -> None:
    got = values(*case)
    for name in ("hr@", "recall@", "ndcg@_full_ideal", "mrr@"):
        short, middle, long = (got[name.replace("@", f"@{k}")] for k in KS)
        assert (short <= middle + 1e-12).all()
        assert (middle <= long + 1e-12).all()


@pytest.mark.slow
def test_the_mean_over_random_tie_breaking_is_within_its_error() -> None:
    rng = np.random.default_rng(17)
    scores = rng.integers(0, 4, (1, 40)).astype(np.float32)
    targets = Ragged.of([rng.choice(40, 6, replace=False)])
    exact = values(scores, targets)
    broken = np.repeat(scores, 20_000, axis=0) + 0.5 * rng.random((20_000, 40), np.float32)
    drawn = table(ranks_of_targets(broken, Ragged.of([targets[0]] * 20_000)), KS)
    for name, got in drawn.items():
        assert abs(got.mean() - exact[name][0]) <= 4 * got.std() / np.sqrt(20_000) + 1e-9, name


def test_every_metric_by_name_is_in_the_table() -> None:
    assert set(table(Ranks.none(), (5,))) == {"auc", *(name.replace("@", "@5") for name in METRICS)}
