"""How far predicted ratings are from those given, a number for each user, in the unit of the ratings.

Of little use for choosing a list (Cremonesi, Koren & Turrin 2010), asked for where ratings are shown as such.
`errors` (T,) are predicted - given; those of user u are indptr[u]:indptr[u + 1]. NaN is no rating.
"""

from __future__ import annotations

import numpy as np

from zhiyin.data.dataset import Doubles
from zhiyin.data.ragged import Pointers


def mae(errors: Doubles, indptr: Pointers) -> Doubles:
    """(U,) mean absolute error; NaN for a user without a rating."""
    return _mean(np.abs(errors), indptr)


def rmse(errors: Doubles, indptr: Pointers) -> Doubles:
    """(U,) root of the mean squared error of each user; NaN for a user without a rating. Its mean over users is
    not the root over all ratings, in which those who rate most count most."""
    return np.sqrt(_mean(errors**2, indptr))


def _mean(values: Doubles, indptr: Pointers) -> Doubles:
    owners = np.repeat(np.arange(len(indptr) - 1), np.diff(indptr))
    given = np.isfinite(values)
    n = np.bincount(owners[given], minlength=len(indptr) - 1)
    total = np.bincount(owners[given], values[given], minlength=len(indptr) - 1)
    return np.where(n > 0, total / np.maximum(n, 1), np.nan)
