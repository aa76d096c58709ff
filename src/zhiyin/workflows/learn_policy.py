"""`zhiyin train policy`: what the log says should be added to scores, judged on other people than taught it.

Half of the people teach, half judge. What is learned is one part more of the score (zhiyin.ranking.learned), by
off-policy policy gradients (zhiyin.policies.learning). It is kept only where the interval of what it would have
earned more, doubly robust and drawn over people, lies above 0, and the log covers what it does. Nothing is served
by that: zhiyin.toml names it, or does not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from zhiyin.data.dataset import Doubles
from zhiyin.data.vocabulary import PAD, Rows
from zhiyin.errors import InvalidData, InvalidSettings
from zhiyin.metrics.bounds import bootstrap, normal
from zhiyin.metrics.intervals import Interval
from zhiyin.metrics.off_policy import Estimate
from zhiyin.metrics.overlap import Overlap
from zhiyin.policies.learning import Lessons, learned
from zhiyin.policies.mixing import mixed
from zhiyin.policies.softmax import Softmax
from zhiyin.ranking.learned import FOLDER, SILENT, Learned, behind, learned_of
from zhiyin.recommender import traits_of
from zhiyin.shop import Zhiyin
from zhiyin.workflows.asking import asked, people_of, predictions, stands
from zhiyin.workflows.shown_lists import Shown, Space, Worth, shown_lists
from zhiyin.workflows.ways import SEED, cascade_way, worst_place

PEOPLE = 60  # fewer are not divided
DISTANCES = (30.0, 10.0, 3.0, 1.0, 0.3, 0.1)  # what a nat costs, in mean rewards of a place
NAMED = 3  # items that are lifted most, and least


@dataclass(frozen=True, slots=True)
class Taught:
    """What was learned and what it is worth."""

    gain: Interval  # a list, over what is served now
    overlap: Overlap
    n_lists: int  # that taught it, and that judged it
    n_people: int
    file: str | None  # as policy.learned names it; None where it is not shown to be better
    weights: tuple[float, Doubles]  # of how far the score is behind; of how often taken, and new
    lifted: tuple[str, ...]  # titles, most first
    lowered: tuple[str, ...]

    @property
    def sentences(self) -> Iterator[str]:
        """For a terminal."""
        score, (taken, new) = self.weights
        yield f"learned from {self.n_lists:,} lists of {self.n_people:,} people, half of whom judged it"
        yield f"adds {score:+.3f} of how far the score is behind, {taken:+.3f} log(1 + taken), {new:+.3f} if new"
        yield f"lifts {', '.join(self.lifted)}; lowers {', '.join(self.lowered)}"
        low, high = self.gain.low, self.gain.high
        each = f"{self.gain.value:+.4f} a list [{low:+.4f}, {high:+.4f}]"
        yield f"would have earned {each}, light {self.overlap.light}"
        yield from self.overlap.reasons
        if self.file is None:
            yield "that does not show it to be better: nothing was written"
        else:
            yield f'[policy] learned = "{self.file}" in zhiyin.toml adds it; learned = "" takes it back'


def learn_policy(shop: Zhiyin, worth: Worth, seed: int = 0) -> Taught:
    """Raises InvalidSettings where the policy is none of chance, NotFound without lists, InvalidData where too few
    people were shown any."""
    said = shop.settings.policy
    if said.name != "softmax":
        raise InvalidSettings(
            f'policy.name is "{said.name}": what is learned moves probabilities, which only softmax has; set it'
        )
    world = shop.live().snapshot()
    space, taught = Space.of(world), world.bundle.fitted.tempering
    stands = said.temperature if taught is None or not said.tempered else taught.standing(said.temperature)
    softmax = Softmax(stands, said.floor, said.adaptive)
    found, _ = shown_lists(shop, worth, space)
    shown = [one for one in found if one.scenario not in SILENT and one.alone is not None]
    people = people_of(shown)
    n_people = int(people.max(initial=-1)) + 1
    if n_people < PEOPLE:
        raise InvalidData(
            f"{n_people} people were shown lists that can be learned from: {PEOPLE} or more are needed, half to "
            "learn from, half to judge by; serve more"
        )
    teach, judge = _halves(people, 0.5, np.random.default_rng(seed))
    weights = _chosen([shown[n] for n in teach], space, softmax, seed)
    gain, overlap = _judged([shown[n] for n in judge], weights, space, softmax)
    rng = np.random.default_rng(SEED)
    who = people_of([shown[n] for n in judge])
    interval = bootstrap(gain, rng, people=who)
    better = interval.low > 0 and overlap.light != "red"
    story = f"{len(shown)} lists, seed {seed}: {interval.value:+.4f} [{interval.low:+.4f}, {interval.high:+.4f}]"
    kept = _part(weights, space, world.bundle.manifest.encoder, story)
    titles = _titles(kept, shop)
    return Taught(
        gain=interval,
        overlap=overlap,
        n_lists=len(shown),
        n_people=n_people,
        file=f"{FOLDER}/{kept.save(shop.settings.path(FOLDER)).name}" if better else None,
        weights=(kept.score, kept.plain),
        lifted=titles[:NAMED],
        lowered=titles[: -NAMED - 1 : -1],
    )


def _halves(people: Rows, share: float, rng: np.random.Generator) -> tuple[Rows, Rows]:
    """Lists of one share of the people, and of the others."""
    mine = rng.permutation(int(people.max()) + 1)[: int(share * (people.max() + 1))]
    first = np.isin(people, mine)
    return np.flatnonzero(first).astype(np.int32), np.flatnonzero(~first).astype(np.int32)


def _chosen(shown: Sequence[Shown], space: Space, softmax: Softmax, seed: int) -> Doubles:
    """Weights by all of these lists, as near to what is served now as a third of their people says is best."""
    people, lessons = people_of(shown), lessons_of(shown, space, softmax)
    usual = float(np.abs(lessons.rewards).mean())
    learn, ask = _halves(people, 2.0 / 3.0, np.random.default_rng(seed + 1))
    asked_of, part = [shown[n] for n in ask], lessons.some(learn.astype(np.int64))
    bounds = []
    for distance in DISTANCES:
        gain, overlap = _judged(asked_of, learned(part, distance * usual), space, softmax)
        sure = normal(gain, people=people_of(asked_of))
        bounds.append(-np.inf if overlap.light == "red" else (sure.low + sure.value) / 2.0)  # one error below
    return learned(lessons, DISTANCES[int(np.argmax(bounds))] * usual)


def _judged(shown: Sequence[Shown], weights: Doubles, space: Space, softmax: Softmax) -> tuple[Estimate, Overlap]:
    """What a list would have earned more than by what is served now, and how well the log covers it."""
    before = [stands(one) for one in shown]
    moved = [told + _plain(one) @ weights[:3] + space.z[one.items] @ weights[3:]
             for one, told in zip(shown, before, strict=True)]  # fmt: skip
    now, then = (asked(shown, softmax, space, scores) for scores in (before, moved))
    way = cascade_way(then)
    more = way.found.addends - cascade_way(now).found.addends
    return Estimate(more, np.zeros(len(more)), np.ones(len(more))), worst_place(way, then.people)


def lessons_of(shown: Sequence[Shown], space: Space, softmax: Softmax) -> Lessons:
    """Lists as a policy learns from them; what a list lacks of places and candidates cannot be."""
    n, most = len(shown), max(len(one.scores) for one in shown)
    places = max(len(one.order) for one in shown)
    lessons = Lessons(
        logits=np.full((n, places, most), -np.inf, np.float32),
        plain=np.zeros((n, most, 3), np.float32),
        items=np.full((n, most), len(space.z) - 1, np.int32),
        z=space.z,
        picks=np.full((n, places), -1, np.int64),
        before=np.ones((n, places)),
        rewards=np.zeros((n, places)),
        predicted=np.zeros((n, places, most), np.float32),
        usual=np.array(
            [np.mean([one.rewards[at] for one in shown if at < len(one.rewards)]) for at in range(places)]
        ),
        temperatures=np.array([mixed(softmax, one.mixing).temperature for one in shown]),
        floor=softmax.floor,
    )
    for row, (one, told) in enumerate(zip(shown, predictions(shown, space), strict=True)):
        length, k = told.shape
        walk, left = one.diversity.walk(), stands(one).copy()
        for place, pick in enumerate(one.order.tolist()):
            lessons.logits[row, place, :k] = (left + walk.now) / lessons.temperatures[row]
            left[pick] = -np.inf
            walk.fill(pick)
        lessons.plain[row, :k] = _plain(one)
        lessons.items[row, :k] = np.where(one.items == PAD, len(space.z) - 1, one.items)
        lessons.picks[row, :length], lessons.before[row, :length] = one.order, np.exp(one.before)
        lessons.rewards[row, :length], lessons.predicted[row, :length, :k] = one.rewards, told
    return lessons


def _plain(one: Shown) -> Doubles:
    """(k, 3) how far the score is behind, how often taken, whether new."""
    return np.column_stack([behind(stands(one)), one.plain])


def _part(weights: Doubles, space: Space, encoder: str, story: str) -> Learned:
    directions = space.whitening.centre, space.whitening.axes @ weights[3:]
    return learned_of(encoder, float(weights[0]), weights[1:3], directions, story)


def _titles(kept: Learned, shop: Zhiyin) -> tuple[str, ...]:
    """Titles, or ids, of what may be shown, most lifted first."""
    world = shop.live().snapshot()
    rows = np.flatnonzero(world.available).astype(np.int32)
    lifts = kept.added(np.zeros(len(rows)), traits_of(world, rows))
    items = [world.items[row] for row in rows[np.argsort(-lifts, kind="stable")].tolist()]
    return tuple(item.title or item.item_id for item in items if item is not None)
