"""Why an item stood where it stood: the logged sum, and what each item of the history added to each part.

A part is a gate times φ(score / scale) of a channel, and a channel says what each history entry contributes
to its score. So an entry's share of the part is its share of that score; what no entry brought (a typed wish,
what many take, diversity) is the `rest`. Entries and rest sum to the part, the parts to the score.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import fsum, isclose

import numpy as np

from zhiyin.bundle import SHORT
from zhiyin.data.dataset import Doubles
from zhiyin.data.vocabulary import PAD
from zhiyin.errors import NotFound, ZhiyinError
from zhiyin.live import Asker, Live
from zhiyin.profile.traits import READ
from zhiyin.ranking.fusion import CALM, PROFILE, Heard, buckets
from zhiyin.recommender import Recommender
from zhiyin.service.answers import item_in
from zhiyin.shop import Zhiyin
from zhiyin.snapshot import Snapshot
from zhiyin.types import Place, Reason, Recommendation, Stance

SMALL = 1e-4  # float32 channels, summed in another order


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one item of the history added to one part."""

    item_id: str
    title: str
    value: float


@dataclass(frozen=True, slots=True)
class LineAddend:
    """What one line that the person said of their profile added."""

    field: str
    text: str
    stance: Stance
    value: float


@dataclass(frozen=True, slots=True)
class Why:
    """`parts` sum to `score`; of each part in `contributions`, these and the `rest` sum to the part.

    `reproduced`: whether the channels of the history give the logged parts again. They do not where the log
    was changed since: a person merged with another, a history erased.
    """

    recommendation_id: str
    item_id: str
    position: int
    score: float
    parts: Mapping[str, float]
    gates: Mapping[str, float]  # of the channels that speak in this list; part = gate · φ(score / scale)
    reasons: tuple[Reason, ...]
    contributions: Mapping[str, tuple[Contribution, ...]]  # by part, largest first
    rest: Mapping[str, float]  # by part: what did not come from the history
    lines: tuple[LineAddend, ...]  # that sum to the part `profile`, as they were said
    log_propensity: float
    explored: bool
    reproduced: bool


def why(shop: Zhiyin, live: Live, shown: Recommendation, item_id: str) -> Why:
    """Raises NotFound for an item that was not shown in this list, or when its bundle is gone."""
    position, place = _find(shown, item_id)
    world = _world(shop, live, shown)
    asker = live.asker(shown.query, world, shown.at)
    row = world.vocabulary.row(item_id)
    if row == PAD:
        raise NotFound(f"item {item_id!r} has left the catalogue: its parts are in GET /v1/recommendations/ID")
    said = {name: _said(world, asker, place, name, row) for name in place.parts if name in world.models}
    contributions = {name: _named(world, asker, entries) for name, (entries, _) in said.items()}
    return Why(
        recommendation_id=shown.recommendation_id,
        item_id=item_id,
        position=position,
        score=place.score,
        parts=place.parts,
        gates={name: gate for name, (_, gate) in said.items() if gate is not None},
        reasons=place.reasons,
        contributions={name: found for name, found in contributions.items() if found},
        rest={
            name: fsum([part, *(-one.value for one in contributions.get(name, ()))])
            for name, part in place.parts.items()
        },
        lines=_lines(shop.recommender(live), world, asker, shown, row) if PROFILE in place.parts else (),
        log_propensity=place.log_propensity,
        explored=place.explored,
        reproduced=_reproduced(world, asker, place, row),
    )


def _lines(
    recommender: Recommender, world: Snapshot, asker: Asker, shown: Recommendation, row: int
) -> tuple[LineAddend, ...]:
    """Those that added something."""
    heard = recommender.hear(world, asker, shown.query)
    if heard.said is None:
        return ()
    added = heard.said.addends(np.array([row], np.int32))[:, 0] * (CALM if heard.wished else 1.0)
    return tuple(
        LineAddend(one.trait.field, one.trait.value, one.stance, value)
        for one, value in zip(asker.said, added.tolist(), strict=True)
        if value
    )


def _find(shown: Recommendation, item_id: str) -> tuple[int, Place]:
    for position, place in enumerate(shown.items):
        if place.item_id == item_id:
            return position, place
    raise NotFound(f"item {item_id!r} has no place in this list: `zhiyin trace` tells where it was lost")


def _world(shop: Zhiyin, live: Live, shown: Recommendation) -> Snapshot:
    """The bundle and the catalogue that the list was made from. Trends and beliefs are not needed: no entry of a
    history contributes to them."""
    now = live.folded
    if now.bundle.name != shown.bundle:
        try:
            bundle = shop.bundle(shown.bundle)
        except ZhiyinError:  # it, or what it was read by, is gone
            raise NotFound(
                f"bundle {shown.bundle[:SHORT]} of this list is not there any more: its parts are in "
                "GET /v1/recommendations/ID"
            ) from None
        return Live(bundle, shop.store, shop.settings.data.signals).at(shown.as_of, believing=False)
    return (
        replace(now, as_of=shown.as_of)
        if now.as_of.item == shown.as_of.item
        else live.at(shown.as_of, believing=False)
    )


def _said(world: Snapshot, asker: Asker, place: Place, name: str, row: int) -> tuple[Doubles, float | None]:
    """(H,) what each entry added to the part, and the gate."""
    part, one = place.parts[name], np.array([row], np.int32)
    scorer = world.models[name].scorer(asker.history)
    score = float(scorer.score(one)[0])
    entries = scorer.why(one)[:, 0].astype(np.float64)
    share = entries * (part / score) if abs(score) > 1e-9 else np.zeros_like(entries)
    heard = _heard(world, name, score)
    return share, (part / heard if heard else None)


def _heard(world: Snapshot, name: str, score: float) -> float:
    """φ(score / scale)."""
    scale = float(world.fusion.scales[world.fusion.channels.index(name)])
    return float(np.sign(score) * np.log1p(abs(score) / scale))


def _named(world: Snapshot, asker: Asker, entries: Doubles) -> tuple[Contribution, ...]:
    """By item: a history may hold one several times."""
    added: dict[str, float] = {}
    for row, value in zip(asker.history.rows.tolist(), entries.tolist(), strict=True):
        if value:
            item_id = world.vocabulary[row]
            added[item_id] = added.get(item_id, 0.0) + value
    largest = sorted(added.items(), key=lambda entry: (-abs(entry[1]), entry[0]))
    return tuple(Contribution(item_id, item_in(world, item_id).title, value) for item_id, value in largest)


def _reproduced(world: Snapshot, asker: Asker, place: Place, row: int) -> bool:
    """Whether the channels that hear the history, under the same gates, say what the log says."""
    heard = Heard.by({name: model for name, model in world.models.items() if name != "popular"}, asker.history)
    sentences = any(said.stance == "more" and said.trait.field in READ for said in asker.said)
    alone = sentences and buckets(asker.history)[0] == 0
    calm = CALM if alone or any(name.startswith("wish_") for name in place.parts) else 1.0
    again = world.fusion.parts(heard, np.array([row], np.int32)).of(0)
    return all(
        isclose(part, again.get(name, 0.0) * calm, rel_tol=SMALL, abs_tol=SMALL)
        for name, part in place.parts.items()
        if name in heard.past
    )
