"""What factors are solved with is chosen by held-out events, where that is affordable."""

import numpy as np
import pytest

from zhiyin.data.dataset import Dataset, build_dataset
from zhiyin.models.base import Run
from zhiyin.models.factors import FactorsRecipe
from zhiyin.models.meaning import MeaningRecipe
from zhiyin.models.neighbours import Alike
from zhiyin.models.propagation import text_neighbours
from zhiyin.models.words import WordsRecipe
from zhiyin.ranking.examples import carve
from zhiyin.ranking.factoring import settle_factors
from zhiyin.ranking.settling import Trial, Whole
from zhiyin.testing.encoders import HashEncoder
from zhiyin.testing.small import small_dataset
from zhiyin.types import Event, Item

pytestmark = pytest.mark.slow

RUN = Run(HashEncoder())


def asked(data: Dataset, n_examples: int = 400) -> tuple[Dataset, Alike, Trial]:
    """The part to fit, what reads alike in it, and events held out of it."""
    carved, examples = carve(data, n_examples, 0.0, 0)
    words, meaning = WordsRecipe().fit(carved, RUN), MeaningRecipe().fit(carved, RUN)
    rows = np.arange(len(carved.items), dtype=np.int32)
    near = text_neighbours(words, meaning, rows, rows[carved.support > 0])
    return carved, Alike(near, carved.support), Trial.of(examples, (words, meaning), 0)


def settled(recipe: FactorsRecipe, data: Dataset, n_examples: int = 400) -> FactorsRecipe:
    carved, alike, trial = asked(data, n_examples)
    return settle_factors(recipe, carved, RUN, alike, trial)[0]


def circles(n_circles: int, n_users: int = 300) -> Dataset:
    """96 items in circles whose names say nothing; each person takes six of one circle."""
    rng = np.random.default_rng(3)
    size = 96 // n_circles
    items = [Item(f"{n:02}", f"thing {rng.integers(10**6)}") for n in range(96)]
    events = [
        Event(f"u{user:03}", items[size * (user % n_circles) + int(place)].item_id, "click", order=order)
        for user in range(n_users)
        for order, place in enumerate(rng.permutation(size)[: min(6, size - 1)])
    ]
    return build_dataset(items, events)


def test_what_is_chosen_is_worth_more_than_the_usual_and_comes_with_its_items() -> None:
    carved, alike, trial = asked(circles(12))
    found, solution = settle_factors(FactorsRecipe(), carved, RUN, alike, trial)
    usual = FactorsRecipe().usual()
    assert found != usual
    gain = trial.worth(Whole(found.fit(carved, RUN, alike, solution))) - trial.worth(
        Whole(usual.fit(carved, RUN, alike))
    )
    assert gain.mean() > 0
    np.testing.assert_array_equal(solution.items.vectors, found.solve(carved, RUN).items.vectors)


def test_what_is_set_stays_and_nothing_stays_open() -> None:
    asked = FactorsRecipe(dim=3, reg=0.02, unobserved=1.0, recency=0.9, trust=1.0)
    assert settled(asked, small_dataset()) == asked
    assert settled(FactorsRecipe(), small_dataset(), n_examples=3) == FactorsRecipe().usual()
    assert settled(FactorsRecipe(dim=3), small_dataset(timed=False)).recency == 1.0


def test_of_many_events_only_what_needs_no_solution_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    data, usual = circles(12), FactorsRecipe().usual()
    monkeypatch.setattr("zhiyin.ranking.factoring.MOST_SOLVED", len(data) // 2)
    found = settled(FactorsRecipe(), data)
    assert (found.dim, found.reg, found.unobserved) == (usual.dim, usual.reg, usual.unobserved)
    assert (found.recency, found.trust) != (usual.recency, usual.trust)
    assert settled(FactorsRecipe(dim=5), data).dim == 5
