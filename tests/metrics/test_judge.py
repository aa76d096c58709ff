"""The one pass from batches of scores to what each user got."""

import tracemalloc
from collections.abc import Iterator

import numpy as np
import pytest

from zhiyin.data.ragged import Ragged
from zhiyin.errors import InvalidData
from zhiyin.metrics.judge import Judged, judge

RNG = np.random.default_rng(11)
SCORES = RNG.integers(0, 20, (30, 50)).astype(np.float32)
TARGETS = Ragged.of([RNG.choice(25, 1 + user % 9, replace=False) for user in range(30)])
MASKED = Ragged.of([25 + RNG.choice(25, user % 5, replace=False) for user in range(30)])


def batches(size: int) -> Iterator[Judged]:
    for start in range(0, 30, size):
        users = np.arange(start, min(start + size, 30))
        yield Judged(SCORES[users], TARGETS.take(users), MASKED.take(users), np.arange(50) != 7)


def test_the_size_of_a_batch_changes_nothing() -> None:
    whole, pieces = judge(batches(30), (5, 10), 50), judge(batches(7), (5, 10), 50)
    assert (whole.top == pieces.top).all()
    for name, values in whole.values().items():
        assert np.array_equal(values, pieces.values()[name], equal_nan=True)


def test_a_masked_item_and_one_that_is_no_candidate_are_never_shown() -> None:
    top = judge(batches(8), (48,), 50).top
    assert not (top == 7).any()
    for user in range(30):
        assert not np.isin(top[user], MASKED[user]).any()


def test_a_bucket_is_judged_on_the_same_lists() -> None:
    judged = judge(batches(8), (10,), 50)
    cold = judged.bucket(TARGETS.rows >= 20)
    assert cold.top is judged.top
    only = judge(
        (Judged(SCORES, TARGETS.where(TARGETS.rows >= 20), MASKED, np.arange(50) != 7) for _ in "1"),
        (10,),
        50,
    )
    assert np.array_equal(cold.values()["ndcg@10"], only.values()["ndcg@10"], equal_nan=True)


@pytest.mark.slow
def test_memory_is_bounded_by_the_batch() -> None:
    n_users, n_items, size = 4_000, 2_000, 50  # 32 MB of scores in all, 0.4 MB a batch
    rng = np.random.default_rng(1)

    def scored() -> Iterator[Judged]:
        for _ in range(n_users // size):
            targets = Ragged.of(rng.integers(0, n_items, (size, 1)).tolist())
            yield Judged(rng.random((size, n_items), np.float32), targets)

    tracemalloc.start()
    judged = judge(scored(), (10,), n_items)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(judged.top) == n_users
    assert peak < 4e6


def test_nobody_to_judge_gives_empty_vectors() -> None:
    judged = judge([], (10,), 50)
    assert judged.top.shape == (0, 10)
    assert all(len(values) == 0 for values in judged.values().values())


def test_scores_for_other_items_and_bad_ks_are_refused() -> None:
    with pytest.raises(InvalidData, match="scores are"):
        judge(batches(8), (10,), 51)
    with pytest.raises(InvalidData, match="ks are"):
        judge(batches(8), (0,), 50)
    with pytest.raises(InvalidData, match="ks are"):
        judge(batches(8), (), 50)
