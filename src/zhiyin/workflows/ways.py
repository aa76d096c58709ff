"""The ways to tell what another policy would have earned with whole lists, from what assumes most to what assumes
nothing, each with its light. Red is no answer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import get_args

import numpy as np

from zhiyin.data.dataset import Doubles, Mask
from zhiyin.data.vocabulary import Rows
from zhiyin.metrics.bounds import bootstrap, expected_of_lists, normal, weighted_lists
from zhiyin.metrics.intervals import Interval
from zhiyin.metrics.off_policy import Estimate
from zhiyin.metrics.off_policy_lists import (
    PredictedLists,
    cascade_dr,
    places_dm,
    places_dr,
    self_normalised,
    slate,
)
from zhiyin.metrics.overlap import Moments, Overlap
from zhiyin.types import IntervalName
from zhiyin.workflows.asking import Asked

INTERVALS: tuple[IntervalName, ...] = get_args(IntervalName)
MOST = 10.0  # weight up to which the switched estimate corrects its model
MODEL = "model alone"
BY_ITEM = "each place is filled anew alone, those above as they were, and earns by its item"
BY_ABOVE = "a place earns by its item and those above"
WORST = ("green", "amber", "red")
SEED = 0  # of the bootstrap: the same log gives the same answer


@dataclass(frozen=True, slots=True)
class Told:
    """One way to tell what another policy would have earned a list."""

    way: str
    assumes: str
    overlap: Overlap
    point: float | None  # None where the log cannot tell
    value: Interval | None  # None where there is no point, or none that an interval could be given for
    gain: Interval | None  # over what was earned, list by list


def ways(asked: Asked, interval: IntervalName) -> tuple[Told, ...]:
    """From what assumes most to what assumes nothing."""
    return tuple(_told(way, rows, asked, interval) for way, rows in _ways(asked))


@dataclass(frozen=True, slots=True)
class Way:
    """An estimate, the (n, L) weights that it lives by, and the variance that it should have."""

    name: str
    assumes: str
    found: Estimate
    weights: Doubles
    moments: Moments  # (n, L) of the weights
    expected: float
    intervals: tuple[IntervalName, ...] = INTERVALS  # that it can have


def _ways(asked: Asked) -> Iterator[tuple[Way, Mask]]:
    """Each with the lists (n,) that it is about."""
    everything = np.ones(len(asked.people), bool)
    for one in (*_of_places(asked), *_of_lists(asked)):
        yield one, everything
    if asked.known.any():
        yield _of_clusters(asked), asked.known


def _of_places(asked: Asked) -> Iterator[Way]:
    log, predicted, rewards = asked.log, asked.predicted, asked.log.rewards
    weights, moments = log.weights, asked.moments
    plain = _plain(rewards, moments)
    modelled = expected_of_lists(rewards - predicted.of_places, moments.second, predicted.of_policy.sum(axis=1))
    yield Way(MODEL, "the model of rewards is right", places_dm(predicted), weights, moments, 0.0, ())
    yield Way("places", BY_ITEM, self_normalised(rewards, weights), weights, moments, plain)
    yield Way("places DR", BY_ITEM, places_dr(log, predicted), weights, moments, modelled)
    switched, right = (
        places_dr(log, predicted, MOST),
        f"{BY_ITEM}; the model is right where weights are above {MOST:g}",
    )
    yield Way("places switch-DR", right, switched, weights, moments, modelled, INTERVALS[:2])
    added = "a list earns the sum of what its places bring, wherever it shows"
    yield Way("slate", added, slate(log), weights, moments, 0.0, INTERVALS[:2])


def _of_lists(asked: Asked) -> Iterator[Way]:
    rewards, robust = asked.log.rewards, cascade_way(asked)
    so_far, moments = robust.weights, robust.moments
    yield Way("cascade", BY_ABOVE, self_normalised(rewards, so_far), so_far, moments, _plain(rewards, moments))
    yield robust
    whole = np.repeat(so_far[:, -1:], rewards.shape[1], axis=1)
    last = moments.each(lambda one: np.repeat(one[:, -1:], rewards.shape[1], axis=1))
    plain = _plain(rewards.sum(axis=1, keepdims=True), last)
    yield Way("whole list", "nothing", self_normalised(rewards, whole), whole, last, plain)


def cascade_way(asked: Asked) -> Way:
    """Doubly robust, of lists that are read from above."""
    rewards, so_far = asked.log.rewards, asked.log.so_far
    above = np.hstack([np.ones((len(rewards), 1)), so_far[:, :-1]])
    of_place, usual = asked.moments, np.maximum(above.mean(axis=0), 1e-300)
    moments = Moments(above / usual * of_place.first, above**2 * of_place.second, above**3 * of_place.third)
    onward = PredictedLists(asked.predicted.of_places + asked.below, asked.predicted.of_policy + asked.below)
    next_ = np.hstack([onward.of_policy[:, 1:], np.zeros((len(rewards), 1))])
    errors = rewards + next_ - onward.of_places
    expected = expected_of_lists(errors, moments.second, onward.of_policy[:, 0])
    found = cascade_dr(asked.log, onward)
    return Way("cascade DR", BY_ABOVE, found, so_far, moments, expected)


def _of_clusters(asked: Asked) -> Way:
    """Marginal weights (Saito & Joachims 2022), of lists whose policy can be made again."""
    rows, of = asked.known, asked.of_clusters
    rewards, weights = asked.log.rewards[rows], asked.clusters.weights[rows]
    moments = of.each(lambda one: one[rows])
    alike = "the same, and earns by what its item reads like"
    return Way("clusters", alike, self_normalised(rewards, weights), weights, moments, _plain(rewards, moments))


def _plain(rewards: Doubles, moments: Moments) -> float:
    """The variance to expect without a model."""
    places = rewards.shape[1]
    return expected_of_lists(rewards - rewards.mean(axis=0), moments.second[:, :places], np.zeros(len(rewards)))


def _told(way: Way, rows: Mask, asked: Asked, interval: IntervalName) -> Told:
    rewards = asked.log.rewards[rows]
    people = np.unique(asked.people[rows], return_inverse=True)[1].astype(np.int32)
    overlap = worst_place(way, people)
    if overlap.light == "red":
        return Told(way.name, way.assumes, overlap, None, None, None)
    found, gain = way.found, way.found.less(rewards.sum(axis=1))
    if interval not in way.intervals:
        return Told(way.name, way.assumes, overlap, found.value, None, None)
    if interval == "bootstrap":
        value, more = (bootstrap(one, np.random.default_rng(SEED), people=people) for one in (found, gain))
    elif interval == "normal":
        value, more = (normal(one, way.expected, people) for one in (found, gain))
    else:
        value, more = weighted_lists(way.weights, rewards, endless=interval == "anytime")
        value, more = replace(value, value=found.value), replace(more, value=gain.value)
    return Told(way.name, way.assumes, overlap, found.value, value, more)


def worst_place(way: Way, people: Rows) -> Overlap:
    """Of all places that of the worst light; (n,) whose lists they are."""
    places = (
        Overlap.of(way.weights[:, at], way.moments.each(itemgetter((slice(None), at))), people)
        for at in range(way.weights.shape[1])
    )
    return min(places, key=lambda one: (-WORST.index(one.light), one.effective))
