"""What accuracy does not say: how much of the catalogue is shown, how evenly, how new, how varied.

`top` is (U, k) item rows, best first, PAD where a list is short; pass `top[:, :10]` for "@10".
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from zhiyin.data.dataset import Doubles, Floats
from zhiyin.data.ragged import Ragged
from zhiyin.data.vocabulary import PAD, Rows
from zhiyin.errors import InvalidData

Counts = npt.NDArray[np.int64]


def coverage(top: Rows, n_items: int) -> float:
    """The share of the catalogue that is in at least one list, 0..1. Raises InvalidData for no items."""
    return float(np.count_nonzero(exposure(top, n_items)) / _some("items", n_items))


def gini(top: Rows, n_items: int) -> float:
    """Inequality of exposure over the whole catalogue: 0 all items equally often, near 1 one item only.

    sum of (2 i - n - 1) x_i / (n · sum x) with the exposures x ascending; NaN where nothing is shown.
    """
    shown = np.sort(exposure(top, n_items))
    if shown.sum() == 0:
        return float("nan")
    place = np.arange(1, n_items + 1)
    return float(((2 * place - n_items - 1) * shown).sum() / (_some("items", n_items) * shown.sum()))


def novelty(top: Rows, support: Counts, n_users: int) -> Doubles:
    """(U,) mean self-information -log2(support / n_users) of the items shown, in bits (Zhou et al. 2010).

    `support` (I,) is how many of the `n_users` had the item in training; 0 counts as 1.
    """
    bits = -np.log2(np.clip(support, 1, None) / _some("users", n_users))
    return _mean_of(top, np.maximum(bits, 0.0))


def diversity(top: Rows, vectors: Floats) -> Doubles:
    """(U,) mean of 1 - cosine over the pairs of a list; `vectors` (I, D) are unit rows. NaN below two items.

    The sum over pairs comes from the norm of the sum: |Σv|² = Σ|v|² + 2 Σ pairs.
    """
    here = top != PAD
    n = here.sum(axis=1)
    squares = np.einsum("id,id->i", vectors, vectors)
    total = np.zeros((len(top), vectors.shape[1]))
    alone = np.zeros(len(top))
    for place in range(top.shape[1]):
        total += vectors[top[:, place]] * here[:, place, None]
        alone += squares[top[:, place]] * here[:, place]
    similar = (np.einsum("ud,ud->u", total, total) - alone) / np.maximum(n * (n - 1), 1)
    return np.where(n > 1, 1.0 - similar, np.nan)


def popularity_lift(top: Rows, histories: Ragged, support: Counts) -> Doubles:
    """(U,) mean support of the items shown over that of the user's history, minus 1 (Abdollahpouri 2020).

    Above 0 the list is more popular than the taste it answers. NaN where the history has no support.
    """
    popularity = support.astype(np.float64)
    had = np.bincount(histories.owners, popularity[histories.rows], minlength=len(histories))
    taste = had / np.maximum(histories.sizes, 1)
    return np.where(taste > 0, _mean_of(top, popularity) / np.where(taste > 0, taste, 1.0) - 1.0, np.nan)


def exposure(top: Rows, n_items: int) -> Counts:
    """(I,) in how many lists each item is."""
    return np.bincount(top[top != PAD], minlength=n_items)


def _mean_of(top: Rows, values: Doubles) -> Doubles:
    """(U,) the mean of an item's value over each list; NaN for an empty one."""
    here = top != PAD
    n = here.sum(axis=1)
    return np.where(n > 0, (values[top] * here).sum(axis=1) / np.maximum(n, 1), np.nan)


def _some(what: str, n: int) -> int:
    if n < 1:
        raise InvalidData(f"the number of {what} is at least 1, got {n}")
    return n
