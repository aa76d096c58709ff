"""What to add to the scores so that a softmax would have earned more by its log: doubly robust, off-policy, whole
lists from above.

The family is off-policy REINFORCE (Williams 1992) with capped weights, as Chen et al. 2019 use it for lists of K.
Their factor K (1 - pi)^(K-1), by which what is likely to be in the list anyway learns less, stands for places of
which the probabilities are not known. Here that of each place given those above is, so a place learns from what it
earns and from what is earned below it with the weight of all that stands above: an item that moves up is missed
below. The mean over what the policy would do is by a model of rewards (Jiang & Li 2016; Kiyohara et al. 2022), and
Kullback and Leibler's distance to what is served now is paid for.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from zhiyin.data.dataset import Doubles, Floats, Mask
from zhiyin.data.vocabulary import Rows

CAP = 20.0  # of a weight
FLATTEST = -0.9  # weight of the first plain number, which is the score itself: its order is not turned round
STEPS = 60  # of L-BFGS
AT_ONCE = 200  # lists


@dataclass(frozen=True, slots=True)
class Lessons:
    """n lists of L places from k candidates, and what is known of a candidate: P numbers, and d of its text."""

    logits: Floats  # (n, L, k) of what is served now, given the places above; -inf for what cannot stand there
    plain: Floats  # (n, k, P)
    items: Rows  # (n, k) rows of z
    z: Floats  # (I, d)
    picks: npt.NDArray[np.int64]  # (n, L) what was shown; -1 where a list has no such place
    before: Doubles  # (n, L) probability of that; 1 where there is none
    rewards: Doubles  # (n, L)
    predicted: Floats  # (n, L, k) of the rewards, by a model that did not see them; 0 where there is no place
    usual: Doubles  # (L,) what a place earns; any numbers do, good ones make it surer
    temperatures: Doubles  # (n,) that each list was drawn at
    floor: float

    def some(self, rows: npt.NDArray[np.int64] | Mask) -> Lessons:
        """Of these lists alone."""
        return Lessons(
            self.logits[rows],
            self.plain[rows],
            self.items[rows],
            self.z,
            self.picks[rows],
            self.before[rows],
            self.rewards[rows],
            self.predicted[rows],
            self.usual,
            self.temperatures[rows],
            self.floor,
        )


def learned(lessons: Lessons, distance: float) -> Doubles:
    """(P + d,) weights of what is known of a candidate, whose sum is added to its score; `distance`: what one nat
    of distance to what is served now costs, in rewards. By L-BFGS from nothing added (Liu & Nocedal 1989)."""
    start = np.zeros(lessons.plain.shape[2] + lessons.z.shape[1])
    found = minimize(
        lambda weights: tuple(-one for one in worth(lessons, weights, distance)),
        start,
        jac=True,
        method="L-BFGS-B",
        bounds=[(FLATTEST, None)] + [(None, None)] * (len(start) - 1),
        options={"maxiter": STEPS},
    )
    return np.asarray(found.x, np.float64)


def worth(lessons: Lessons, weights: Doubles, distance: float) -> tuple[float, Doubles]:
    """What a list would earn with these weights, less what the distance costs; and how that changes with them."""
    value, slope, n = 0.0, np.zeros(len(weights)), len(lessons.picks)
    for start in range(0, n, AT_ONCE):
        rows = np.arange(start, min(start + AT_ONCE, n))
        more, steeper = _worth(lessons.some(rows), weights, distance)
        value, slope = value + more, slope + steeper
    return value / n, slope / n


def _worth(lessons: Lessons, weights: Doubles, distance: float) -> tuple[float, Doubles]:
    """Of all lists together."""
    n_plain = lessons.plain.shape[2]
    bonus = lessons.plain @ weights[:n_plain] + (lessons.z @ weights[n_plain:])[lessons.items]  # (n, k)
    logits = lessons.logits.astype(np.float64)
    old, new = _log_softmax(logits), _log_softmax(logits + (bonus / lessons.temperatures[:, None])[:, None, :])
    may, there = logits > -np.inf, lessons.picks >= 0
    soft = np.where(may, np.exp(new), 0.0)
    chances = (1.0 - lessons.floor) * soft + lessons.floor / np.maximum(may.sum(axis=2, keepdims=True), 1) * may
    apart = np.where(may, new - np.where(may, old, 0.0), 0.0)
    far = (soft * apart).sum(axis=2, keepdims=True)
    value, pull = _earned(lessons, chances, there)
    value -= distance * float((far[:, :, 0] * there).sum())
    pull -= (soft * pull).sum(axis=2, keepdims=True)
    slope = soft * ((1.0 - lessons.floor) * pull - distance * (apart - far)) * there[:, :, None]
    of_bonus = slope.sum(axis=1) / lessons.temperatures[:, None]  # (n, k)
    of_items = np.bincount(lessons.items.ravel(), of_bonus.ravel(), minlength=len(lessons.z))
    plain = np.einsum("nk,nkp->p", of_bonus, lessons.plain)
    return value, np.concatenate([plain, of_items @ lessons.z])


def _earned(lessons: Lessons, chances: Doubles, there: Mask) -> tuple[float, Doubles]:
    """What all lists would earn, as `cascade_dr` has it with weights up to CAP, and (n, L, k) how that changes
    with each probability. Value = what the first place should earn + sum over places of (weight so far) x (what
    came there, and is foreseen in the next one, beyond what was to be expected)."""
    picks = np.maximum(lessons.picks, 0)[:, :, None]
    done = np.where(there, np.take_along_axis(chances, picks, axis=2)[:, :, 0], 1.0)
    expected = np.take_along_axis(lessons.predicted, picks, axis=2)[:, :, 0]
    mean, usual = (chances * lessons.predicted).sum(axis=2), lessons.usual * there  # (n, L)
    so_far = np.cumprod(done / lessons.before, axis=1)
    weight = np.minimum(so_far, CAP)
    next_ = np.hstack([(mean - usual)[:, 1:], np.zeros((len(mean), 1))])
    better = (lessons.rewards - expected) * there + next_
    value = float(mean[:, 0].sum() + usual[:, 1:].sum() + (weight * better).sum())
    later = np.where(so_far < CAP, weight * better, 0.0)[:, ::-1].cumsum(axis=1)[:, ::-1]  # of it and all below
    above = np.hstack([np.ones((len(weight), 1)), weight[:, :-1]])
    pull: Doubles = above[:, :, None] * lessons.predicted.astype(np.float64)
    pulled = np.take_along_axis(pull, picks, axis=2)[:, :, 0] + later / np.maximum(done, 1e-300) * there
    np.put_along_axis(pull, picks, pulled[:, :, None], axis=2)
    return value, pull


def _log_softmax(logits: Doubles) -> Doubles:
    """Over the last axis; where nobody may stand, -inf."""
    most = logits.max(axis=-1, keepdims=True)
    shifted = logits - np.where(most > -np.inf, most, 0.0)
    whole = np.exp(shifted).sum(axis=-1, keepdims=True)
    return shifted - np.log(np.where(whole > 0, whole, 1.0))
