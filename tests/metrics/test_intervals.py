"""The bootstrap against what is known of it, and its pairing."""

import numpy as np
import pytest
from scipy.stats import bootstrap

from zhiyin.errors import InvalidData
from zhiyin.metrics.intervals import Interval, difference, gap, interval, intervals, relative_gain, resampled_means

VALUES = np.random.default_rng(4).random(400)


def rng() -> np.random.Generator:
    return np.random.default_rng(9)


def test_an_interval_is_as_wide_as_the_normal_one() -> None:
    found = interval(VALUES, rng())
    error = VALUES.std() / np.sqrt(len(VALUES))
    assert found.value == pytest.approx(VALUES.mean())
    assert found.low == pytest.approx(VALUES.mean() - 1.96 * error, abs=0.1 * error)
    assert found.high == pytest.approx(VALUES.mean() + 1.96 * error, abs=0.1 * error)


def test_resampled_means_scatter_like_means() -> None:
    draws = resampled_means(VALUES[:, None], rng(), 4_000)[:, 0]
    error = VALUES.std() / np.sqrt(len(VALUES))
    assert abs(draws.mean() - VALUES.mean()) < 4 * error / np.sqrt(4_000)
    assert draws.std() == pytest.approx(error, rel=4 / np.sqrt(2 * 4_000))


def test_each_draw_takes_as_many_users_as_there_are() -> None:
    assert resampled_means(np.ones((7, 2)), rng(), 50) == pytest.approx(1.0)


def test_batches_of_draws_are_all_filled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zhiyin.metrics.intervals._CELLS", 400 * 3)
    assert interval(VALUES, rng(), resamples=1_000).low < VALUES.mean()
    assert np.isclose(resampled_means(VALUES[:, None], rng(), 1_000).mean(), VALUES.mean(), atol=0.01)


def test_a_difference_that_is_the_same_for_all_users_is_certain() -> None:
    found = difference(VALUES + 0.01, VALUES, rng())
    assert found.low == pytest.approx(0.01)
    assert found.high == pytest.approx(0.01)
    assert found.excludes_zero


def test_equal_systems_do_not_exclude_zero() -> None:
    assert not difference(VALUES, VALUES, rng()).excludes_zero
    assert not Interval(0.1, -0.1, 0.3).excludes_zero
    assert Interval(-0.2, -0.3, -0.1).excludes_zero


def test_a_gap_between_different_users_is_as_wide_as_both_errors() -> None:
    others = np.random.default_rng(5).random(150) - 0.5
    found = gap(VALUES, np.append(others, np.nan), rng())
    error = np.hypot(VALUES.std() / np.sqrt(len(VALUES)), others.std() / np.sqrt(len(others)))
    assert found.value == pytest.approx(VALUES.mean() - others.mean())
    assert found.low == pytest.approx(found.value - 1.96 * error, abs=0.1 * error)
    assert found.high == pytest.approx(found.value + 1.96 * error, abs=0.1 * error)


@pytest.mark.slow
def test_a_gap_is_the_interval_that_scipy_bootstraps() -> None:
    others = VALUES[:90] ** 2
    theirs = bootstrap(
        (VALUES, others),
        lambda a, b, axis: a.mean(axis=axis) - b.mean(axis=axis),
        n_resamples=10_000, method="percentile", rng=np.random.default_rng(2),
    ).confidence_interval  # fmt: skip
    found = gap(VALUES, others, rng())
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high), abs=0.003)


def test_a_relative_gain_is_paired_too() -> None:
    found = relative_gain(1.02 * VALUES, VALUES, rng())
    assert (found.value, found.low, found.high) == pytest.approx((0.02, 0.02, 0.02))


def test_users_without_a_value_are_left_out() -> None:
    holes = np.where(np.arange(400) % 4 == 0, np.nan, VALUES)
    found = intervals({"with": holes, "all": VALUES}, rng())
    assert found["with"].value == pytest.approx(np.nanmean(holes))
    assert found["with"].high - found["with"].low > found["all"].high - found["all"].low
    assert list(found) == ["with", "all"]


def test_vectors_with_the_same_users_share_their_draws() -> None:
    found = intervals({"a": VALUES, "b": 1 - VALUES}, rng())
    assert found["a"].low == pytest.approx(1 - found["b"].high)


def test_the_same_generator_gives_the_same_interval() -> None:
    assert interval(VALUES, rng()) == interval(VALUES, rng())


def test_what_cannot_be_compared_is_refused() -> None:
    with pytest.raises(InvalidData, match="no user has a value"):
        interval(np.full(3, np.nan), rng())
    with pytest.raises(InvalidData, match="no user has a value of the other side"):
        gap(VALUES, np.full(3, np.nan), rng())
    with pytest.raises(InvalidData, match="same users"):
        difference(VALUES, VALUES[:-1], rng())
    with pytest.raises(InvalidData, match="same users"):
        relative_gain(VALUES, np.where(VALUES > 0.5, np.nan, VALUES), rng())
    with pytest.raises(InvalidData, match="above 0"):
        relative_gain(VALUES, np.zeros(400), rng())
