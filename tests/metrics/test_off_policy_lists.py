"""Estimates of whole lists: by hand, and in a world where places depend on those above."""

import numpy as np
import pytest

from zhiyin.errors import InvalidData
from zhiyin.metrics.off_policy_lists import (
    LoggedLists,
    PredictedLists,
    cascade,
    cascade_dr,
    place_by_place,
    places_dm,
    places_dr,
    self_normalised,
    slate,
    whole_list,
)

HALVES = np.log([[0.5, 0.5]])
BY_HAND = LoggedLists(np.array([[1.0, 2.0]]), HALVES, np.log([[1.0, 0.25]]))  # weights 2 and .5


def test_every_estimate_is_what_it_is_by_hand() -> None:
    assert whole_list(BY_HAND).value == pytest.approx(1.0 * (1.0 + 2.0))
    assert cascade(BY_HAND).value == pytest.approx(2.0 * 1.0 + 1.0 * 2.0)
    assert place_by_place(BY_HAND).value == pytest.approx(2.0 * 1.0 + 0.5 * 2.0)
    assert slate(BY_HAND).value == pytest.approx(3.0 * (1.0 + 1.0 - 0.5))
    model = PredictedLists(np.array([[3.0, 1.0]]), np.array([[2.5, 1.5]]))
    assert places_dm(model).value == pytest.approx(4.0)
    assert places_dr(BY_HAND, model).value == pytest.approx(4.0 + 2 * (1 - 3) + 0.5 * (2 - 1))
    assert places_dr(BY_HAND, model, most=1.0).value == pytest.approx(4.0 + 0.5 * (2 - 1))
    assert cascade_dr(BY_HAND, model).value == pytest.approx(2 * (1 - 3) + 1 * 2.5 + 1 * (2 - 1) + 2 * 1.5)


def test_a_list_of_one_place_is_a_single_act() -> None:
    one = LoggedLists(np.array([[1.0], [0.0]]), np.log([[0.5], [0.5]]), np.log([[0.8], [0.2]]))
    assert [found(one).value for found in (whole_list, cascade, place_by_place)] == pytest.approx([0.8] * 3)


def test_where_a_place_depends_on_the_one_above_the_cascade_is_right_and_places_alone_are_not() -> None:
    """Two acts, two places; the second place earns only below act 1."""
    rng, n = np.random.default_rng(4), 60_000
    done = (rng.random((n, 2)) < 0.5).astype(int)
    rewards = np.stack([np.full(n, 0.2), (done[:, 0] == 1) * 0.6], axis=1)
    target = np.where(done[:, :1] == 1, 0.9, 0.1)
    log = LoggedLists(
        rewards, np.full((n, 2), np.log(0.5)), np.log(np.hstack([target, np.where(done[:, 1:] == 1, 0.9, 0.1)]))
    )
    truth = 0.2 + 0.9 * 0.6
    for found in (whole_list(log), cascade(log)):
        assert abs(found.value - truth) < 4 * found.addends.std() / np.sqrt(n)
    assert cascade(log).addends.var() < whole_list(log).addends.var()
    assert place_by_place(log).value == pytest.approx(0.2 + 0.5 * 0.6, abs=0.02)


def test_self_normalised_places_are_what_they_are_by_hand_and_move_with_the_rewards() -> None:
    rewards, weights = np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([[1.0, 4.0], [3.0, 1.0]])
    found = self_normalised(rewards, weights)
    assert found.value == pytest.approx(1 / 4 + 1 / 5)
    assert self_normalised(rewards + 2.0, weights).value == pytest.approx(found.value + 2 * 2.0)


def test_a_good_model_makes_the_cascade_surer_and_a_bad_one_leaves_it_right() -> None:
    rng, n = np.random.default_rng(5), 20_000
    before, target = np.array([0.7, 0.3]), np.array([0.3, 0.7])
    earns = np.array([0.1, 0.5])
    done = (rng.random((n, 2)) < 0.3).astype(int)
    rewards = (rng.random((n, 2)) < earns[done]).astype(float)
    log = LoggedLists(rewards, np.log(before[done]), np.log(target[done]))
    each, later = float(target @ earns), np.array([1.0, 0.0])
    good = PredictedLists(earns[done] + later * each, each + np.tile(later * each, (n, 1)))
    bad = PredictedLists(np.full((n, 2), 0.9), np.full((n, 2), 0.9))
    assert cascade_dr(log, good).addends.var() < cascade(log).addends.var()
    for model in (good, bad):
        found = cascade_dr(log, model)
        assert abs(found.value - 2 * each) < 4 * found.addends.std() / np.sqrt(n)


def test_places_drawn_alone_tell_of_a_slate_what_the_pseudo_inverse_tells() -> None:
    """The matrix of Swaminathan et al. 2017, made of everything that could have been shown."""
    rng, n = np.random.default_rng(6), 400
    before, target = rng.dirichlet([2.0, 2.0, 2.0], 2), rng.dirichlet([2.0, 2.0, 2.0], 2)  # (places, items)
    done = np.stack([rng.choice(3, n, p=chances) for chances in before], axis=1)
    brings = np.array([[0.1, 0.4, 0.2], [0.3, 0.0, 0.5]])
    whole = brings[0, done[:, 0]] + brings[1, done[:, 1]] + 0.1 * rng.normal(size=n)
    shown = np.concatenate([np.eye(3)[done[:, 0]], np.eye(3)[done[:, 1]]], axis=1)  # (n, 6)
    gamma = np.block([[np.diag(before[0]), np.outer(before[0], before[1])],
                      [np.outer(before[1], before[0]), np.diag(before[1])]])  # fmt: skip
    theirs = (whole * (shown @ np.linalg.pinv(gamma) @ target.ravel())).mean()
    chances = [np.stack([one[0, done[:, 0]], one[1, done[:, 1]]], axis=1) for one in (before, target)]
    log = LoggedLists(np.stack([np.zeros(n), whole], axis=1), *np.log(chances))
    assert slate(log).value == pytest.approx(theirs)


def test_what_does_not_belong_together_is_refused() -> None:
    with pytest.raises(InvalidData, match="belong together"):
        LoggedLists(np.zeros((1, 2)), np.zeros((1, 2)), np.zeros((1, 3)))
