"""Choosing the constants of factors: what they are solved with, how a past fades, and how much items borrow."""

from __future__ import annotations

from zhiyin.data.dataset import Dataset, Doubles
from zhiyin.models.base import Run
from zhiyin.models.factors import FactorsRecipe, Solution
from zhiyin.models.neighbours import Alike
from zhiyin.ranking.settling import LEAST_EXAMPLES, Trial, Whole, settle

SOLVED = ("dim", "reg", "unobserved")
MOST_SOLVED = 250_000  # events up to which several solutions are compared


def settle_factors(
    recipe: FactorsRecipe, data: Dataset, run: Run, alike: Alike, trial: Trial
) -> tuple[FactorsRecipe, Solution]:
    """What held-out events prefer, and the solution of it; the usual one where solving takes long."""
    fields = [name for name in recipe.open if name != "recency" or data.ordered]
    if len(data) > MOST_SOLVED:
        fields = [name for name in fields if name not in SOLVED]
    kept: dict[str, Solution] = {}

    def solution(tried: FactorsRecipe) -> Solution:
        name = tried.model_dump_json(include=set(SOLVED))
        if name not in kept:
            kept[name] = tried.solve(data, run)
        return kept[name]

    def worth(tried: FactorsRecipe, trial: Trial) -> Doubles:
        return trial.worth(Whole(tried.model(solution(tried), data, alike)))

    found = settle(recipe, worth, fields, trial.heats) if len(trial) >= LEAST_EXAMPLES else recipe.usual()
    return found, solution(found)
