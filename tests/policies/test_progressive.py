"""A long reward foretold from short ones: against conditional normal distributions made in full, and in a race."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zhiyin.data.dataset import Doubles
from zhiyin.errors import InvalidData
from zhiyin.policies.belief import Prior
from zhiyin.policies.belief_model import BeliefModel
from zhiyin.policies.evidence import Evidence
from zhiyin.policies.examination import Examination
from zhiyin.policies.gaussian import Gaussian
from zhiyin.policies.ledger import Exposure
from zhiyin.policies.progressive import Progressive, between
from zhiyin.policies.whitening import Whitening

STAGES = np.array([60.0, 3_600.0, 7 * 86_400.0])
WITHIN = np.array([[0.2, 0.1, 0.05], [0.1, 0.3, 0.15], [0.05, 0.15, 0.4]])
OWN = np.array([[0.04, 0.0, -0.02], [0.0, 0.05, 0.0], [-0.02, 0.0, 0.04]])  # what clicks lead to differs by item


def world(n_items: int, per_item: int, seed: int, own: Doubles = OWN) -> tuple[Doubles, Doubles, np.ndarray]:
    """(n_items, S) what items are like, (n, S) traces of them, (n,) whose."""
    rng = np.random.default_rng(seed)
    truth = rng.multivariate_normal(np.zeros(3), own, n_items)
    items = np.repeat(np.arange(n_items, dtype=np.int32), per_item)
    return truth, truth[items] + rng.multivariate_normal(np.zeros(3), WITHIN, len(items)), items


def model_of(progressive: Progressive) -> BeliefModel:
    prior = Prior(Gaussian.alike(1, 1e-9), Gaussian.alike(1, 1e-9), 0.4, 0.04, np.zeros(1))
    looks, people = Examination.fit({}, 5), np.zeros(0, np.uint64)
    return BeliefModel(
        prior,
        Whitening(np.zeros(1), np.eye(1)),
        (0.0,) * 7,
        1.0,
        (),
        float(STAGES[-1]),
        1e12,
        0.0,
        looks,
        people,
        progressive,
    )


def gathered(model: BeliefModel, traces: Doubles, stages: np.ndarray) -> tuple[float, float]:
    """Counts and totals of one item, of traces known so far."""
    all_ = Evidence()
    for n, (trace, known) in enumerate(zip(traces.tolist(), stages.tolist(), strict=True)):
        all_ = all_.moved(Evidence(), Evidence.of(model, Exposure((str(n), "a"), 0.0, 0.0), tuple(trace[:known])))
    return all_.sums


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), stage=st.integers(1, 2))
def test_one_trace_is_an_outcome_with_the_noise_that_is_left(seed: int, stage: int) -> None:
    """Where all numbers are of one normal distribution: the same as that, conditioned."""
    _, traces, items = world(5, 60, seed, own=np.zeros((3, 3)))
    found = Progressive.fit(STAGES, traces, np.zeros(len(traces)), items)
    covariance = traces.T @ traces / len(traces)
    gain = np.linalg.solve(covariance[:stage, :stage], covariance[:stage, 2])
    told = found.told(tuple(traces[0, :stage]), 0.0)
    share = float(gain @ covariance[:stage, 2] / covariance[2, 2])
    assert told.known == pytest.approx(share, abs=1e-5)
    assert told.rest * told.known == pytest.approx(float(gain @ traces[0, :stage]), abs=1e-5)
    noise = covariance[2, 2] * (1 - share) / share + covariance[2, 2]  # of what is measured, and of an outcome
    assert told.known == pytest.approx(covariance[2, 2] / noise, abs=1e-5)


def test_what_was_expected_by_a_stage_is_taken_off() -> None:
    rng = np.random.default_rng(0)
    bases = rng.uniform(0.1, 0.5, 4_000)
    early = rng.normal(size=4_000)
    traces = np.stack([0.25 * bases + early, 0.5 * bases + early, bases + early + rng.normal(size=4_000)], axis=1)
    found = Progressive.fit(STAGES, traces, bases, np.arange(4_000) % 50)
    assert [one.expected for one in found.stages] == pytest.approx([0.25, 0.5, 1.0], abs=0.1)
    told = found.told((0.25 * 0.3 + 1.0,), 0.3)
    assert told.rest * told.known == pytest.approx(1.0, abs=0.05)
    assert told.known == pytest.approx(0.5, abs=0.03)


def test_every_stage_says_more_and_the_last_is_the_outcome() -> None:
    _, traces, items = world(200, 20, 5)
    found = Progressive.fit(STAGES, traces, np.zeros(len(traces)), items)
    assert (np.diff([one.known for one in found.stages]) > 0).all()
    assert found.told((0.3, 0.2, 0.7), 0.1) == pytest.approx((0.6, 1.0, 0.0))


def test_what_items_have_in_common_is_found_again_and_chance_is_none_of_it() -> None:
    rng = np.random.default_rng(3)
    items = np.repeat(np.arange(400), 12)
    noise = rng.normal(size=len(items))
    assert between(rng.normal(0, 0.5, 400)[items] + noise, items) == pytest.approx(0.25, abs=0.04)
    assert between(noise, items) < 0.01
    assert between(noise[:5], np.arange(5)) == between(noise[:5], np.zeros(5, np.int64)) == 0.0


def test_where_clicks_lead_to_other_things_elsewhere_many_of_them_say_less() -> None:
    bait, same = (
        Progressive.fit(STAGES, traces, np.zeros(len(traces)), items)
        for _, traces, items in (world(400, 20, 1), world(400, 20, 1, own=0.1 * WITHIN))
    )
    ones, at = np.ones((500, 3)), np.ones(500, np.int64)
    assert gathered(model_of(bait), ones, at)[0] < 0.5 * gathered(model_of(same), ones, at)[0]
    assert gathered(model_of(bait), ones, at)[0] <= 1 / bait.stages[0].doubt ** 2


def test_stages_at_which_nothing_ever_happens_say_nothing() -> None:
    rng = np.random.default_rng(1)
    traces = np.stack([np.zeros(40), np.zeros(40), rng.normal(size=40)], axis=1)
    found = Progressive.fit(STAGES, traces, np.zeros(40), np.arange(40) % 8)
    assert found.told((0.0,), 0.0) == (0.0, 0.0, 0.0)
    assert gathered(model_of(found), np.zeros((3, 3)), np.full(3, 2)) == (0.0, 0.0)


def test_what_foretells_nothing_is_refused() -> None:
    for n in (0, 3):
        with pytest.raises(InvalidData, match=f"{n} traces"):
            Progressive.fit(STAGES, np.zeros((n, 3)), np.zeros(n), np.zeros(n, np.int32))


@pytest.mark.slow
@pytest.mark.parametrize(("own", "gain"), [(OWN, 0), (0.1 * WITHIN, 12)], ids=["bait", "same"])
def test_with_short_signals_the_best_item_is_found_sooner(own: Doubles, gain: int) -> None:
    """After two days nobody has bought yet; what was clicked and looked at tells much of it all the same. Where it
    tells something else of every item, it does no harm."""
    past = world(60, 20, 99, own)
    staged = model_of(Progressive.fit(STAGES, past[1], np.zeros(len(past[1])), past[2]))
    hits = {"short": 0, "long": 0}
    for seed in range(120):
        truth, traces, items = world(8, 20, seed, own)
        stages = np.where(np.arange(20) < 2, 3, 2)  # two of twenty are a week old
        by_item = [traces[items == item] for item in range(8)]
        best = truth[:, 2].argmax()
        for name, known in (("short", stages), ("long", np.where(stages == 3, 3, 0))):
            sums = np.array([gathered(staged, one, known) for one in by_item])
            hits[name] += (sums[:, 1] / (10.0 + sums[:, 0])).argmax() == best
    assert hits["short"] >= hits["long"] + gain, hits
