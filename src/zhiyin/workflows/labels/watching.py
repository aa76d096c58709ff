"""`zhiyin label watch`: the share of labels over time, in what people wrote, and whether it leaves its interval.

Each period has Wilson's interval (1927). It is an alert where its share is farther from that of the periods before
it, taken together, than chance goes in 99 of 100 cases: |p − q| > 2.58 · √(q (1 − q) (1/n + 1/N)).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import sqrt

from zhiyin.errors import InvalidData
from zhiyin.labels.model import UNKNOWN, LabelModel
from zhiyin.shop import Zhiyin
from zhiyin.types import WatchPeriod, WatchSource
from zhiyin.workflows.labels.reading import item_text

PERIODS = {"day": timedelta(days=1), "week": timedelta(weeks=1), "month": timedelta(days=30)}
AT_ONCE = 500
CERTAIN, LIKELY = 2.576, 1.96  # of the normal distribution: 99 % and 95 %
ENOUGH = 20  # texts before a period, and FEW in it, without which there is no alert
FEW = 5
MOST_PERIODS = 520
FIRST = datetime(1970, 1, 5, tzinfo=UTC)  # a Monday, so weeks begin on one


@dataclass(frozen=True, slots=True)
class Share:
    """One label in one period."""

    start: datetime
    label: str
    n: int  # texts of the label
    total: int  # texts of the period
    low: float  # of the 95 % interval of the share
    high: float
    expected: float | None  # the share in the periods before; None where they are too few
    alert: bool

    @property
    def value(self) -> float:
        return self.n / self.total


@dataclass(frozen=True, slots=True)
class Watched:
    """All periods with a text, oldest first."""

    name: str
    period: str
    n_texts: int
    undated: int  # texts without a time: left out
    shares: tuple[Share, ...]

    @property
    def alerts(self) -> tuple[Share, ...]:
        return tuple(share for share in self.shares if share.alert)

    def rows(self) -> list[tuple[str, str, str, str, str, str]]:
        """For a table."""
        return [
            (
                f"{one.start:%Y-%m-%d}",
                one.label,
                f"{one.n:,} of {one.total:,}",
                f"{one.value:.1%}",
                f"{one.low:.1%} – {one.high:.1%}",
                "" if one.expected is None else f"{'ALERT ' if one.alert else ''}expected {one.expected:.1%}",
            )
            for one in self.shares
        ]


def watch(
    shop: Zhiyin,
    name: str,
    *,
    period: WatchPeriod = "week",
    source: WatchSource = "events",
    labels: Sequence[str] = (),
) -> Watched:
    """Shares of these labels, by default of all. Raises InvalidData where nothing has both a text and a time."""
    model = shop.labels(name)
    wanted = _known(model, labels)
    counts: dict[datetime, Counter[str]] = {}
    undated = n = 0
    batch: list[tuple[str, datetime]] = []
    for text, at in _texts(shop, source):
        n += 1
        if at is None:
            undated += 1
        else:
            batch.append((text, _start(at, PERIODS[period])))
        if len(batch) == AT_ONCE:
            _count(model, batch, counts)
            batch = []
    _count(model, batch, counts)
    if not counts:
        raise InvalidData(
            f"no text among {source} has a time to count it by: events of reviews carry theirs, items need "
            "published_at"
        )
    return Watched(name, period, n, undated, tuple(_shares(counts, wanted)))


def wilson(n: int, total: int, z: float = LIKELY) -> tuple[float, float]:
    """The interval of a share (Wilson 1927)."""
    share, more = n / total, z * z / total
    middle = (share + more / 2) / (1 + more)
    half = z / (1 + more) * sqrt(share * (1 - share) / total + more / (4 * total))
    return max(middle - half, 0.0), min(middle + half, 1.0)


def _texts(shop: Zhiyin, source: WatchSource) -> Iterator[tuple[str, datetime | None]]:
    if source == "items":
        written = ((item_text(item), item.published_at) for item in shop.store.items())
        yield from ((text, at) for text, at in written if text)
        return
    for _, event in shop.store.events():
        if event.text and event.text.strip() and event.type != "search":
            yield event.text, event.at


def _start(at: datetime, length: timedelta) -> datetime:
    return FIRST + (at.astimezone(UTC) - FIRST) // length * length


def _count(model: LabelModel, batch: Sequence[tuple[str, datetime]], counts: dict[datetime, Counter[str]]) -> None:
    answers = model.answers([text for text, _ in batch], 1) if batch else []
    for (_, start), answer in zip(batch, answers, strict=True):
        period = counts.setdefault(start, Counter())
        period[""] += 1
        period.update([UNKNOWN] if answer.unknown else answer.labels)


def _shares(counts: Mapping[datetime, Counter[str]], labels: Sequence[str]) -> Iterator[Share]:
    starts = sorted(counts)[-MOST_PERIODS:]
    for label in labels:
        n_before = total_before = 0
        for start in starts:
            n, total = counts[start][label], counts[start][""]
            expected = n_before / total_before if total_before >= ENOUGH else None
            alert = expected is not None and total >= FEW and _leaves(n / total, total, expected, total_before)
            yield Share(start, label, n, total, *wilson(n, total), expected, alert)
            n_before, total_before = n_before + n, total_before + total


def _leaves(share: float, n: int, expected: float, before: int) -> bool:
    smooth = (expected * before + 1) / (before + 2)  # none so far is not never
    return abs(share - expected) > CERTAIN * sqrt(smooth * (1 - smooth) * (1 / n + 1 / before))


def _known(model: LabelModel, labels: Sequence[str]) -> tuple[str, ...]:
    known = (*model.classifier.names, UNKNOWN)
    for label in labels:
        if label not in known:
            raise InvalidData(f"the model knows no label {label!r}: there are {', '.join(known[:20])}")
    return tuple(labels) or known
