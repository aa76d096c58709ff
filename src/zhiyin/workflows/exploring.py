"""`zhiyin exploration`: what was given up to learn, and what that bought.

Spent is the share of the expected reward of a list that greedy would have had more of. Bought are first exposures
of items that came while lists were shown, how far people look, and beliefs that are surer where more was tried.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby, zip_longest

import numpy as np

from zhiyin.data.dataset import Doubles
from zhiyin.data.vocabulary import PAD
from zhiyin.errors import NotFound
from zhiyin.metrics.bounds import normal
from zhiyin.metrics.intervals import Interval
from zhiyin.metrics.off_policy import Estimate
from zhiyin.metrics.waiting import Waiting
from zhiyin.policies.budget import share_lost
from zhiyin.policies.examination import Examination, Looks, SeenLists, exchanged, exchanged_by_luce
from zhiyin.policies.holdout import Holdout
from zhiyin.policies.softmax import Softmax
from zhiyin.shop import Zhiyin, policy_of
from zhiyin.types import Recommendation
from zhiyin.workflows.logged_lists import Arranged, arranged, with_worlds
from zhiyin.workflows.shown_lists import Worth, rewards_of

MOST = 2_000  # newest lists that are looked at
AIM = 100  # exposures at which an item is no longer new
HOUR = 3_600.0  # seconds
UNITS = ((24.0 * HOUR, "d"), (HOUR, "h"), (60.0, "min"))
DEEPEST = 20  # places of a curve
SIGHTS = ((0, 0), (1, 9), (10, 99), (100, None))  # exposures of an item, from and to

Widths = Callable[[Sequence[str]], Doubles]  # ids of items to (n,) standard deviations of what is believed of them


@dataclass(frozen=True, slots=True)
class Day:
    """What was spent on a day (UTC)."""

    day: str  # 2026-01-31
    n_lists: int
    explored: float  # share of places that greedy would have filled with something else
    lost: Interval | None  # share of the expected reward; None where no list of the day can be made again


@dataclass(frozen=True, slots=True)
class Newcomers:
    """Items that came while lists were shown, and how long they waited for `aim` exposures."""

    aim: int
    n: int
    n_there: int  # that have as many
    median_hours: float | None  # None: not yet known
    curve: tuple[tuple[float, float], ...]  # hours, share of items that had as many by then


@dataclass(frozen=True, slots=True)
class Sight:
    """How likely a place is looked at, from the first."""

    chance: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    n_clicks: int


@dataclass(frozen=True, slots=True)
class Width:
    """How sure the belief is of items that were shown so often."""

    least: int
    most: int | None
    n_items: int
    sd: float  # median


@dataclass(frozen=True, slots=True)
class Mixing:
    """How hot lists are drawn."""

    temperature: float | None  # of a list of which nothing is known; None: of a policy that has none
    adaptive: bool  # whether the coefficient is heeded
    coefficient: float | None  # mean over the newest lists; None where nothing was believed
    surprise: float | None  # how much larger errors of items are than they should be, squared

    @property
    def sentences(self) -> Iterator[str]:
        """For a terminal; none where there is no temperature and nothing is believed."""
        drawn = f"drawn at temperature {self.temperature:.4g}" if self.temperature else "drawn without temperature"
        if self.coefficient is None or self.surprise is None:
            yield f"{drawn}; nothing is believed of these lists that could lower it"
            return
        heeded = "times" if self.adaptive else "not adaptive; it would be times"
        known = f"for what is left in doubt; items err {max(self.surprise, 0.0):.2f} times as much as they may"
        yield f"{drawn}, {heeded} {self.coefficient:.2f} on average {known}"


@dataclass(frozen=True, slots=True)
class Open:
    """What an exposure counts whose window is open."""

    after: float  # seconds since it came into view
    known: float  # of an outcome


@dataclass(frozen=True, slots=True)
class Exploration:
    """Of the newest lists."""

    policy: str
    budget: float | None  # what may be spent, of a policy that has a budget
    n_lists: int
    since: datetime
    explored: float
    lost: Interval | None
    mixing: Mixing
    days: tuple[Day, ...]  # oldest first
    newcomers: Newcomers
    sights: Mapping[str, Sight]  # by surface
    widths: tuple[Width, ...]  # empty where nothing is believed
    stages: tuple[Open, ...]  # empty where open windows foretell nothing
    left_out: Mapping[str, int]  # lists of which it is not known what they cost, by why

    @property
    def sentences(self) -> tuple[str, ...]:
        """For a terminal."""
        new = self.newcomers
        may = "" if self.budget is None else f" of the {self.budget:.2%} that may be"
        lines = [
            f"{self.n_lists:,} lists since {self.since:%Y-%m-%d %H:%M}, {self.explored:.1%} of places explored",
            "spent: not known" if self.lost is None else f"spent: {said(self.lost)} of what was expected{may}",
        ]
        lines += [f"cost not known: {n:,} lists {why}" for why, n in self.left_out.items()]
        lines += self.mixing.sentences
        if self.stages:
            counted = ", ".join(f"{one.known:.2f} after {_duration(one.after)}" for one in self.stages)
            lines.append(f"open windows count by what they foretell, as parts of an outcome: {counted}")
        if not new.n:
            return (*lines, "bought: no item came while these lists were shown")
        when = "not yet known" if new.median_hours is None else f"{new.median_hours:,.1f} hours"
        lines.append(f"bought: {new.n_there:,} of {new.n:,} new items have {new.aim} exposures; median {when}")
        return tuple(lines)


def said(share: Interval) -> str:
    """With its interval."""
    return f"{share.value:.2%} [{share.low:.2%}, {share.high:.2%}]"


def exploration(
    shop: Zhiyin, most: int = MOST, *, widths: Widths | None = None, exact: bool = True
) -> Exploration:
    """Of the newest `most` lists. `exact`: how far people look is told by asking the policy for other orders, some
    milliseconds a list, rather than by the logged chances alone. `widths`: of another belief than the live one.
    Raises NotFound where there is no list."""
    lists = shop.store.recent(limit=most)[::-1]
    if not lists:
        raise NotFound("no list was shown yet, so nothing was spent: zhiyin up, or zhiyin recommend")
    before = [arranged(shop, one, world) for one, world in with_worlds(shop, lists)]
    looks = _looks(shop, lists, before if exact else [])
    costs = [_cost(found, looks.of(one.query.scenario)) for one, found in zip(lists, before, strict=True)]
    said_policy = shop.settings.policy
    return Exploration(
        policy=policy_of(said_policy).name,
        budget=said_policy.budget if said_policy.name == "budgeted" else None,
        n_lists=len(lists),
        since=lists[0].at,
        explored=_explored(lists),
        lost=_mean(costs),
        mixing=_mixing(shop, lists),
        days=tuple(_days(lists, costs)),
        newcomers=_newcomers(shop, lists),
        sights={name: _sight(one) for name, one in sorted(looks.surfaces.items())},
        widths=_widths(lists, widths or _believed(shop)),
        stages=_stages(shop),
        left_out=Counter(one for one in before if isinstance(one, str)),
    )


def _mixing(shop: Zhiyin, lists: Iterable[Recommendation]) -> Mixing:
    world, said = shop.live().snapshot(), shop.settings.policy
    policy, known = policy_of(said, world.bundle.fitted.tempering), [one.mixing for one in lists if one.mixing]
    if isinstance(policy, Holdout):
        policy = policy.policy
    return Mixing(
        policy.temperature if isinstance(policy, Softmax) else None,
        said.adaptive,
        float(np.mean(known)) if known else None,
        None if world.beliefs is None else world.beliefs.surprise,
    )


def _duration(seconds: float) -> str:
    """In the largest unit of which it is one or more."""
    unit, name = next((one for one in UNITS if seconds >= one[0]), (1.0, "s"))
    return f"{seconds / unit:.3g} {name}"


def _stages(shop: Zhiyin) -> tuple[Open, ...]:
    model = shop.live().folded.bundle.fitted.belief
    if model is None or model.progressive is None:
        return ()
    return tuple(Open(one.after, one.known) for one in model.progressive.stages[:-1])


def _cost(one: Arranged | str, looks: Looks) -> float | None:
    """Each place counts as far as people look at it."""
    if isinstance(one, str):
        return None
    places = np.minimum(np.arange(len(one.order)), len(looks.chance) - 1)
    return share_lost(one.scores, one.order, one.diversity, looks.chance[places])


def _mean(costs: Iterable[float | None]) -> Interval | None:
    known = np.array([cost for cost in costs if cost is not None])
    nothing = np.zeros(len(known))
    return normal(Estimate(known, nothing, nothing + 1.0)) if len(known) else None


def _explored(lists: Iterable[Recommendation]) -> float:
    places = [place.explored for one in lists for place in one.items]
    return float(np.mean(places)) if places else 0.0


def _days(lists: list[Recommendation], costs: list[float | None]) -> Iterator[Day]:
    for day, group in groupby(zip(lists, costs, strict=True), lambda one: one[0].at.astimezone(UTC).date()):
        shown, cost = zip(*group, strict=True)
        yield Day(day.isoformat(), len(shown), _explored(shown), _mean(cost))


def _newcomers(shop: Zhiyin, lists: list[Recommendation]) -> Newcomers:
    """An item came when the first list was made that could have shown it."""
    first = lists[0].as_of.item
    came = {one.item_id: one.seq for one in reversed(list(shop.store.item_changes(after=first)))}
    if came:
        for old in shop.store.newest_changes(until=first):
            came.pop(old.item_id, None)
    waiting = sorted(came, key=came.__getitem__)
    arrived, shown, reached = dict[str, float](), Counter[str](), dict[str, float]()
    for one in lists:
        now = one.at.timestamp()
        while waiting and came[waiting[0]] <= one.as_of.item:
            arrived[waiting.pop(0)] = now
        for place in one.items:
            shown[place.item_id] += 1
            if shown[place.item_id] == AIM and place.item_id in arrived:
                reached[place.item_id] = now
    last = lists[-1].at.timestamp()
    hours = np.array([(reached.get(item, last) - since) / HOUR for item, since in arrived.items()])
    waited = Waiting.of(hours, np.array([item in reached for item in arrived], bool))
    curve = tuple(zip(waited.after.tolist(), waited.share.tolist(), strict=True))
    return Newcomers(AIM, waited.n, waited.n_over, waited.median, curve)


def _looks(shop: Zhiyin, lists: list[Recommendation], before: Sequence[Arranged | str]) -> Examination:
    """By the exact chances of the policy where it can be asked, else by what was logged."""
    rewards = rewards_of(shop, Worth(shop.settings.data.signals))
    seen: dict[str, list[tuple[np.ndarray, Doubles]]] = {}
    for one, found in zip_longest(lists, before):
        earned = rewards.get(one.recommendation_id, {})
        clicks = np.array([earned.get(place.item_id, 0.0) > 0 for place in one.items], bool)
        if not clicks.any():
            continue
        if isinstance(found, Arranged) and found.served is not None:
            others = exchanged(found.served, found.scores, found.order, found.diversity)
        else:
            chances = np.exp([place.log_propensity for place in one.items])
            others = exchanged_by_luce(chances[None, :])[0]
        seen.setdefault(one.query.scenario, []).append((clicks, others))
    deepest = min(max(len(one.items) for one in lists), DEEPEST)
    return Examination.fit({name: SeenLists.stacked(some) for name, some in seen.items()}, deepest)


def _sight(looks: Looks) -> Sight:
    chance, low, high = (tuple(curve.tolist()) for curve in (looks.chance, looks.low, looks.high))
    return Sight(chance, low, high, looks.n_clicks)


def _believed(shop: Zhiyin) -> Widths | None:
    """What the live belief doubts of items, whoever asks; None where nothing is believed. NaN for what is gone."""
    world = shop.live().snapshot()
    beliefs = world.beliefs
    if beliefs is None:
        return None

    def widths(items: Sequence[str]) -> Doubles:
        rows, sds = world.vocabulary.rows(items), np.full(len(items), np.nan)
        sds[rows != PAD] = np.sqrt(beliefs.items.believed(rows[rows != PAD])[1])
        return sds

    return widths


def _widths(lists: list[Recommendation], widths: Widths | None) -> tuple[Width, ...]:
    """Of all candidates of these lists, by how often they were shown in them."""
    if widths is None:
        return ()
    shown = Counter(place.item_id for one in lists for place in one.items)
    items = sorted({item_id for one in lists for item_id, _ in one.candidates} | set(shown))
    sds, counts = widths(items), np.array([shown[item_id] for item_id in items])
    found = []
    for least, most in SIGHTS:
        here = np.isfinite(sds) & (counts >= least) & (counts <= (counts.max(initial=0) if most is None else most))
        if here.any():
            found.append(Width(least, most, int(here.sum()), float(np.median(sds[here]))))
    return tuple(found)
