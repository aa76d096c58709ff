"""A long reward foretold from short ones: against conditional normal distributions made in full, and in a race."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zhiyin.data.dataset import Doubles
from zhiyin.errors import InvalidData
from zhiyin.policies.progressive import Progressive

STAGES = np.array([60.0, 3_600.0, 7 * 86_400.0])
MEAN = np.array([0.1, 0.2, 0.05])
BETWEEN = np.array([[0.04, 0.03, 0.02], [0.03, 0.05, 0.03], [0.02, 0.03, 0.04]])
WITHIN = np.array([[0.2, 0.1, 0.05], [0.1, 0.3, 0.15], [0.05, 0.15, 0.4]])
KNOWN = Progressive(STAGES, MEAN, BETWEEN, WITHIN)
law = settings(max_examples=30, deadline=None)


def world(n_items: int, per_item: int, seed: int) -> tuple[Doubles, Doubles, np.ndarray]:
    """(n_items, S) what items are like, (n, S) traces of them, (n,) whose."""
    rng = np.random.default_rng(seed)
    truth = rng.multivariate_normal(MEAN, BETWEEN, n_items)
    items = np.repeat(np.arange(n_items), per_item)
    return truth, truth[items] + rng.multivariate_normal(np.zeros(3), WITHIN, len(items)), items


def conditional(
    mean: Doubles, covariance: Doubles, wanted: int, given_: list[int], seen: Doubles
) -> tuple[float, float]:
    """Of a normal distribution written out in full."""
    if not given_:
        return float(mean[wanted]), float(covariance[wanted, wanted])
    inner = np.linalg.inv(covariance[np.ix_(given_, given_)])
    across = covariance[wanted, given_]
    return float(mean[wanted] + across @ inner @ (seen - mean[given_])), float(
        covariance[wanted, wanted] - across @ inner @ across
    )


@pytest.mark.parametrize(("elapsed", "known"), [(5.0, 0), (60.0, 1), (4_000.0, 2), (1e6, 3)])
def test_the_long_reward_is_foretold_as_a_conditional_normal_says(elapsed: float, known: int) -> None:
    trace = np.array([0.9, -0.3, 0.7])
    mean, variance = KNOWN.foretold(trace[None, :], np.array([elapsed]))
    expected = conditional(MEAN, BETWEEN + WITHIN, 2, list(range(known)), trace[:known])
    assert (mean[0], variance[0]) == pytest.approx(expected)


def test_what_is_not_yet_known_does_not_count() -> None:
    traces = np.array([[0.9, np.nan, np.nan], [0.9, 5.0, -5.0]])
    mean, _ = KNOWN.foretold(np.nan_to_num(traces), np.array([100.0, 100.0]))
    assert mean[0] == mean[1]


def test_a_trace_sharpens_what_is_foretold_with_every_stage() -> None:
    trace = np.repeat([[0.5, 0.5, 0.5]], 4, axis=0)
    _, variance = KNOWN.foretold(trace, np.array([0.0, 60.0, 3_600.0, 1e6]))
    assert (np.diff(variance) < 0).all()
    assert variance[-1] == pytest.approx(0.0, abs=1e-12)


@law
@given(seed=st.integers(0, 2**32 - 1))
def test_traces_of_items_count_together_as_one_large_normal_says(seed: int) -> None:
    """All means and all traces in one distribution, conditioned at once."""
    rng = np.random.default_rng(seed)
    _, traces, items = world(2, 3, seed)
    elapsed = rng.choice([0.0, 70.0, 4_000.0, 1e6], 6)
    found_mean, found_variance = KNOWN.of_items(traces, elapsed, items, 3)
    known = KNOWN.known(elapsed)
    for item in range(3):
        mine = np.flatnonzero(items == item)
        size = 3 * (1 + len(mine))
        covariance = np.tile(BETWEEN, (1 + len(mine), 1 + len(mine)))
        for n in range(len(mine)):
            at = slice(3 * (n + 1), 3 * (n + 2))
            covariance[at, at] += WITHIN
        assert covariance.shape == (size, size)
        seen = [3 * (n + 1) + s for n, trace in enumerate(mine) for s in range(known[trace])]
        values = np.array([traces[trace, s] for trace in mine for s in range(known[trace])])
        expected = conditional(np.tile(MEAN, 1 + len(mine)), covariance, 2, seen, values)
        assert (found_mean[item], found_variance[item]) == pytest.approx(expected)


@law
@given(seed=st.integers(0, 2**32 - 1), stage=st.integers(1, 3))
def test_one_trace_is_an_outcome_with_a_noise(seed: int, stage: int) -> None:
    """Taken in as if the long reward had been measured, it leads to what the whole filter says."""
    trace = world(1, 1, seed)[1]
    elapsed = STAGES[[stage - 1]]
    value, noise = KNOWN.told(trace, elapsed)
    precision = 1.0 / BETWEEN[2, 2] + 1.0 / noise
    mean = (MEAN[2] / BETWEEN[2, 2] + value / noise) / precision
    whole_mean, whole_variance = KNOWN.of_items(trace, elapsed, np.zeros(1, np.int64), 1)
    np.testing.assert_allclose(mean, whole_mean, atol=1e-9)
    np.testing.assert_allclose(1.0 / precision, whole_variance, atol=1e-9)


def test_noise_falls_with_every_stage_and_nothing_seen_says_nothing() -> None:
    trace = np.repeat([[0.5, 0.5, 0.5]], 4, axis=0)
    value, noise = KNOWN.told(trace, np.array([0.0, 60.0, 3_600.0, 1e6]))
    assert (np.diff(noise) < 0).all()
    assert noise[0] > 1e9
    assert value[0] == MEAN[2]
    assert noise[-1] <= WITHIN[2, 2]


def test_what_hangs_together_is_found_again_from_completed_traces() -> None:
    _, traces, items = world(400, 30, 5)
    found = Progressive.fit(STAGES, traces, items)
    np.testing.assert_allclose(found.mean, MEAN, atol=0.04)
    np.testing.assert_allclose(found.within, WITHIN, atol=0.02)
    np.testing.assert_allclose(found.between, BETWEEN, atol=0.02)


def test_items_that_do_not_differ_and_stages_that_never_change_are_no_trouble() -> None:
    rng = np.random.default_rng(1)
    traces = np.stack([np.zeros(40), np.ones(40), rng.normal(size=40)], axis=1)
    found = Progressive.fit(STAGES, traces, np.arange(40) % 8)
    mean, variance = found.of_items(traces, np.full(40, 1e6), np.arange(40) % 8, 9)
    assert np.isfinite(mean).all()
    assert (variance >= 0).all()
    assert np.isfinite(found.told(traces, np.full(40, 100.0))[0]).all()


def test_what_cannot_tell_how_items_differ_is_refused() -> None:
    with pytest.raises(InvalidData, match="3 traces of 3 items"):
        Progressive.fit(STAGES, np.zeros((3, 3)), np.arange(3))
    with pytest.raises(InvalidData, match="of 1 items"):
        Progressive.fit(STAGES, np.zeros((3, 3)), np.zeros(3, np.int64))


def test_with_short_signals_the_best_item_is_found_sooner() -> None:
    """After two days nobody has bought yet; what was clicked and looked at tells most of it all the same."""
    hits = {"short": 0, "long": 0}
    past = world(60, 20, 99)
    known = Progressive.fit(STAGES, past[1], past[2])
    for seed in range(120):
        truth, traces, items = world(8, 20, seed)
        age = np.where(np.arange(len(items)) % 20 < 2, 1e6, 2 * 86_400.0)  # two of twenty are a week old
        short, _ = known.of_items(traces, age, items, 8)
        long_, _ = known.of_items(traces, np.where(age > STAGES[2], age, 0.0), items, 8)
        best = truth[:, 2].argmax()
        hits["short"] += short.argmax() == best
        hits["long"] += long_.argmax() == best
    assert hits["short"] >= hits["long"] + 15, hits
