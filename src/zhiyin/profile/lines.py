"""Lines: what stands out of a person's past against what everybody takes, each with its evidence.

A line is told if its trait is in LEAST items or more and its z (zhiyin.profile.odds) is at least STANDS_OUT.
Nothing here is drawn by chance and nothing depends on when it is asked: the same log gives the same lines.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from zhiyin.data.dataset import Doubles
from zhiyin.profile.background import Background
from zhiyin.profile.odds import STANDS_OUT, z_score
from zhiyin.profile.past import Past, Side, Touched
from zhiyin.profile.traits import TEXT, Trait
from zhiyin.types import MAX_LINE, Event

Leaning = Literal["likes", "dislikes"]
When = Literal["recent", "lasting", "fading", "unknown"]
Having = Mapping[Trait, list[int]]  # by trait the places of the items that have it
Base = Literal["people", "catalogue", "none"]

LEAST = 2  # items that have the trait
SHOWN = 5  # items named as evidence
OF_A_FIELD, LIKES, DISLIKES = 3, 8, 4  # lines at most
SEARCHES = 3
LONG = 6  # events from which on there is an earlier and a later


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a line rests on. Of a search: `n_items` is how often it was made, and there are no items."""

    items: tuple[str, ...] = ()  # ids, those met last first, at most SHOWN
    n_items: int = 0  # that have the trait
    of: int = 0  # that the person took to, or turned down
    n_events: int = 0  # with those n_items
    share: float = 0.0  # of the person's, items met in passing counting less
    base_share: float = 0.0
    base: Base = "none"  # whose share that is: of what people take, or of the catalogue
    z: float = 0.0
    first: datetime | None = None  # when, as far as events say
    last: datetime | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that stands out."""

    trait: Trait
    leaning: Leaning
    when: When
    evidence: Evidence


def trait_lines(past: Past, known: Background, popularity: Doubles | None) -> list[Line]:
    """Lines of the fields of items, likes first, each kind by z, ties by name."""
    base = _Bases(known, known.shares(popularity), "catalogue" if popularity is None else "people")
    having = _having(past.liked, known)
    likes = _standing_out(past, "likes", having, base)
    told = {line.trait.key for line in likes}
    dislikes = [
        line
        for line in _standing_out(past, "dislikes", _having(past.disliked, known), base)
        if line.trait.key not in told and _share(past.liked, having.get(line.trait, [])) < line.evidence.share
    ]
    return [*_varied(likes, LIKES), *_varied(dislikes, DISLIKES)]


def search_lines(searches: Sequence[Event]) -> list[Line]:
    """What was looked for again, or where nothing was, what was looked for last. A blank text, or one too long for
    a line, is none."""
    searches = [event for event in searches if 0 < len((event.text or "").strip()) <= MAX_LINE]
    times = Counter(Trait(TEXT, str(event.text)).key for event in searches)
    newest = {Trait(TEXT, str(event.text)).key: event for event in searches}  # in the order of the first
    order = sorted(newest, key=lambda key: (-times[key], -searches.index(newest[key])))
    again = [key for key in order if times[key] > 1] or order[:1]
    lines = []
    for key in again[:SEARCHES]:
        at = [e.at for e in searches if e.at is not None and Trait(TEXT, str(e.text)).key == key]
        evidence = Evidence(
            n_items=times[key],
            of=len(searches),
            n_events=times[key],
            first=min(at, default=None),
            last=max(at, default=None),
        )
        lines.append(Line(Trait(TEXT, str(newest[key].text).strip()), "likes", "unknown", evidence))
    return lines


def evidence_of(having: Sequence[Touched], side: Side, count: float, base_share: float, base: Base) -> Evidence:
    """Of the items that have a trait, in the order of the side; `count` is what they count together. z is that of
    this trait alone."""
    total = float(side.counts.sum())
    at = [moment for one in having for moment in one.at]
    return Evidence(
        items=tuple(one.item.item_id for one in having[::-1][:SHOWN]),
        n_items=len(having),
        of=len(side.touched),
        n_events=sum(len(one.places) for one in having),
        share=count / total if total else 0.0,
        base_share=base_share,
        base=base,
        z=z_score(count, total, base_share),
        first=min(at, default=None),
        last=max(at, default=None),
    )


def when_of(having: Sequence[Touched], length: int) -> When:
    """Recent: all its events are in the newer half of the history; fading: in the older one; lasting: in both."""
    if length < LONG:
        return "unknown"
    places = [place for one in having for place in one.places]
    first, last = min(places), max(places)
    if first >= length / 2:
        return "recent"
    if last < length / 2:
        return "fading"
    return "lasting"


@dataclass(frozen=True, slots=True)
class _Bases:
    """How common traits are, and among what."""

    known: Background
    shares: Doubles  # (T,)
    base: Base

    def of(self, trait: Trait) -> float:
        place = self.known.place.get(trait)
        return 0.0 if place is None else float(self.shares[place])


def _standing_out(past: Past, leaning: Leaning, having: Having, bases: _Bases) -> list[Line]:
    side = past.liked if leaning == "likes" else past.disliked
    lines, total = list[Line](), float(side.counts.sum())
    for trait, places in having.items():
        if len(places) < LEAST:
            continue
        count, share = float(side.counts[places].sum()), bases.of(trait)
        if z_score(count, total, share) < STANDS_OUT:
            continue
        touched = [side.touched[place] for place in places]
        evidence = evidence_of(touched, side, count, share, bases.base)
        lines.append(Line(trait, leaning, when_of(touched, past.length), evidence))
    return sorted(lines, key=lambda line: (-line.evidence.z, line.trait))


def _having(side: Side, known: Background) -> Having:
    """By trait the places of those that have it."""
    found: dict[Trait, list[int]] = {}
    for place, one in enumerate(side.touched):
        for trait in known.traits(one.row, one.item):
            found.setdefault(trait, []).append(place)
    return found


def _share(side: Side, places: Sequence[int]) -> float:
    """What these items count of all."""
    return float(side.counts[places].sum()) / float(side.counts.sum()) if places else 0.0


def _varied(lines: Sequence[Line], most: int) -> list[Line]:
    """The first of them, of no field more than OF_A_FIELD, and of those with the very same evidence one."""
    fields: Counter[str] = Counter()
    told: set[tuple[str, ...]] = set()
    chosen = []
    for line in lines:
        items = (line.trait.field, *line.evidence.items)
        if fields[line.trait.field] < OF_A_FIELD and (items not in told):
            fields[line.trait.field] += 1
            told.add(items)
            chosen.append(line)
    return chosen[:most]
