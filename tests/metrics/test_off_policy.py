"""Estimates of another policy: by hand, and against worlds whose truth can be counted."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhiyin.data.dataset import Doubles
from zhiyin.errors import InvalidData
from zhiyin.metrics.off_policy import (
    Estimate,
    Logged,
    Predicted,
    dm,
    dr,
    ips,
    of_clusters,
    sndr,
    snips,
    switch_dr,
)

# two acts: one as likely as before, one four times as likely
BY_HAND = Logged(np.array([1.0, 0.5]), np.log([0.5, 0.1]), np.log([0.5, 0.4]))
MODEL = Predicted(np.array([0.8, 0.3]), np.array([0.6, 0.4]))


def test_every_estimate_is_what_it_is_by_hand() -> None:
    assert BY_HAND.weights == pytest.approx([1.0, 4.0])
    assert dm(MODEL).value == pytest.approx(0.5)
    assert ips(BY_HAND).value == pytest.approx((1.0 + 4.0 * 0.5) / 2)
    assert snips(BY_HAND).value == pytest.approx(3.0 / 5.0)
    assert dr(BY_HAND, MODEL).value == pytest.approx(0.5 + (0.2 + 4.0 * 0.2) / 2)
    assert sndr(BY_HAND, MODEL).value == pytest.approx(0.5 + (0.2 + 4.0 * 0.2) / 5)
    assert switch_dr(BY_HAND, MODEL, most=2.0).value == pytest.approx(0.5 + 0.2 / 2)


@pytest.mark.parametrize("found", [ips(BY_HAND), snips(BY_HAND), dr(BY_HAND, MODEL), sndr(BY_HAND, MODEL)])
def test_the_mean_of_the_addends_is_the_value(found: Estimate) -> None:
    assert found.addends.mean() == pytest.approx(found.value)


def drawn(seed: int, n: int = 50) -> Logged:
    rng = np.random.default_rng(seed)
    return Logged(rng.random(n), -rng.random(n), -rng.random(n))


@given(st.integers(0, 50), st.floats(-3, 3))
def test_snips_moves_with_the_rewards(seed: int, shift: float) -> None:
    log = drawn(seed)
    moved = Logged(log.rewards + shift, log.before, log.target)
    assert snips(moved).value == pytest.approx(snips(log).value + shift)


@given(st.integers(0, 50))
def test_without_a_model_dr_is_ips_and_without_a_change_all_are_the_mean(seed: int) -> None:
    log, nothing = drawn(seed), np.zeros(50)
    silent = Predicted(nothing, nothing)
    assert dr(log, silent).value == pytest.approx(ips(log).value)
    assert sndr(log, silent).value == pytest.approx(snips(log).value)
    assert switch_dr(log, silent, most=np.inf).value == pytest.approx(ips(log).value)
    same = Logged(log.rewards, log.before, log.before)
    assert [ips(same).value, snips(same).value] == pytest.approx([log.rewards.mean()] * 2)


def world(n: int, seed: int) -> tuple[Doubles, Doubles, Doubles, np.ndarray]:
    """(4,) chances before, in question, and rewards of four acts; n of them done."""
    before, target = np.array([0.4, 0.3, 0.2, 0.1]), np.array([0.1, 0.2, 0.3, 0.4])
    earns = np.array([0.1, 0.1, 0.8, 0.8])
    return before, target, earns, np.random.default_rng(seed).choice(4, n, p=before)


def test_what_is_right_on_average_comes_near_the_truth_of_a_known_world() -> None:
    before, target, earns, done = world(40_000, 1)
    rewards = (np.random.default_rng(2).random(len(done)) < earns[done]).astype(float)
    log = Logged(rewards, np.log(before[done]), np.log(target[done]))
    wrong = Predicted(np.full(len(done), 0.9), np.full(len(done), 0.9))
    truth = float(target @ earns)
    for found in (ips(log), snips(log), dr(log, wrong), sndr(log, wrong)):
        error = found.addends.std() / np.sqrt(len(done))
        assert abs(found.value - truth) < 4 * error
    assert dm(wrong).value == pytest.approx(0.9)


def test_clusters_of_acts_that_earn_the_same_tell_the_same_and_surer() -> None:
    before, target, earns, done = world(4_000, 3)
    clusters = np.array([0, 0, 1, 1])
    both = [np.tile(np.log(chances), (len(done), 1)) for chances in (before, target)]
    marginal = [of_clusters(chances, clusters, done) for chances in both]
    assert np.exp(marginal[0][done == 3][0]) == pytest.approx(0.3)
    log = Logged(earns[done], *marginal)
    single = Logged(earns[done], both[0][0][done], both[1][0][done])
    assert ips(log).value == pytest.approx(float(target @ earns), abs=0.03)
    assert ips(log).addends.var() < ips(single).addends.var()


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(InvalidData, match="probability 0"):
        Logged(np.ones(1), np.array([-np.inf]), np.zeros(1))
    with pytest.raises(InvalidData, match="got 2, 1 and 1"):
        Logged(np.ones(2), np.zeros(1), np.zeros(1))
    with pytest.raises(InvalidData, match="nothing was logged"):
        Logged(np.zeros(0), np.zeros(0), np.zeros(0))
