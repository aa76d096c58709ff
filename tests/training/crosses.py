"""A lesson small enough for a tiny model."""

from dataclasses import replace
from pathlib import Path

from towers import assignment

from zhiyin.training.cross import Lesson
from zhiyin.training.cross_recipe import CrossRecipe

SMALL = CrossRecipe(
    tasks=("next", "wish"), steps=40, groups=4, hard=3, random=2, longest=24, judgements=2, judged=30, hidden=0.1,
    learning_rate=5e-3, dropout=0.1, rank=4,
)  # fmt: skip


def lesson(folder: Path, recipe: CrossRecipe = SMALL, kind: str = "bert", keep: Path | None = None) -> Lesson:
    asked = assignment(folder, recipe.as_tower(), kind, keep)
    return Lesson.of(replace(asked, language="other"), recipe, {(0, 3): "warm"})
