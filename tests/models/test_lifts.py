"""Lifts by hand: what is expected, and how far counts are believed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from zhiyin.data.dataset import build_dataset
from zhiyin.models.base import Run
from zhiyin.models.context import ContextRecipe
from zhiyin.models.lifts import HABIT, SHAPES, mixture_of, posterior_mean
from zhiyin.testing.encoders import HashEncoder
from zhiyin.types import Event, Item

MONDAY = datetime(2026, 6, 1, tzinfo=UTC)


def test_what_is_expected_is_what_its_people_are_used_to() -> None:
    """One person takes bread on 100 mornings, and milk on 50 of them and on 50 evenings."""
    events = [
        Event("u", item, "like", MONDAY + timedelta(days=day, hours=hour))
        for day in range(100)
        for item, hour in (("bread", 8), ("milk", 8 if day % 2 else 20))
    ]
    data = build_dataset([Item("bread"), Item("milk")], events)
    model = ContextRecipe().fit(data, Run(HashEncoder()))
    mornings = 150.0
    share = (mornings + HABIT * mornings / 200.0) / (200.0 + HABIT)
    counts, expected = np.array([100.0, 0.0]), np.array([100.0 * share, 100.0 * (1 - share)])
    others, usual = np.array([50.0, 50.0]), np.array([100.0 * share, 100.0 * (1 - share)])
    n, e = np.concatenate([counts, others]), np.concatenate([expected, usual])
    by_hand = np.log(posterior_mean(n, e, mixture_of(n, e)))
    rows = data.items.rows(["bread", "milk"])
    parts = [value for field, value in model.values if field == "@part"]
    assert parts == ["morning", "evening"]
    wanted = np.where(np.abs(by_hand) < 0.02, 0.0, by_hand).reshape(2, 2)
    assert pytest.approx(wanted, abs=1e-5) == model.lifts[[0, 1]].toarray()[:, rows].T


def test_shapes_are_mixed_by_how_likely_they_make_the_counts() -> None:
    """A negative binomial of another library gives the same posterior."""
    n, expected = np.array([0.0, 3.0, 40.0]), np.array([2.0, 2.0, 20.0])
    weights = np.full(len(SHAPES), 1 / len(SHAPES))
    likelihood = stats.nbinom.pmf(n[:, None], SHAPES, SHAPES / (SHAPES + expected[:, None]))
    means = (n[:, None] + SHAPES) / (expected[:, None] + SHAPES)
    wanted = (likelihood * means).sum(axis=1) / likelihood.sum(axis=1)
    assert posterior_mean(n, expected, weights) == pytest.approx(wanted, rel=1e-4)


def test_counts_of_chance_are_not_believed_and_planted_ones_are() -> None:
    rng = np.random.default_rng(3)
    expected = rng.gamma(2.0, 10.0, 4_000)
    noise = rng.poisson(expected).astype(np.float64)
    means = posterior_mean(noise, expected, mixture_of(noise, expected))
    assert np.abs(np.log(means)).mean() < 0.02
    lifts = np.where(np.arange(4_000) < 40, 3.0, 1.0)
    told = rng.poisson(expected * lifts).astype(np.float64)
    means = posterior_mean(told, expected, mixture_of(told, expected))
    much = expected[:40] > 20
    assert np.median(means[:40][much]) == pytest.approx(3.0, rel=0.1)
    assert np.abs(np.log(means[40:])).mean() < 0.05


@given(
    st.lists(st.tuples(st.integers(0, 200), st.floats(0.01, 200.0)), min_size=1, max_size=20),
    st.integers(0, 1_000),
)
def test_a_mean_lies_between_what_is_usual_and_what_was_counted(
    counts: list[tuple[int, float]], seed: int
) -> None:
    n, expected = (np.array(column, np.float64) for column in zip(*counts, strict=True))
    weights = np.random.default_rng(seed).dirichlet(np.ones(len(SHAPES)))
    means, ratio = posterior_mean(n, expected, weights), n / expected
    assert (means >= np.minimum(ratio, 1.0) - 1e-6).all()
    assert (means <= np.maximum(ratio, 1.0) + 1e-6).all()
