"""Logged lists asked about another policy: what every estimate of it is made of, as arrays.

The model of rewards is linear in the score, how far that is behind the best, the place, what stands above that is
alike, and what the item reads like; everybody is predicted by a model of the others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from zhiyin.data.dataset import Doubles, Floats, Mask
from zhiyin.data.vocabulary import Rows
from zhiyin.metrics.off_policy_lists import LoggedLists, PredictedLists
from zhiyin.metrics.overlap import Moments
from zhiyin.metrics.reward_model import FOLDS, crossed, of_others
from zhiyin.policies.base import Policy
from zhiyin.policies.mixing import warmed
from zhiyin.workflows.shown_lists import Shown, Space

Padded = Callable[
    [Sequence[Doubles], float], Doubles
]  # (N,) of each list to (n, L), and what is in places it lacks


@dataclass(frozen=True, slots=True)
class Asked:
    """n lists of L places; a shorter list has nothing in its last ones: reward and prediction 0, probability 1."""

    log: LoggedLists
    predicted: PredictedLists  # of the rewards of a place
    below: Doubles  # (n, L) what the policy in question would earn below a place by the model, as seen from there
    moments: Moments  # (n, L) of the weight of a place, given those above
    clusters: LoggedLists  # of anything that reads like what was shown; where `known`
    of_clusters: Moments  # (n, L) of these weights
    known: Mask  # (n,) whether the log's policy can be made again
    people: Rows  # (n,) whose list it is, in the order in which they came


def asked(shown: Sequence[Shown], policy: Policy, space: Space, scores: Sequence[Doubles] | None = None) -> Asked:
    """What lists say of a policy; over these (k,) `scores` of each instead of those that were logged."""
    people = people_of(shown)
    scores = [one.scores for one in shown] if scores is None else scores
    rows = [
        _row(one, warmed(policy, one.mixing).table(told, one.order, one.diversity), space)
        for one, told in zip(shown, scores, strict=True)
    ]
    lengths = np.array([len(one.order) for one in shown])
    wide = np.arange(lengths.max())[None, :] < lengths[:, None]  # (n, L)

    def padded(parts: Sequence[Doubles], rest: float = 0.0) -> Doubles:
        out = np.full(wide.shape, rest)
        out[wide] = np.concatenate(parts)
        return out

    rewards = padded([one.rewards for one in shown])
    log = LoggedLists(rewards, padded([one.before for one in shown]), padded([row.target for row in rows]))
    done, wanted = (np.concatenate(parts) for parts in ([r.done for r in rows], [r.wanted for r in rows]))
    below = np.concatenate([row.below for row in rows])
    predicted = crossed(done, rewards[wide], np.repeat(people, lengths), done, wanted, below)
    of_places, of_policy, of_below = (padded([one]) for one in predicted)
    left = lengths[:, None] - np.arange(wide.shape[1]) - 1.0  # places below each
    return Asked(
        log=log,
        predicted=PredictedLists(of_places, of_policy),
        below=np.where(wide, of_below * left, 0.0),
        moments=_joined([row.moments for row in rows], padded),
        clusters=LoggedLists(rewards, *(padded([row.clusters[side] for row in rows]) for side in (0, 1))),
        of_clusters=_joined([row.of_clusters for row in rows], padded),
        known=np.array([one.served is not None for one in shown]),
        people=people,
    )


def stands(one: Shown) -> Doubles:
    """(k,) scores of candidates without what a log taught before."""
    return one.scores if one.alone is None else one.alone


def people_of(shown: Sequence[Shown]) -> Rows:
    """(n,) whose list each is, numbered as they come."""
    met: dict[str, int] = {}
    return np.array([met.setdefault(one.person, len(met)) for one in shown], np.int32)


def predictions(shown: Sequence[Shown], space: Space) -> list[Doubles]:
    """(N, k) of each list, of the reward of every candidate at every place, by a model that did not see the
    person."""
    people = people_of(shown)
    lengths = [len(one.order) for one in shown]
    done = np.concatenate([_done(*_told(one, space), one) for one in shown])
    rewards = np.concatenate([one.rewards for one in shown])
    models = of_others(done, rewards, np.repeat(people, lengths))
    found = []
    for one, person in zip(shown, people.tolist(), strict=True):
        (seen, alike, items), model = _told(one, space), models[person % FOLDS]
        of_seen, of_alike, of_items = np.split(model.weights, [1, 2])
        base = model.mean - model.centre @ model.weights
        found.append(base + (seen * of_seen)[:, None] + alike * of_alike + items @ of_items)
    return found


@dataclass(frozen=True, slots=True)
class _Row:
    """(N,) of one list, (N, d) its features."""

    target: Doubles
    moments: Moments
    clusters: tuple[Doubles, Doubles]  # log-probabilities before and in question; 0 where not known
    of_clusters: Moments
    done: Floats  # of what was shown
    wanted: Floats  # mean over what the policy in question would have shown
    below: Floats  # the same, in the mean place below


def _row(one: Shown, chances: Doubles, space: Space) -> _Row:
    """`chances` (N, k) of the policy in question."""
    places = np.arange(len(one.order))
    with np.errstate(divide="ignore"):
        picked = np.log(chances[places, one.order])
        moments, clusters = Moments.seen(np.exp(picked - one.before)), (np.zeros(len(places)),) * 2
        of_clusters = Moments.seen(np.ones(len(places)))
        if one.served is not None:
            before = one.served.table(one.scores, one.order, one.diversity)
            moments = Moments.of(np.log(before), np.log(chances))
            _, cell = np.unique(space.cells[one.items], return_inverse=True)
            member = np.eye(cell.max() + 1)[cell]  # (k, cells)
            both = np.log(before @ member), np.log(chances @ member)
            of_clusters = Moments.of(*both)
            clusters = both[0][places, cell[one.order]], both[1][places, cell[one.order]]
    return _Row(picked, moments, clusters, of_clusters, *_features(one, chances, space))


def _joined(parts: Sequence[Moments], padded: Padded) -> Moments:
    """(n, L) of n lists; 1 where a list has no place."""
    return Moments(*(padded([getattr(one, name) for one in parts], 1.0) for name in ("first", "second", "third")))


def _features(one: Shown, chances: Doubles, space: Space) -> tuple[Floats, Floats, Floats]:
    """(N, d) of what was shown, of what the policy would have shown, and of that in the mean place below: being
    linear, the model expects of the mean features what it expects on average."""
    n, (seen, alike, items) = len(one.order), _told(one, space)
    later = np.append(seen[::-1].cumsum()[::-1][1:], 0.0) / np.maximum(n - 1.0 - np.arange(n), 1.0)
    mean, likely = chances @ items, (chances * alike).sum(axis=1)
    return (
        _done(seen, alike, items, one),
        np.column_stack([seen, likely, mean]).astype(np.float32),
        np.column_stack([later, likely, mean]).astype(np.float32),
    )


def _told(one: Shown, space: Space) -> tuple[Doubles, Doubles, Doubles]:
    """(N,) how far a place is seen, (N, k) what candidates lose for those above, (k, d - 2) what they are."""
    items = np.column_stack([one.scores, one.scores - one.scores.max(), space.z[one.items]])
    costs = np.vstack([np.zeros(len(items)), one.diversity.costs[one.order[:-1]]])
    return 1.0 / np.log2(np.arange(len(one.order)) + 2.0), np.minimum.accumulate(costs, axis=0), items


def _done(seen: Doubles, alike: Doubles, items: Doubles, one: Shown) -> Floats:
    """(N, d) features of what was shown."""
    lost = alike[np.arange(len(one.order)), one.order]
    return np.column_stack([seen, lost, items[one.order]]).astype(np.float32)
