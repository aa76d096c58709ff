"""The fold of answers: what came of what was shown, into what is believed of items, and of one person.

An exposure is an item that came into view (`impression`) in a list that people get by their past or a wish; its
outcome is the best that was done with it within the window, or a refusal, or, once the window has passed, nothing.
Where a bundle knows what short signals foretell, an exposure counts before that by what was seen of it so far.
The clock is the time of the newest list that was answered: no answer can push it, however it is dated. Sums are
kept in the order of the log, so they are the same in however many steps they came there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, replace
from itertools import islice
from typing import Self

import numpy as np

from zhiyin.data import rewards
from zhiyin.data.answers import Answer, AnswerLog, Outline
from zhiyin.data.dataset import Doubles, Floats
from zhiyin.data.signals import Signals
from zhiyin.data.vocabulary import PAD, Rows, Vocabulary
from zhiyin.policies.belief import Ground, Items, person_of
from zhiyin.policies.belief_model import BeliefModel, kinds_of
from zhiyin.policies.evidence import Evidence
from zhiyin.policies.gaussian import Gaussian
from zhiyin.policies.ledger import Change, Exposure, Key, Ledger, trace_of
from zhiyin.policies.mixing import mixing
from zhiyin.policies.surprise import Surprise
from zhiyin.types import LATEST, QUESTIONS, SIMILAR, TRENDING, Item

OTHERS = frozenset({SIMILAR, TRENDING, LATEST})  # scenarios whose scores are of another kind
HOPEFUL = 150  # items that a belief proposes
_PAGE = 1_000  # answers


def reward_of(answer: Answer, signals: Signals) -> float:
    """What an answer says of the item, between -1 and 1."""
    return rewards.reward_of(signals, answer.type, answer.value)


def joined(
    answers: Iterator[Answer], log: AnswerLog, without: Set[str] = OTHERS | {QUESTIONS}
) -> Iterator[tuple[Answer, Outline]]:
    """Answers with the lists that they answer: those with that item, `without` these scenarios. What people answer
    to questions tells of them, and nothing of how the item does in a list."""
    while page := list(islice(answers, _PAGE)):
        outlines = log.outlines(sorted({answer.recommendation_id for answer in page}))
        for answer in page:
            outline = outlines.get(answer.recommendation_id)
            if outline is not None and answer.item_id in outline.scores and outline.scenario not in without:
                yield answer, outline


def moment_of(answer: Answer, outline: Outline) -> float:
    """When it was, not before its list: clocks of browsers go wrong."""
    return outline.at if answer.at is None else max(answer.at / 1e6, outline.at)


def changes(
    ledger: Ledger, answer: Answer, outline: Outline, reward: float, model: BeliefModel | None = None
) -> list[Change]:
    """What an answer changes, and what has become a silence by the time of its list. Without a `model` nothing is
    expected of it."""
    key: Key = answer.recommendation_id, answer.item_id
    found = ledger.passed(outline.at)
    if answer.type == "impression":
        return found + ledger.shown(exposure_of(answer, outline, model))
    return found + ledger.came(key, moment_of(answer, outline), reward) if reward else found


def exposure_of(answer: Answer, outline: Outline, model: BeliefModel | None) -> Exposure:
    """An impression, as it is expected to go; without a model nothing is."""
    key: Key = answer.recommendation_id, answer.item_id
    if model is None:
        return Exposure(key, outline.at, 0.0)
    base = model.expected(outline, answer.item_id)
    return Exposure(key, outline.at, base, model.looked(outline, answer.item_id, base))


class OutcomeFold:
    """Tails the answers of one store for one bundle; for one thread at a time."""

    def __init__(self, model: BeliefModel, signals: Signals, log: AnswerLog) -> None:
        self._model, self._signals, self._log = model, signals, log
        self._ledger = Ledger(model.stages)
        self._sums: defaultdict[str, Evidence] = defaultdict(Evidence)  # by item id
        self._touched: set[str] = set()
        self._counts, self._totals = np.zeros(0), np.zeros(0)  # the same by row, but what was touched
        self._surprise = Surprise(model)
        self._position = 0

    def evidence(self, until: int, items: Vocabulary) -> tuple[Doubles, Doubles]:
        """(I,) counts and (I,) totals of these items, after the answers up to this position of the log, an outcome
        of now counting 1. Positions and `items` only ever grow."""
        self._advance(until)
        known = len(self._counts)
        more = np.zeros(len(items) - known)
        self._counts, self._totals = np.append(self._counts, more), np.append(self._totals, more)
        self._touched.update(id_ for row in range(known, len(items)) if (id_ := items[row]) in self._sums)
        for id_ in self._touched:
            row = items.row(id_)
            if row != PAD:
                self._counts[row], self._totals[row] = self._sums[id_].sums
        self._touched.clear()
        fade = self._model.fade(self._ledger.now)
        return self._counts * fade, self._totals * fade

    @property
    def surprise(self) -> float:
        """After the answers up to the position that was asked for last."""
        return self._surprise.now

    def _advance(self, until: int) -> None:
        for answer, outline in joined(self._log.stream(after=self._position, until=until), self._log):
            found = changes(self._ledger, answer, outline, reward_of(answer, self._signals), self._model)
            if answer.type == "impression":
                self._surprise.shown(exposure_of(answer, outline, self._model), self._ledger.now)
            for change in found:
                self._apply(change)
                self._surprise.counted(change)
            self._surprise.passed(self._ledger.now)
        self._position = max(self._position, until)

    def _apply(self, change: Change) -> None:
        item_id = change.exposure.key[1]
        before, after = (Evidence.of(self._model, change.exposure, one) for one in (change.before, change.after))
        self._sums[item_id] = self._sums[item_id].moved(before, after)
        self._touched.add(item_id)


@dataclass(frozen=True, slots=True)
class Beliefs:
    """What is believed as of a position, of every item of a snapshot."""

    model: BeliefModel
    fitted: Ground  # the items of the bundle as it read them: what they show is believed of texts
    items: Items
    hopeful: Rows  # what it proposes
    text_of: int = 0  # the position that the belief about texts is of
    position: int = 0
    surprise: float = 1.0  # how much larger squared errors of items are than they should be

    @classmethod
    def first(cls, model: BeliefModel, vectors: Floats, items: Sequence[Item | None]) -> Self:
        """Before any answer."""
        ground = Ground.of(model.prior, model.whitening(vectors), _kinds(model, items))
        unseen = Items(ground, np.zeros(len(items)), np.zeros(len(items)), model.prior.text)
        return cls(model, ground, unseen, _hopeful(unseen))

    def after(self, fold: OutcomeFold, until: int, vocabulary: Vocabulary, every: int) -> Self:
        """With the answers up to this position; the belief about texts is made anew `every` so many events."""
        edge, text, hopeful, n = until - until % every, self.items.text, self.hopeful, len(self.fitted.z)
        if edge > self.text_of:
            counts, totals = fold.evidence(edge, vocabulary)
            known = replace(self.items, ground=self.fitted).of_sums(counts[:n], totals[:n])
            text, hopeful = known.text, _hopeful(known)
        counts, totals = fold.evidence(until, vocabulary)
        items = replace(self.items, counts=counts, totals=totals, text=text)
        return replace(self, items=items, hopeful=hopeful, text_of=edge, position=until, surprise=fold.surprise)

    def extended(self, vectors: Floats, arrived: Sequence[Item]) -> Self:
        """With new items after the others, of which answers may speak already: `after` comes next."""
        ground = self.items.ground.joined(_z(self.model, vectors), _kinds(self.model, arrived))
        return replace(self, items=replace(self.items, ground=ground), position=-1)

    def reworded(self, rows: Rows, vectors: Floats, items: Sequence[Item]) -> Self:
        """With other texts in these rows."""
        ground = self.items.ground.reworded(rows, _z(self.model, vectors), _kinds(self.model, items))
        return replace(self, items=replace(self.items, ground=ground))

    @property
    def proposed(self) -> Rows:
        """What it would like to be tried: what it expects most of with half its doubt, and what came last."""
        n = len(self.items.ground.z)
        late = np.arange(max(len(self.fitted.z), n - HOPEFUL), n, dtype=np.int32)
        return np.concatenate([self.hopeful, late])

    def person(self, answers: Sequence[tuple[Answer, Outline]], asked: Asked) -> Gaussian:
        """θ of who answered lists and questions so, made for one list and kept nowhere."""
        told = list(_told(self.model, answers, asked))
        rows = asked.items.rows(item_id for item_id, _, _ in told)
        known = rows != PAD
        rests, shares = (np.array([one[n] for one in told])[known] for n in (1, 2))
        person = person_of(self.items, rows[known], rests, shares)
        opinions = _opinions(answers, asked)
        rows = asked.items.rows(opinions)
        signs = np.array([*opinions.values()])[rows != PAD]
        return self._with_opinions(person, self.items.ground.z[rows[rows != PAD]], signs)

    def told(self, person: Gaussian, vectors: Floats, signs: Doubles) -> Gaussian:
        """θ of somebody who also said what they like (1) and do not (-1), in sentences read as (n, D) vectors."""
        return self._with_opinions(person, _z(self.model, vectors), signs)

    def _with_opinions(self, person: Gaussian, z: Floats, signs: Doubles) -> Gaussian:
        """What is liked is taken as an outcome one deviation better than expected of the thing itself."""
        noise = np.full(len(z), self.model.prior.noise)
        return person.updated_by_all(z.astype(np.float64), signs * np.sqrt(noise), noise) if len(z) else person


@dataclass(frozen=True, slots=True)
class Asked:
    """The moment of a list, for which a person is made of their answers."""

    items: Vocabulary
    signals: Signals
    now: float  # seconds


@dataclass(frozen=True, slots=True)
class Believer:
    """What is believed of candidates for one person, in units of the score."""

    beliefs: Beliefs
    to: Gaussian
    optimism: float = 0.0  # what a standard deviation of doubt adds

    def retrieve(self) -> Rows:
        return self.beliefs.proposed

    def addends(self, rows: Rows) -> tuple[Doubles, Doubles]:
        """(k,) what is expected beyond the score, and (k,) what doubt adds."""
        found, worth = self.beliefs.items.for_person(self.to, rows), self.beliefs.model.worth
        return (found.item + found.person) / worth, found.sd * (self.optimism / worth)

    def mixing(self, rows: Rows) -> float:
        """What an adaptive policy multiplies its temperature by where these are the candidates."""
        items = self.beliefs.items
        left = items.for_person(self.to, rows).sd ** 2
        return mixing(left, items.ground.first[rows], self.beliefs.surprise)


def _told(
    model: BeliefModel, answers: Sequence[tuple[Answer, Outline]], asked: Asked
) -> Iterator[tuple[str, float, float]]:
    """Item, reward − base and how much it counts, of every exposure of which something is known."""
    shown: dict[Key, tuple[Answer, Outline]] = {}
    outcomes: defaultdict[Key, set[tuple[float, float]]] = defaultdict(set)
    for answer, outline in answers:
        key = answer.recommendation_id, answer.item_id
        if outline.scenario == QUESTIONS:
            continue
        if answer.type == "impression":
            shown.setdefault(key, (answer, outline))
        elif reward := reward_of(answer, asked.signals):
            outcomes[key].add((moment_of(answer, outline), reward))
    for key, (answer, outline) in shown.items():
        trace = trace_of(outline.at, outcomes.get(key, ()), model.stages, asked.now)
        if trace:
            base = model.expected(outline, answer.item_id)
            looked = 1.0 if trace[-1] else model.looked(outline, answer.item_id, base)
            rest, known, _ = model.told(trace, base)
            if known:
                aged = min(model.share(outline.at) * model.fade(asked.now), 1.0)
                yield answer.item_id, rest, known * looked * aged


def _opinions(answers: Sequence[tuple[Answer, Outline]], asked: Asked) -> dict[str, float]:
    """By item id what was said to questions: 1 liked, -1 not, whichever was said last."""
    said = {}
    for answer, outline in answers:
        reward = reward_of(answer, asked.signals)
        if outline.scenario == QUESTIONS and reward:
            said[answer.item_id] = float(np.sign(reward))
    return said


def _z(model: BeliefModel, vectors: Floats) -> Floats:
    return model.whitening(vectors).astype(np.float32)


def _kinds(model: BeliefModel, items: Sequence[Item | None]) -> Rows:
    return kinds_of(model.kinds, [() if item is None else item.categories for item in items])


def _hopeful(items: Items) -> Rows:
    """By mean and half the doubt about the item itself."""
    ground = items.ground
    weight = ground.precision * items.counts
    left = 1.0 / (1.0 + ground.doubt * weight)
    told = ground.heeded * (ground.z @ items.text.mean.astype(np.float32))
    hope = left * (told + ground.doubt * ground.precision * items.totals) + 0.5 * np.sqrt(ground.doubt * left)
    return np.argsort(-hope, kind="stable")[:HOPEFUL].astype(np.int32)
