"""Accuracy of a ranking, a number for each user: the exact expectation where scores tie.

With a = `above`, t = `tied` of a target and places drawn at random inside a tie, a gain g(place) with prefix
sum G(m) = g(1) + … + g(m) has the expectation (G(min(a + t, k)) - G(min(a, k))) / t. Recall, precision, F1
and DCG are sums of such gains over the targets, so by linearity this is exact also where several targets
share a tie. Hit rate, reciprocal rank and average precision are not linear: their formulas stand below
(after McSherry & Najork, "Computing information retrieval performance measures efficiently in the presence
of tied scores", ECIR 2008). Users without a target get NaN: leave them out of means.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from scipy.special import gammaln

from zhiyin.data.dataset import Doubles
from zhiyin.data.ragged import Pointers
from zhiyin.errors import InvalidData
from zhiyin.metrics.ranks import NOWHERE, Ranks


def hit_rate(ranks: Ranks, k: int) -> Doubles:
    """(U,) the probability that at least one target is among the first k.

    1 - product over ties of C(t - m, c) / C(t, c): m of the t items are targets, c = k - a of them are shown.
    """
    ties = _ties(ranks, k)
    shown = np.minimum(k - ties.above, ties.size)  # c
    others = ties.size - ties.targets  # t - m
    drawable = others >= shown
    left = np.where(drawable, others - shown, 0)
    log_none = gammaln(others + 1) - gammaln(left + 1) - gammaln(ties.size + 1) + gammaln(ties.size - shown + 1)
    hits = np.ones(len(ranks))
    np.multiply.at(hits, ties.owners, np.where(drawable, np.exp(np.minimum(log_none, 0.0)), 0.0))
    return _of_users(1.0 - hits, ranks)


def recall(ranks: Ranks, k: int) -> Doubles:
    """(U,) hits divided by the number of the user's targets; below 1 for any list where that is over k."""
    return _ratio(_hits(ranks, k), ranks.n_targets)


def recall_min_k(ranks: Ranks, k: int) -> Doubles:
    """(U,) hits divided by min(k, number of the user's targets)."""
    return _ratio(_hits(ranks, k), np.minimum(ranks.n_targets, k))


def precision(ranks: Ranks, k: int) -> Doubles:
    """(U,) hits divided by k."""
    return _of_users(_hits(ranks, k) / k, ranks)


def f1(ranks: Ranks, k: int) -> Doubles:
    """(U,) harmonic mean of `precision` and `recall`: 2 hits / (k + number of targets), linear in hits."""
    return _of_users(2 * _hits(ranks, k) / (k + ranks.n_targets), ranks)


def ndcg(ranks: Ranks, k: int) -> Doubles:
    """(U,) gain 1 / log2(place + 1) of the first k, over that of a perfect list: min(k, targets)."""
    return _ratio(_dcg(ranks, k), _discounts(k)[np.minimum(ranks.n_targets, k)])


def ndcg_full_ideal(ranks: Ranks, k: int) -> Doubles:
    """(U,) as `ndcg`, over the ideal of all targets, also those past place k, as some tables do."""
    return _ratio(_dcg(ranks, k), _discounts(int(ranks.n_targets.max(initial=0)))[ranks.n_targets])


def mrr(ranks: Ranks, k: int) -> Doubles:
    """(U,) 1 / place of the first target, 0 if that is past k.

    In a tie of t items with m targets the first is the j-th item with probability C(t - j, m - 1) / C(t, m).
    """
    ties = _ties(ranks, k)
    first = np.flatnonzero(ties.targets_above == 0)
    inverse = _harmonic(k)
    above, size = ties.above[first], ties.size[first]
    value = (inverse[np.minimum(above + size, k)] - inverse[above]) / size  # for one target: m = 1
    for place in np.flatnonzero(ties.targets[first] > 1):
        value[place] = _first_of_many(int(above[place]), int(size[place]), int(ties.targets[first[place]]), k)
    best = np.zeros(len(ranks))
    best[ties.owners[first]] = value
    return _of_users(best, ranks)


def average_precision(ranks: Ranks, k: int) -> Doubles:
    """(U,) sum of the precision at the places of the targets shown, divided by min(k, targets).

    In a tie of t items at a with m targets, h targets above it, and J = min(t, k - a) places shown:
    (m / t) · sum over j <= J of (h + 1 + (j - 1)(m - 1) / (t - 1)) / (a + j), closed by harmonic numbers.
    """
    ties = _ties(ranks, k)
    shown = np.minimum(ties.size, k - ties.above)
    slope = (ties.targets - 1) / np.maximum(ties.size - 1, 1)
    inverse = _harmonic(k)
    reciprocal = inverse[ties.above + shown] - inverse[ties.above]
    within = (ties.targets_above + 1 - slope * (ties.above + 1)) * reciprocal + slope * shown
    total = _summed(ties.owners, ties.targets / ties.size * within, len(ranks))
    return _ratio(total, np.minimum(ranks.n_targets, k))


def auc(ranks: Ranks) -> Doubles:
    """(U,) the probability that a target scores above a candidate that is none, a tie counting half.

    From the sum of expected ranks (Mann & Whitney). Targets that are NOWHERE are left out; NaN where no
    target is ranked or nothing else is.
    """
    ranked = ranks.where(ranks.above != NOWHERE)
    n = ranked.n_targets
    others = ranks.n_candidates - n
    rank_sum = _summed(ranked.owners, ranked.expected, len(ranks))
    wrong = rank_sum - n * (n + 1) / 2  # pairs (target, other) in the wrong order
    pairs = n * others
    return np.where(pairs > 0, 1.0 - wrong / np.maximum(pairs, 1), np.nan)


def gauc(ranks: Ranks) -> float:
    """The mean of `auc` over users, each counting as often as it has targets (Zhou et al. 2018, "Deep Interest
    Network", eq. 7, by targets rather than impressions); NaN where nobody has an `auc`."""
    each, n = auc(ranks), ranks.where(ranks.above != NOWHERE).n_targets
    has = np.isfinite(each)
    return float(np.average(each[has], weights=n[has])) if has.any() else float("nan")


Metric = Callable[[Ranks, int], Doubles]

METRICS: Mapping[str, Metric] = MappingProxyType(
    {
        "hr@": hit_rate,
        "recall@": recall,
        "recall_min_k@": recall_min_k,
        "precision@": precision,
        "f1@": f1,
        "ndcg@": ndcg,
        "ndcg@_full_ideal": ndcg_full_ideal,
        "mrr@": mrr,
        "map@": average_precision,
    }
)
"""Names as in results files, the number k after the @: hr@10, ndcg@10_full_ideal."""


def metric(name: str, ranks: Ranks) -> Doubles:
    """(U,) the values of a metric by its name, such as "ndcg@10" or "auc". Raises InvalidData if unknown."""
    if name == "auc":
        return auc(ranks)
    stem, k = re.sub(r"@\d+", "@", name), re.search(r"@(\d+)", name)
    if stem not in METRICS or k is None or int(k[1]) < 1:
        known = ", ".join(key.replace("@", "@10") for key in METRICS)
        raise InvalidData(f"unknown metric {name!r}: one of {known}, auc, with any number from 1 after the @")
    return METRICS[stem](ranks, int(k[1]))


def table(ranks: Ranks, ks: Iterable[int]) -> dict[str, Doubles]:
    """Every metric at every k, and auc: name -> (U,)."""
    values = {stem.replace("@", f"@{k}"): function(ranks, k) for k in ks for stem, function in METRICS.items()}
    return {**values, "auc": auc(ranks)}


@dataclass(frozen=True, slots=True)
class _Ties:
    """The ties (of one item or more) that hold a target and begin within the first k places, best first."""

    owners: Pointers
    above: Pointers  # a
    size: Pointers  # t
    targets: Pointers  # m
    targets_above: Pointers  # h


def _ties(ranks: Ranks, k: int) -> _Ties:
    inside = ranks.where(ranks.above < k)
    order = np.lexsort((inside.above, inside.owners))
    owners, above = inside.owners[order], inside.above[order]
    starts = np.flatnonzero(np.diff(owners, prepend=-1) | np.diff(above, prepend=-1))
    return _Ties(
        owners=owners[starts],
        above=above[starts],
        size=inside.tied[order][starts],
        targets=np.diff(starts, append=len(order)),
        targets_above=starts - inside.indptr[owners[starts]],
    )


def _first_of_many(above: int, size: int, targets: int, k: int) -> float:
    place = np.arange(1, min(size - targets + 1, k - above) + 1)
    later = size - place
    ways = gammaln(later + 1) - gammaln(targets) - gammaln(later - targets + 2)
    every = gammaln(size + 1) - gammaln(targets + 1) - gammaln(size - targets + 1)
    return float(np.sum(np.exp(ways - every) / (above + place)))


def _hits(ranks: Ranks, k: int) -> Doubles:
    return _gain(ranks, np.arange(k + 1, dtype=np.float64))


def _dcg(ranks: Ranks, k: int) -> Doubles:
    return _gain(ranks, _discounts(k))


def _gain(ranks: Ranks, prefix: Doubles) -> Doubles:
    """(U,) the expected gain summed over the targets; prefix (k + 1,) holds G(0) … G(k)."""
    k = len(prefix) - 1
    gained = prefix[np.minimum(ranks.above + ranks.tied, k)] - prefix[np.minimum(ranks.above, k)]
    return _summed(ranks.owners, gained / ranks.tied, len(ranks))


def _summed(owners: Pointers, values: Doubles, n: int) -> Doubles:
    return np.bincount(owners, values, minlength=n).astype(np.float64)


def _discounts(k: int) -> Doubles:
    return np.concatenate([[0.0], np.cumsum(1.0 / np.log2(np.arange(2, k + 2)))])


def _harmonic(k: int) -> Doubles:
    return np.concatenate([[0.0], np.cumsum(1.0 / np.arange(1, k + 1))])


def _ratio(gained: Doubles, ideal: Doubles | Pointers) -> Doubles:
    return np.where(ideal > 0, gained / np.where(ideal > 0, ideal, 1), np.nan)


def _of_users(values: Doubles, ranks: Ranks) -> Doubles:
    return np.where(ranks.n_targets > 0, values, np.nan)
