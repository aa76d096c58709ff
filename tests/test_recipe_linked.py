"""What is linked in the default recipe: items without a word borrow from those they are linked to."""

from dataclasses import replace

import numpy as np
import pytest

from zhiyin.data.dataset import Dataset, Floats
from zhiyin.models.base import Run, history_batch
from zhiyin.models.graph import GraphRecipe
from zhiyin.models.propagation import COLD
from zhiyin.recipe import DefaultRecipe, Gathered, Ground, Read
from zhiyin.testing.encoders import HashEncoder
from zhiyin.testing.small import SILENT, small_dataset
from zhiyin.types import Relation

RUN = Run(HashEncoder())


def linked(data: Dataset) -> tuple[Dataset, str]:
    """The item without text goes with one that many took."""
    warm = data.items[int(data.support.argmax())]
    return replace(data, relations=[Relation(SILENT, "goes_with", warm)]), warm


def ground(data: Dataset, recipe: DefaultRecipe) -> Ground:
    words, meaning = recipe.words.fit(data, RUN), recipe.meaning.fit(data, RUN)
    return Ground.of(data, RUN, Read(recipe, words, meaning, recipe.linked(data, RUN)))


@pytest.mark.slow
def test_an_item_without_text_and_events_borrows_from_what_it_is_linked_to() -> None:
    data, warm = linked(small_dataset())
    silent, lender = data.items.row(SILENT), data.items.row(warm)
    assert data.support[silent] == 0
    assert data.support[lender] >= COLD
    near = ground(data, DefaultRecipe()).alike.neighbours
    assert near[[silent]].toarray()[0, lender] == 1.0
    np.testing.assert_allclose(near.sum(axis=1)[data.items.rows([SILENT, "garden/rake"])], 1.0, rtol=1e-5)
    taken = history_batch([data.items.row("garden/rake"), data.items.row("music/piano")], [1.0, 1.0], [0.0, 0.0])
    taste = DefaultRecipe().fit(data, RUN).models["taste"].score(taken)[0]
    assert taste[silent] != 0
    apart = DefaultRecipe(off=("graph",)).fit(data, RUN).models
    assert "graph" not in apart
    assert apart["taste"].score(taken)[0][silent] == 0, "neither text nor event nor link"


def test_an_item_without_a_word_keeps_the_company_of_what_it_is_linked_to() -> None:
    data, warm = linked(small_dataset())
    silent, lender = data.items.row(SILENT), data.items.row(warm)
    recipe = DefaultRecipe()
    reader = recipe.reader_of(ground(data, recipe))
    assert not recipe.meaning.fit(data, RUN).vectors[silent].any()
    assert reader.company[silent] @ reader.company[lender] > 0.5
    taken = history_batch([lender], [1.0], [0.0])
    assert reader.score(taken)[0][silent] > 0.2
    apart = DefaultRecipe(off=("graph",))
    assert not apart.reader_of(ground(data, apart)).vectors[silent].any(), "neither text nor event nor link"


def test_how_much_comes_from_links_is_a_setting() -> None:
    data = replace(
        small_dataset(),
        relations=[Relation(f"garden/{noun}", "bed", "north") for noun in ("fern", "spade", "rake")],
    )
    fern = data.items.row("garden/fern")

    def lent(share: float) -> Floats:
        near = ground(data, DefaultRecipe(graph=GraphRecipe(lends=share))).alike.neighbours
        return near[[fern]].toarray()[0]

    assert set(np.flatnonzero(lent(1.0))) <= set(data.items.rows(["garden/spade", "garden/rake"]).tolist())
    assert np.count_nonzero(lent(0.0)) > 2
    np.testing.assert_allclose(lent(0.25), 0.75 * lent(0.0) + 0.25 * lent(1.0), atol=1e-6)


@pytest.mark.slow
def test_the_graph_that_lends_is_the_one_that_is_served() -> None:
    data, _ = linked(small_dataset())
    found = ground(data, DefaultRecipe())
    models = DefaultRecipe().channels(found, Gathered(), again=False)
    assert models["graph"] is found.read.graph
    assert ground(replace(data, relations=()), DefaultRecipe()).by_links is None
