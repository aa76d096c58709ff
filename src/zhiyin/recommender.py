"""The whole online path on one screen: retrieve, score, apply rules, choose last.

A list is a function of (query, recommendation id, bundle, settings, position in the logs, time of asking).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np

from zhiyin.bundle import Bundle
from zhiyin.data.answers import EXPLORE
from zhiyin.data.dataset import Doubles, Mask
from zhiyin.data.vocabulary import PAD, Rows, key_of
from zhiyin.encoders.cross import NOTHING, Asked, past_text
from zhiyin.encoders.pair import NOT_ASKED, Reading
from zhiyin.errors import BrokenBundle
from zhiyin.explain.reasons import reasons_for
from zhiyin.live import Asker, Live
from zhiyin.models.base import Batch, best, history_batch, union
from zhiyin.models.meaning import Meaning
from zhiyin.models.popular import Popular
from zhiyin.outcomes import OTHERS, Believer
from zhiyin.policies.base import Noise, Order, Policy
from zhiyin.policies.greedy import Greedy
from zhiyin.policies.mixing import warmed
from zhiyin.ranking.diversity import Diversity
from zhiyin.ranking.fusion import READS, Heard, Parts
from zhiyin.ranking.harm import HarmRule, harmless, penalised
from zhiyin.ranking.house_rules import HouseRule, allowed, lowered
from zhiyin.ranking.learned import PART, Learned, Traits
from zhiyin.ranking.reranking import Reranker
from zhiyin.ranking.rules import check_fields, compile_filter
from zhiyin.ranking.standing import Asking, LineWeights, refused, spoken_of
from zhiyin.snapshot import Snapshot
from zhiyin.types import FALLBACK, LATEST, QUESTIONS, SIMILAR, TRENDING, AsOf, Mode, Place, Query, Recommendation

DIVERSITY, POPULAR, CONTEXT = "diversity", "popular", "context"
ECHO_OF, ECHO, ECHO_AMONG = 3, 2.0, 50  # items that echo a wish, their weight against it, and where from
NOBODY = history_batch([], [], [])
MAX_POOL = 5_000  # a filter that leaves fewer items than this makes all of them candidates


@dataclass(frozen=True, slots=True)
class Shape:
    """The settings that shape a list, and their digest."""

    candidates: int  # that reach ranking and are logged
    retrieve: int  # that each channel proposes
    diversity: float  # in units of the score
    repeats: bool  # whether items already had may come again
    digest: str
    rules: tuple[HouseRule, ...] = ()
    harm: tuple[HarmRule, ...] = ()
    lines: LineWeights = field(default_factory=LineWeights)
    reranker: Reranker | None = None
    optimism: float | None = None  # what a standard deviation of doubt adds; None: nothing is believed
    learned: Learned | None = None
    fields: frozenset[str] = frozenset()  # attributes that filters may name although no item has them


@dataclass(frozen=True, slots=True)
class Ranked:
    """Candidates after fusion, best first, with the addends of their scores."""

    rows: Rows  # (k,)
    scores: Doubles  # (k,)
    parts: Parts
    mixing: float | None = None  # of the temperature, where the policy is adaptive; None: nothing is believed


@dataclass(frozen=True, slots=True)
class Chosen:
    """N places, as rows of the candidates."""

    order: Order  # (N,)
    log_probs: Doubles  # (N,)
    adjusted: Doubles  # (N,) what diversity added at that place
    explored: Mask  # (N,) a greedy policy to which doubt adds nothing would not have shown it


class Recommender:
    """Answers queries. Holds no state of its own: the world comes from `live`."""

    def __init__(self, live: Live, policy: Policy, shape: Shape) -> None:
        self._live, self._policy, self._shape = live, policy, shape

    def recommend(
        self,
        query: Query,
        recommendation_id: str,
        at: datetime,
        as_of: AsOf | None = None,
        given: Sequence[str] | None = None,
    ) -> Recommendation:
        """The list for a query; `as_of` answers as of an earlier position in the logs, for replay. `given`:
        these items are the candidates, whatever the rules say. Raises InvalidQuery as `check` does, but never for
        what was answered once."""
        if query.scenario == QUESTIONS and (self._shape.diversity or not isinstance(self._policy, Greedy)):
            plain = Recommender(self._live, Greedy(), replace(self._shape, diversity=0.0))
            return plain.recommend(query, recommendation_id, at, as_of, given)
        world = self._live.snapshot() if as_of is None else self._live.at(as_of)
        if as_of is None and given is None:
            self.check(world, query)
        asker = self._live.asker(query, world, at)
        heard = self.hear(world, asker, query)
        if given is None:
            pool = self.eligible(self.retrieve(world, asker, heard, query), world, asker, query)
        else:
            pool = there(world, given)
        ranked = self.rank(world, heard, pool, query)
        chosen = self.choose(world, ranked, query.n, recommendation_id)
        return Recommendation(
            recommendation_id=recommendation_id,
            at=at,
            query=query,
            bundle=world.bundle.name,
            settings=self._shape.digest,
            as_of=world.as_of,
            policy=named_policy(self._policy, self._shape.learned, world.bundle, query),
            variant="champion",
            mode=_mode(world, heard),
            reading=heard.reading.code,
            mixing=ranked.mixing,
            items=places(world, heard, ranked, chosen),
            candidates=tuple(
                (world.vocabulary[row], score)
                for row, score in zip(ranked.rows.tolist(), ranked.scores.tolist(), strict=True)
            ),
            missing_ids=tuple(id_ for id_ in named(query, given or ()) if id_ not in world.vocabulary),
        )

    def order(self, query: Query, given: Sequence[str], recommendation_id: str, at: datetime) -> Recommendation:
        """Given items by the same sums, best first, the first `query.n` of them: no rule, no diversity and no
        chance."""
        shape = replace(self._shape, candidates=len(given), diversity=0.0, rules=(), harm=())
        return Recommender(self._live, Greedy(), shape).recommend(query, recommendation_id, at, given=given)

    def check(self, world: Snapshot, query: Query) -> None:
        """Raises InvalidQuery for a filter that cannot be read, or that names a field that nothing has."""
        if query.filter:
            check_fields(query.filter, world.items, world.fitted, self._shape.fields)

    def hear(self, world: Snapshot, asker: Asker, query: Query) -> Heard:
        """What the channels that take part in the scenario say to the person, to what they typed, and to what they
        said of their profile."""
        models = {name: model for name, model in world.models.items() if speaks(name, query)}
        typed, reading = self._typed(world, query)
        wish = None if typed is None else self._wish(world, typed)
        asking = Asking(
            history=asker.history,
            typed=wish is not None,
            weights=self._shape.lines,
            alone=lambda text: self._wish(world, _plain(text)),
            beside=_plain,
        )
        said = None if query.scenario in (TRENDING, LATEST) else spoken_of(asker.said, world, asking)
        heard = Heard.by(models, asker.history, wish, said)
        asked = self._asked(world, asker, query)
        return replace(heard, reading=reading, asked=asked, believer=self._believer(asker, query))

    def _believer(self, asker: Asker, query: Query) -> Believer | None:
        """What is believed, where that is asked for and anything was learned."""
        optimism = self._shape.optimism
        if asker.believer is None or optimism is None or query.scenario in OTHERS:
            return None
        return replace(asker.believer, optimism=optimism)

    def _asked(self, world: Snapshot, asker: Asker, query: Query) -> Asked:
        """As a cross-encoder reads it, where there is one for such a question."""
        reranker = self._shape.reranker
        if reranker is None or query.scenario in (TRENDING, LATEST, SIMILAR):
            return NOTHING
        if query.text is not None and query.text.strip():
            return Asked("typed", query.text.strip())
        if not reranker.hears("past"):
            return NOTHING
        liked = asker.history.rows[asker.history.weights > 0][::-1].tolist()
        taken = [item for row in dict.fromkeys(liked) if (item := world.items[row]) is not None]
        return Asked("past", past_text(taken, self._live.wrote(query.user_id, world)))

    def _typed(self, world: Snapshot, query: Query) -> tuple[Batch | None, Reading]:
        """What was typed, as an endpoint reads it where one may be asked; None for nothing."""
        if query.text is None or not query.text.strip():
            return None, NOT_ASKED
        reading, typed = self._live.reading(world, query.text), _plain(query.text)
        return (replace(typed, readings=reading.row[None, :]) if reading.code else typed), reading

    def _wish(self, world: Snapshot, typed: Batch) -> Batch:
        """What was typed, with the ECHO_OF items that answer it best (pseudo-relevance feedback, Rocchio 1971):
        a wish names a need, the items that meet it name the things."""
        readers = {name: world.models[name] for name in READS}
        alone = Heard.by(readers, NOBODY, typed)
        rows = union([scorer.retrieve(ECHO_AMONG) for scorer in alone.wished.values()])
        rows = rows[world.available[rows]]
        echo = best(world.fusion.parts(alone, rows).scores, ECHO_OF, rows)
        named = history_batch(echo.tolist(), [ECHO / ECHO_OF] * len(echo), [0.0] * len(echo))
        return replace(named, texts=typed.texts, readings=typed.readings)

    def retrieve(self, world: Snapshot, asker: Asker, heard: Heard, query: Query) -> Rows:
        """What the channels propose, sorted by row; all that passes where a filter leaves few."""
        if query.filter:
            passing = np.flatnonzero(world.passing(compile_filter(query.filter)))
            if query.scenario == LATEST:
                passing = passing[np.isfinite(world.published[passing])]
            if len(passing) <= MAX_POOL:
                return passing.astype(np.int32)
        if query.scenario == LATEST:
            return world.latest
        if query.scenario == QUESTIONS:
            return self._live.questions().form.rows
        if len(world.items) <= self._shape.retrieve and query.scenario != TRENDING:
            return np.arange(len(world.items), dtype=np.int32)
        rows = heard.retrieve(max(self._shape.retrieve, 2 * query.n))
        wanted = query.n + len(asker.seen) + len(query.exclude)
        if len(_welcome(world, asker, rows)) < wanted:  # little is known, or wanted: anything may come
            anything = _welcome(world, asker, np.arange(len(world.items), dtype=np.int32))
            rows = np.union1d(rows, anything[: max(self._shape.retrieve, wanted)])
        return rows.astype(np.int32)

    def eligible(self, rows: Rows, world: Snapshot, asker: Asker, query: Query) -> Rows:
        """Without what cannot be shown: unavailable, excluded, filtered out, disliked, what the person has
        already had, unless repeats are wanted, what they said they never want, what is held to be harmful, and
        what the rules of the house leave out."""
        shown = world.available.copy()
        shown[there(world, query.exclude)] = False
        shown[asker.hidden if self._shape.repeats else asker.seen] = False
        rows = rows[shown[rows]]
        if query.filter:
            test = compile_filter(query.filter)
            items = world.items
            rows = rows[[(item := items[row]) is not None and test(item) for row in rows.tolist()]]
        rows = harmless(self._shape.harm, _welcome(world, asker, rows), world.items)
        return allowed(self._shape.rules, asker.history, rows, world.items)

    def rank(self, world: Snapshot, heard: Heard, rows: Rows, query: Query) -> Ranked:
        """The candidates with the highest sums, best first; ties by the hash of the item's id. A cross-encoder
        reads the first of them, and puts these into another order."""
        if query.scenario == LATEST:
            parts = latest_parts(world, rows)
        elif query.scenario == TRENDING:
            parts = trending_parts(heard, rows)
        elif query.scenario == QUESTIONS:
            parts = self._live.questions().parts(heard, rows, world.vectors, query.n)
        else:
            parts = world.fusion.parts(heard, rows)
        parts = lowered(parts, self._shape.rules, heard.history, rows, world.items)
        parts = penalised(parts, self._shape.harm, rows, world.items)
        ranked = best_first(world, rows, parts, max(self._shape.candidates, query.n))
        if self._shape.reranker is None:
            return self._moved(world, ranked, heard, query)
        items = [world.items[row] for row in ranked.rows[: self._shape.reranker.n].tolist()]
        told = self._shape.reranker.reread(ranked.parts, heard.asked, [item for item in items if item is not None])
        again = best_first(world, ranked.rows, told, len(ranked.rows))
        return self._moved(world, again, heard, query)

    def _moved(self, world: Snapshot, ranked: Ranked, heard: Heard, query: Query) -> Ranked:
        """The same candidates with the part that the log taught, last of all: as the log was asked about it; and
        how much about them is in doubt."""
        learned = self._shape.learned
        if learned is not None and learned.speaks(world.bundle.manifest.encoder, query.scenario):
            parts = learned.beside(ranked.parts, traits_of(world, ranked.rows))
            ranked = best_first(world, ranked.rows, parts, len(ranked.rows))
        return ranked if heard.believer is None else replace(ranked, mixing=heard.believer.mixing(ranked.rows))

    def choose(self, world: Snapshot, ranked: Ranked, n: int, recommendation_id: str) -> Chosen:
        """Places from candidates, last of all, and how a greedy policy would have filled them."""
        diversity = Diversity.of(world.vectors[ranked.rows], self._shape.diversity)
        noise = Noise(key_of(recommendation_id), world.vocabulary.keys[ranked.rows])
        order, log_probs = warmed(self._policy, ranked.mixing).choose(ranked.scores, n, noise, diversity)
        known = ranked.scores - ranked.parts.named(EXPLORE)
        greedy, _ = Greedy().choose(known, n, noise, diversity)
        return Chosen(order, log_probs, diversity.added(order), explored=~np.isin(order, greedy))

    def chances(self, world: Snapshot, ranked: Ranked, chosen: Chosen, pick: int) -> Doubles:
        """(N,) the probability of candidate `pick` at each place, given the places above it as they were
        chosen; 0 below its own place."""
        diversity = Diversity.of(world.vectors[ranked.rows], self._shape.diversity)
        above = chosen.order.tolist()
        above = above[: above.index(pick) + 1] if pick in above else above
        chances, policy = np.zeros(len(chosen.order)), warmed(self._policy, ranked.mixing)
        for place in range(len(above)):
            order = np.array([*above[:place], pick], np.int64)
            chances[place] = np.exp(policy.log_probs(ranked.scores, order, diversity)[-1])
        return chances


def _welcome(world: Snapshot, asker: Asker, rows: Rows) -> Rows:
    """Of these rows those that are available and that the person did not say they never want."""
    rows = rows[world.available[rows]]
    return rows[~refused(asker.said, rows, world.items, world.models)] if asker.said else rows


def _plain(text: str) -> Batch:
    """A text as it is."""
    return history_batch([], [], [], text)


def speaks(channel: str, query: Query) -> bool:
    """Whether a channel takes part in a scenario; scenarios with other names are places, not strategies. What is
    like an item is so at any hour."""
    if query.scenario == SIMILAR:
        return channel != CONTEXT
    return query.scenario != TRENDING or channel == POPULAR


def best_first(world: Snapshot, rows: Rows, parts: Parts, n: int) -> Ranked:
    """The n highest sums; ties by the hash of the item's id."""
    scores = parts.scores
    order = np.lexsort((world.vocabulary.keys[rows], -scores))[:n]
    return Ranked(rows[order], scores[order], Parts(parts.names, parts.values[:, order], parts.gates))


def latest_parts(world: Snapshot, rows: Rows) -> Parts:
    """One part: the newest publication first."""
    values = world.published[rows]
    return Parts((LATEST,), values[None, :], {LATEST: 1.0})


def traits_of(world: Snapshot, rows: Rows) -> Traits:
    """What a part that the log taught reads of these rows; how often things were taken, and what was new, as of
    the fit of the bundle: what came since may have come of these very lists."""
    meaning, popular = world.models["meaning"], world.bundle.fitted.models.get(POPULAR)
    if not isinstance(meaning, Meaning):
        raise BrokenBundle(f"the channel meaning is a {type(meaning).__name__}: train again")
    taken = np.zeros(len(rows))
    if isinstance(popular, Popular):
        known = rows < len(popular.counts)
        taken[known] = popular.counts[rows[known]]
    return Traits(meaning.read_back(rows), taken, world.fusion.cold[rows])


def named_policy(policy: Policy, learned: Learned | None, bundle: Bundle, query: Query) -> str:
    """The policy, and whether a part that the log taught takes part."""
    taught = learned is not None and learned.speaks(bundle.manifest.encoder, query.scenario)
    return f"{policy.name}, {PART}" if taught else policy.name


def trending_parts(heard: Heard, rows: Rows) -> Parts:
    """One part: what many take now, whoever asks. All zero where nothing was counted yet."""
    popular = heard.past.get(POPULAR)
    values = np.zeros(len(rows)) if popular is None else popular.score(rows).astype(np.float64)
    return Parts((POPULAR,), values[None, :], {POPULAR: 1.0})


def named(query: Query, given: Sequence[str]) -> Iterable[str]:
    """Item ids that the query names as examples, and those given to be ordered."""
    return dict.fromkeys((*query.session, *query.like, *query.unlike, *given))


def there(world: Snapshot, item_ids: Sequence[str]) -> Rows:
    """Rows of those items that are in the catalogue, sorted."""
    rows = np.unique(world.vocabulary.rows(item_ids))
    return rows[[row != PAD and world.items[row] is not None for row in rows.tolist()]]


def places(world: Snapshot, heard: Heard, ranked: Ranked, chosen: Chosen) -> tuple[Place, ...]:
    """The chosen candidates with all that is known about why."""
    parts = [ranked.parts.of(int(pick)) for pick in chosen.order]
    for one, adjusted in zip(parts, chosen.adjusted.tolist(), strict=True):
        if adjusted:
            one[DIVERSITY] = adjusted
    rows = ranked.rows[chosen.order]
    reasons = reasons_for(parts, rows, world, heard)
    return tuple(
        Place(
            item_id=world.vocabulary[int(rows[n])],
            score=sum(parts[n].values(), 0.0),
            parts=parts[n],
            log_propensity=float(chosen.log_probs[n]),
            explored=bool(chosen.explored[n]),
            reasons=reasons[n],
        )
        for n in range(len(rows))
    )


def _mode(world: Snapshot, heard: Heard) -> Mode:
    if heard.reading.failed:
        return FALLBACK
    if world.bundle.manifest.mode == "zero_shot":
        return "zero_shot"
    known = len(heard.history.rows) or len(heard.history.written)
    return "trained" if known or heard.wished or heard.said else "popular"
