"""Where what was wanted carries a rating: how near it comes to predict it.

Lists are made by scores that are on no scale of stars. The rating is predicted from the shrunken means of the
item and of the person (Koren 2008, baseline estimates) and the place at which the system ranks the item, weighed
by least squares. The weights are learned on one half of the people for the other half, so nobody's ratings
predict themselves. `bias` is the same without any ranking.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from zhiyin.data.dataset import TYPE_CODE, Doubles, Mask
from zhiyin.data.ragged import Pointers
from zhiyin.data.vocabulary import Rows
from zhiyin.evaluation.comparing import Bootstrap, section
from zhiyin.evaluation.posing import Posed, deeds
from zhiyin.evaluation.record import Section
from zhiyin.metrics.judge import PerUser
from zhiyin.metrics.stars import mae, rmse

PRIOR = 5.0  # usual ratings that every item and every person starts with
FEW = 50  # ratings of one half of the people below which nothing is learned from them
BIAS = "bias"


def star_section(posed: Posed, judged: Mapping[str, PerUser], bootstrap: Bootstrap) -> Section | None:
    """MAE and RMSE of every system and of the bias alone, person by person; None with too few ratings."""
    split = posed.split
    given = _given(posed, split.users[split.targets.owners], split.targets.rows, last=True)
    halves = np.random.default_rng(bootstrap.seed).random(len(split)) < 0.5
    half = halves[split.targets.owners]
    if min(np.isfinite(given[side]).sum() for side in (half, ~half)) < FEW or np.nanstd(given) == 0:
        return None
    usual = _usual(posed)
    values = {}
    for name, one in judged.items():
        rank = np.log(np.minimum(one.ranks.expected, one.ranks.n_candidates[one.ranks.owners] + 1))
        values[name] = _errors([*usual, rank], given, half, split.targets.indptr)
    values[BIAS] = _errors(usual, given, half, split.targets.indptr)
    return section(values, ("rmse", "mae"), bootstrap)


def _errors(features: list[Doubles], given: Doubles, half: Mask, indptr: Pointers) -> dict[str, Doubles]:
    rated = np.isfinite(given)
    matrix = np.stack([np.ones(len(given)), *features], axis=1)
    predicted = np.full(len(given), np.nan)
    for side in (half, ~half):
        learned, *_ = np.linalg.lstsq(matrix[rated & side], given[rated & side])
        predicted[~side] = matrix[~side] @ learned
    predicted = np.clip(predicted, np.nanmin(given), np.nanmax(given))
    errors = predicted - given
    return {"rmse": rmse(errors, indptr), "mae": mae(errors, indptr)}


def _usual(posed: Posed) -> list[Doubles]:
    """(T,) of each target how the item is usually rated, and how the person usually rates other than others."""
    split = posed.split
    fit = split.fit
    rated = _rated(fit.types) & np.isfinite(fit.values)
    mean = float(fit.values[rated].mean()) if rated.any() else 0.0
    above = fit.values[rated].astype(np.float64) - mean
    n = np.bincount(fit.item_rows[rated], minlength=len(fit.items))
    item = np.bincount(fit.item_rows[rated], above, minlength=len(fit.items)) / (n + PRIOR)
    owners = np.repeat(np.arange(len(split)), split.past.lengths)
    told = _given(posed, split.users[owners], split.past.rows, last=False) - mean - item[split.past.rows]
    has = np.isfinite(told)
    n = np.bincount(owners[has], minlength=len(split))
    person = np.bincount(owners[has], told[has], minlength=len(split)) / (n + PRIOR)
    return [item[split.targets.rows], person[split.targets.owners]]


def _given(posed: Posed, users: Rows, rows: Rows, *, last: bool) -> Doubles:
    """The rating that each user gave each item, their last or their first; NaN where they gave none."""
    data = posed.data
    place = deeds(data, users, rows, _rated(data.types) & np.isfinite(data.values), last=last)
    return np.append(data.values, np.nan)[place].astype(np.float64)  # PAD = -1 is the last one


def _rated(types: npt.NDArray[np.uint8]) -> Mask:
    return np.isin(types, [TYPE_CODE["rating"], TYPE_CODE["review"]])
