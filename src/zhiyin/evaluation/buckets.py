"""For whom and for what it works: by support of the wanted item, length of the history, attribute of the person.

A bucket has its own section, against all baselines, and a gap: our mean in it minus our mean outside of it. Items
are compared within the people who wanted both kinds, where there are enough of them; people are compared with
other people, each side drawn by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from zhiyin.data.dataset import Doubles, Mask
from zhiyin.data.splits import Split
from zhiyin.data.vocabulary import PAD
from zhiyin.evaluation.comparing import Bootstrap, section, values_of
from zhiyin.evaluation.judging import OURS
from zhiyin.evaluation.record import Gap, Section
from zhiyin.metrics.intervals import difference, gap
from zhiyin.metrics.judge import PerUser
from zhiyin.metrics.ranking import metric
from zhiyin.models.propagation import COLD
from zhiyin.types import Scalar

SUPPORTS = ((0, 0), (1, 4), (5, 19), (20, 99), (100, None))  # events of an item, from and to
LENGTHS = ((0, 0), (1, 1), (2, 4), (5, 9), (10, 19), (20, None))  # events in a history, from and to
FEW = 30  # people on one side of a gap below which it is not given, and of an attribute's value to have a bucket
KINDS = 8  # values of an attribute that have buckets, the most frequent; of more numbers, thirds

People = Mapping[str, Mapping[str, Scalar]]  # attributes by user id


@dataclass(frozen=True, slots=True)
class Asked:
    """What everybody got, and what is to be said of it."""

    split: Split
    judged: Mapping[str, PerUser]
    metrics: tuple[str, ...]
    main: str  # the metric of the gaps
    bootstrap: Bootstrap


def bucket_sections(asked: Asked, people: People) -> tuple[dict[str, Section], dict[str, Gap]]:
    """Sections and gaps by the name of the bucket; buckets without anybody are left out."""
    sections: dict[str, Section] = {}
    gaps: dict[str, Gap] = {}
    for name, targets in _by_support(asked.split):
        if targets.any():
            part = {system: one.bucket(targets) for system, one in asked.judged.items()}
            sections[name] = section(values_of(part, list(part)), asked.metrics, asked.bootstrap)
            inside, outside = (_main(asked, chosen) for chosen in (targets, ~targets))
            gaps.update(_gap(name, inside, outside, asked.bootstrap))
    values = values_of(asked.judged, list(asked.judged))
    ours = values[OURS][asked.main]
    for name, users in (*_by_length(asked.split), *_by_attribute(asked.split, people)):
        if np.isfinite(ours[users]).any():
            sections[name] = section(values, asked.metrics, asked.bootstrap, users)
            gaps.update(_gap(name, np.where(users, ours, np.nan), np.where(users, np.nan, ours), asked.bootstrap))
    return sections, gaps


def target_masks(split: Split, people: People) -> dict[str, Mask]:
    """(T,) by the name of the bucket, the targets that it is about; empty ones are left out."""
    owners = split.targets.owners
    of_people = ((name, users[owners]) for name, users in (*_by_length(split), *_by_attribute(split, people)))
    return {name: targets for name, targets in (*_by_support(split), *of_people) if targets.any()}


def _gap(name: str, inside: Doubles, outside: Doubles, bootstrap: Bootstrap) -> dict[str, Gap]:
    """(U,) values on both sides, NaN where a person has none there; nothing where a side is too small."""
    rng = np.random.default_rng(bootstrap.seed)
    has = [np.isfinite(side) for side in (inside, outside)]
    if (both := has[0] & has[1]).sum() >= FEW:
        found = difference(inside[both], outside[both], rng, resamples=bootstrap.resamples)
        return {name: Gap(found.value, found.low, found.high, paired=True)}
    if min(side.sum() for side in has) < FEW:
        return {}
    found = gap(inside, outside, rng, resamples=bootstrap.resamples)
    return {name: Gap(found.value, found.low, found.high, paired=False)}


def _main(asked: Asked, targets: Mask) -> Doubles:
    return metric(asked.main, asked.judged[OURS].ranks.where(targets))


def _by_support(split: Split) -> Iterator[tuple[str, Mask]]:
    support = split.fit.support[split.targets.rows]
    yield "warm items", support >= COLD
    yield "cold items", support < COLD
    for low, high in SUPPORTS:
        yield f"support {_range(low, high)}", _within(support, low, high)


def _by_length(split: Split) -> Iterator[tuple[str, Mask]]:
    liked = np.append(0, np.cumsum(split.past.weights > 0))
    length = liked[split.past.indptr[1:]] - liked[split.past.indptr[:-1]]
    for low, high in LENGTHS:
        yield f"history {_range(low, high)}", _within(length, low, high)


def _by_attribute(split: Split, people: People) -> Iterator[tuple[str, Mask]]:
    known = [people.get(split.fit.users[row], {}) if row != PAD else {} for row in split.users]
    for name in sorted({name for attributes in known for name in attributes}):
        values = [attributes.get(name) for attributes in known]
        told = {value for value in values if value is not None}
        if 2 * len(told) > sum(value is not None for value in values):
            continue  # a number or a name of each person says nothing about others
        if len(told) > KINDS and all(isinstance(value, int | float) for value in told):
            buckets = _thirds(name, np.array([np.nan if value is None else value for value in values], np.float64))
        else:
            masks = {f"{name} {value}": np.array([one == value for one in values], bool) for value in told}
            buckets = sorted(masks.items(), key=lambda bucket: (-int(bucket[1].sum()), bucket[0]))[:KINDS]
        yield from ((label, users) for label, users in buckets if users.sum() >= FEW)


def _thirds(name: str, values: Doubles) -> list[tuple[str, Mask]]:
    low, high = np.nanquantile(values, [1 / 3, 2 / 3])
    return [
        (f"{name} to {low:g}", values <= low),
        (f"{name} from {low:g} to {high:g}", (values > low) & (values <= high)),
        (f"{name} over {high:g}", values > high),
    ]


def _within(counts: npt.NDArray[np.int64], low: int, high: int | None) -> Mask:
    return (counts >= low) & (counts <= (np.inf if high is None else high))


def _range(low: int, high: int | None) -> str:
    return f"{low}+" if high is None else str(low) if low == high else f"{low}-{high}"
