"""What the console shows: read-only looks at the store, the live bundle and one person.

Thin on purpose: every number comes from the store, the bundle or the recommender as it stands there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from zhiyin.bundle import Manifest, find_bundle, read_manifest
from zhiyin.data.store.protocols import Publication
from zhiyin.evaluation.record import Evaluation, Section, attached
from zhiyin.models.base import best
from zhiyin.ranking.fusion import BUCKETS
from zhiyin.shop import Zhiyin
from zhiyin.snapshot import Snapshot
from zhiyin.types import Event, Mode, Place, Query, Recommendation
from zhiyin.workflows.exploring import Exploration
from zhiyin.workflows.exploring import exploration as explore
from zhiyin.workflows.labels.asking import LabelHealth, label_health
from zhiyin.workflows.labels.reviewing import Doubtful, review_queue

RECENT_EVENTS = 5_000  # of the log, for what is told by day and for the people to choose from
RECENT_DAYS = 30
PEOPLE = 40
HISTORY = 50  # events of one person
REVIEWED = 20  # items of each queue
EXPLORED_LISTS = 1_000
PLACES = 10  # of each list of one person


@dataclass(frozen=True, slots=True)
class Day:
    """How many of the newest events happened on a day."""

    day: str  # 2026-01-31
    events: int


@dataclass(frozen=True, slots=True)
class Health:
    """How the data is."""

    counts: Mapping[str, int]  # items, users, events …
    types: Mapping[str, int]  # events by type
    unknown_items: int  # events that speak of items which are not in the catalogue
    unknown_examples: tuple[str, ...]
    last_event: datetime | None
    days: tuple[Day, ...]  # oldest first, of the newest RECENT_EVENTS


@dataclass(frozen=True, slots=True)
class Gates:
    """What a channel's standardised score is multiplied with, by length of the history."""

    channel: str
    warm: tuple[float, ...]  # by bucket
    cold: tuple[float, ...]
    own: tuple[float, ...]  # items that the person had before
    blank: tuple[float, ...]  # cold ones without a text


@dataclass(frozen=True, slots=True)
class Measured:
    """The short table of an evaluation."""

    main: str
    metrics: tuple[str, ...]
    words: str
    n_users: int
    whole: Section
    verdict: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Served:
    """The bundle that is live, and those before it."""

    name: str
    manifest: Manifest
    buckets: tuple[int, ...]  # the shortest history of each
    gates: tuple[Gates, ...]
    policy: str
    measured: Measured | None
    history: tuple[Publication, ...]  # newest first


@dataclass(frozen=True, slots=True)
class Shown:
    """One place of a list, by name."""

    item_id: str
    title: str
    score: float
    explored: bool = False


@dataclass(frozen=True, slots=True)
class List:
    """A recommendation of the log in short."""

    recommendation_id: str
    at: datetime
    user_id: str | None
    asked: str  # the typed wish, or ""
    scenario: str
    mode: Mode
    policy: str
    bundle: str
    items: tuple[Shown, ...]


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who did something lately."""

    user_id: str
    events: int


@dataclass(frozen=True, slots=True)
class Deed:
    """An event of one person, by the item's name."""

    at: datetime | None
    type: str
    item_id: str | None
    title: str


@dataclass(frozen=True, slots=True)
class Explored:
    """One person: what they did, what each channel would show, and what all of them together would."""

    user_id: str
    mode: Mode
    history: tuple[Deed, ...]  # newest first
    channels: Mapping[str, tuple[Shown, ...]]
    fused: tuple[Place, ...]
    titles: Mapping[str, str]  # of the fused list


def health(shop: Zhiyin) -> Health:
    """Counts of the whole store, and the newest events by day."""
    counts = shop.store.counts()
    count, examples = shop.store.unknown_items()
    moments = [event.at for event in _newest_events(shop) if event.at is not None]
    days = Counter(moment.astimezone(UTC).date().isoformat() for moment in moments)
    return Health(
        counts={name: n for name, n in counts.items() if "." not in name},
        types={name.removeprefix("events."): n for name, n in counts.items() if name.startswith("events.")},
        unknown_items=count,
        unknown_examples=tuple(examples),
        last_event=max(moments, default=None),
        days=tuple(Day(day, n) for day, n in sorted(days.items())[-RECENT_DAYS:]),
    )


@dataclass(frozen=True, slots=True)
class Labels:
    """All label models, and what a person should look at: the queue of each that has one."""

    models: tuple[LabelHealth, ...]
    queues: Mapping[str, tuple[Doubtful, ...]]


def labels(shop: Zhiyin) -> Labels:
    """Queues are those of label models that know harm."""
    models = label_health(shop)
    asked = (one.name for one in models if one.harmful)
    return Labels(models, {name: tuple(review_queue(shop, name, REVIEWED)) for name in asked})


def served(shop: Zhiyin) -> Served:
    """The live bundle's story; its evaluation if it has one."""
    world = shop.live().snapshot()
    name, fusion = world.bundle.name, world.bundle.fitted.fusion
    gates = fusion.gates.tolist()
    return Served(
        name=name,
        manifest=read_manifest(find_bundle(shop.bundles, name)),
        buckets=BUCKETS,
        gates=tuple(
            Gates(channel, *(tuple(kind) for kind in zip(*row, strict=True)))
            for channel, row in zip(fusion.channels, gates, strict=True)
        ),
        policy=shop.settings.policy.name,
        measured=_measured(attached(shop.bundles, name)),
        history=tuple(shop.store.publications()),
    )


def exploration(shop: Zhiyin) -> Exploration | None:
    """Of the newest lists; None before the first."""
    return explore(shop, EXPLORED_LISTS, exact=False) if shop.store.recent(limit=1) else None


def recent(shop: Zhiyin, limit: int) -> tuple[List, ...]:
    """The newest lists of the log."""
    return tuple(_list(shop, shown) for shown in shop.store.recent(limit=limit))


def people(shop: Zhiyin) -> tuple[Person, ...]:
    """Those who did the most among the newest events; anonymous sessions of the storefront are left out."""
    done = Counter(event.user_id for event in _newest_events(shop) if not event.user_id.startswith("anon-"))
    return tuple(Person(user_id, n) for user_id, n in done.most_common(PEOPLE))


def explored(shop: Zhiyin, user_id: str) -> Explored:
    """One person, channel by channel. Nothing of it is logged."""
    query = Query(user_id=user_id, n=PLACES)
    fused = shop.compute(query)
    world = shop.live().snapshot()
    events = shop.store.history(user_id, limit=HISTORY)
    return Explored(
        user_id=user_id,
        mode=fused.mode,
        history=tuple(_deed(world, event) for event in reversed(events)),
        channels=_channels(shop, world, query),
        fused=fused.items,
        titles={place.item_id: _title(shop, place.item_id) for place in fused.items},
    )


def _channels(shop: Zhiyin, world: Snapshot, query: Query) -> dict[str, tuple[Shown, ...]]:
    """What each channel alone would show, best first, without what cannot be shown; of one that only weighs, what
    it likes best of what the others propose."""
    recommender = shop.recommender()
    asker = shop.live().asker(query, world, datetime.now(UTC))
    heard, many = recommender.hear(world, asker, query), PLACES + len(asker.seen)
    proposed = heard.retrieve(many)
    lists = {}
    for name, scorer in heard.past.items():
        found = scorer.retrieve(many)
        if not len(found):
            liked = proposed[scorer.score(proposed) > 0]
            found = best(scorer.score(liked), many, liked)
        rows = recommender.eligible(found, world, asker, query)[:PLACES]
        scores = scorer.score(rows).tolist()
        ids = [world.vocabulary[row] for row in rows.tolist()]
        lists[name] = tuple(Shown(id_, _title(shop, id_), score) for id_, score in zip(ids, scores, strict=True))
    return lists


def _newest_events(shop: Zhiyin) -> Sequence[Event]:
    last = shop.store.last_event()
    return [event for _, event in shop.store.events(after=max(last - RECENT_EVENTS, 0), until=last)]


def _measured(evaluation: Evaluation | None) -> Measured | None:
    if evaluation is None:
        return None
    question = evaluation.question
    return Measured(
        evaluation.main,
        evaluation.reported,
        question.words,
        question.n_users,
        evaluation.whole,
        evaluation.verdict,
    )


def _list(shop: Zhiyin, shown: Recommendation) -> List:
    return List(
        recommendation_id=shown.recommendation_id,
        at=shown.at,
        user_id=shown.query.user_id,
        asked=shown.query.text or "",
        scenario=shown.query.scenario,
        mode=shown.mode,
        policy=shown.policy,
        bundle=shown.bundle,
        items=tuple(
            Shown(place.item_id, _title(shop, place.item_id), place.score, place.explored) for place in shown.items
        ),
    )


def _deed(world: Snapshot, event: Event) -> Deed:
    row = world.vocabulary.row(event.item_id) if event.item_id is not None else -1
    item = world.items[row] if row >= 0 else None
    return Deed(event.at, event.type, event.item_id, item.title if item else event.text or event.item_id or "")


def _title(shop: Zhiyin, item_id: str) -> str:
    item = shop.store.item(item_id)
    return item.title or item_id if item else item_id
