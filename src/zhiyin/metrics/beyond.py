"""What accuracy does not say: how much of the catalogue is shown, how evenly, how new, how varied.

`top` is (U, k) item rows, best first, PAD where a list is short; pass `top[:, :10]` for "@10".
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from zhiyin.data.dataset import Doubles, Floats
from zhiyin.data.ragged import Ragged, pointers
from zhiyin.data.vocabulary import PAD, Rows
from zhiyin.errors import InvalidData

Counts = npt.NDArray[np.int64]

SMOOTHING = 0.01  # share of the taste mixed into a list, so that a missing category does not cost infinity
_LISTS = 1_024  # worked on at once: 20 places of 512 numbers are 40 MB


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
    """(U,) mean of 1 - cosine over the pairs of a list (Ziegler et al. 2005); `vectors` (I, D) are unit rows.

    NaN below two items. The sum over pairs comes from the norm of the sum: |Σv|² = Σ|v|² + 2 Σ pairs.
    """
    squares = np.einsum("id,id->i", vectors, vectors)
    parts = [_diversity(top[at : at + _LISTS], vectors, squares) for at in range(0, len(top), _LISTS)]
    return np.concatenate([np.zeros(0), *parts])


def popularity_lift(top: Rows, histories: Ragged, support: Counts) -> Doubles:
    """(U,) mean support of the items shown over that of the user's history, minus 1 (Abdollahpouri 2020).

    Above 0 the list is more popular than the taste it answers. NaN where the history has no support.
    """
    popularity = support.astype(np.float64)
    had = np.bincount(histories.owners, popularity[histories.rows], minlength=len(histories))
    taste = had / np.maximum(histories.sizes, 1)
    return np.where(taste > 0, _mean_of(top, popularity) / np.where(taste > 0, taste, 1.0) - 1.0, np.nan)


def miscalibration(top: Rows, histories: Ragged, shares: sp.csr_array) -> Doubles:
    """(U,) how far the categories of a list are from those of the history: 0 the same mixture (Steck 2018, eq. 6).

    The Kullback–Leibler divergence Σ p ln(p / ((1 - a) q + a p)) in nats, a = 0.01, of the categories p of the
    history and q of the list, all places counting alike. `shares` (I, C) says how much of an item belongs to
    each category: rows sum to 1, or to 0 without any. NaN where history or list has no category.
    """
    wanted, shown = (_mixture(lists, shares) for lists in (histories, _lists(top)))
    mixed = sp.csr_array(wanted * SMOOTHING + shown * (1 - SMOOTHING))
    mixed.data = np.log(mixed.data)
    certain = wanted.copy()
    certain.data = np.log(certain.data)
    divergence = np.asarray((wanted * (certain - mixed)).sum(axis=1), np.float64).ravel()
    both = (np.diff(wanted.indptr) > 0) & (np.diff(shown.indptr) > 0)
    return np.where(both, np.maximum(divergence, 0.0), np.nan)


def exposure(top: Rows, n_items: int) -> Counts:
    """(I,) in how many lists each item is."""
    return np.bincount(top[top != PAD], minlength=n_items)


def _mean_of(top: Rows, values: Doubles) -> Doubles:
    """(U,) the mean of an item's value over each list; NaN for an empty one."""
    here = top != PAD
    n = here.sum(axis=1)
    return np.where(n > 0, (values[top] * here).sum(axis=1) / np.maximum(n, 1), np.nan)


def _diversity(top: Rows, vectors: Floats, squares: Floats) -> Doubles:
    here = top != PAD
    n = here.sum(axis=1)
    total = np.einsum("ukd,uk->ud", vectors[top], here.astype(np.float64))
    alone = (squares[top] * here).sum(axis=1)
    similar = (np.einsum("ud,ud->u", total, total) - alone) / np.maximum(n * (n - 1), 1)
    return np.where(n > 1, 1.0 - similar, np.nan)


def _lists(top: Rows) -> Ragged:
    here = top != PAD
    return Ragged(pointers(here.sum(axis=1)), top[here])


def _mixture(lists: Ragged, shares: sp.csr_array) -> sp.csr_array:
    """(U, C) the mean over each list of its items' shares, of the items that have any: rows sum to 1 or 0."""
    held = sp.csr_array((np.ones(len(lists.rows)), lists.rows, lists.indptr), shape=(len(lists), shares.shape[0]))
    mixed = sp.csr_array(held @ shares)
    mixed.eliminate_zeros()
    totals = np.asarray(mixed.sum(axis=1)).ravel()
    mixed.data /= np.repeat(totals, np.diff(mixed.indptr))
    return mixed


def _some(what: str, n: int) -> int:
    if n < 1:
        raise InvalidData(f"the number of {what} is at least 1, got {n}")
    return n
