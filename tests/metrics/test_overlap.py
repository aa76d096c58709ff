"""The traffic light: what makes it amber and red, and that it says so."""

import numpy as np
import pytest

from zhiyin.errors import InvalidData
from zhiyin.metrics.overlap import Moments, Overlap


def test_the_same_policy_overlaps_wholly() -> None:
    found = Overlap.of(np.ones(500))
    assert (found.light, found.reasons) == ("green", ())
    assert (found.effective, found.mean) == (500, 1.0)


def test_few_acts_that_count_are_no_answer() -> None:
    weights = np.full(5_000, 1e-3)
    weights[:4] = 1_000
    found = Overlap.of(weights)
    assert found.light == "red"
    assert found.effective == pytest.approx(4.0, abs=0.02)
    assert any("only 4.0 acts count" in reason for reason in found.reasons)


def test_one_act_that_weighs_much_is_told() -> None:
    weights = np.ones(1_000)
    weights[0] = 80
    found = Overlap.of(weights)
    assert found.light == "amber"
    assert any("one act has 7.4% of all weight" in reason for reason in found.reasons)


def test_a_mean_far_from_one_is_no_answer() -> None:
    found = Overlap.of(np.random.default_rng(2).normal(0.7, 0.1, 2_000))
    assert found.light == "red"
    assert any("the mean weight is 0.6" in reason for reason in found.reasons)


def test_what_could_not_have_been_logged_is_seen_where_probabilities_are_known() -> None:
    with np.errstate(divide="ignore"):
        before, target = np.log(np.array([[0.5, 0.5, 0.0]] * 400)), np.log(np.array([[0.4, 0.5, 0.1]] * 400))
    moments = Moments.of(before, target)
    assert moments.first == pytest.approx(np.full(400, 0.9))
    found = Overlap.of(np.full(400, 0.9), moments)
    assert found.light == "red"
    assert any("10.0% of what the policy would do could not have been logged" in one for one in found.reasons)


def test_rare_acts_of_great_weight_are_known_before_they_are_seen() -> None:
    """Nothing rare was done yet, so that all weights that were seen look alike."""
    before, target = np.log([[0.9999, 0.0001]]), np.log([[0.5, 0.5]])
    moments = Moments.of(np.repeat(before, 1_000, axis=0), np.repeat(target, 1_000, axis=0))
    second = 0.25 / 0.9999 + 0.25 / 0.0001
    assert moments.effective == pytest.approx(1_000 / second)
    third = 0.125 / 0.9999**2 + 0.125 / 0.0001**2
    assert moments.skew == pytest.approx(third / second**1.5 / np.sqrt(1_000))
    assert Overlap.of(np.full(1_000, 0.5 / 0.9999), moments).light == "red"


def test_moments_are_means_over_what_is_drawn() -> None:
    rng = np.random.default_rng(3)
    before, target = rng.dirichlet(np.ones(5)), rng.dirichlet(np.ones(5))
    moments = Moments.of(np.log(before)[None], np.log(target)[None])
    weights = (target / before)[rng.choice(5, 200_000, p=before)]
    for power, found in enumerate((moments.first, moments.second, moments.third), start=1):
        drawn = weights**power
        assert abs(drawn.mean() - found[0]) < 5 * drawn.std() / np.sqrt(len(drawn))


def test_nothing_logged_is_refused() -> None:
    with pytest.raises(InvalidData, match="nothing was logged"):
        Overlap.of(np.zeros(0))
