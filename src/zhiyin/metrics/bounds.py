"""Intervals that hold for few acts, for heavy weights, or however often somebody looks.

`bernstein` needs to know how large an addend can be; `weighted` needs weights and rewards alone and holds at every
moment at once; `looked_at_often` is for means of many people, as of an experiment, and holds at every look;
`variance_of_gap` is what it needs to know of two variants.
"""

from __future__ import annotations

import numpy as np

from zhiyin.data.dataset import Doubles
from zhiyin.data.vocabulary import Rows
from zhiyin.errors import InvalidData
from zhiyin.metrics.intervals import LEVEL, Interval, resampled_means
from zhiyin.metrics.off_policy import Estimate, Logged, Predicted, ratios
from zhiyin.metrics.overlap import Moments

ERROR = 1 - LEVEL
NORMAL = 1.959963984540054  # standard errors that hold LEVEL of a normal distribution
BOLDEST = 0.75  # of what is staked on one addend
ALIKE = 100.0  # addends of either variant that are taken to vary as both together do
GUESSED = 10.0  # addends with a variance of 1 that are taken as seen before the first


def normal(estimate: Estimate, expected: float = 0.0, people: Rows | None = None) -> Interval:
    """As if the mean of the addends were normal. `expected`: the variance of an addend by what is known of both
    policies, which counts where it is more than what was seen: heavy weights are rare. `people` (n,): whose acts
    hang together (Liang & Zeger 1986)."""
    addends = estimate.addends
    n = len(addends)
    sums = _sums(addends - addends.mean(), people)[:, 0]
    seen = float((sums**2).sum()) / n * len(sums) / (len(sums) - 1) if len(sums) > 1 else 0.0
    half = NORMAL * float(np.sqrt(max(seen, expected) / n))
    return Interval(estimate.value, estimate.value - half, estimate.value + half)


def expected_variance(log: Logged, predicted: Predicted, moments: Moments) -> float:
    """Of an addend of `dr` (with predictions of 0: of `ips`), were its errors the same whatever is done."""
    errors = (log.rewards - predicted.of_act) ** 2
    return float(moments.second.mean() * errors.mean() + predicted.of_policy.var())


def expected_of_lists(errors: Doubles, second: Doubles, sure: Doubles) -> float:
    """The same of an addend that is `sure` (n,) and over places the weight times `errors` (n, L), whose weights
    have these second moments (n, L): the errors of two places taken as independent."""
    return float((second.mean(axis=0) * (errors**2).mean(axis=0)).sum() + sure.var())


def bootstrap(
    estimate: Estimate, rng: np.random.Generator, resamples: int = 2_000, people: Rows | None = None
) -> Interval:
    """Acts, or `people` (n,) with all of theirs, drawn with replacement (Efron 1979; Field & Welsh 2007), the
    percentiles of what each draw would have told."""
    n, places = len(estimate.base), estimate.top.reshape(len(estimate.base), -1).shape[1]
    parts = np.column_stack([np.ones(n), estimate.base, estimate.top, estimate.bottom])
    drawn = resampled_means(_sums(parts, people), rng, resamples)
    draws = drawn[:, 1] / drawn[:, 0] + ratios(drawn[:, 2 : 2 + places], drawn[:, 2 + places :]).sum(axis=1)
    low, high = np.quantile(draws, [ERROR / 2, 1 - ERROR / 2])
    return Interval(estimate.value, float(low), float(high))


def _sums(values: Doubles, people: Rows | None) -> Doubles:
    """(U, P) of everybody's rows of (n, P) values, those who come first first; each row alone without people."""
    values = values.reshape(len(values), -1)
    if people is None:
        return values
    sums = np.zeros((int(people.max(initial=-1)) + 1, values.shape[1]))
    np.add.at(sums, people, values)
    return sums


def bernstein(addends: Doubles, least: float, most: float, error: float = ERROR) -> Interval:
    """Of the mean of independent addends between `least` and `most`: the empirical Bernstein bound, which is tight
    where they vary little (Maurer & Pontil 2009, theorem 4, on both sides). Holds for every n >= 2."""
    n = len(addends)
    if n < 2:
        raise InvalidData(f"a Bernstein interval needs two acts or more, got {n}")
    if addends.min() < least or addends.max() > most:
        raise InvalidData(
            f"addends are to lie in [{least:g}, {most:g}], got [{addends.min():g}, {addends.max():g}]: widen it"
        )
    log = np.log(4.0 / error)
    mean = float(addends.mean())
    half = float(np.sqrt(2.0 * addends.var(ddof=1) * log / n) + 7.0 * (most - least) * log / (3.0 * (n - 1)))
    return Interval(mean, max(mean - half, least), min(mean + half, most))


def weighted(weights: Doubles, rewards: Doubles, error: float = ERROR) -> tuple[Doubles, Doubles]:
    """(n,) lower and upper bounds of the value of a policy after each act, that hold at all n together with
    probability 1 - `error`, and whatever the weights; narrowest after the last. Rewards lie in [0, 1].

    X = w r is never below 0, so a stake on it can only lose what is known: exp(l (X - x) - (X - x)^2 psi(l)),
    psi(l) = -log(1 - l) - l, x a mean of what came before, is at most 1 + l (mean - x) on average (Fan, Grama &
    Liu 2015), and by Ville's inequality the product of all of them stays below 1 / error. The upper bound is one
    minus the lower bound of w (1 - r). Empirical Bernstein sequences: Waudby-Smith & Ramdas 2024; for policies:
    Waudby-Smith et al. 2022, theorem 2.
    """
    if len(rewards) and (rewards.min() < 0 or rewards.max() > 1):
        raise InvalidData(f"rewards are to lie in [0, 1], got [{rewards.min():g}, {rewards.max():g}]: scale them")
    low = _from_below(weights * rewards, error / 2)
    high = 1.0 - _from_below(weights * (1.0 - rewards), error / 2)
    return low, np.maximum(high, low)


def weighted_lists(
    weights: Doubles, rewards: Doubles, *, endless: bool = False, error: float = ERROR
) -> tuple[Interval, Interval]:
    """What a list would earn, and how much more than it did, from (n, L) weights and rewards in [-1, 1], as
    `weighted` has it after the last of them. Lists need not be independent: each is only to be drawn, given all
    before it, with the probability that was logged. `endless`: stakes that do not know how many there will be, so
    that it may be asked again after every list (Waudby-Smith & Ramdas 2024, eq. 15), and is wider.
    """
    if rewards.min() < -1 or rewards.max() > 1:
        raise InvalidData(f"rewards are to lie in [-1, 1], got [{rewards.min():g}, {rewards.max():g}]: scale them")
    if rewards.min() < 0:  # seen as how far above -1
        value, gain = weighted_lists(weights, (rewards + 1.0) / 2.0, endless=endless, error=error)
        n = rewards.shape[1]
        return _scaled(value, 2.0, -float(n)), _scaled(gain, 2.0, 0.0)

    def least(addends: Doubles) -> float:
        """Of the mean over lists of the mean over places of addends that are at least 0, if it is below 1."""
        return float(_from_below(addends.mean(axis=1), error / 2, endless=endless)[-1])

    places, won, missed = rewards.shape[1], weights * rewards, weights * (1.0 - rewards)
    low, high = least(won), 1.0 - least(missed)
    less = 2.0 * least((won + 1.0 - rewards) / 2.0) - 1.0
    more = 1.0 - 2.0 * least((missed + rewards) / 2.0)
    value, gain = places * float(won.mean()), places * float((won - rewards).mean())
    return (
        Interval(value, places * low, places * max(low, high)),
        Interval(gain, places * less, places * max(less, more)),
    )


def _scaled(one: Interval, by: float, plus: float) -> Interval:
    return Interval(by * one.value + plus, by * one.low + plus, by * one.high + plus)


def looked_at_often(variance: Doubles, n: Doubles, planned: float, error: float = ERROR) -> Doubles:
    """Half the width of an interval of a mean of n addends of this variance, whatever their shape, that may be
    looked at after every one of them: the asymptotic confidence sequence (Waudby-Smith, Arbour, Sinha, Kennedy &
    Ramdas 2024, theorem 2.2), narrowest after `planned` of them (their appendix B.2)."""
    sure = -2.0 * np.log(error)
    mixed = (sure + np.log1p(sure)) / planned  # rho^2
    grown = n * mixed + 1.0
    half: Doubles = np.sqrt(2.0 * variance * grown / (n**2 * mixed) * np.log(np.sqrt(grown) / error))
    return half


def variance_of_gap(n: Doubles, mean: Doubles, variance: Doubles) -> Doubles:
    """Of the difference of two means: n, mean, variance of one addend are (2, …), old and new, n at least 1.

    To each variance as many addends are added as ALIKE, that vary as both together do, between them included: of
    few people who are alike, as of ten who never clicked, the variance seen is 0, and an interval made of that
    alone is sure of a mean it knows little of. Of many people it is what was seen.
    """
    whole = n.sum(axis=0)
    middle = (n * mean).sum(axis=0) / whole
    together = (n * (variance + (mean - middle) ** 2)).sum(axis=0) / whole
    spread: Doubles = ((n * variance + ALIKE * together) / (n + ALIKE) / n).sum(axis=0)
    return spread


def _from_below(values: Doubles, error: float, *, endless: bool = False) -> Doubles:
    """(n,) lower bounds of the mean of (n,) addends that are at least 0. Stakes are those that are narrowest after
    the last, or, `endless`, ones that fade."""
    n = np.arange(1, len(values) + 1)
    told = np.minimum(values, 1.0)  # what x may be made of: it is at most 1
    means = (0.5 + np.cumsum(told)) / (1.0 + n)
    before = np.concatenate([[0.5], means[:-1]])
    spread = (GUESSED + np.cumsum((values - before) ** 2)) / (GUESSED + n)
    spread = np.concatenate([[1.0], spread[:-1]])
    horizon = n * np.log1p(n) if endless else float(len(values))
    stake = np.minimum(np.sqrt(2.0 * np.log(1.0 / error) / (spread * horizon)), BOLDEST)
    lost = np.cumsum((values - before) ** 2 * (-np.log1p(-stake) - stake))
    bound = (np.cumsum(stake * values) - np.log(1.0 / error) - lost) / np.cumsum(stake)
    return np.maximum.accumulate(np.maximum(bound, 0.0))
