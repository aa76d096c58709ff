"""A budget of regret: kept at every place and over every list, by hand, by law and by draws."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise, permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq

from zhiyin.data.dataset import Doubles
from zhiyin.data.vocabulary import key_of
from zhiyin.policies.base import Adjustment, Noise, Policy, Unadjusted
from zhiyin.policies.budget import COLDEST, HOTTEST, SHORT, Budgeted, Plan, share_lost
from zhiyin.policies.greedy import Greedy
from zhiyin.policies.holdout import Holdout
from zhiyin.policies.seats import Seats
from zhiyin.policies.softmax import Softmax
from zhiyin.ranking.diversity import Diversity
from zhiyin.testing.policy_contract import KEYS, SCORES, PolicyContract, assert_draws_agree

law = settings(max_examples=60, deadline=None)
some_scores = st.lists(st.integers(-40, 40), min_size=2, max_size=6).map(lambda numbers: np.array(numbers) / 9.7)
budgets = st.sampled_from([0.001, 0.02, 0.1, 0.4, 0.9])
floors = st.sampled_from([0.0, 0.01, 0.2, 0.9])
POLICIES: dict[str, Policy] = {
    "a small budget": Budgeted(0.02, 0.01),
    "a large one": Budgeted(0.3, 0.0),
    "a floor that is too dear": Budgeted(0.05, 0.9),
    "with a holdout": Holdout(Budgeted(0.02, 0.01), 0.1),
    "with a bonus": Budgeted(0.1, 0.01, np.zeros(1)),
}


class TestBudgeted(PolicyContract):
    @pytest.fixture(params=POLICIES.values(), ids=POLICIES)
    def policy(self, request: pytest.FixtureRequest) -> Policy:
        return request.param

    @pytest.mark.slow
    def test_draws_agree_with_the_logged_probabilities(self, policy: Policy) -> None:
        assert_draws_agree(policy, 1_000)  # a plan a list: the others draw more

    @pytest.mark.slow
    def test_many_draws_agree_with_the_logged_probabilities(self, policy: Policy) -> None:
        assert_draws_agree(policy, 30_000)


def chances(policy: Policy, scores: Doubles, above: tuple[int, ...], adjustment: Adjustment) -> Doubles:
    """(k,) of the place below these, 0 for those that stand above."""
    logs = [policy.log_probs(scores, np.array([*above, pick]), adjustment)[-1] for pick in range(len(scores))]
    return np.exp(np.array(logs))


def test_the_temperature_is_that_at_which_the_first_place_loses_the_budget() -> None:
    def lost(temperature: float) -> float:
        worth = np.exp(SCORES - SCORES.max())
        chance = chances(Softmax(temperature, 0.01), SCORES, (), Unadjusted(8))
        return 1.0 - float(chance @ worth)

    plan = Plan.of(Budgeted(0.05, 0.01), SCORES, 1, Unadjusted(8))
    exact = brentq(lambda temperature: lost(temperature) - 0.05, 0.01, 1.0)
    assert plan.temperatures[0] == pytest.approx(exact, rel=SHORT)
    assert 0.05 * (1 - SHORT) <= lost(float(plan.temperatures[0])) <= 0.05


def test_two_candidates_by_hand() -> None:
    """Of two with worths 1 and 1/2, the lesser is shown so often that half of it is the budget."""
    scores = np.log(np.array([2.0, 1.0]))
    chance = chances(Budgeted(0.1, 0.0), scores, (), Unadjusted(2))
    assert chance[1] * 0.5 == pytest.approx(0.1, rel=SHORT)


@law
@given(scores=some_scores, budget=budgets, floor=floors, data=st.data())
def test_no_place_below_whatever_beginning_gives_up_more_than_the_budget_of_what_greedy_has_there(
    scores: Doubles, budget: float, floor: float, data: st.DataObject
) -> None:
    k = len(scores)
    above = tuple(data.draw(st.permutations(range(k)))[: data.draw(st.integers(0, k - 1))])
    chance = chances(Budgeted(budget, floor), scores, above, Unadjusted(k))
    of_greedy = np.exp(np.sort(scores)[::-1][len(above)])
    assert chance @ np.exp(scores) >= (1 - budget) * of_greedy * (1 - 1e-9)


@law
@given(scores=some_scores, budget=budgets, floor=floors, data=st.data())
def test_a_budget_that_is_kept_for_exponentials_is_kept_for_clicks_of_any_rate(
    scores: Doubles, budget: float, floor: float, data: st.DataObject
) -> None:
    rate = data.draw(st.sampled_from([-6.0, -2.0, 0.0, 3.0]))
    clicks = 1.0 / (1.0 + np.exp(-(scores + rate)))
    chance = chances(Budgeted(budget, floor), scores, (), Unadjusted(len(scores)))
    assert chance @ clicks >= (1 - budget) * clicks.max() * (1 - 1e-9)


@pytest.mark.slow
@settings(max_examples=20, deadline=None)
@given(scores=some_scores, budget=budgets, floor=floors, data=st.data())
def test_a_whole_list_keeps_the_budget_however_far_people_look(
    scores: Doubles, budget: float, floor: float, data: st.DataObject
) -> None:
    """All lists, each with its probability; the weights of places fall anyhow."""
    n = min(len(scores), 3)
    looks = np.sort(data.draw(st.lists(st.floats(0, 1), min_size=n, max_size=n)))[::-1] + 1e-3
    policy, free = Budgeted(budget, floor), Unadjusted(len(scores))
    lost = 0.0
    for order in permutations(range(len(scores)), n):
        chance = float(np.exp(policy.log_probs(scores, np.array(order), free).sum()))
        lost += chance * share_lost(scores, np.array(order), free, looks)
    assert -1e-9 <= lost <= budget + 1e-9


def market(seed: int, spread: float, k: int = 100) -> tuple[Doubles, Diversity, Doubles]:
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(k, 16)).astype(np.float32) + 0.8
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return rng.normal(2, spread, k), Diversity.of(vectors, 0.4), rng.uniform(0, 0.5, k)


def costs(
    policy: Policy, scores: Doubles, reward: Doubles, adjustment: Adjustment, draws: int
) -> tuple[float, float]:
    """The mean share that lists of ten lost, places weighted by 1 / place, and its standard error."""
    keys = np.array([key_of(str(n)) for n in range(len(scores))], np.uint64)
    orders = [policy.choose(scores, 10, Noise(key_of(f"l{n}"), keys), adjustment)[0] for n in range(draws)]
    lost = [share_lost(reward, order, adjustment, 1.0 / np.arange(1, 11)) for order in orders]
    return float(np.mean(lost)), float(np.std(lost) / np.sqrt(draws))


@pytest.mark.slow
@pytest.mark.parametrize("spread", [0.05, 0.5, 2.0])
def test_lists_with_diversity_keep_the_budget_in_draws(spread: float) -> None:
    scores, diversity, _ = market(1, spread)
    mean, error = costs(Budgeted(0.05, 0.01), scores, scores, diversity, 250)
    assert 0.0 < mean <= 0.05 + 3 * error
    warm, _ = costs(Softmax(1.0, 0.01), scores, scores, diversity, 100)
    assert warm > 0.05 or spread < 0.1, "at the temperature of scores themselves it would not be kept"


@pytest.mark.slow
def test_a_bonus_is_chosen_by_and_its_price_is_counted_without_it() -> None:
    scores, diversity, bonus = market(2, 0.5)
    policy = Budgeted(0.05, 0.0, bonus)
    mean, error = costs(policy, scores + bonus, scores, diversity, 300)
    assert mean <= 0.05 + 3 * error
    plain = chances(Budgeted(0.05, 0.0), scores, (), diversity)
    curious = chances(policy, scores + bonus, (), diversity)
    assert curious @ bonus > 1.2 * (plain @ bonus), "the same budget buys more of what is not known"
    worth = np.exp(scores - scores.max())
    assert curious @ worth >= 0.95 * (1 - 1e-9)


def test_a_bonus_that_nobody_can_afford_is_mixed_with_the_best() -> None:
    scores, bonus = np.array([0.0, -3.0, -3.1]), np.array([0.0, 50.0, 0.0])
    chance = chances(Budgeted(0.02, 0.0, bonus), scores + bonus, (), Unadjusted(3))
    assert chance[1] * (1 - np.exp(-3.0)) == pytest.approx(0.02)
    assert chance[0] == pytest.approx(1 - chance[1])


def test_a_floor_that_costs_more_than_the_budget_is_lowered_and_the_rest_is_greedy() -> None:
    scores = np.array([0.0, -40.0, -40.0, -40.0])
    plan = Plan.of(Budgeted(0.03, 0.2), scores, 1, Unadjusted(4))
    assert plan.floors[0] == pytest.approx(0.03 / 0.75)
    assert plan.temperatures[0] == COLDEST
    assert chances(Budgeted(0.03, 0.2), scores, (), Unadjusted(4))[1:] == pytest.approx([0.01] * 3)


def test_where_all_are_alike_chance_costs_nothing_and_it_never_gets_hotter_than_what_is_expected() -> None:
    plan = Plan.of(Budgeted(0.02, 0.01), np.zeros(5), 5, Unadjusted(5))
    assert (plan.temperatures == HOTTEST).all()
    chance = chances(Budgeted(0.9, 0.0), np.log([4.0, 1.0]), (), Unadjusted(2))
    assert chance == pytest.approx([0.8, 0.2])


@law
@given(scores=some_scores, floor=floors)
def test_a_larger_budget_is_never_colder(scores: Doubles, floor: float) -> None:
    plans = [Plan.of(Budgeted(budget, 0.0), scores, 2, Unadjusted(len(scores))) for budget in (0.01, 0.05, 0.2)]
    for less, more in pairwise(plans):
        assert (more.temperatures >= less.temperatures * (1 - 1e-9)).all()


def test_a_pin_costs_nothing_and_closed_places_end_the_list_as_ever() -> None:
    pinned = Seats.pinned(Unadjusted(8), 8, {1: 6})
    policy = Budgeted(0.02, 0.01)
    order, logged = policy.choose(SCORES, 4, Noise(5, KEYS), pinned)
    assert order[1] == 6
    assert logged[1] == 0.0
    closed = Seats(Unadjusted(8), np.repeat([False, True], 4).reshape(2, 4).repeat(2, axis=1))
    order, logged = policy.choose(SCORES, 4, Noise(5, KEYS), closed)
    assert len(order) == len(logged) == 1
    np.testing.assert_allclose(policy.log_probs(SCORES, order, closed), logged)


def test_what_a_list_cost_is_counted_by_hand() -> None:
    scores = np.log(np.array([4.0, 3.0, 2.0, 1.0]))
    free = Unadjusted(4)
    assert share_lost(scores, np.array([0, 1]), free) == pytest.approx(0.0)
    assert share_lost(scores, np.array([1, 0]), free) == pytest.approx(0.0)
    assert share_lost(scores, np.array([0, 2]), free) == pytest.approx(1 / 7)
    assert share_lost(scores, np.array([1, 0]), free, np.array([1.0, 0.5])) == pytest.approx(1 - 5.0 / 5.5)
    twins = Diversity(np.array([[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]) * -np.log(6.0))
    assert share_lost(scores, Greedy().choose(scores, 3, Noise(0, KEYS[:4]), twins)[0], twins) == pytest.approx(0)
    assert share_lost(scores, np.array([0, 1]), twins) == pytest.approx(1 - 4.5 / 6.0)
    assert share_lost(np.zeros(0), np.zeros(0, np.int64), Unadjusted(0)) == 0.0


def test_scores_that_are_times_are_shown_as_greedy_shows_them() -> None:
    scores = np.array([1.7e9, 1.6e9, 1.5e9])
    order, logged = replace(POLICIES["a small budget"], floor=0.0).choose(  # type: ignore[type-var]
        scores, 3, Noise(1, KEYS[:3]), Unadjusted(3)
    )
    assert order.tolist() == [0, 1, 2]
    assert not logged.any()
