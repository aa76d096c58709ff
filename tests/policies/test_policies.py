"""Every policy against the contract: a new one is one more line in `POLICIES`. Then each by hand."""

import numpy as np
import pytest
from scipy import stats

from zhiyin.data.vocabulary import key_of
from zhiyin.policies.base import Noise, Policy, Unadjusted, _mixed
from zhiyin.policies.chance import EpsilonGreedy, Uniform
from zhiyin.policies.greedy import Greedy
from zhiyin.policies.holdout import Holdout
from zhiyin.policies.inverse_gap import InverseGap
from zhiyin.policies.mixing import warmed
from zhiyin.policies.softmax import Softmax
from zhiyin.ranking.diversity import Diversity
from zhiyin.testing.policy_contract import KEYS, SCORES, PolicyContract, alike

POLICIES: dict[str, Policy] = {
    "greedy": Greedy(),
    "softmax": Softmax(0.1, 0.0),
    "softmax with a floor": Softmax(0.1, 0.2),
    "nearly by chance": Softmax(5.0, 0.05),
    "epsilon-greedy": EpsilonGreedy(0.2),
    "inverse gaps": InverseGap(20.0, 0.0),
    "inverse gaps with a floor": InverseGap(20.0, 0.1),
    "chance alone": Uniform(),
    "greedy with a holdout": Holdout(Greedy(), 0.3),
    "softmax with a holdout": Holdout(Softmax(0.1, 0.02), 0.1),
    "an adaptive softmax, of a list": warmed(Holdout(Softmax(0.2, 0.02, adaptive=True), 0.1), 0.4),
}


class TestPolicies(PolicyContract):
    @pytest.fixture(params=POLICIES.values(), ids=POLICIES)
    def policy(self, request: pytest.FixtureRequest) -> Policy:
        return request.param


def test_greedy_shows_the_best_first() -> None:
    order, logged = Greedy().choose(SCORES, 4, Noise(0, KEYS), Unadjusted(8))
    assert order.tolist() == [2, 5, 0, 3]
    assert not logged.any()


def test_greedy_steps_over_a_twin() -> None:
    twins = Diversity(np.array([[1, 1, 0], [1, 1, 0], [0, 0, 1]]) * -0.5)
    order, _ = Greedy().choose(np.array([1.0, 0.9, 0.6]), 3, Noise(0, KEYS[:3]), twins)
    assert order.tolist() == [0, 2, 1]


def test_greedy_breaks_ties_by_the_key_of_the_item() -> None:
    order, _ = Greedy().choose(np.ones(8), 8, Noise(0, KEYS), Unadjusted(8))
    assert order.tolist() == np.argsort(KEYS).tolist()


def test_greedy_would_not_have_shown_another_order() -> None:
    assert Greedy().log_probs(SCORES, np.array([5, 2]), Unadjusted(8)).tolist() == [-np.inf, 0.0]


def test_softmax_gives_a_place_in_proportion_to_the_exponential_of_the_score() -> None:
    scores = np.array([0.0, np.log(2.0), np.log(5.0)])
    logged = Softmax(1.0, 0.0).log_probs(scores, np.array([2, 0, 1]), Unadjusted(3))
    assert np.exp(logged) == pytest.approx([5 / 8, 1 / 3, 1.0])


def test_a_floor_mixes_chance_into_every_place() -> None:
    scores = np.array([0.0, np.log(2.0), np.log(5.0)])
    logged = Softmax(1.0, 0.3).log_probs(scores, np.array([2, 0, 1]), Unadjusted(3))
    assert np.exp(logged) == pytest.approx([0.7 * 5 / 8 + 0.3 / 3, 0.7 / 3 + 0.3 / 2, 1.0])


@pytest.mark.parametrize("scores", [SCORES, SCORES * 1e6, np.array([1e9, -1e9, 0.0])])
def test_with_a_floor_nobody_is_left_out(scores: np.ndarray) -> None:
    policy = Softmax(0.1, 0.2)
    above: list[int] = []
    for left in range(len(scores), 0, -1):
        for pick in set(range(len(scores))) - set(above):
            chance = np.exp(policy.log_probs(scores, np.array([*above, pick]), alike(len(scores)))[-1])
            assert chance >= 0.2 / left - 1e-12
        above.append(left - 1)


def test_scores_far_apart_leave_a_chance_of_zero_and_no_warning() -> None:
    policy = Softmax(0.01, 0.0)
    scores = np.array([0.0, 1e4])
    assert policy.log_probs(scores, np.array([0, 1]), Unadjusted(2)).tolist() == [-np.inf, 0.0]
    order, logged = policy.choose(scores, 2, Noise(1, KEYS[:2]), Unadjusted(2))
    assert order.tolist() == [1, 0]
    assert logged.tolist() == [0.0, 0.0]


def test_noise_is_uniform() -> None:
    keys = np.array([key_of(f"item {n}") for n in range(40_000)], np.uint64)
    for draw, place in [(0, 0), (1, 0), (key_of("list"), 0), (key_of("list"), 7)]:
        assert stats.kstest(Noise(draw, keys).at(place), "uniform").pvalue > 0.001


@pytest.mark.slow
def test_noise_of_one_item_is_uniform_over_lists_and_places() -> None:
    key = np.array([key_of("item")], np.uint64)
    over_lists = [Noise(key_of(f"list {n}"), key).at(0)[0] for n in range(8_000)]
    over_places = [Noise(key_of("list"), key).at(place)[0] for place in range(8_000)]
    assert stats.kstest(over_lists, "uniform").pvalue > 0.001
    assert stats.kstest(over_places, "uniform").pvalue > 0.001


@pytest.mark.parametrize(
    ("first", "second"), [((5, 0), (5, 1)), ((5, 0), (6, 0)), ((5, 3), (4, 3)), ((8, 1), (8, 9))]
)
def test_noise_of_two_places_or_lists_is_independent(first: tuple[int, int], second: tuple[int, int]) -> None:
    keys = np.array([key_of(f"item {n}") for n in range(40_000)], np.uint64)
    a, b = Noise(first[0], keys).at(first[1]), Noise(second[0], keys).at(second[1])
    together, *_ = np.histogram2d(a, b, bins=8, range=[[0, 1], [0, 1]])
    assert stats.chisquare(together.ravel()).pvalue > 0.001


def test_noise_never_reaches_zero_or_one() -> None:
    for extreme in (0, 2**64 - 1):
        key = unscrambled(extreme) ^ _mixed(7 ^ 1)
        (noise,) = Noise(7, np.array([key], np.uint64)).at(0)
        assert 0.0 < noise < 1.0
        assert abs(noise - round(noise)) < 1e-15  # the ends indeed


def unscrambled(value: int) -> int:
    """The number that SplitMix64 scrambles to `value`: its steps backwards."""
    whole = 2**64
    value ^= (value >> 31) ^ (value >> 62)
    value = value * pow(0x94D049BB133111EB, -1, whole) % whole
    value ^= (value >> 27) ^ (value >> 54)
    value = value * pow(0xBF58476D1CE4E5B9, -1, whole) % whole
    value ^= (value >> 30) ^ (value >> 60)
    return (value - 0x9E3779B97F4A7C15) % whole


def test_noise_does_not_know_which_others_there_are() -> None:
    assert np.array_equal(Noise(9, KEYS[2:5]).at(1), Noise(9, KEYS).at(1)[2:5])
