"""The prior is found again in worlds made of it; with it new people and new items begin better."""

from __future__ import annotations

import numpy as np
import pytest

from zhiyin.errors import InvalidData
from zhiyin.policies.belief import Items, person_of
from zhiyin.policies.fitting import FittedPrior, Outcomes, fit_prior
from zhiyin.policies.gaussian import Gaussian

D, N_ITEMS, N_USERS, EACH = 4, 120, 400, 15
MEAN = np.array([0.3, -0.2, 0.0, 0.1])
S = np.diag([0.5, 0.2, 0.05, 0.01])
W = np.array([0.5, 0.0, -0.4, 0.2])
NOISE, AROUND = 0.3, 0.1
KINDS = (np.arange(N_ITEMS) % 2).astype(np.int32)


class World:
    """Texts tell of the items of kind 0, and say nothing of those of kind 1."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.z = rng.standard_normal((N_ITEMS, D))
        around = rng.normal(0, np.sqrt(AROUND), N_ITEMS)
        told = self.z @ W
        self.b = np.where(KINDS == 0, told, rng.permutation(told)) + around
        self.theta = rng.multivariate_normal(MEAN, S, N_USERS)
        users = np.repeat(np.arange(N_USERS), EACH).astype(np.int32)
        items = rng.integers(0, N_ITEMS, len(users)).astype(np.int32)
        moment = rng.standard_normal(len(users))
        rewards = 0.7 + 0.25 * moment + self.b[items] + (self.theta[users] * self.z[items]).sum(axis=1)
        rewards += rng.normal(0, np.sqrt(NOISE), len(users))
        self.outcomes = Outcomes(users, items, np.c_[np.ones(len(users)), moment], rewards)


@pytest.fixture(scope="module")
def world() -> World:
    return World(1)


@pytest.fixture(scope="module")
def fitted(world: World) -> FittedPrior:
    return fit_prior(world.outcomes, world.z, KINDS)


def test_people_noise_and_what_is_known_before_are_found_again(fitted: FittedPrior) -> None:
    prior = fitted.prior
    assert not prior.people.mean.any(), "what all have in common is left to the items"
    assert np.diag(prior.people.covariance) == pytest.approx(np.diag(S), abs=0.12)
    assert prior.noise == pytest.approx(NOISE, rel=0.1)
    assert fitted.base[1] == pytest.approx(0.25, abs=0.03)


def test_a_text_counts_where_it_tells_and_nothing_where_it_does_not(fitted: FittedPrior) -> None:
    telling, silent = fitted.prior.pseudo
    assert telling >= 1.0
    assert silent < telling / 2


@pytest.mark.slow
def test_a_new_person_is_known_sooner_from_what_people_are_like(world: World, fitted: FittedPrior) -> None:
    """Squared error of what is expected of 5 further items, after k events; beside a prior that knows nobody."""
    items = _items_of(world, fitted)
    rng = np.random.default_rng(9)
    flat = Gaussian.alike(D, float(np.trace(S)) / D)
    for k in (1, 3, 5):
        errors = np.zeros(2)
        for _ in range(200):
            theta = rng.multivariate_normal(MEAN, S)
            rows = rng.choice(N_ITEMS, k + 5, replace=False).astype(np.int32)
            worth = world.b[rows] + world.z[rows] @ theta
            seen, asked = rows[:k], rows[k:]
            rests = worth[:k] + rng.normal(0, np.sqrt(NOISE), k)
            learned = person_of(items, seen, rests, np.ones(k))
            mean, variance = items.believed(seen)
            other = flat.updated_by_all(world.z[seen], rests - mean, NOISE + variance)
            for n, person in enumerate((learned, other)):
                expected = items.believed(asked)[0] + person.expected(world.z[asked])
                errors[n] += ((expected - worth[k:]) ** 2).sum()
        assert errors[0] < 0.9 * errors[1], k


def test_a_new_item_begins_where_its_text_predicts(world: World, fitted: FittedPrior) -> None:
    """Of kind 0, hidden from the fit: what is expected beats what is expected of any item."""
    hidden = np.flatnonzero((np.arange(N_ITEMS) % 10 == 0) & (KINDS == 0))
    kept = ~np.isin(world.outcomes.items, hidden)
    some = Outcomes(*(column[kept] for column in _columns(world.outcomes)))
    again = fit_prior(some, world.z, KINDS, rounds=8)
    items = Items.unseen(again.prior, world.z, KINDS).seen_all(
        some.items, _rests(some, again), np.ones(kept.sum())
    )
    expected = items.believed(hidden.astype(np.int32))[0] + world.z[hidden] @ again.prior.people.mean
    truth = world.b[hidden] + world.z[hidden] @ MEAN
    assert np.mean((expected - truth) ** 2) < 0.5 * np.var(truth)


def test_few_people_or_one_do_not_make_the_prior_singular(world: World) -> None:
    one = Outcomes(*(column[:3] for column in _columns(world.outcomes)))
    prior = fit_prior(one, world.z, KINDS).prior
    assert np.linalg.eigvalsh(prior.people.covariance).min() > 0
    assert min(prior.noise, prior.spread) > 0


def test_without_outcomes_there_is_nothing_to_learn(world: World) -> None:
    with pytest.raises(InvalidData, match="log recommendations"):
        fit_prior(Outcomes(*(column[:0] for column in _columns(world.outcomes))), world.z, KINDS)


def _items_of(world: World, fitted: FittedPrior) -> Items:
    items = Items.unseen(fitted.prior, world.z, KINDS)
    return items.seen_all(world.outcomes.items, _rests(world.outcomes, fitted), np.ones(len(world.outcomes.items)))


def _rests(outcomes: Outcomes, fitted: FittedPrior) -> np.ndarray:
    return outcomes.rewards - outcomes.features @ fitted.base


def _columns(outcomes: Outcomes) -> tuple[np.ndarray, ...]:
    return outcomes.users, outcomes.items, outcomes.features, outcomes.rewards
