"""How far a text's guess is trusted: by hand, and in bandits whose guesses are more and more often wrong."""

from __future__ import annotations

import numpy as np
import pytest

from zhiyin.policies.belief import Items, Prior
from zhiyin.policies.gate import LADDER, HeldOut, pseudo_observations
from zhiyin.policies.gaussian import Gaussian

NOISE, SPREAD = 0.2, 0.05  # of a click, and of items
ROUNDS, SEEDS = 600, 5


def held_out(guesses: np.ndarray, means: np.ndarray, kinds: np.ndarray) -> HeldOut:
    return HeldOut(guesses, means, np.full(len(guesses), 20.0), kinds.astype(np.int32))


def test_a_guess_counts_by_kind_much_where_it_is_right_and_nothing_where_it_misleads() -> None:
    rng = np.random.default_rng(0)
    truth = rng.normal(0, np.sqrt(SPREAD), 400)
    means = truth + rng.normal(0, np.sqrt(NOISE / 20), 400)
    kinds = np.repeat(np.arange(4), 100)
    wrong = [truth, truth + rng.normal(0, 0.2, 400), rng.permutation(truth), -truth]
    guesses = np.choose(kinds, wrong)
    right, blurred, chance, flipped = pseudo_observations(held_out(guesses, means, kinds), 4, NOISE, SPREAD)
    assert right == LADDER[-1]
    assert 0.0 < blurred < right
    assert chance == flipped == 0.0


def test_a_kind_of_which_nothing_is_held_out_trusts_nothing() -> None:
    held = held_out(np.array([0.1]), np.array([0.1]), np.array([1]))
    assert pseudo_observations(held, 3, NOISE, SPREAD).tolist() == [0.0, 0.0, 0.0]


def world(flipped: float, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """(n,) what items are worth over .4, and what is guessed of it; a share has the sign turned."""
    worth = np.clip(rng.normal(0, np.sqrt(SPREAD), n), -0.35, 0.55)
    return worth, np.where(rng.random(n) < flipped, -worth, worth)


def earned(pseudo: float, worth: np.ndarray, guesses: np.ndarray, seed: int) -> int:
    """Clicks of Thompson's rule in ROUNDS rounds; the same luck for every prior."""
    prior = Prior(
        Gaussian(np.ones(1), np.zeros((1, 1))), Gaussian.alike(1, 0.0), NOISE, SPREAD, np.array([pseudo])
    )
    items = Items.unseen(prior, guesses[:, None], np.zeros(len(worth), np.int32))
    rows, rng, clicks = np.arange(len(worth), dtype=np.int32), np.random.default_rng(seed), 0
    for _ in range(ROUNDS):
        mean, variance = items.believed(rows)
        pick = int((mean + np.sqrt(variance) * rng.standard_normal(len(worth))).argmax())
        click = rng.random() < 0.4 + worth[pick]
        clicks += click
        items = items.seen(pick, float(click) - 0.4)
    return clicks


def clicks_of(flipped: float, pseudo: float | None) -> int:
    """Over SEEDS worlds; None: as the gate says of 60 other items with 20 outcomes each."""
    total = 0
    for seed in range(SEEDS):
        rng = np.random.default_rng(seed)
        worth, guesses = world(flipped, 60, rng)
        means = rng.binomial(20, 0.4 + worth) / 20 - 0.4
        kappa = pseudo_observations(held_out(guesses, means, np.zeros(60)), 1, NOISE, SPREAD)[0]
        total += earned(kappa if pseudo is None else pseudo, *world(flipped, 30, rng), seed)
    return total


@pytest.mark.slow
@pytest.mark.parametrize("flipped", [0.0, 0.2, 0.4, 0.6])
def test_with_so_many_guesses_flipped_a_gated_prior_is_never_two_percent_worse_than_none(flipped: float) -> None:
    gated, cold = clicks_of(flipped, None), clicks_of(flipped, 0.0)
    assert gated >= 0.98 * cold
    if flipped == 0.0:
        assert gated >= 1.03 * cold, "a right guess pays"


@pytest.mark.slow
def test_without_the_gate_a_misleading_guess_costs() -> None:
    assert clicks_of(0.8, 64.0) < 0.95 * clicks_of(0.8, 0.0)
