"""Whom items borrow from is chosen: the texts or the links, whichever tells what people take."""

import numpy as np
import pytest

from zhiyin.data.dataset import Dataset, build_dataset
from zhiyin.models.base import Run
from zhiyin.models.graph import GraphRecipe
from zhiyin.recipe import DefaultRecipe
from zhiyin.testing.encoders import HashEncoder
from zhiyin.types import Event, Item, Relation

pytestmark = pytest.mark.slow  # many fits: not in the fast loop

N_ITEMS, N_THEMES = 150, 6
RUN = Run(HashEncoder())


def world(*, telling: str, n_users: int = 300) -> Dataset:
    """People take items of one theme. It is told by the `telling` one of titles and links, the other is drawn."""
    rng = np.random.default_rng(3)
    drawn = rng.permutation(N_ITEMS)
    theme, chance = (lambda n: n % N_THEMES), (lambda n: int(drawn[n]) % N_THEMES)
    title, link = (theme, chance) if telling == "titles" else (chance, theme)
    items = [Item(f"i{n}", f"theme{title(n)}") for n in range(N_ITEMS)]
    relations = [Relation(f"i{n}", "theme", f"theme {link(n)}") for n in range(N_ITEMS)]
    events = [
        Event(f"u{user}", f"i{user % N_THEMES + N_THEMES * int(n)}", "like")
        for user in range(n_users)
        for n in rng.choice(N_ITEMS // N_THEMES, 6, replace=False)
    ]
    return build_dataset(items, events, relations=relations)


@pytest.mark.parametrize(("telling", "lends"), [("titles", 0.0), ("links", 1.0)])
def test_items_borrow_from_what_tells(telling: str, lends: float) -> None:
    assert DefaultRecipe().fit(world(telling=telling), RUN).recipe.graph.lends == lends


def test_what_is_said_is_not_chosen_and_few_people_choose_nothing() -> None:
    said = DefaultRecipe(graph=GraphRecipe(lends=0.25))
    assert said.fit(world(telling="links"), RUN).recipe.graph.lends == 0.25
    assert DefaultRecipe().fit(world(telling="links", n_users=9), RUN).recipe.graph.usual().lends == 0.0
