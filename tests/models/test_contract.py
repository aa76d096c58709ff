"""Every channel against the contract: a new one is one more line in `CHANNELS`."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from zhiyin.data.dataset import Dataset, build_dataset
from zhiyin.models.base import Model, Run
from zhiyin.models.context import Context, ContextRecipe
from zhiyin.models.evergreen import Evergreen, EvergreenRecipe
from zhiyin.models.factors import Factors, FactorsRecipe
from zhiyin.models.graph import Graph, GraphRecipe
from zhiyin.models.meaning import Meaning, MeaningRecipe
from zhiyin.models.neighbours import Alike, LinksRecipe, Neighbours
from zhiyin.models.popular import Popular, PopularRecipe
from zhiyin.models.propagation import COLD, text_neighbours
from zhiyin.models.quality import Quality, QualityRecipe
from zhiyin.models.reader import Reader, ReaderRecipe
from zhiyin.models.repeat import Repeat, RepeatRecipe
from zhiyin.models.taste import Taste, TasteRecipe
from zhiyin.models.together import Together, TogetherRecipe
from zhiyin.models.transition import Transition, TransitionRecipe
from zhiyin.models.vectors import Vectors, VectorsRecipe
from zhiyin.models.words import Words, WordsRecipe
from zhiyin.testing.model_contract import ENCODER, Channel, ModelContract, alone, arrivals, askers
from zhiyin.testing.small import START, small_dataset, small_pictures, small_relations
from zhiyin.types import Event


def mixed(recipe: LinksRecipe | FactorsRecipe, data: Dataset, run: Run) -> Model:
    """As the default recipe makes them: every item mixed with warm ones that read alike."""
    words, meaning = WordsRecipe().fit(data, run), MeaningRecipe().fit(data, run)
    warm = np.flatnonzero(data.support >= COLD).astype(np.int32)
    near = text_neighbours(words, meaning, np.arange(len(data.items), dtype=np.int32), warm)
    return recipe.fit(data, run, Alike(near, data.support))


def graph(data: Dataset, run: Run) -> Model:
    return GraphRecipe(attributes=True).fit(replace(data, relations=small_relations()), run)


def vectors(data: Dataset, run: Run) -> Model:
    words, meaning = WordsRecipe().fit(data, run), MeaningRecipe().fit(data, run)
    pictured = {item.item_id: item for item in small_pictures()}
    data = replace(data, catalogue=[pictured[id_] for id_ in data.items])
    return VectorsRecipe().fit(data, run, words, meaning)["vector_image"]


def reader(data: Dataset, run: Run) -> Model:
    words, meaning = WordsRecipe().fit(data, run), MeaningRecipe().fit(data, run)
    everything = np.arange(len(data.items), dtype=np.int32)
    return ReaderRecipe(dim=6).fit(data, run, meaning, text_neighbours(words, meaning, everything, everything))


def quality(data: Dataset, run: Run) -> Model:
    return QualityRecipe().fit(data, run, MeaningRecipe().fit(data, run))


def context(data: Dataset, run: Run) -> Model:
    """Each item 30 times, every other one mostly in the evening, or by phone where there are no times."""
    cells = [(number, place) for number in range(len(data.items)) for place in range(30)]
    hours = [(number, place, 8 if (number + (place % 3 == 0)) % 2 else 20) for number, place in cells]
    events = [
        Event(
            f"{number} {place}",
            data.items[number],
            "like",
            at=START + timedelta(days=place, hours=hour, minutes=1) if data.timed else None,
            context={} if data.timed else {"device": "phone" if hour == 20 else "desk"},
        )
        for number, place, hour in hours
    ]
    model = ContextRecipe().fit(build_dataset(data.catalogue, events), run)
    assert model.speaks
    return model


def load_quality(arrays: object, model: Model) -> Model:
    assert isinstance(model, Quality)
    return Quality.of_arrays(arrays, model.meaning)  # type: ignore[arg-type]


CHANNELS = [
    Channel("popular", PopularRecipe().fit, lambda arrays, _: Popular.of_arrays(arrays), from_history=False),
    Channel("evergreen", EvergreenRecipe().fit, lambda arrays, _: Evergreen.of_arrays(arrays), from_history=False),
    Channel("together", TogetherRecipe(k=6).fit, lambda arrays, _: Together.of_arrays(arrays)),
    Channel("transition", TransitionRecipe(reg=5.0).fit, lambda arrays, _: Transition.of_arrays(arrays)),
    Channel("taste by EASE", TasteRecipe(reg=5.0).fit, lambda arrays, _: Taste.of_arrays(arrays)),
    Channel("taste by item-kNN", TasteRecipe(max_dense=0).fit, lambda arrays, _: Taste.of_arrays(arrays)),
    Channel(
        "together mixed with what reads alike",
        lambda data, run: mixed(TogetherRecipe(), data, run),
        lambda arrays, _: Together.of_arrays(arrays),
    ),
    Channel(
        "taste mixed with what reads alike",
        lambda data, run: mixed(TasteRecipe(reg=5.0), data, run),
        lambda arrays, _: Taste.of_arrays(arrays),
    ),
    Channel("reader", reader, lambda arrays, _: Reader.of_arrays(arrays)),
    Channel("factors", FactorsRecipe(dim=6).fit, lambda arrays, _: Factors.of_arrays(arrays)),
    Channel(
        "factors mixed with what reads alike",
        lambda data, run: mixed(FactorsRecipe(dim=6), data, run),
        lambda arrays, _: Factors.of_arrays(arrays),
    ),
    Channel("words", WordsRecipe(n_terms=1_000).fit, lambda arrays, _: Words.of_arrays(arrays)),
    Channel("meaning", MeaningRecipe().fit, lambda arrays, _: Meaning.of_arrays(arrays, ENCODER)),
    Channel("repeat", RepeatRecipe().fit, lambda arrays, _: Repeat.of_arrays(arrays)),
    Channel("graph", graph, lambda arrays, _: Graph.of_arrays(arrays)),
    Channel("vectors of their own", vectors, lambda arrays, _: Vectors.of_arrays(arrays, "image")),
    Channel("context", context, lambda arrays, _: Context.of_arrays(arrays), from_history=False),
    Channel("quality", quality, load_quality, retrieves=False),
]


class TestChannels(ModelContract):
    """Each model is fitted once and asked by all tests, none of which can change it."""

    @pytest.fixture(scope="class", params=CHANNELS, ids=lambda channel: channel.name)
    @classmethod
    def channel(cls, request: pytest.FixtureRequest) -> Channel:
        return request.param

    @pytest.fixture(scope="class")
    @classmethod
    def model(cls, channel: Channel, data: Dataset) -> Model:
        model = channel.fit(data, Run(ENCODER))
        for array in model.arrays().values():
            array.setflags(write=False)
        return model


@pytest.mark.parametrize("channel", CHANNELS[2:8], ids=lambda channel: channel.name)
def test_a_later_item_gets_the_mean_score_of_its_text_neighbours(channel: Channel) -> None:
    data = small_dataset()
    model = channel.fit(data, Run(ENCODER))
    assert isinstance(model, Neighbours)
    bare = type(model).of(model.links, model.decay)
    for b in (0, 4, 7):
        asker = alone(askers(data), b)
        own = bare.score(asker)[0]
        later = model.extended(arrivals(data)).score(asker)[0][len(data.items) :]
        np.testing.assert_allclose(later, [0.75 * own[2] + 0.25 * own[6], 0.0], atol=1e-6)
