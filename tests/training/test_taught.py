"""What the sequence channel learns: order, from the data handed in and nothing else."""

from dataclasses import replace

import numpy as np
import pytest
from cycles import N_ITEMS, SMALL, cycle_dataset, following, meaning_of, run_of

from zhiyin.data.dataset import Dataset
from zhiyin.models.base import Model, Run, history_batch
from zhiyin.models.meaning import MeaningRecipe
from zhiyin.models.popular import PopularRecipe
from zhiyin.models.sequence import Sequence
from zhiyin.testing.model_contract import ENCODER, Channel, ModelContract
from zhiyin.training.sequence import Taught, go_on, teach

pytestmark = pytest.mark.slow
TINY = SMALL.model_copy(update={"epochs": 2})


def fit(data: Dataset, run: Run) -> Model:
    return teach(TINY, data, run, MeaningRecipe().fit(data, run)).model


class TestTaught(ModelContract):
    @pytest.fixture
    def channel(self) -> Channel:
        return Channel("sequence", fit, lambda arrays, _: Sequence.of_arrays(arrays))

    @pytest.fixture(scope="class")
    @classmethod
    def model(cls, data: Dataset) -> Model:
        return fit(data, Run(ENCODER))


@pytest.fixture(scope="module")
def data() -> Dataset:
    return cycle_dataset()


@pytest.fixture(scope="module")
def taught(data: Dataset) -> Taught:
    return teach(SMALL, data, run_of(), meaning_of(data))


def share_first(model: Model, data: Dataset) -> float:
    """Of walks of four items along the circle, those after which the one that follows stands first."""
    hits = 0
    for begin in range(N_ITEMS):
        walk = [begin]
        for _ in range(3):
            walk.append(following(data, walk[-1]))
        scores = model.score(history_batch(walk, [1.0] * 4, [0.0] * 4))[0]
        scores[walk] = -np.inf
        hits += int(scores.argmax()) == following(data, walk[-1])
    return hits / N_ITEMS


def test_it_learns_an_order_that_popularity_cannot_know(taught: Taught, data: Dataset) -> None:
    assert share_first(taught.model, data) > 0.9
    assert share_first(PopularRecipe().fit(data, run_of()), data) < 0.2
    assert taught.worth > 0.6
    assert 1 <= taught.epochs <= SMALL.epochs


def test_going_on_keeps_what_was_learned_and_learns_of_items_that_were_hidden(data: Dataset) -> None:
    hidden = 5
    part = data.keep(data.item_rows != hidden)
    meaning = meaning_of(data)
    first = teach(SMALL, part, run_of(), meaning)
    assert not first.taken[hidden]
    later = go_on(SMALL, data, run_of(), meaning, first)
    assert later.taken[hidden]
    assert later.steps == max(1, round(SMALL.again * first.steps))
    assert share_first(later.model, data) > 0.9


def test_learning_stops_when_nothing_is_gained(data: Dataset) -> None:
    """Of people who go anywhere there is nothing to learn for long."""
    rng = np.random.default_rng(0)
    rows = rng.permutation(data.item_rows)
    patient = SMALL.model_copy(update={"patience": 1, "epochs": 12, "minutes": 60.0})
    found = teach(patient, replace(data, item_rows=rows), run_of(), meaning_of(data))
    assert found.epochs < 12


def test_people_with_a_single_item_teach_nothing_and_break_nothing(data: Dataset) -> None:
    first = data.keep(np.isin(np.arange(len(data)), data.indptr[:-1]))
    found = teach(TINY, first, run_of(), meaning_of(data))
    assert np.isfinite(found.model.score(history_batch([3], [1.0], [0.0]))).all()
