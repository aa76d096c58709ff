"""`zhiyin trace`: why an item is not in somebody's list: the stage at which it was lost, with the number.

The same steps as an answer takes (Recommender.retrieve, eligible, rank, choose), one after the other, until
the item is gone. Nothing is logged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Literal

import numpy as np

from zhiyin.data.vocabulary import PAD, Rows
from zhiyin.encoders.cross import NOTHING
from zhiyin.live import SEEN, Live
from zhiyin.models.base import Scorer
from zhiyin.ranking.fusion import Heard
from zhiyin.ranking.house_rules import set_off
from zhiyin.ranking.rules import compile_filter
from zhiyin.ranking.standing import refused
from zhiyin.recommender import Ranked
from zhiyin.shop import Zhiyin, new_id
from zhiyin.types import LATEST, PERSON, SIMILAR, Event, Query

Stage = Literal[
    "unknown",
    "deleted",
    "unavailable",
    "excluded",
    "filtered",
    "harmful",
    "seen",
    "never",
    "ruled_out",
    "not_retrieved",
    "below_cut",
    "not_chosen",
    "shown",
]


@dataclass(frozen=True, slots=True)
class ChannelRank:
    """Where a channel alone puts the item among all items; no rank: it has nothing to say about it."""

    channel: str
    score: float
    rank: int | None  # 1 is the best; ties share the better rank
    proposes: int  # items that the channel brings in; it may find these without scoring everything


@dataclass(frozen=True, slots=True)
class Traced:
    """What became of one item for one query."""

    item_id: str
    stage: Stage
    sentence: str
    channels: tuple[ChannelRank, ...] = ()
    score: float | None = None
    cut: float | None = None  # the score of the last candidate
    rank: int | None = None  # among everything that was eligible
    probability: float | None = None  # of standing in one of the places, given the others as they were drawn
    parts: Mapping[str, float] = field(default_factory=dict)

    def rows(self) -> list[tuple[str, str, str, str]]:
        """Channel, its score, its rank and its part of the sum, in words; then parts that are no channel's."""
        told = [
            (one.channel, f"{one.score:.4f}", f"{one.rank:,}" if one.rank else "-", self._part(one.channel))
            for one in self.channels
        ]
        named = {one.channel for one in self.channels}
        return [*told, *((name, "", "", self._part(name)) for name in self.parts if name not in named)]

    def _part(self, name: str) -> str:
        return f"{self.parts[name]:+.4f}" if name in self.parts else ""


def trace(
    shop: Zhiyin,
    query: Query,
    item_id: str,
    *,
    recommendation_id: str | None = None,
    at: datetime | None = None,
) -> Traced:
    """The last stage that the item reached. `recommendation_id` decides the draw, fresh by default; `at` is
    when it is asked, now by default."""
    live = shop.live()
    if live.snapshot().vocabulary.row(item_id) == PAD:
        return _not_there(shop, item_id)
    look = _Look(shop, live, query, item_id, at or datetime.now(UTC))
    return look.ruled_out() or look.competed(recommendation_id or new_id())


def _not_there(shop: Zhiyin, item_id: str) -> Traced:
    """An item without a row: never there, or deleted before the bundle was made."""
    if any(change.item_id == item_id for change in shop.store.item_changes(after=0)):
        return Traced(item_id, "deleted", f"{item_id!r} was deleted from the catalogue")
    return Traced(item_id, "unknown", f"{item_id!r} is not in the catalogue: zhiyin import adds items")


class _Look:
    """One item on its way through the stages of one query."""

    def __init__(self, shop: Zhiyin, live: Live, query: Query, item_id: str, at: datetime) -> None:
        self._shop, self._query, self._item_id = shop, query, item_id
        self._world = live.snapshot()
        self._row = self._world.vocabulary.row(item_id)
        self._recommender = shop.recommender(live)
        self._recommender.check(self._world, query)
        self._asker = live.asker(query, self._world, at)
        self._heard = self._recommender.hear(self._world, self._asker, query)

    def ruled_out(self) -> Traced | None:
        """Lost to a rule, whatever its score."""
        item, query = self._world.items[self._row], self._query
        if item is None:
            return self._lost("deleted", "it was deleted from the catalogue")
        if not item.available:
            return self._lost("unavailable", "it is marked as not available")
        if self._item_id in query.exclude:
            return self._lost("excluded", "the query excludes it")
        if query.filter and not compile_filter(query.filter)(item):
            return self._lost("filtered", f"it does not pass the filter {query.filter}")
        return self._harmful() or self._had() or self._never() or self._house_rule()

    def _harmful(self) -> Traced | None:
        """Lost because of what a label model, or a person, says of it."""
        item = self._world.items[self._row]
        for rule in self._shop.settings.harm_rules:
            if item is not None and (harm := rule.harm(item)) >= rule.block:
                by = "a person" if item.labels[rule.name].by == PERSON else "the model"
                told = f"{by} of the labels {rule.name!r} holds it to be harmful: {harm:.2f}, blocked from"
                return self._lost("harmful", f"{told} {rule.block:.2f} on (labels.{rule.name}.block)")
        return None

    def _never(self) -> Traced | None:
        """Lost to what the person said they never want."""
        mine, world = np.array([self._row], np.int32), self._world
        for said in self._asker.said:
            if refused([said], mine, world.items, world.models).any():
                line = f"{said.trait.field}: {said.trait.value}"
                return self._lost("never", f"{self._query.user_id!r} said never to the line {line!r}")
        return None

    def _had(self) -> Traced | None:
        """Lost because of what the person did with it."""
        hidden = self._asker.hidden if self._shop.settings.ranking.repeats else self._asker.seen
        if self._row not in hidden:
            return None
        events = [event for event in self._past() if event.item_id == self._item_id]
        if not events:
            return self._lost("seen", "the query itself names it as an example")
        last = events[-1]
        when = f" on {last.at:%Y-%m-%d}" if last.at else ""
        more = "" if self._row in self._asker.hidden else "; ranking.repeats = true lets items come again"
        told = f"{len(events)} events, the last a {last.type}{when}{more}"
        return self._lost("seen", f"{self._query.user_id!r} already had to do with it ({told})")

    def _past(self) -> list[Event]:
        """The events that the list was made from."""
        until, person = self._world.as_of.event, self._query.user_id
        if person is None or self._query.scenario == SIMILAR:
            return []
        return self._shop.store.history(person, limit=SEEN, until=until)

    def _house_rule(self) -> Traced | None:
        """Lost to a rule of the house that the recent history sets off."""
        items, mine = self._world.items, np.array([self._row], np.int32)
        rules = [rule for rule in self._shop.settings.ranking.house_rules if rule.cost is None]
        for rule, cause in set_off(rules, self._asker.history, items):
            if rule.avoids(mine, items).any():
                had = (
                    f"{self._world.vocabulary[cause]!r} is among the last {rule.last} items and meets {rule.when}"
                )
                return self._lost("ruled_out", f"the rule {rule.name!r} leaves out {rule.avoid}, for {had}")
        return None

    def competed(self, recommendation_id: str) -> Traced:
        """Lost to other items, or shown."""
        retrieved = self._recommender.retrieve(self._world, self._asker, self._heard, self._query)
        if self._row not in retrieved:
            return self._lost("not_retrieved", f"no channel proposes it ({self._ranks_said()})")
        pool = self._recommender.eligible(retrieved, self._world, self._asker, self._query)
        ranked = self._ranked(pool)
        pick = np.flatnonzero(ranked.rows == self._row)
        if not len(pick):
            return self._below_cut(pool, ranked)
        return self._drawn(ranked, int(pick[0]), recommendation_id)

    def _below_cut(self, pool: Rows, ranked: Ranked) -> Traced:
        cut, n_best = float(ranked.scores[-1]), len(ranked.rows)
        rank = n_best
        page = ranked
        while self._row not in page.rows:  # the next best, until the item is among them
            pool = pool[~np.isin(pool, page.rows)]
            page = self._ranked(pool, replace(self._heard, asked=NOTHING))  # only the first page is read twice
            rank += len(page.rows)
        place = int(np.flatnonzero(page.rows == self._row)[0])
        rank += place + 1 - len(page.rows)
        score = float(page.scores[place])
        told = f"rank {rank:,} with {score:.4f}; the last of {n_best:,} candidates has {cut:.4f}"
        lost = self._lost("below_cut", f"it is not among the candidates: {told} (ranking.candidates)")
        return _with(lost, score=score, cut=cut, rank=rank, parts=page.parts.of(place))

    def _drawn(self, ranked: Ranked, pick: int, recommendation_id: str) -> Traced:
        chosen = self._recommender.choose(self._world, ranked, self._query.n, recommendation_id)
        chances = self._recommender.chances(self._world, ranked, chosen, pick)
        probability = float(1.0 - np.prod(1.0 - chances))
        score, cut = float(ranked.scores[pick]), float(ranked.scores[-1])
        where = np.flatnonzero(chosen.order == pick)
        told = f"rank {pick + 1:,} of {len(ranked.rows):,} candidates with {score:.4f}"
        n = len(chosen.order)
        if len(where):
            at = f"it is shown at place {int(where[0]) + 1} ({told}); its probability there was"
            found = self._lost("shown", f"{at} {chances[int(where[0])]:.4f}")
        else:
            policy = self._shop.settings.policy.name
            chance = f"its probability of one of the {n} places was {probability:.4f}"
            found = self._lost("not_chosen", f"it is a candidate but was not chosen by {policy}: {told}, {chance}")
        parts = ranked.parts.of(pick)
        return _with(found, score=score, cut=cut, rank=pick + 1, probability=probability, parts=parts)

    def _ranked(self, pool: Rows, heard: Heard | None = None) -> Ranked:
        return self._recommender.rank(self._world, heard or self._heard, pool, self._query)

    def _lost(self, stage: Stage, why: str) -> Traced:
        return Traced(self._item_id, stage, f"{self._item_id!r}: {why}", self._channels())

    def _channels(self) -> tuple[ChannelRank, ...]:
        """Every channel that takes part, and for a wish those that read it."""
        if self._query.scenario == LATEST:
            return ()
        found = [self._rank(name, scorer) for name, scorer in self._heard.past.items()]
        found += [self._rank(f"wish_{name}", scorer) for name, scorer in self._heard.wished.items()]
        return tuple(found)

    def _rank(self, name: str, scorer: Scorer) -> ChannelRank:
        scores = scorer.score(np.arange(len(self._world.items), dtype=np.int32))
        mine = float(scores[self._row])
        proposes = len(scorer.retrieve(self._shop.settings.ranking.retrieve))
        return ChannelRank(name, mine, int((scores > mine).sum()) + 1 if mine > 0 else None, proposes)

    def _ranks_said(self) -> str:
        if self._query.scenario == LATEST:
            return "it has no date of publication, or many are newer"
        return "; ".join(
            f"{one.channel}: {f'rank {one.rank:,}' if one.rank else 'no score'}, proposes {one.proposes:,}"
            for one in self._channels()
        )


def _with(
    traced: Traced,
    *,
    score: float,
    cut: float,
    rank: int,
    parts: Mapping[str, float],
    probability: float | None = None,
) -> Traced:
    """The same with the numbers of the ranking."""
    return Traced(
        traced.item_id, traced.stage, traced.sentence, traced.channels, score, cut, rank, probability, parts
    )
