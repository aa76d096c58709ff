"""Contests: who competes with the target, and that those who do not are stood for."""

import numpy as np
import pytest

from zhiyin.data.dataset import Dataset, build_dataset
from zhiyin.models.base import Run
from zhiyin.models.meaning import MeaningRecipe
from zhiyin.models.words import WordsRecipe
from zhiyin.ranking.contest import FAVOURITES, OTHERS, contests, spread, wish_scales
from zhiyin.ranking.examples import carve, singles
from zhiyin.ranking.fusion import Fusion, standardised
from zhiyin.ranking.learn import FusionRecipe
from zhiyin.recipe import DefaultRecipe, Fitted
from zhiyin.testing.encoders import HashEncoder
from zhiyin.testing.small import small_dataset
from zhiyin.types import Event, Item

pytestmark = pytest.mark.slow

N_ITEMS = 700
RUN = Run(HashEncoder())


def large() -> Dataset:
    """More items than compete in a contest; half of what people take comes back where `again`."""
    rng = np.random.default_rng(3)
    items = [Item(f"{n:04}", f"word{n % 37} word{n % 11}") for n in range(N_ITEMS)]
    events = [
        Event(f"u{user}", f"{item:04}", "click", order=place)
        for user in range(120)
        for place, item in enumerate(rng.integers(0, N_ITEMS, 12).tolist() * 2)
    ]
    return build_dataset(items, events)


@pytest.fixture(scope="module")
def fitted() -> Fitted:
    return DefaultRecipe(fusion=FusionRecipe(n_examples=200, proven=False)).fit(large(), RUN)


@pytest.mark.parametrize("again", [True, False])
def test_contenders_stand_for_everything_that_the_asker_could_take(fitted: Fitted, again: bool) -> None:
    models = {name: model for name, model in fitted.models.items() if again or name != "repeat"}
    gates = fitted.fusion.gates[: len(models)]
    fusion = Fusion(tuple(models), fitted.fusion.scales[: len(models)], gates, fitted.fusion.constants,
                    fitted.fusion.wish_scales[: len(models)], fitted.fusion.kind, learned=False)  # fmt: skip
    _, examples = carve(large(), 60, 0.1, 0)
    met = contests(models, fusion, examples, np.random.default_rng(0))
    part = examples.batch
    had = [set(part.rows[a:b].tolist()) for a, b in zip(part.indptr[:-1], part.indptr[1:], strict=True)]
    assert examples.later.sizes.max() > 1
    for b, target in enumerate(examples.targets.tolist()):
        relevant = {target, *examples.later[b].tolist()}
        rivals = N_ITEMS - len(relevant if again else relevant | had[b])
        assert met.stands_for[b, 0] == 1.0
        assert met.stands_for[b, 1:].sum() == pytest.approx(rivals)
    width = met.stands_for > 0
    assert (width.sum(axis=1) <= 1 + FAVOURITES * len(models) + OTHERS + 24).all()


def test_the_favourites_of_every_channel_compete(fitted: Fitted) -> None:
    """With what comes back allowed, all but what is taken later competes, so the highest score of it is met."""
    _, examples = carve(large(), 40, 0.1, 0)
    met = contests(fitted.models, fitted.fusion, examples, np.random.default_rng(0))
    scales = fitted.fusion.scales
    for c, (model, scale) in enumerate(zip(fitted.models.values(), scales, strict=True)):
        scores = standardised(model.score(examples.batch), scale)
        scores[examples.later.owners, examples.later.rows] = -np.inf
        rivals = np.where(met.stands_for[:, 1:] > 0, met.features[:, 1:, c], -np.inf)
        assert rivals.max(axis=1) == pytest.approx(scores.max(axis=1), abs=1e-5)


def test_the_spread_of_nobody_is_measured_on_single_items() -> None:
    data = small_dataset()
    words, meaning = WordsRecipe().fit(data, RUN), MeaningRecipe().fit(data, RUN)
    nobody = singles(np.zeros(0, np.int64))
    found = spread({"words": words, "meaning": meaning}, nobody, 0)
    assert (found > 1e-3).all()
    everything = spread({"words": words, "meaning": meaning}, singles(np.arange(len(data.items))), 0)
    assert found == pytest.approx(everything, rel=1e-5)


def test_channels_that_do_not_read_say_nothing_to_a_wish(fitted: Fitted) -> None:
    scales = dict(zip(fitted.models, wish_scales(fitted.models).tolist(), strict=True))
    assert {name for name, scale in scales.items() if scale > 0} == {"words", "meaning"}
