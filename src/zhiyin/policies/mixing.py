"""How much to explore: less with evidence, more where much is new and where the world is not what it was.

The temperature that a shop sets, or that its log taught (tempering.py), is that of a list of which nothing is
known. Once something is, it is multiplied by a coefficient: the root of the share of doubt that is left in the
candidates, for this person, times the surprise (surprise.py), and never more than 1. Both are functions of the
position in the log, so the list can be replayed and its probabilities are those it was drawn by.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from zhiyin.data.dataset import Doubles
from zhiyin.policies.base import Policy
from zhiyin.policies.budget import Budgeted
from zhiyin.policies.holdout import Holdout
from zhiyin.policies.softmax import Softmax

LEAST = 0.2  # where everything is known, somebody still looks around


def mixing(variances: Doubles, first: Doubles, surprise: float) -> float:
    """The coefficient, LEAST to 1, by what is left of the doubt in (k,) candidates and by what it was before any
    event; `surprise`: how much larger squared errors of items are than they should be, 1 or less where they are
    not."""
    if not len(variances) or not first.any():
        return 1.0
    left = float(variances.sum() / first.sum())
    return float(np.clip(np.sqrt(left * max(1.0, surprise)), LEAST, 1.0))


def mixed(policy: Softmax, coefficient: float | None) -> Softmax:
    """The softmax of one list."""
    if not policy.adaptive:
        return policy
    return replace(policy, temperature=policy.temperature * (coefficient or 1.0), adaptive=False)


def warmed(policy: Policy, coefficient: float | None) -> Policy:
    """The policy of one list; None: nothing is believed of it. A temperature takes the coefficient, and so does a
    budget; what leaves nothing to the score, or everything, stays what it is."""
    match policy:
        case Softmax():
            return mixed(policy, coefficient)
        case Budgeted(adaptive=True):
            return replace(policy, budget=policy.budget * (coefficient or 1.0), adaptive=False)
        case Holdout():
            return replace(policy, policy=warmed(policy.policy, coefficient))
        case _:
            return policy
