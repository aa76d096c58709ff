"""Windows, rivals, what vectors begin as, and judging: all of training that is plain numpy."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from cycles import N_ITEMS, SMALL, cycle_dataset

from zhiyin.data.vocabulary import PAD
from zhiyin.models.company import pairs, surprise
from zhiyin.testing.nets import random_net
from zhiyin.training.beginning import borrowed_vectors, first_vectors
from zhiyin.training.judging import Held
from zhiyin.training.rivals import Rivals
from zhiyin.training.windows import Histories, Windows


@pytest.fixture
def histories() -> Histories:
    return Histories.of(cycle_dataset())


def test_every_entry_but_the_first_is_foreseen_once_an_epoch(histories: Histories) -> None:
    for number in range(3):
        seen = []
        for read, wanted in Windows(histories, 4, 3, seed=0).epoch(number):
            assert read.shape == wanted.shape
            assert read.shape[1] <= 4
            real = wanted != PAD
            assert (np.diff(real.astype(int), axis=1) <= 0).all(), "padding stands behind"
            seen += list(zip(read[real].tolist(), wanted[real].tolist(), strict=True))
        follow = []
        for u in range(len(histories.lengths)):
            rows = histories.rows[histories.indptr[u] : histories.indptr[u + 1]].tolist()
            follow += list(itertools.pairwise(rows))
        assert sorted(seen) == sorted(follow)


def test_windows_hold_what_follows_in_one_history() -> None:
    histories = Histories(np.array([0, 5, 6, 9]), np.array([1, 2, 3, 4, 5, 9, 6, 7, 8], np.int32))
    for read, wanted in Windows(histories, 3, 2, seed=1).epoch(0):
        real = wanted != PAD
        assert (wanted[real] == read[real] + 1).all()
        assert not np.isin(9, read[real])


def test_an_epoch_is_the_same_each_time_it_is_asked_for_and_unlike_the_next(histories: Histories) -> None:
    windows = Windows(histories, 4, 3, seed=0)
    one, same, other = (list(windows.epoch(number)) for number in (2, 2, 3))
    assert all(np.array_equal(a, b) for x, y in zip(one, same, strict=True) for a, b in zip(x, y, strict=True))
    assert not all(
        a[0].shape == b[0].shape and np.array_equal(a[0], b[0]) for a, b in zip(one, other, strict=False)
    )
    assert windows.steps() == pytest.approx(len(one), rel=0.2)


def test_steps_hold_at_most_their_full_windows(histories: Histories) -> None:
    assert all(read.size <= 3 * 4 for read, _ in Windows(histories, 4, 3, seed=0).epoch(0))


def test_few_people_make_small_steps(histories: Histories) -> None:
    assert Windows.of(histories, SMALL.model_copy(update={"batch": 64}), 0).batch == 6


def test_the_newest_entry_of_some_people_is_held_out(histories: Histories) -> None:
    rest, batch, targets = histories.held_out(0)
    assert len(targets) == len(batch) == 24
    assert len(rest.rows) == len(histories.rows) - 24
    ends = {
        tuple(histories.rows[histories.indptr[u] : histories.indptr[u + 1]].tolist())
        for u in range(len(histories.lengths))
    }
    for b, target in enumerate(targets.tolist()):
        assert (*batch.rows[batch.indptr[b] : batch.indptr[b + 1]].tolist(), target) in ends
    assert (rest.lengths.sum(), len(rest.lengths)) == (len(rest.rows), len(histories.lengths))


def test_what_was_disliked_is_no_part_of_a_history() -> None:
    data = cycle_dataset()
    weights = data.weights.copy()
    weights[::3] = -1.0
    assert len(Histories.of(replace(data, weights=weights)).rows) == (weights > 0).sum()


@pytest.mark.slow
@pytest.mark.parametrize("by_popularity", [0.0, 0.75])
def test_rivals_stand_for_all_items(by_popularity: float) -> None:
    """Their corrected exponentials sum to those of all, on average: 4 sigmas of 4,000 draws."""
    rng = np.random.default_rng(0)
    support = rng.integers(0, 50, 40)
    scores = rng.normal(size=40)
    rivals = Rivals.of(support, 6, by_popularity, seed=3)
    sums = []
    for step in range(4_000):
        rows, added = rivals.at(step)
        sums.append(np.exp(scores[rows] + added).sum())
    wanted = np.exp(scores[support > 0]).sum()
    assert abs(np.mean(sums) - wanted) < 4 * np.std(sums) / np.sqrt(len(sums))


def test_where_few_items_are_they_are_all_rivals_as_they_are() -> None:
    rows, added = Rivals.of(np.array([3, 0, 1, 2]), 5, 0.5, seed=0).at(7)
    assert rows.tolist() == [0, 2, 3]
    assert not added.any()


def test_rivals_follow_from_the_step_alone() -> None:
    rivals = Rivals.of(np.arange(100), 10, 0.0, seed=0)
    assert np.array_equal(rivals.at(5)[0], rivals.at(5)[0])
    assert not np.array_equal(rivals.at(5)[0], rivals.at(6)[0])


def test_pairs_count_by_distance() -> None:
    histories = Histories(np.array([0, 3]), np.array([0, 1, 2], np.int32))
    np.testing.assert_allclose(
        pairs(histories.indptr, histories.rows, 4).toarray()[:3, :3],
        [[0, 0.8, 0.64], [0.8, 0, 0.8], [0.64, 0.8, 0]],
    )


def test_surprise_is_the_log_of_more_than_by_chance() -> None:
    histories = Histories(np.array([0, 2, 4, 6]), np.array([0, 1, 2, 3, 0, 1], np.int32))
    found = surprise(pairs(histories.indptr, histories.rows, 4)).toarray()
    assert found[0, 1] == pytest.approx(np.log(1.6 * 4.8 / 1.6**2))
    assert found[2, 3] == pytest.approx(np.log(0.8 * 4.8 / 0.8**2))
    assert found[0, 2] == 0


def test_what_is_taken_twice_in_a_row_does_not_go_with_itself() -> None:
    histories = Histories(np.array([0, 3, 5]), np.array([0, 0, 1, 2, 3], np.int32))
    assert not surprise(pairs(histories.indptr, histories.rows, 4)).diagonal().any()


def test_where_a_long_history_is_cut_changes() -> None:
    """In an epoch of its own each entry is sometimes the first of a window."""
    histories = Histories(np.array([0, 12]), np.arange(12, dtype=np.int32))
    windows = Windows(histories, 4, 2, seed=0)
    begins = {int(row) for number in range(30) for read, _ in windows.epoch(number) for row in read[:, 0]}
    assert begins > set(range(8))


def test_vectors_begin_as_those_of_neighbours_and_have_length_1(histories: Histories) -> None:
    vectors = first_vectors(histories, N_ITEMS + 1, 8, seed=0)
    lengths = np.linalg.norm(vectors, axis=1)
    np.testing.assert_allclose(lengths[histories.taken(N_ITEMS + 1)], 1.0, atol=1e-5)
    assert lengths[-1] == 0
    near = vectors @ vectors.T
    linked = surprise(pairs(histories.indptr, histories.rows, N_ITEMS + 1)).toarray() > 1
    assert near[linked].mean() > near[~linked].mean() + 0.2


def test_a_tiny_catalogue_has_vectors_too() -> None:
    histories = Histories(np.array([0, 2]), np.array([0, 1], np.int32))
    assert first_vectors(histories, 2, 8, seed=0).shape == (2, 8)
    assert not first_vectors(Histories(np.array([0, 1]), np.zeros(1, np.int32)), 1, 8, seed=0).any()


def test_an_item_without_a_vector_borrows_that_of_what_it_goes_with(histories: Histories) -> None:
    own = first_vectors(histories, N_ITEMS, 8, seed=0)
    had = np.ones(N_ITEMS, bool)
    had[4] = False
    found = borrowed_vectors(np.where(had[:, None], own, 0).astype(np.float32), had, histories)
    np.testing.assert_array_equal(found[had], own[had])
    assert np.linalg.norm(found[4]) == pytest.approx(1.0, abs=1e-4)
    weights = surprise(pairs(histories.indptr, histories.rows, N_ITEMS)).toarray()[4] * had
    wanted = weights @ own
    np.testing.assert_allclose(found[4], wanted / np.linalg.norm(wanted), atol=1e-5)


def test_worth_counts_what_stands_above_by_hand() -> None:
    """Nine items along one axis: an asker whose state is positive ranks them by their place."""
    histories = Histories(np.array([0, 2]), np.array([8, 7], np.int32))
    taken = np.ones(9, bool)
    taken[5] = False
    net = random_net(np.random.default_rng(0))
    vectors = np.zeros((9, 8), np.float32)
    state = net.states(vectors[None, [8, 7]])[0, -1]
    vectors = np.outer(np.arange(9), state / np.linalg.norm(state)).astype(np.float32)
    state = net.states(vectors[None, [8, 7]])[0, -1]
    order = np.argsort(-(vectors @ state))
    target = 3
    above = [row for row in order[: order.tolist().index(target)].tolist() if row not in (8, 7, 5)]
    held = Held(histories.batch(np.array([0])), np.array([target], np.int32), taken)
    assert held.worth(net, vectors) == pytest.approx(1 / np.log2(2 + len(above)))
