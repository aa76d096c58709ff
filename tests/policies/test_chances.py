"""Each policy of chance by hand, Thompson by a second implementation, and what may stand where."""

from __future__ import annotations

from collections import Counter
from itertools import permutations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from zhiyin.data.vocabulary import key_of
from zhiyin.policies.base import Adjustment, Noise, Policy, Unadjusted
from zhiyin.policies.chance import EpsilonGreedy, Uniform
from zhiyin.policies.greedy import Greedy
from zhiyin.policies.holdout import Holdout
from zhiyin.policies.inverse_gap import InverseGap
from zhiyin.policies.seats import AtMost, Seats
from zhiyin.policies.softmax import Softmax
from zhiyin.policies.thompson import CONTENDERS, Sampled, Thompson, best_of
from zhiyin.testing.policy_contract import KEYS, SCORES, alike, probability

FIRST = np.arange(8)[:, None]


def of_first_place(policy: Policy, scores: np.ndarray) -> np.ndarray:
    """(k,) by the public door alone."""
    k = len(scores)
    return np.exp([policy.log_probs(scores, FIRST[pick], Unadjusted(k))[0] for pick in range(k)])


def test_epsilon_greedy_gives_the_best_what_chance_does_not_take() -> None:
    assert of_first_place(EpsilonGreedy(0.4), np.array([1.0, 3.0, 2.0, 0.0])) == pytest.approx(
        [0.1, 0.7, 0.1, 0.1]
    )


def test_epsilon_greedy_shares_among_the_tied() -> None:
    assert of_first_place(EpsilonGreedy(0.0), np.array([3.0, 1.0, 3.0])) == pytest.approx([0.5, 0.0, 0.5])


def test_inverse_gap_is_squarecbs_choice() -> None:
    scores = np.array([0.5, 0.9, 0.7])
    behind = [1 / (3 + 10 * 0.4), 1 / (3 + 10 * 0.2)]
    assert of_first_place(InverseGap(10.0, 0.0), scores) == pytest.approx([behind[0], 1 - sum(behind), behind[1]])


def test_thompson_of_two_is_the_normal_distribution_of_their_difference() -> None:
    from scipy.stats import norm

    for gap, a, b in [(0.3, 1.0, 0.5), (2.0, 0.1, 3.0), (0.0, 1e-4, 1.0), (1.0, 0.0, 0.7)]:
        expected = norm.cdf(gap / np.hypot(a, b))
        assert best_of(np.array([gap, 0.0]), np.array([a, b]))[0] == pytest.approx(expected, abs=2e-3)


@given(st.lists(st.tuples(st.integers(-30, 30), st.integers(0, 20)), min_size=1, max_size=7))
@example([(13, 18), (13, 18), (15, 17), (16, 6), (25, 17), (18, 8)])  # nodes that differ by rounding alone
@example([(0, 0), (0, 0), (0, 0), (0, 1)])
def test_the_integral_of_thompson_is_the_share_of_many_samples(beliefs: list[tuple[int, int]]) -> None:
    means, sd = np.array(beliefs, float).T / 10.0
    n = 4_000
    draws = np.random.default_rng(3).standard_normal((n, len(means))) * sd
    share = Sampled(draws, 0.0).chances(means)
    assert best_of(means, sd) == pytest.approx(share, abs=0.045)  # 4.5 sigma of 4,000 draws, and the cells


def test_thompson_leaves_the_hopeless_to_the_floor() -> None:
    scores = np.append(np.zeros(CONTENDERS), np.full(10, -50.0))
    chances = Thompson(np.full(len(scores), 0.1), 0.1).chances(scores)
    assert chances[CONTENDERS:] == pytest.approx(0.1 / len(scores))
    assert chances[:CONTENDERS] == pytest.approx(0.9 / CONTENDERS + 0.1 / len(scores))


def test_thompson_knows_no_order_of_arrival_among_the_tied() -> None:
    scores, sd = np.zeros(3 * CONTENDERS), np.zeros(3 * CONTENDERS)
    assert Thompson(sd, 0.0).chances(scores) == pytest.approx(1 / (3 * CONTENDERS))


def test_what_is_best_in_no_sample_has_no_chance_but_the_floors() -> None:
    draws = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [2.0, 2.0, 0.0]])
    assert Sampled(draws, 0.0).chances(np.zeros(3)) == pytest.approx([1.5 / 4, 2.5 / 4, 0.0])
    assert Sampled(draws, 0.3).chances(np.zeros(3))[2] == pytest.approx(0.1)


class TestHoldout:
    policy = Holdout(Greedy(), 0.2)

    def test_what_the_policy_would_not_show_is_as_probable_as_chance_makes_it(self) -> None:
        best, other = np.array([2, 5]), np.array([2, 0])
        assert np.exp(self.policy.log_probs(SCORES, best, Unadjusted(8)).sum()) == pytest.approx(0.8 + 0.2 / 56)
        logs = np.exp(self.policy.log_probs(SCORES, other, Unadjusted(8)))
        assert logs == pytest.approx([0.8 + 0.2 / 8, (0.2 / 56) / (0.8 + 0.2 / 8)])

    def test_the_recommendation_id_says_which_lists_chance_draws(self) -> None:
        noises = [Noise(key_of(f"list {n}"), KEYS) for n in range(5_000)]
        held = [self.policy.by_chance(noise) for noise in noises]
        assert np.mean(held) == pytest.approx(0.2, abs=4.5 * np.sqrt(0.16 / 5_000))
        greedy = Greedy().choose(SCORES, 3, noises[0], Unadjusted(8))[0].tolist()
        for noise, by_chance in zip(noises[:300], held, strict=False):
            order, _ = self.policy.choose(SCORES, 3, noise, Unadjusted(8))
            chosen = (Uniform() if by_chance else Greedy()).choose(SCORES, 3, noise, Unadjusted(8))[0]
            assert order.tolist() == chosen.tolist()
            assert by_chance or order.tolist() == greedy

    def test_a_share_of_all_or_nothing_leaves_one_of_both(self) -> None:
        order = np.array([2, 0])
        assert Holdout(Greedy(), 1.0).log_probs(SCORES, order, Unadjusted(8)) == pytest.approx(-np.log([8, 7]))
        assert Holdout(Greedy(), 0.0).log_probs(SCORES, order, Unadjusted(8)).tolist() == [0.0, -np.inf]


EVERY: list[Policy] = [
    Greedy(),
    EpsilonGreedy(0.2),
    Softmax(0.2, 0.1),
    InverseGap(5.0, 0.05),
    Uniform(),
    Thompson(np.full(8, 0.2), 0.05),
    Sampled(np.random.default_rng(0).standard_normal((50, 8)), 0.1),
    Holdout(Softmax(0.2, 0.0), 0.3),
]


@pytest.mark.parametrize("policy", EVERY, ids=lambda policy: policy.name)
class TestSeats:
    def test_a_pin_stands_where_it_is_pinned_and_nowhere_above(self, policy: Policy) -> None:
        pinned = Seats.pinned(alike(8), 8, {2: 4})
        for draw in range(30):
            order, logs = policy.choose(SCORES, 5, Noise(draw, KEYS), pinned)
            assert order.tolist().index(4) == 2
            assert logs[2] == pytest.approx(0.0)
            np.testing.assert_allclose(policy.log_probs(SCORES, order, pinned), logs, atol=1e-9)
        assert policy.log_probs(SCORES, np.array([4]), pinned)[0] == -np.inf

    def test_no_more_of_a_kind_than_may_stand(self, policy: Policy) -> None:
        kinds = np.array([0, 0, 0, 0, 1, 1, -1, -1])
        for draw in range(30):
            order, logs = policy.choose(SCORES, 8, Noise(draw, KEYS), AtMost(Unadjusted(8), kinds, 1))
            assert sorted(kinds[order].tolist()) == [-1, -1, 0, 1]
            assert len(logs) == 4, "where nobody may stand the list ends"


def in_the_house() -> Adjustment:
    """Everything at once: twins cost, one of a kind may stand, the last candidate has the second place."""
    kinds = np.array([0, -1, -1, 0, -1])
    return AtMost(Seats.pinned(alike(5), 5, {1: 4}), kinds, 1)


@pytest.mark.slow
@pytest.mark.parametrize("policy", [Softmax(0.2, 0.1), Holdout(EpsilonGreedy(0.3), 0.2)], ids=lambda p: p.name)
def test_draws_under_constraints_agree_with_the_logged_probabilities(policy: Policy) -> None:
    assert_slates_agree(policy, 10_000)


@pytest.mark.slow
def test_a_million_draws_agree_with_the_logged_probabilities() -> None:
    assert_slates_agree(Softmax(0.2, 0.1), 1_000_000)


def assert_slates_agree(policy: Policy, n_draws: int) -> None:
    """Every list of three comes as often as the sum of its logged places says, within 4.5 sigma; all together are
    everything."""
    scores, adjustment = SCORES[:5], in_the_house()
    counts: Counter[tuple[int, ...]] = Counter()
    for draw in range(n_draws):
        order, _ = policy.choose(scores, 3, Noise(draw, KEYS[:5]), adjustment)
        counts[tuple(order.tolist())] += 1
    total = 0.0
    for slate in permutations(range(5), 3):
        chance = probability(policy, scores, slate, adjustment)
        total += chance
        sigma = np.sqrt(chance * (1.0 - chance) / n_draws)
        assert abs(counts[slate] / n_draws - chance) <= 4.5 * sigma + 1e-12, slate
    assert total == pytest.approx(1.0)
