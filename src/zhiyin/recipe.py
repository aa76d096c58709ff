"""The default recipe: which channels are fitted, how, and how they become one score.

`fit` is the whole of training: carve, fit, learn the gates, fit again on everything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import scipy.sparse as sp
from pydantic import Field

from zhiyin.data.dataset import Dataset, Floats
from zhiyin.models.base import Batch, Model, Recipe, Run, history_batch
from zhiyin.models.index import EXACT_BELOW
from zhiyin.models.meaning import Meaning, MeaningRecipe
from zhiyin.models.popular import PopularRecipe
from zhiyin.models.propagation import COLD, lift, shortlisted_neighbours, text_neighbours
from zhiyin.models.quality import QualityRecipe
from zhiyin.models.repeat import RepeatRecipe
from zhiyin.models.taste import TasteRecipe
from zhiyin.models.together import TogetherRecipe
from zhiyin.models.words import Words, WordsRecipe
from zhiyin.ranking.fusion import Fusion
from zhiyin.ranking.learn import REPEATS, Examples, FusionRecipe, carve


@dataclass(frozen=True, slots=True)
class Fitted:
    """Models and the fusion that makes one score of them."""

    models: Mapping[str, Model]
    fusion: Fusion

    def score(self, batch: Batch) -> Floats:
        """(B, I) fused scores."""
        return self.fusion.score(self.models, batch)


class DefaultRecipe(Recipe):
    """No torch, minutes on two cores."""

    popular: PopularRecipe = Field(default_factory=PopularRecipe, description="What many take now.")
    together: TogetherRecipe = Field(default_factory=TogetherRecipe, description="What goes with what.")
    taste: TasteRecipe = Field(default_factory=TasteRecipe, description="What similar people like.")
    words: WordsRecipe = Field(default_factory=WordsRecipe, description="The same words.")
    meaning: MeaningRecipe = Field(default_factory=MeaningRecipe, description="The same meaning.")
    quality: QualityRecipe = Field(default_factory=QualityRecipe, description="What is held to be good.")
    repeat: RepeatRecipe = Field(default_factory=RepeatRecipe, description="What the person had before.")
    fusion: FusionRecipe = Field(default_factory=FusionRecipe, description="How channels become one score.")
    trust: float = Field(default=2.0, gt=0, description="Events at which a cold item's own score counts half.")
    off: tuple[Literal["popular", "together", "taste", "quality", "repeat"], ...] = Field(
        default=(), description="Channels to leave out; words and meaning always stay: they read what is new."
    )

    def fit(self, data: Dataset, run: Run) -> Fitted:
        """Two fits: of a carved part, to learn the gates, and of everything, to serve."""
        if not len(data):
            return self._zero_shot(data, run)
        reading = self.read(data, run)
        again = data.repeat_share >= REPEATS
        carved, examples = carve(data, self.fusion, run.seed)
        models = self.channels(carved, run, reading, again=again)
        fusion = self.fusion.learn(models, examples, carved.support < COLD, run.seed)
        return Fitted(self.channels(data, run, reading, again=again), with_cold(fusion, data))

    def read(self, data: Dataset, run: Run) -> tuple[Words, Meaning]:
        """The channels that read the catalogue: the same whatever part of the events the others are fitted on."""
        return self.words.fit(data, run), self.meaning.fit(data, run)

    def channels(
        self, data: Dataset, run: Run, reading: tuple[Words, Meaning], *, again: bool = False
    ) -> dict[str, Model]:
        """Every channel fitted on `data`; item-to-item channels lend cold items their neighbours' scores. `again`:
        people take things again here."""
        words, meaning = reading
        cold = np.flatnonzero(data.support < COLD).astype(np.int32)
        lifted = lift(_lenders(words, meaning, data, run), cold, data.support, self.trust)
        models: dict[str, Model] = {
            "popular": self.popular.fit(data, run),
            "together": self.together.fit(data, run).propagated(cold, lifted),
            "taste": self.taste.fit(data, run).propagated(cold, lifted),
            "words": words,
            "meaning": meaning,
            "quality": self.quality.fit(data, run, meaning),
        }
        if again:
            models["repeat"] = self.repeat.fit(data, run)
        return {name: model for name, model in models.items() if name not in self.off}

    def _zero_shot(self, data: Dataset, run: Run) -> Fitted:
        """A catalogue and no event at all: the channels that read."""
        words, meaning = self.read(data, run)
        models: dict[str, Model] = {"words": words, "meaning": meaning}
        nobody = history_batch([], [], [])
        empty = Examples(nobody, np.zeros(0, np.int32))
        return Fitted(models, self.fusion.learn(models, empty, data.support < COLD, run.seed))


def _lenders(words: Words, meaning: Meaning, data: Dataset, run: Run) -> sp.csr_array:
    """(cold, I): the warm items whose scores each cold item borrows."""
    cold = np.flatnonzero(data.support < COLD).astype(np.int32)
    warm = np.flatnonzero(data.support >= COLD).astype(np.int32)
    if len(warm) < EXACT_BELOW:
        return text_neighbours(words, meaning, cold, warm)
    return shortlisted_neighbours(words, meaning, cold, warm, run.seed)


def with_cold(fusion: Fusion, data: Dataset) -> Fusion:
    """The gates learned on a part, for the items as they are in the whole."""
    return replace(fusion, cold=data.support < COLD)
