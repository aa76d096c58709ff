"""Each metric on cases that fit on the fingers of a hand."""

import math

import numpy as np
import pytest

from zhiyin.data.ragged import Ragged
from zhiyin.errors import InvalidData
from zhiyin.metrics import ranking
from zhiyin.metrics.ranks import Ranks, ranks_of_targets

# one user, five items, best first a b c d e
BEST_FIRST = np.array([[5, 4, 3, 2, 1]], np.float32)
TIED = np.zeros((1, 4), np.float32)


def of(scores: np.ndarray, targets: list[int]) -> Ranks:
    return ranks_of_targets(scores, Ragged.of([targets]))


def test_two_of_three_targets_in_the_first_three() -> None:
    ranks = of(BEST_FIRST, [0, 2, 4])
    dcg, ideal = 1 + 1 / 2, 1 + 1 / math.log2(3) + 1 / 2
    assert ranking.hit_rate(ranks, 3)[0] == 1
    assert ranking.recall(ranks, 3)[0] == pytest.approx(2 / 3)
    assert ranking.precision(ranks, 3)[0] == pytest.approx(2 / 3)
    assert ranking.f1(ranks, 3)[0] == pytest.approx(2 / 3)
    assert ranking.ndcg(ranks, 3)[0] == pytest.approx(dcg / ideal)
    assert ranking.mrr(ranks, 3)[0] == 1
    assert ranking.average_precision(ranks, 3)[0] == pytest.approx((1 + 2 / 3) / 3)
    assert ranking.auc(ranks)[0] == pytest.approx(3 / 6)  # a beats b d, c beats d, e beats none


def test_the_two_denominators_of_recall() -> None:
    ranks = of(BEST_FIRST, [0, 2, 4])
    assert ranking.recall(ranks, 1)[0] == pytest.approx(1 / 3)
    assert ranking.recall_min_k(ranks, 1)[0] == 1


def test_the_two_ideals_of_ndcg() -> None:
    ranks = of(BEST_FIRST, [0, 2, 4])
    assert ranking.ndcg(ranks, 1)[0] == 1
    assert ranking.ndcg_full_ideal(ranks, 1)[0] == pytest.approx(1 / (1 + 1 / math.log2(3) + 1 / 2))


def test_a_target_past_k_gives_nothing() -> None:
    ranks = of(BEST_FIRST, [3])
    for name in ranking.METRICS:
        assert ranking.metric(name.replace("@", "@3"), ranks)[0] == 0


def test_in_a_tie_of_four_a_target_is_first_in_one_case_of_four() -> None:
    ranks = of(TIED, [2])
    assert ranking.hit_rate(ranks, 1)[0] == pytest.approx(1 / 4)
    assert ranking.recall(ranks, 2)[0] == pytest.approx(1 / 2)
    assert ranking.mrr(ranks, 4)[0] == pytest.approx((1 + 1 / 2 + 1 / 3 + 1 / 4) / 4)
    assert ranking.ndcg(ranks, 2)[0] == pytest.approx((1 + 1 / math.log2(3)) / 4)
    assert ranking.auc(ranks)[0] == pytest.approx(1 / 2)


def test_two_targets_in_a_tie_of_four_are_drawn_together() -> None:
    ranks = of(TIED, [1, 2])
    assert ranking.hit_rate(ranks, 2)[0] == pytest.approx(1 - 1 / 6)  # both misses: 1 of the 6 pairs
    assert ranking.mrr(ranks, 4)[0] == pytest.approx(3 / 6 + 2 / 6 / 2 + 1 / 6 / 3)
    # the 6 pairs of places 12 13 14 23 24 34
    pairs = [
        (1 + 1) / 2,
        (1 + 2 / 3) / 2,
        (1 + 2 / 4) / 2,
        (1 / 2 + 2 / 3) / 2,
        (1 / 2 + 2 / 4) / 2,
        (1 / 3 + 2 / 4) / 2,
    ]
    assert ranking.average_precision(ranks, 4)[0] == pytest.approx(sum(pairs) / 6)


def test_a_target_that_may_not_be_shown_is_a_miss() -> None:
    ranks = ranks_of_targets(BEST_FIRST, Ragged.of([[0, 1]]), masked=Ragged.of([[0]]))
    assert ranking.recall(ranks, 3)[0] == 1 / 2
    assert ranking.mrr(ranks, 3)[0] == 1
    assert ranking.average_precision(ranks, 3)[0] == 1 / 2
    assert ranking.auc(ranks)[0] == 1  # of those that are ranked


def test_several_targets_that_may_not_be_shown_are_no_tie() -> None:
    ranks = ranks_of_targets(BEST_FIRST, Ragged.of([[0, 1, 2]]), masked=Ragged.of([[0, 1, 2]]))
    values = ranking.table(ranks, (3,))
    assert np.isnan(values.pop("auc")[0])
    assert all(value[0] == 0 for value in values.values())


def test_a_user_without_targets_has_no_value() -> None:
    ranks = ranks_of_targets(np.zeros((2, 3), np.float32), Ragged.of([[], [1]]))
    for values in ranking.table(ranks, (2,)).values():
        assert np.isnan(values[0])
        assert np.isfinite(values[1])


def test_k_may_be_more_than_there_are_items() -> None:
    ranks = of(TIED, [0, 1])
    assert ranking.hit_rate(ranks, 50)[0] == 1
    assert ranking.recall(ranks, 50)[0] == 1


def test_a_large_tie_with_many_targets_keeps_its_precision() -> None:
    n, m, k = 12_000, 200, 10
    ranks = of(np.zeros((1, n), np.float32), list(range(m)))
    none = math.prod((n - m - i) / (n - i) for i in range(k))
    assert ranking.hit_rate(ranks, k)[0] == pytest.approx(1 - none, rel=1e-7)
    first = [math.prod((n - m - i) / (n - i) for i in range(j)) * m / (n - j) for j in range(k)]
    assert ranking.mrr(ranks, k)[0] == pytest.approx(sum(p / (j + 1) for j, p in enumerate(first)), rel=1e-7)


def test_in_gauc_a_user_counts_as_often_as_there_are_targets() -> None:
    ranks = ranks_of_targets(np.tile(BEST_FIRST, (3, 1)), Ragged.of([[0, 2, 4], [0], []]))
    assert ranking.gauc(ranks) == pytest.approx((3 * 1 / 2 + 1 * 1) / 4)
    assert math.isnan(ranking.gauc(Ranks.none()))


def test_metrics_are_found_by_name() -> None:
    ranks = of(BEST_FIRST, [0, 2, 4])
    assert ranking.metric("ndcg@2_full_ideal", ranks)[0] == ranking.ndcg_full_ideal(ranks, 2)[0]
    assert set(ranking.table(ranks, (1, 20))) == {
        "auc", *(name.replace("@", f"@{k}") for name in ranking.METRICS for k in (1, 20))
    }  # fmt: skip


@pytest.mark.parametrize("name", ["hr", "hr@0", "HR@10", "ndgc@10", "10", ""])
def test_an_unknown_metric_is_refused(name: str) -> None:
    with pytest.raises(InvalidData, match="unknown metric"):
        ranking.metric(name, of(TIED, [0]))
