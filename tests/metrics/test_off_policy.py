"""Off-policy estimates: by hand, by their laws, and against what was simulated."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhiyin.metrics.off_policy import snips


def test_the_value_is_counted_by_hand() -> None:
    found = snips(np.array([1.0, 0.0, 1.0]), np.log([0.5, 0.25, 0.5]), np.log([0.25, 0.5, 0.5]))
    assert found.value == pytest.approx((0.5 + 1.0) / (0.5 + 2.0 + 1.0))
    assert found.effective == pytest.approx(3.5**2 / (0.25 + 4.0 + 1.0))
    assert found.influence.mean() == pytest.approx(0.0, abs=1e-12)


def test_the_same_policy_earns_the_mean_with_all_of_its_rewards() -> None:
    reward, logged = np.random.default_rng(0).random(40), np.full(40, -1.3)
    found = snips(reward, logged, logged)
    assert found.value == pytest.approx(reward.mean())
    assert found.effective == pytest.approx(40)
    assert found.error == pytest.approx(reward.std() / np.sqrt(40))
    assert found.gain_over(found) == (0.0, 0.0)


@given(st.floats(-3, 3))
def test_snips_moves_with_the_reward(shift: float) -> None:
    rng = np.random.default_rng(3)
    reward, logged, target = rng.random(50), -rng.random(50), -rng.random(50)
    base = snips(reward, logged, target).value
    assert snips(reward + shift, logged, target).value == pytest.approx(base + shift)


def test_of_no_place_nothing_is_known() -> None:
    found = snips(np.zeros(0), np.zeros(0), np.zeros(0))
    assert (found.value, found.error, found.effective) == (0.0, 0.0, 0.0)


def test_what_another_policy_earns_lies_within_the_errors() -> None:
    """1,000 logs of 500 places, seeds fixed: the estimate errs by as much as it says."""
    rng = np.random.default_rng(7)
    logging, target, worth = np.array([0.5, 0.3, 0.2]), np.array([0.2, 0.2, 0.6]), np.array([0.1, 0.4, 0.7])
    found = []
    for _ in range(1_000):
        shown = rng.choice(3, 500, p=logging)
        reward = rng.random(500) < worth[shown]
        found.append(snips(reward.astype(float), np.log(logging[shown]), np.log(target[shown])))
    values = np.array([one.value for one in found])
    assert values.mean() == pytest.approx(float(target @ worth), abs=4 * values.std() / np.sqrt(1_000))
    assert np.mean([one.error for one in found]) == pytest.approx(values.std(), rel=0.1)
