"""A world small enough for a tiny model: two kinds of things, people who take one kind each."""

from pathlib import Path

import numpy as np

from zhiyin.data.dataset import Dataset, build_dataset
from zhiyin.encoders.pretrained import find_pretrained
from zhiyin.testing.tiny_models import tiny_model
from zhiyin.training.past import Past, draw_hidden
from zhiyin.training.tower import Assignment
from zhiyin.training.tower_recipe import TowerRecipe
from zhiyin.types import Event, Item

TEA, WOOD = ("tea", "cup", "pot", "warm"), ("saw", "wood", "garden", "iron")
QUICK = TowerRecipe(
    tasks=("next",), rank=4, steps=12, batch=10, at_once=10, longest=16, judgements=2, judged=60, hidden=0.0,
    learning_rate=5e-3, dropout=0.1, dense=20,
)  # fmt: skip


def things() -> list[Item]:
    """Each is two words of its kind and a number of the's, so that texts differ."""
    found = []
    for kind, words in (("tea", TEA), ("wood", WOOD)):
        for a in words:
            for b in words:
                if a != b:
                    found.append(Item(f"{a} {b}", title=f"the {a} of {b}", categories=(kind,)))
    return [*found, Item("silent")]


def taken(n_users: int = 40) -> list[Event]:
    rng = np.random.default_rng(1)
    ids = [item.item_id for item in things()]
    found = []
    for user in range(n_users):
        some = rng.permutation(12)[:5] + 12 * (user % 2)
        found += [Event(f"u{user}", ids[row], "like", order=place) for place, row in enumerate(some.tolist())]
    return found


def small_past(hidden: float = 0.0) -> tuple[Dataset, Past]:
    data = build_dataset(things(), taken())
    return data, Past.of(data, (), draw_hidden(data, hidden, 0), 20, 0)


def assignment(
    folder: Path, recipe: TowerRecipe = QUICK, kind: str = "bert", keep: Path | None = None
) -> Assignment:
    data, past = small_past(recipe.hidden)
    if not (folder / "base").is_dir():
        tiny_model(folder / "base", kind)
    return Assignment(find_pretrained("base", folder), recipe, past, data.catalogue, keep=keep)
