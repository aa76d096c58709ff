"""The deep recipe: the sequence channel beside all others, in a bundle, served without torch."""

import subprocess
import sys
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
from cycles import SMALL, cycle_dataset, following, run_of

from zhiyin.bundle import load_bundle, save_bundle
from zhiyin.data.dataset import Dataset
from zhiyin.models.base import history_batch
from zhiyin.ranking.learn import FusionRecipe
from zhiyin.recipe import DefaultRecipe, Fitted
from zhiyin.types import AsOf

pytestmark = pytest.mark.slow
RECIPE = DefaultRecipe(deep=True, sequence=SMALL, fusion=FusionRecipe(proven=False))


@pytest.fixture(scope="module")
def data() -> Dataset:
    return cycle_dataset()


@pytest.fixture(scope="module")
def fitted(data: Dataset) -> Fitted:
    return RECIPE.fit(data, run_of())


def test_the_net_is_a_channel_like_the_others(fitted: Fitted, data: Dataset) -> None:
    assert "sequence" in fitted.fusion.channels
    walk = [0]
    for _ in range(4):
        walk.append(following(data, walk[-1]))
    scores = fitted.score(history_batch(walk[:-1], [1.0] * 4, [0.0] * 4))[0]
    scores[walk[:-1]] = -np.inf
    assert scores.argmax() == walk[-1]


def test_the_epochs_that_were_best_are_kept_in_the_recipe(fitted: Fitted) -> None:
    assert fitted.recipe.deep
    assert 1 <= fitted.recipe.sequence.epochs <= SMALL.epochs


def test_a_deep_bundle_is_served_where_there_is_no_torch(fitted: Fitted, data: Dataset, tmp_path: Path) -> None:
    run = run_of()
    name = save_bundle(tmp_path, fitted, RECIPE, data, run, AsOf())
    again = load_bundle(tmp_path, name, run.encoder)
    assert again.manifest.versions["torch"] == version("torch")
    batch = history_batch([1, 8], [1.0, 1.0], [0.0, 0.0])
    np.testing.assert_array_equal(again.fitted.score(batch), fitted.score(batch))
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from pathlib import Path\n"
        "from zhiyin.bundle import load_bundle\n"
        "from zhiyin.testing.encoders import HashEncoder\n"
        f"bundle = load_bundle(Path({str(tmp_path)!r}), {name!r}, HashEncoder())\n"
        "print(*bundle.manifest.channels)\n"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "sequence" in said.split()


def test_a_bundle_without_a_net_names_no_torch(data: Dataset, tmp_path: Path) -> None:
    run, recipe = run_of(), DefaultRecipe()
    name = save_bundle(tmp_path, recipe.fit(data, run), recipe, data, run, AsOf())
    assert "torch" not in load_bundle(tmp_path, name, run.encoder).manifest.versions


def test_a_net_that_is_off_is_not_learned(data: Dataset) -> None:
    recipe = RECIPE.model_copy(update={"off": ("sequence",)})
    assert "sequence" not in recipe.fit(data, run_of()).models


def test_sets_have_no_sequence(data: Dataset) -> None:
    assert "sequence" not in RECIPE.fit(replace(data, ordered=False), run_of()).models


def test_the_default_recipe_learns_no_net(data: Dataset) -> None:
    assert "sequence" not in DefaultRecipe().fit(data, run_of()).models
