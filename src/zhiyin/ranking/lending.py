"""Choosing whom items borrow from: those that read like them, those they are linked to, or both."""

from __future__ import annotations

from collections.abc import Callable

from zhiyin.data.dataset import Dataset, Doubles
from zhiyin.models.base import Run
from zhiyin.models.graph import GraphRecipe
from zhiyin.models.neighbours import Alike, LinksRecipe
from zhiyin.ranking.settling import LEAST_EXAMPLES, Mixed, Trial, settle


def settle_lends(
    recipe: GraphRecipe,
    links: LinksRecipe,
    data: Dataset,
    run: Run,
    lending: Callable[[float], Alike],
    trial: Trial,
) -> GraphRecipe:
    """The share that held-out events prefer, by the usual `links` mixed accordingly. `lending`: what borrows from
    what at a share."""
    if not recipe.open or len(trial) < LEAST_EXAMPLES:
        return recipe.usual()
    links = links.usual()
    plain = links.model(links.links(links.gather(data, run), data), data)

    def worth(tried: GraphRecipe, trial: Trial) -> Doubles:
        alike = lending(tried.lends or 0.0)
        source, target = alike.mixture(links.source_trust or 0.0), alike.mixture(links.target_trust or 0.0)
        return trial.worth(Mixed.of(plain, source, target))

    return settle(recipe, worth, recipe.open, trial.heats)
