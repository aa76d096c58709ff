"""Choosing what the settings left open: each channel's few constants, on events held out of the fitted part.

A held-out event is worth 1 / log2(2 + rank) of its item among all that the person did not take (NDCG without a
cut, which tells apart deep ranks too), ranked by the channel's calmed score on top of what the readers say, for
that is the company it will be in. One constant is moved at a time, and only for a gain above its standard
error.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Protocol, Self, TypeVar

import numpy as np
import scipy.sparse as sp

from zhiyin.data.dataset import Dataset, Doubles, Floats, Mask
from zhiyin.data.vocabulary import Rows
from zhiyin.models.base import Batch, Model, Recipe, Run
from zhiyin.models.meaning import Meaning, MeaningRecipe
from zhiyin.models.neighbours import Alike, LinksRecipe, Neighbours
from zhiyin.models.popular import PopularRecipe
from zhiyin.models.reader import Reader, ReaderRecipe
from zhiyin.models.taste import TasteRecipe
from zhiyin.models.vectors import Vectors, VectorsRecipe
from zhiyin.models.words import Words, WordsRecipe
from zhiyin.ranking.examples import BATCH, Examples
from zhiyin.ranking.fusion import standardised
from zhiyin.threads import side_by_side

R = TypeVar("R", bound=Recipe)
H = TypeVar("H")  # a heat: what a worth is asked about
K = TypeVar("K", bound=LinksRecipe)
W = TypeVar("W", WordsRecipe, MeaningRecipe, VectorsRecipe, ReaderRecipe)
Reading = Words | Meaning | Vectors | Reader

MOST_NUMBERS = 20_000_000  # scores of a trial in memory
MOST_EXAMPLES = 1_500
LEAST_EXAMPLES = 50
MOST_ITEMS = 4_000  # ranks are counted among that many, drawn at random
ROUNDS = 2
FULL = 0.05  # share of links from which on a matrix is multiplied faster as a dense one
FEW = 0.04  # share of items in histories below which their links are gathered faster than multiplied
SURE = 1.0  # standard errors that a gain must have
LOST = 1.0  # standard errors of a loss after which no more is asked
FIRST_HEAT = 3 * BATCH  # events
SMALL = 4_000  # items up to which several solutions of EASE are compared
NEWEST = 0.1  # of all events: what the half-life of popularity is chosen on


class Scoring(Protocol):
    """Anything that scores some items for a batch of histories."""

    def among(self, batch: Batch, rows: Rows) -> Floats:
        """(B, k) the scores of these (k,) rows for everybody."""
        ...


@dataclass(frozen=True, slots=True)
class Trial:
    """N held-out events, and what the readers say to each about m sampled items and then about the target."""

    examples: Examples
    sample: Rows  # (m,) ascending
    n_items: int
    said: Floats  # (N, m + 1)

    @classmethod
    def of(cls, examples: Examples, readers: Sequence[Reading], seed: int) -> Trial:
        """As many of the examples as memory allows."""
        rng = np.random.default_rng(seed)
        n_items = readers[0].n_items
        sample = np.sort(rng.permutation(n_items)[:MOST_ITEMS]).astype(np.int32)
        examples = examples.sample(min(MOST_EXAMPLES, MOST_NUMBERS // max(len(sample), 1)), rng)
        trial = cls(examples, sample, n_items, np.zeros((len(examples), len(sample) + 1), np.float32))
        said = [sum(calmed(trial.seen(part, reader)) for reader in readers) for part in examples.parts()]
        return replace(trial, said=np.concatenate([trial.said[:0], *said]))

    def __len__(self) -> int:
        return len(self.examples)

    @property
    def heats(self) -> tuple[Trial, ...]:
        """A first part of the events, and the rest."""
        cuts = (0, FIRST_HEAT, len(self)) if len(self) > FIRST_HEAT else (0, len(self))
        return tuple(
            replace(self, examples=self.examples.some(np.arange(start, stop)), said=self.said[start:stop])
            for start, stop in pairwise(cuts)
        )

    def worth(self, channel: Scoring) -> Doubles:
        """(N,) of each held-out event, ties at their middle."""

        def each(part: tuple[int, Examples]) -> Doubles:
            return self._worth_of(channel, *part)

        parts = zip(range(0, len(self), BATCH), self.examples.parts(), strict=True)
        return np.concatenate([np.zeros(0), *side_by_side(each, parts)])

    def _worth_of(self, channel: Scoring, start: int, part: Examples) -> Doubles:
        scores = self.said[start : start + BATCH] + calmed(self.seen(part, channel))
        mine, others = scores[:, -1:], scores[:, :-1]
        others[self._taken(part)] = -np.inf
        above = (others > mine).sum(axis=1) + 0.5 * (others == mine).sum(axis=1)
        return 1.0 / np.log2(2.0 + above * (self.n_items / len(self.sample)))

    def _taken(self, part: Examples) -> Mask:
        """(B, m) whether the asker had or went on to take it."""
        owners = np.concatenate([part.batch.askers, part.later.owners])
        rows = np.concatenate([part.batch.rows, part.later.rows])
        place = np.minimum(np.searchsorted(self.sample, rows), len(self.sample) - 1)
        met = self.sample[place] == rows
        taken = np.zeros((len(part), len(self.sample)), bool)
        taken[owners[met], place[met]] = True
        return taken

    def seen(self, part: Examples, channel: Scoring) -> Floats:
        """(B, m + 1) what a channel says about the sample, and about each one's own target."""
        scores = channel.among(part.batch, np.concatenate([self.sample, part.targets]))
        own = scores[np.arange(len(part)), len(self.sample) + np.arange(len(part))]
        return np.hstack([scores[:, : len(self.sample)], own[:, None]])


@dataclass(frozen=True, slots=True)
class Whole:
    """A fitted channel."""

    model: Model

    def among(self, batch: Batch, rows: Rows) -> Floats:
        return self.model.score(batch)[:, rows]


@dataclass(frozen=True, slots=True)
class Summed:
    """Channels that read, whose scores are on one scale."""

    readers: Sequence[Reading]

    def among(self, batch: Batch, rows: Rows) -> Floats:
        first, *others = (reader.among(batch, rows) for reader in self.readers)
        return sum(others, start=first)


@dataclass(frozen=True, slots=True)
class Mixed:
    """Links mixed with what reads alike, without making the matrix of it."""

    plain: Neighbours
    links: sp.csr_array | Floats  # of it, dense where that is faster
    source: sp.csr_array
    target: sp.csr_array

    @classmethod
    def of(cls, plain: Neighbours, source: sp.csr_array, target: sp.csr_array) -> Self:
        """With mixtures (I, I) of the items that speak and of those spoken of."""
        links = plain.links
        return cls(plain, links.toarray() if links.nnz > FULL * plain.n_fitted**2 else links, source, target)

    def among(self, batch: Batch, rows: Rows) -> Floats:
        history = sp.csr_array(batch.matrix(self.plain.n_fitted, self.plain.values(batch)) @ self.source)
        few = sp.issparse(self.links) and history.nnz < FEW * history.shape[0] * history.shape[1]
        own = (history @ self.links).toarray() if few else history.toarray() @ self.links
        return np.ascontiguousarray((self.target[rows] @ own.T).T)


def settle(recipe: R, worth: Callable[[R, H], Doubles], fields: Sequence[str], heats: Sequence[H]) -> R:
    """The recipe with the values of these fields that held-out events prefer; what has no value yet begins at its
    usual one. `worth` gives the worth of each event of a heat, and is asked once about the same values; what loses
    a heat clearly is not asked about the next."""
    settled = recipe.usual()
    if not fields:
        return settled
    best = [worth(settled, heat) for heat in heats]
    refused: set[tuple[R, R]] = set()  # the better one and the other, as asked before
    for _ in range(ROUNDS):
        before = settled
        for field in fields:
            for value in recipe.choices[field]:
                other = settled.model_copy(update={field: value})
                if other == settled or (settled, other) in refused:
                    continue
                better = _race(other, worth, heats, best)
                if better is None:
                    refused.add((settled, other))
                else:
                    settled, best = other, better
        if settled == before:
            break
    return settled


def _race(
    other: R, worth: Callable[[R, H], Doubles], heats: Sequence[H], best: Sequence[Doubles]
) -> list[Doubles] | None:
    """What the other one is worth in each heat, if more than the `best`."""
    found: list[Doubles] = []
    for heat in heats:
        found.append(worth(other, heat))
        gain = np.concatenate(found) - np.concatenate(best[: len(found)])
        error = gain.std() / np.sqrt(len(gain))
        if gain.mean() < -LOST * error:
            return None
    return found if gain.mean() > SURE * error else None


def settle_reader(recipe: W, models: Sequence[Reading], data: Dataset, made: Callable[[], Trial]) -> W:
    """How fast a past fades for channels that read, beside those that the trial is made with; for several of one
    recipe as their sum."""
    if not (models and recipe.open and data.ordered):
        return recipe.usual()

    def worth(tried: W, trial: Trial) -> Doubles:
        return trial.worth(Summed([replace(model, recency=tried.recency or 1.0) for model in models]))

    trial = made()
    return settle(recipe, worth, recipe.open, trial.heats) if len(trial) >= LEAST_EXAMPLES else recipe.usual()


def settle_links(recipe: K, data: Dataset, run: Run, alike: Alike, trial: Trial) -> tuple[K, sp.csr_array]:
    """An item-to-item channel, and its links by `data`, each item for itself."""
    if len(trial) < LEAST_EXAMPLES:
        recipe = recipe.usual()
    if isinstance(recipe, TasteRecipe) and not {"reg", "rank"}.isdisjoint(recipe.open):
        recipe = recipe.model_copy(update=_solved(recipe, data, run, trial))
    gathered = recipe.gather(data, run)
    kept: dict[str, sp.csr_array] = {}
    mixtures: dict[float, sp.csr_array] = {}

    def links(tried: K) -> sp.csr_array:
        plain = tried.model_copy(update=dict.fromkeys(LinksRecipe.choices))  # what the links themselves depend on
        name = plain.model_dump_json()
        if name not in kept:
            kept[name] = tried.links(gathered, data)
        return kept[name]

    def worth(tried: K, trial: Trial) -> Doubles:
        trusts = tried.source_trust or 0.0, tried.target_trust or 0.0
        for trust in set(trusts) - set(mixtures):
            mixtures[trust] = alike.mixture(trust)
        return trial.worth(Mixed.of(tried.model(links(tried), data), mixtures[trusts[0]], mixtures[trusts[1]]))

    fields = [name for name in recipe.open if name != "recency" or data.ordered]
    found = settle(recipe, worth, fields, trial.heats)
    return found, links(found)


def settle_popular(recipe: PopularRecipe, data: Dataset, run: Run) -> PopularRecipe:
    """How fast fashion fades: by the newest tenth of all events, told by those before it."""
    liked = data.weights > 0
    if not recipe.open or not data.timed or liked.sum() < LEAST_EXAMPLES:
        return recipe.usual()
    cut = float(np.nanquantile(data.at[liked], 1.0 - NEWEST))
    before, after = data.keep(~(data.at > cut)), data.item_rows[liked & (data.at > cut)]

    def worth(tried: PopularRecipe, after: Rows) -> Doubles:
        counts = tried.fit(before, run).counts
        rank = np.searchsorted(np.sort(-counts), -counts[after], side="left")
        return 1.0 / np.log2(2.0 + rank)

    return settle(recipe, worth, recipe.open, [after])


def calmed(scores: Floats) -> Floats:
    """Scores of some askers as they enter a sum with others'."""
    return standardised(scores, max(float(scores.std(axis=1).mean()), 1e-6))


def _solved(recipe: TasteRecipe, data: Dataset, run: Run, trial: Trial) -> dict[str, float | int | None]:
    """Ridge and rank, chosen together with how fast a past fades; the usual ones where a solution takes long."""
    found = recipe.usual()
    if (data.support > 0).sum() > SMALL:
        return {"reg": found.reg, "rank": found.rank}
    solved: dict[tuple[float | None, int | None], sp.csr_array] = {}

    def worth(tried: TasteRecipe, trial: Trial) -> Doubles:
        made = tried.reg, tried.rank
        if made not in solved:
            solved[made] = tried.gather(data, run)
        return trial.worth(Whole(tried.model(solved[made], data)))

    fields = [name for name in ("recency", "reg", "rank") if name in recipe.open]
    fields = [name for name in fields if name != "recency" or data.ordered]
    found = settle(recipe, worth, fields, trial.heats)
    return {"reg": found.reg, "rank": found.rank}
