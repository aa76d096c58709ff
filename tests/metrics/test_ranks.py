"""Counting ranks: by hand, both ways of counting, and what is refused."""

import numpy as np
import pytest

from zhiyin.data.ragged import Ragged
from zhiyin.errors import InvalidData
from zhiyin.metrics.ranks import FEW, NOWHERE, Ranks, ranks_in, ranks_of_targets, shut, top_rows

SCORES = np.array([[3, 1, 2, 2, 0], [0, 0, 0, 0, 0]], np.float32)


def test_a_target_stands_below_what_scores_higher_and_among_what_scores_the_same() -> None:
    ranks = ranks_of_targets(SCORES, Ragged.of([[0, 2], [4]]))
    assert ranks.above.tolist() == [0, 1, 0]
    assert ranks.tied.tolist() == [1, 2, 5]
    assert ranks.expected.tolist() == [1.0, 2.5, 3.0]
    assert ranks.n_candidates.tolist() == [5, 5]


def test_masked_items_do_not_count() -> None:
    ranks = ranks_of_targets(SCORES, Ragged.of([[2], [4]]), masked=Ragged.of([[0, 3], []]))
    assert ranks.expected.tolist() == [1.0, 3.0]
    assert ranks.n_candidates.tolist() == [3, 5]


def test_items_that_are_no_candidates_do_not_count() -> None:
    ranks = ranks_of_targets(SCORES, Ragged.of([[2], [4]]), candidates=np.array([False, True, True, True, True]))
    assert ranks.expected.tolist() == [1.5, 2.5]


def test_a_target_that_may_not_be_shown_is_nowhere() -> None:
    ranks = ranks_of_targets(SCORES, Ragged.of([[0, 1], [4]]), masked=Ragged.of([[0], []]))
    assert ranks.above.tolist() == [NOWHERE, 3 - 1, 0]
    assert ranks.expected[0] == np.inf


def test_minus_infinity_is_a_score_like_another() -> None:
    scores = np.array([[-np.inf, 1, -np.inf]], np.float32)
    assert ranks_of_targets(scores, Ragged.of([[0]])).expected.tolist() == [2.5]


def test_counting_and_sorting_give_the_same_ranks() -> None:
    rng = np.random.default_rng(5)
    scores = rng.integers(0, 9, (4, 60)).astype(np.float32)
    many = Ragged.of([rng.choice(60, FEW + 4, replace=False) for _ in range(4)])
    masked = Ragged.of([rng.choice(60, 20, replace=False) for _ in range(4)])
    sorted_way = ranks_of_targets(scores, many, masked)
    for place in range(FEW + 4):
        one = ranks_of_targets(scores, Ragged.of([[rows[place]] for rows in many]), masked)
        assert one.above.tolist() == sorted_way.above[place :: FEW + 4].tolist()
        assert one.tied.tolist() == sorted_way.tied[place :: FEW + 4].tolist()


def test_scores_are_left_as_they_were() -> None:
    scores = SCORES.copy()
    ranks_of_targets(scores, Ragged.of([[0], [1]]), masked=Ragged.of([[1], [2]]))
    assert (scores == SCORES).all()


def test_nan_scores_are_refused() -> None:
    with pytest.raises(InvalidData, match="1 scores are NaN"):
        ranks_of_targets(np.array([[1, np.nan]], np.float32), Ragged.of([[0]]))


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(InvalidData, match="2 users, targets for 1"):
        ranks_of_targets(SCORES, Ragged.of([[0]]))
    with pytest.raises(InvalidData, match="2 users, masked rows for 1"):
        ranks_of_targets(SCORES, Ragged.of([[0], [0]]), masked=Ragged.of([[0]]))
    with pytest.raises(InvalidData, match="5 items, candidates for 3"):
        ranks_of_targets(SCORES, Ragged.of([[0], [0]]), candidates=np.ones(3, bool))


def test_a_bucket_keeps_the_users_and_drops_their_other_targets() -> None:
    ranks = ranks_of_targets(SCORES, Ragged.of([[0, 2], [4]])).where(np.array([False, True, False]))
    assert len(ranks) == 2
    assert ranks.n_targets.tolist() == [1, 0]
    assert ranks.above.tolist() == [1]


def test_parts_join_in_their_order() -> None:
    whole = ranks_of_targets(SCORES, Ragged.of([[0, 2], [4]]))
    parts = [ranks_in(SCORES[:1], Ragged.of([[0, 2]])), ranks_in(SCORES[1:], Ragged.of([[4]]))]
    joined = Ranks.joined(parts)
    assert joined.indptr.tolist() == whole.indptr.tolist()
    assert joined.expected.tolist() == whole.expected.tolist()
    assert len(Ranks.joined([])) == 0


def test_the_list_is_best_first_with_ties_by_row() -> None:
    assert top_rows(SCORES, 3).tolist() == [[0, 2, 3], [0, 1, 2]]


def test_a_list_is_padded_where_candidates_run_out() -> None:
    opened = shut(SCORES, masked=Ragged.of([[0, 1, 2], [0, 1, 2, 3, 4]]))
    assert top_rows(opened, 4).tolist() == [[3, 4, -1, -1], [-1, -1, -1, -1]]
    assert top_rows(SCORES, 7).tolist()[0] == [0, 2, 3, 1, 4, -1, -1]


def test_the_list_agrees_with_a_full_sort() -> None:
    scores = np.random.default_rng(2).integers(0, 30, (20, 200)).astype(np.float32)
    assert (top_rows(scores, 15) == np.argsort(-scores, axis=1, kind="stable")[:, :15]).all()
