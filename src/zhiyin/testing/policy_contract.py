"""What every policy must do: inherit `PolicyContract` in a test class and give a fixture `policy`.

@pytest.fixture(params=POLICIES)
def policy(request): return request.param

class TestPolicies(PolicyContract): ...
"""

from __future__ import annotations

from collections import Counter
from itertools import permutations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zhiyin.data.dataset import Doubles
from zhiyin.data.vocabulary import key_of
from zhiyin.policies.base import Adjustment, Noise, Policy, Unadjusted
from zhiyin.ranking.diversity import Diversity

KEYS = np.array([key_of(name) for name in "abcdefgh"], np.uint64)
SCORES = np.array([0.31, 0.05, 0.42, 0.2, -0.1, 0.38, 0.0, 0.11])
law = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
score_lists = st.lists(st.integers(-40, 40), min_size=1, max_size=8, unique=True).map(
    lambda numbers: np.array(numbers) / 7.3  # no ties, also after `alike`
)


def alike(k: int, strength: float = 0.3) -> Diversity:
    """Every second candidate is a twin of the one before it."""
    vectors = np.eye(k, dtype=np.float32)[np.arange(k) // 2 * 2]
    return Diversity.of(vectors, strength)


class PolicyContract:
    """Distinct places, probabilities that are those of what happens, noise that belongs to the item."""

    @law
    @given(scores=score_lists, n=st.integers(1, 12), draw=st.integers(0, 2**64 - 1))
    def test_the_places_are_distinct_and_their_probabilities_are_logged(
        self, policy: Policy, scores: Doubles, n: int, draw: int
    ) -> None:
        k = len(scores)
        for adjustment in (Unadjusted(k), alike(k)):
            order, logged = policy.choose(scores, n, Noise(draw, KEYS[:k]), adjustment)
            assert len(order) == len(logged) == min(n, k)
            assert len(set(order.tolist())) == len(order)
            assert (logged <= 1e-12).all()
            np.testing.assert_allclose(policy.log_probs(scores, order, adjustment), logged, atol=1e-9)

    @law
    @given(scores=score_lists, data=st.data())
    def test_the_probabilities_of_a_place_sum_to_one(
        self, policy: Policy, scores: Doubles, data: st.DataObject
    ) -> None:
        k = len(scores)
        above = data.draw(st.permutations(range(k)))[: data.draw(st.integers(0, k - 1))]
        total = 0.0
        for pick in set(range(k)) - set(above):
            order = np.array([*above, pick])
            total += float(np.exp(policy.log_probs(scores, order, alike(k))[-1]))
        assert total == pytest.approx(1.0)

    @law
    @given(scores=score_lists, data=st.data())
    def test_the_table_of_all_candidates_says_what_is_said_of_each(
        self, policy: Policy, scores: Doubles, data: st.DataObject
    ) -> None:
        k = len(scores)
        order = np.array(data.draw(st.permutations(range(k)))[: data.draw(st.integers(1, k))])
        table = policy.table(scores, order, alike(k))
        said = np.exp(policy.log_probs(scores, order, alike(k)))
        possible = np.append(True, np.cumprod(said[:-1]) > 0)  # places below what cannot be are nobody's
        np.testing.assert_allclose(table[np.arange(len(order)), order][possible], said[possible], atol=1e-12)
        np.testing.assert_allclose(table[possible].sum(axis=1), 1.0)

    def test_what_stands_above_cannot_stand_below(self, policy: Policy) -> None:
        order = np.array([2, 2])
        assert policy.log_probs(SCORES, order, Unadjusted(8))[1] == -np.inf

    @law
    @given(arrival=st.permutations(range(8)), draw=st.integers(0, 2**64 - 1))
    def test_the_order_in_which_candidates_arrive_does_not_matter(
        self, policy: Policy, arrival: list[int], draw: int
    ) -> None:
        here, there = alike(8), alike(8)
        there = Diversity(there.costs[np.ix_(arrival, arrival)])
        order, logged = policy.choose(SCORES, 8, Noise(draw, KEYS), here)
        moved, moved_logged = policy.choose(SCORES[arrival], 8, Noise(draw, KEYS[arrival]), there)
        assert [arrival[pick] for pick in moved] == order.tolist()
        np.testing.assert_allclose(moved_logged, logged, atol=1e-9)

    def test_a_longer_list_begins_like_a_shorter_one(self, policy: Policy) -> None:
        for draw in range(20):
            longer, _ = policy.choose(SCORES, 8, Noise(draw, KEYS), alike(8))
            shorter, _ = policy.choose(SCORES, 3, Noise(draw, KEYS), alike(8))
            assert shorter.tolist() == longer.tolist()[:3]

    def test_the_same_draw_gives_the_same_list(self, policy: Policy) -> None:
        lists = {tuple(policy.choose(SCORES, 8, Noise(3, KEYS), alike(8))[0]) for _ in range(5)}
        assert len(lists) == 1

    def test_no_candidates_give_no_places(self, policy: Policy) -> None:
        order, logged = policy.choose(np.zeros(0), 5, Noise(1, KEYS[:0]), Unadjusted(0))
        assert len(order) == len(logged) == 0

    def test_draws_agree_with_the_logged_probabilities(self, policy: Policy) -> None:
        assert_draws_agree(policy, 1_000)

    @pytest.mark.slow
    def test_many_draws_agree_with_the_logged_probabilities(self, policy: Policy) -> None:
        assert_draws_agree(policy, 300_000)


def assert_draws_agree(policy: Policy, n_draws: int) -> None:
    """Every ordered pair of five candidates, two of them twins, comes as often as its logged probability says,
    within 4.5 sigma."""
    scores, adjustment = SCORES[:5], alike(5)
    counts: Counter[tuple[int, ...]] = Counter()
    for draw in range(n_draws):
        order, _ = policy.choose(scores, 2, Noise(key_of(str(draw)), KEYS[:5]), adjustment)
        counts[int(order[0]), int(order[1])] += 1
    for pair in permutations(range(5), 2):
        chance = probability(policy, scores, pair, adjustment)
        sigma = np.sqrt(chance * (1.0 - chance) / n_draws)
        assert abs(counts[pair] / n_draws - chance) <= 4.5 * sigma + 1e-12


def probability(policy: Policy, scores: Doubles, order: tuple[int, ...], adjustment: Adjustment) -> float:
    return float(np.exp(policy.log_probs(scores, np.array(order), adjustment).sum()))
