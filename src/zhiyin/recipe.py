"""The default recipe: which channels are fitted, how, and how they become one score.

`fit` is the whole of training: carve, fit, learn the gates, fit again on everything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, Self

import numpy as np
import scipy.sparse as sp
from pydantic import Field

from zhiyin._extras import need
from zhiyin.data.dataset import Dataset, Floats
from zhiyin.models.base import Batch, Model, Recipe, Run
from zhiyin.models.clicks import ClicksRecipe
from zhiyin.models.context import ContextRecipe
from zhiyin.models.evergreen import EvergreenRecipe
from zhiyin.models.factors import FactorsRecipe, Solution
from zhiyin.models.graph import Graph, GraphRecipe, graph_neighbours
from zhiyin.models.meaning import Meaning, MeaningRecipe
from zhiyin.models.neighbours import Alike, LinksRecipe
from zhiyin.models.popular import PopularRecipe
from zhiyin.models.propagation import COLD, blended, have_text, near_by_text
from zhiyin.models.quality import QualityRecipe
from zhiyin.models.reader import Reader, ReaderRecipe
from zhiyin.models.repeat import RepeatRecipe
from zhiyin.models.sequence import SequenceRecipe
from zhiyin.models.taste import TasteRecipe
from zhiyin.models.together import TogetherRecipe
from zhiyin.models.transition import TransitionRecipe
from zhiyin.models.vectors import Vectors, VectorsRecipe
from zhiyin.models.words import Words, WordsRecipe
from zhiyin.policies.belief_model import BeliefModel
from zhiyin.policies.tempering import Tempering
from zhiyin.ranking.examples import REPEATS, Examples
from zhiyin.ranking.factoring import settle_factors
from zhiyin.ranking.fusion import Fusion, Kinds, item_kinds
from zhiyin.ranking.learn import FusionRecipe, group_of
from zhiyin.ranking.lending import settle_lends
from zhiyin.ranking.settling import Trial, settle_links, settle_popular, settle_reader

if TYPE_CHECKING:
    from zhiyin.training.clicks import TaughtClicks
    from zhiyin.training.sequence import Taught


TORCH = "pip install torch (requirements/torch.txt has the version this was tried with)"


@dataclass(frozen=True, slots=True)
class Fitted:
    """Models, the fusion that makes one score of them, and the recipe with everything chosen that was open."""

    models: Mapping[str, Model]
    fusion: Fusion
    recipe: DefaultRecipe
    belief: BeliefModel | None = None  # learned from answers to lists, where there are enough of them
    tempering: Tempering | None = None  # the temperature of lists by their log, where that is to be learned

    def score(self, batch: Batch) -> Floats:
        """(B, I) fused scores."""
        return self.fusion.score(self.models, batch)


class DefaultRecipe(Recipe):
    """No torch, minutes on two cores."""

    popular: PopularRecipe = Field(default_factory=PopularRecipe, description="What many take now.")
    evergreen: EvergreenRecipe = Field(default_factory=EvergreenRecipe, description="What many took at any time.")
    together: TogetherRecipe = Field(default_factory=TogetherRecipe, description="What goes with what.")
    transition: TransitionRecipe = Field(
        default_factory=TransitionRecipe, description="What comes next; only where histories have an order."
    )
    taste: TasteRecipe = Field(default_factory=TasteRecipe, description="What similar people like.")
    factors: FactorsRecipe = Field(default_factory=FactorsRecipe, description="Who is like what, in few numbers.")
    words: WordsRecipe = Field(default_factory=WordsRecipe, description="The same words.")
    meaning: MeaningRecipe = Field(default_factory=MeaningRecipe, description="The same meaning.")
    reader: ReaderRecipe = Field(
        default_factory=ReaderRecipe, description="The same meaning to the people of this shop."
    )
    quality: QualityRecipe = Field(default_factory=QualityRecipe, description="What is held to be good.")
    graph: GraphRecipe = Field(default_factory=GraphRecipe, description="What is linked to what was taken.")
    vectors: VectorsRecipe = Field(
        default_factory=VectorsRecipe, description="What is alike by vectors that items bring, as of their image."
    )
    context: ContextRecipe = Field(
        default_factory=ContextRecipe, description="What is taken at such hours, days and circumstances."
    )
    repeat: RepeatRecipe = Field(default_factory=RepeatRecipe, description="What the person had before.")
    deep: bool = Field(
        default=False,
        description="Whether nets learn what follows what, and who takes what: minutes more, and it needs torch.",
    )
    sequence: SequenceRecipe = Field(
        default_factory=SequenceRecipe, description="What follows what was taken last; only where `deep` is true."
    )
    clicks: ClicksRecipe = Field(
        default_factory=ClicksRecipe,
        description="What is taken by whom, by what both read like; only where `deep` is true.",
    )
    fusion: FusionRecipe = Field(default_factory=FusionRecipe, description="How channels become one score.")
    off: tuple[
        Literal[
            "popular",
            "evergreen",
            "together",
            "transition",
            "taste",
            "factors",
            "reader",
            "quality",
            "graph",
            "vectors",
            "context",
            "repeat",
            "sequence",
            "clicks",
        ],
        ...,
    ] = Field(
        default=(), description="Channels to leave out; words and meaning always stay: they read what is new."
    )

    def fit(self, data: Dataset, run: Run) -> Fitted:
        """Two fits: of a carved part, to choose what was left open and learn the gates, and of everything, to
        serve. Raises MissingExtra, before anything is fitted, where a net is to learn and torch is missing."""
        if self.deep:
            need("torch", extra="train", also=TORCH)
        if not len(data):
            return self._zero_shot(data, run)
        carved, examples = self.fusion.carve(data, run.seed)
        read = self.read(data, carved, run, examples.newest)
        trial = Trial.of(examples.newest, (read.words, read.meaning), run.seed)
        ground = Ground.of(carved, run, read).settled(trial)
        settled, gathered = ground.read.recipe.settled(ground, trial)
        again = data.repeat_share >= REPEATS
        models = settled.channels(ground, gathered, again=again)
        nets = settled.nets(ground, models)
        models, settled = models | nets.models, settled.having_learned(nets)
        fusion = self.fusion.learn(models, examples, ground.kinds, run.seed)
        settled = settled.without(set(models) - set(fusion.channels))
        ground = Ground.of(data, run, replace(read, recipe=settled))
        models = settled.channels(ground, Gathered(part=gathered.factors), again=again)
        models |= settled.nets_on(ground, models, nets)
        models = {name: models[name] for name in fusion.channels}
        return Fitted(models, replace(fusion, kind=ground.kinds), settled)

    def read(self, data: Dataset, carved: Dataset, run: Run, examples: Examples) -> Read:
        """The channels that read the catalogue: the same whatever part of the events the others are fitted on.
        What a relation weighs is learned once, from the `carved` part: gates are right for these weights only."""

        def beside(*readers: Words | Meaning) -> Callable[[], Trial]:
            return lambda: Trial.of(examples, readers, run.seed)

        words, meaning = self.words.fit(data, run), self.meaning.fit(data, run)
        of_words = settle_reader(self.words, [words], data, beside(meaning))
        words = replace(words, recency=of_words.fades(data))
        of_meaning = settle_reader(self.meaning, [meaning], data, beside(words))
        meaning = replace(meaning, recency=of_meaning.fades(data))
        brought = self.brought(data, run, words, meaning)
        of_vectors = settle_reader(self.vectors, list(brought.values()), data, beside(words, meaning))
        brought = {name: replace(model, recency=of_vectors.fades(data)) for name, model in brought.items()}
        recipe = self.model_copy(update={"words": of_words, "meaning": of_meaning, "vectors": of_vectors})
        return Read(recipe, words, meaning, self.linked(carved, run), brought)

    def settled(self, ground: Ground, trial: Trial) -> tuple[DefaultRecipe, Gathered]:
        """With the values that held-out events prefer for all that was left open, and what was gathered for it."""
        chosen: dict[str, Recipe] = {"popular": settle_popular(self.popular, ground.data, ground.run)}
        links: dict[str, sp.csr_array] = {}
        factors, reader, alike = None, None, ground.alike
        if "reader" not in self.off and (reader := self.reader_of(ground)).speaks:
            chosen["reader"] = settle_reader(self.reader, [reader], ground.data, lambda: trial)
        for name, recipe in self.linking(ground.data).items():
            if name not in self.off:
                chosen[name], links[name] = settle_links(recipe, ground.data, ground.run, alike, trial)
        if "factors" not in self.off:
            chosen["factors"], factors = settle_factors(self.factors, ground.data, ground.run, alike, trial)
        return self.model_copy(update=chosen), Gathered(links, factors, reader=reader)

    def without(self, idle: Set[str]) -> DefaultRecipe:
        """With these channels off, too: they did not earn their place."""
        off = dict.fromkeys((*self.off, *sorted({group_of(channel) for channel in idle})))
        return DefaultRecipe.model_validate(self.model_dump() | {"off": tuple(off)})

    def deepened(self) -> DefaultRecipe:
        """The same with a net."""
        return self.model_copy(update={"deep": True})

    def as_proven(self) -> DefaultRecipe:
        """The same, its channels not asked again whether they earn their place."""
        return self.model_copy(update={"fusion": self.fusion.model_copy(update={"proven": False})})

    @property
    def learns_from_lists(self) -> bool:
        """Whether lists that were shown are asked for."""
        return self.deep and "clicks" not in self.off

    def idle_beside(self, asked: DefaultRecipe) -> tuple[str, ...]:
        """The channels that are off here and were asked for."""
        return tuple(channel for channel in self.off if channel not in asked.off)

    def channels(self, ground: Ground, gathered: Gathered, *, again: bool) -> dict[str, Model]:
        """Every channel that is not off. `gathered`: what is there already; `again`: people take things again."""
        data, run, alike = ground.data, ground.run, ground.alike
        models = self.reading(ground, gathered.reader) | self.counted(data, run)
        for name, recipe in self.linking(data).items():
            if name not in self.off:
                models[name] = recipe.fit(data, run, alike, gathered.links.get(name))
        if "factors" not in self.off:
            known = gathered.factors or self.factors.solve(data, run, gathered.part)
            models["factors"] = self.factors.fit(data, run, alike, known)
        if "quality" not in self.off and (quality := self.quality.fit(data, run, ground.read.meaning)).speaks:
            models["quality"] = quality
        if ground.read.graph is not None:
            models["graph"] = ground.read.graph
        models |= ground.read.brought
        if "context" not in self.off and (context := self.context.fit(data, run, alike)).speaks:
            models["context"] = context
        if again and "repeat" not in self.off:
            models["repeat"] = self.repeat.fit(data, run)
        return models

    def linking(self, data: Dataset) -> dict[str, LinksRecipe]:
        """The channels that link items by who took them."""
        found: dict[str, LinksRecipe] = {"together": self.together, "taste": self.taste}
        return found | {"transition": self.transition} if data.ordered else found

    def reading(self, ground: Ground, known: Reader | None = None) -> dict[str, Model]:
        """What reads the catalogue, as it is and as it is taken here. `known`: the latter, where it is there."""
        models: dict[str, Model] = {"words": ground.read.words, "meaning": ground.read.meaning}
        if "reader" not in self.off:
            reader = self.reader_of(ground) if known is None else known
            if reader.speaks:
                models["reader"] = replace(reader, recency=self.reader.fades(ground.data))
        return models

    def reader_of(self, ground: Ground) -> Reader:
        """What texts mean to these people."""
        return self.reader.fit(ground.data, ground.run, ground.read.meaning, ground.alike.neighbours)

    def nets(self, ground: Ground, models: Mapping[str, Model]) -> Nets:
        """The nets, where they are asked for: of what follows what, where histories have an order, and of what is
        taken."""
        data, run, meaning = ground.data, ground.run, ground.read.meaning
        sequence, clicks = None, None
        if self.deep and "sequence" not in self.off and data.ordered:
            from zhiyin.training.sequence import teach  # noqa: PLC0415  # torch is imported by no one else

            sequence = teach(self.sequence, data, run, meaning)
        if self.deep and "clicks" not in self.off:
            from zhiyin.training.clicks import teach as teach_clicks  # noqa: PLC0415

            reader = models.get("reader") if self.clicks.rows == "reader" else None
            clicks = teach_clicks(self.clicks, data, run, reader if isinstance(reader, Reader) else meaning)
        return Nets(sequence, clicks)

    def nets_on(self, ground: Ground, models: Mapping[str, Model], before: Nets) -> dict[str, Model]:
        """Those that are not off, after they learned on, from all data."""
        data, run, found = ground.data, ground.run, dict[str, Model]()
        if before.sequence is not None and "sequence" not in self.off:
            from zhiyin.training.sequence import go_on  # noqa: PLC0415

            found["sequence"] = go_on(self.sequence, data, run, ground.read.meaning, before.sequence).model
        if before.clicks is not None and "clicks" not in self.off:
            from zhiyin.training.clicks import go_on as go_on_clicking  # noqa: PLC0415

            seen: Meaning | Reader = ground.read.meaning
            if isinstance(before.clicks.seen, Reader):
                reader = models.get("reader")
                seen = reader if isinstance(reader, Reader) else self.reader_of(ground)
            found["clicks"] = go_on_clicking(self.clicks, data, run, seen, before.clicks).model
        return found

    def having_learned(self, nets: Nets) -> DefaultRecipe:
        """With the epochs after which each net was best, and how much what lists earned counted."""
        update: dict[str, Recipe] = {}
        if nets.sequence is not None:
            update["sequence"] = self.sequence.model_copy(update={"epochs": nets.sequence.epochs})
        if nets.clicks is not None:
            learned = {"epochs": nets.clicks.epochs, "beta": nets.clicks.beta}
            update["clicks"] = self.clicks.model_copy(update=learned)
        return self.model_copy(update=update)

    def counted(self, data: Dataset, run: Run) -> dict[str, Model]:
        """What many took, now and ever; without times that is the same."""
        models: dict[str, Model] = {}
        if "popular" not in self.off:
            models["popular"] = self.popular.fit(data, run)
        if "evergreen" not in self.off and data.timed:
            models["evergreen"] = self.evergreen.fit(data, run)
        return models

    def brought(self, data: Dataset, run: Run, words: Words, meaning: Meaning) -> dict[str, Vectors]:
        """By channel what is alike by vectors of the items' own; none where no item has any, or they are off."""
        return {} if "vectors" in self.off else self.vectors.fit(data, run, words, meaning)

    def linked(self, data: Dataset, run: Run) -> Graph | None:
        """What is linked to what; None where the data knows of nothing, or it is off."""
        graph = None if "graph" in self.off else self.graph.fit(data, run)
        return graph if graph is not None and graph.speaks else None

    def _zero_shot(self, data: Dataset, run: Run) -> Fitted:
        """A catalogue and no event at all: the channels that read, and what is linked."""
        words, meaning = self.words.fit(data, run), self.meaning.fit(data, run)
        models: dict[str, Model] = {"words": words, "meaning": meaning}
        models |= self.brought(data, run, words, meaning)
        if (graph := self.linked(data, run)) is not None:
            models["graph"] = graph
        kinds = kinds_of(data, words, meaning)
        return Fitted(models, self.fusion.learn(models, Examples.none(), kinds, run.seed), self)


@dataclass(frozen=True, slots=True)
class Nets:
    """Nets that learned from a part of the data; None where there is none."""

    sequence: Taught | None
    clicks: TaughtClicks | None

    @property
    def models(self) -> dict[str, Model]:
        """By channel."""
        taught = {"sequence": self.sequence, "clicks": self.clicks}
        return {name: one.model for name, one in taught.items() if one is not None}


@dataclass(frozen=True, slots=True)
class Gathered:
    """What choosing the constants had to count and solve already, by channel."""

    links: Mapping[str, sp.csr_array] = field(default_factory=dict)
    factors: Solution | None = None
    part: Solution | None = None  # factors of a part of the events
    reader: Reader | None = None


@dataclass(frozen=True, slots=True)
class Read:
    """What was read of a catalogue, and the recipe that says how a history is."""

    recipe: DefaultRecipe
    words: Words
    meaning: Meaning
    graph: Graph | None
    brought: Mapping[str, Vectors] = field(default_factory=dict)  # by channel


@dataclass(frozen=True, slots=True)
class Ground:
    """What the other channels stand on."""

    data: Dataset
    run: Run
    read: Read
    by_text: sp.csr_array  # (I, I) for every item the warm ones that read like it
    by_links: sp.csr_array | None  # (I, I) and those that are linked to it

    @classmethod
    def of(cls, data: Dataset, run: Run, read: Read) -> Self:
        """Every item borrows from warm ones."""
        everything = np.arange(len(data.items), dtype=np.int32)
        warm = np.flatnonzero(data.support >= COLD).astype(np.int32)
        by_text = near_by_text(read.words, read.meaning, everything, warm, run.seed)
        by_links = None if read.graph is None else graph_neighbours(read.graph, everything, warm)
        return cls(data, run, read, by_text, by_links)

    @property
    def kinds(self) -> Kinds:
        """(I,) of the items."""
        return kinds_of(self.data, self.read.words, self.read.meaning)

    @property
    def alike(self) -> Alike:
        """As the recipe says how much of it comes from links."""
        return self.lending(self.read.recipe.graph.usual().lends or 0.0)

    def lending(self, share: float) -> Alike:
        """With this share from what is linked."""
        near = self.by_text if self.by_links is None else blended(self.by_text, self.by_links, share)
        return Alike(near, self.data.support)

    def settled(self, trial: Trial) -> Self:
        """With the share that held-out events prefer."""
        recipe = self.read.recipe
        if self.by_links is None or {"together", "taste"} <= set(recipe.off):
            return self
        channel = recipe.taste if "together" in recipe.off else recipe.together
        chosen = settle_lends(recipe.graph, channel, self.data, self.run, self.lending, trial)
        return replace(self, read=replace(self.read, recipe=recipe.model_copy(update={"graph": chosen})))


def kinds_of(data: Dataset, words: Words, meaning: Meaning) -> Kinds:
    """(I,) of the items, by how much is known of them in these events."""
    everything = np.arange(len(data.items), dtype=np.int32)
    few = COLD if data.ordered else 1  # what few took may be new; in a set it is just rare
    return item_kinds(data.support, have_text(words, meaning, everything), few)
