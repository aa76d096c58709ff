"""Many lists from the same scores at once: softmax place by place, without a floor and with nothing in the way.

What `Softmax` draws place by place is then the same as to sort once by score and noise (Gumbel top-k: Kool, van
Hoof & Welling 2019), so thousands of lists are one matrix. Where there is a floor, diversity or a constraint it is
not the same, and `Softmax.choose` is to be used.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from zhiyin.data.dataset import Doubles
from zhiyin.data.vocabulary import Keys
from zhiyin.policies.base import Order, uniforms


def softmax_lists(
    scores: Doubles, temperature: float, n: int, draws: Sequence[int], keys: Keys
) -> tuple[Order, Doubles]:
    """(B, n) candidates of each list, and the log-probability of each given those above. `scores`: (k,), -inf for
    what may not be shown; `draws`: one of each list, from its recommendation id; `keys`: (k,) of the candidates.
    Lists are shorter where fewer may be shown."""
    weights = np.exp((scores - scores.max(initial=np.finfo(float).min)) / temperature)
    n = min(n, int(np.count_nonzero(weights)))
    if not n:
        return np.zeros((len(draws), 0), np.int64), np.zeros((len(draws), 0))
    race = -np.log(uniforms(draws, keys))  # the smallest of exponential / weight is first
    with np.errstate(divide="ignore"):
        race /= weights
    first = np.argpartition(race, n - 1, axis=1)[:, :n]
    order = np.take_along_axis(
        first, np.take_along_axis(race, first, axis=1).argsort(axis=1, kind="stable"), axis=1
    )
    return order, _log_probs(weights, order)


def _log_probs(weights: Doubles, order: Order) -> Doubles:
    """(B, n): of those left, what is shown and all below; the rest is summed apart, so that nothing cancels."""
    rest = np.repeat(weights[None, :], len(order), axis=0)
    np.put_along_axis(rest, order, 0.0, axis=1)
    shown = weights[order]
    below = shown[:, ::-1].cumsum(axis=1)[:, ::-1] + rest.sum(axis=1, keepdims=True)
    logs: Doubles = np.log(shown / below)
    return logs
