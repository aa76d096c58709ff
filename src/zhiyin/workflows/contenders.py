"""Who is tuned: our recipe, and each baseline that has something to tune."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from zhiyin.data.dataset import Dataset, Doubles, Floats
from zhiyin.data.splits import Split
from zhiyin.evaluation.judging import OURS, judge_all
from zhiyin.evaluation.record import split_name
from zhiyin.metrics.ranking import metric
from zhiyin.models.base import Batch, Run
from zhiyin.models.baselines import EASE, EASE_LINKS, ITEM_KNN, MOST_FOR_EASE, TITLES, Peer, titles_only
from zhiyin.models.words import WordsRecipe
from zhiyin.progress import Silent
from zhiyin.recipe import DefaultRecipe
from zhiyin.workflows.spaces import Space, Span, Values, our_space, setting_of, with_settings


@dataclass(frozen=True, slots=True)
class Contender:
    """A system with settings."""

    name: str
    space: Space
    start: Values  # what it has without tuning: the first that is tried
    fit: Callable[[Values, Dataset, Run], Peer]

    @property
    def title(self) -> str:
        return "zhiyin" if self.name == OURS else TITLES[self.name]


def contenders(recipe: DefaultRecipe, data: Dataset) -> list[Contender]:
    """Ours first; EASE only where it can be solved."""
    space = our_space(recipe, data)
    ours = Contender(
        OURS,
        space,
        {name: setting_of(recipe, name) for name in space},
        lambda values, data, run: with_settings(recipe, values).fit(data, run),
    )
    solvable = 0 < (data.support > 0).sum() <= MOST_FOR_EASE
    return [ours, *([_EASE] if solvable else []), _ITEM_KNN, _TEXT_KNN]


def _ease(values: Values, data: Dataset, run: Run) -> Peer:
    k = EASE_LINKS // max(int((data.support > 0).sum()), 1)
    return EASE.model_copy(update={**values, "k": k}).fit(data, run)


def _item_knn(values: Values, data: Dataset, run: Run) -> Peer:
    return ITEM_KNN.model_copy(update=dict(values)).fit(data, run)


def _text_knn(values: Values, data: Dataset, run: Run) -> Peer:
    return WordsRecipe().model_copy(update=dict(values)).fit(titles_only(data), run)


_FADING = Span(0.3, 1.0)
_EASE = Contender("ease", {"reg": Span(5.0, 10_000.0, log=True)}, {"reg": EASE.reg}, _ease)
_ITEM_KNN = Contender(
    "item_knn",
    {
        "k": Span(10, 1_000, log=True, whole=True),
        "shrinkage": Span(0.5, 500.0, log=True),
        "recency": _FADING,
    },
    {"k": ITEM_KNN.k, "shrinkage": ITEM_KNN.shrinkage, "recency": ITEM_KNN.usual().recency},
    _item_knn,
)
_TEXT_KNN = Contender("text_knn", {"recency": _FADING}, {"recency": WordsRecipe().usual().recency}, _text_knn)


@dataclass(frozen=True, slots=True)
class Task:
    """A question, and the metric by which the answers are weighed."""

    split: Split
    metric: str
    run: Run

    def value(self, contender: Contender, values: Values, run: Run | None = None) -> float:
        """The mean over people. Raises InvalidData where nothing can be fitted with these settings."""
        return float(np.nanmean(self.answer(contender, values, run)))

    def answer(self, contender: Contender, values: Values, run: Run | None = None) -> Doubles:
        """(U,) what each person gets, NaN for those who want nothing. `run`: another one than that of the task."""
        system = contender.fit(values, self.split.fit, run or self.run)
        _, k = split_name(self.metric)
        judged = judge_all(self.split, _Alone(contender.name, system), (int(k),), Silent())
        return metric(self.metric, judged[contender.name].ranks)


@dataclass(frozen=True, slots=True)
class _Alone:
    """One system, as the judges ask many."""

    name: str
    system: Peer

    def scores(self, batch: Batch) -> Iterator[tuple[str, Floats]]:
        yield self.name, self.system.score(batch)
