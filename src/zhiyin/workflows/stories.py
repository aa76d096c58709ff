"""What is noted of a training, an evaluation and a tuning, for those who watch runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import isfinite
from typing import Protocol

import orjson

from zhiyin.bundle import SHORT
from zhiyin.evaluation.record import Evaluation, Gates, Numbers, split_name
from zhiyin.evaluation.shelves import STEMS
from zhiyin.ranking.fusion import Fusion
from zhiyin.recipe import DefaultRecipe
from zhiyin.training.tower_recipe import TowerRecipe
from zhiyin.workflows.searching import Searched
from zhiyin.workflows.spaces import with_settings
from zhiyin.workflows.tracking import Point, Story, Value

JUDGED = ("ndcg@10", "ndcg@10 hidden", "worth", "worth hidden")


class Curves(Protocol):
    """What was seen while something was learned."""

    @property
    def steps(self) -> Sequence[tuple[float, float, float]]:
        """Step, loss, rate."""
        ...

    @property
    def judged(self) -> Sequence[tuple[float, ...]]:
        """Step, and what JUDGED names."""
        ...


def flat(recipe: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, Value]]:
    """Settings by their dotted names; what is no text, number or truth as JSON."""
    for name, value in recipe.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value if isinstance(value, str | float | int) else orjson.dumps(value).decode()


def trained_story(shop: str, bundle: str, recipe: DefaultRecipe, fusion: Fusion, results: Numbers) -> Story:
    """How long it took, of how much, and how loud each channel became: steps are events of a history."""
    settings = dict(flat(recipe.model_dump(mode="json")))
    return Story(shop, "train", bundle[:SHORT], settings, results, tuple(_gates(Gates.of(fusion))))


def evaluated_story(found: Evaluation) -> Story:
    """Every measure, steps being places of a list; each baseline beside it; buckets, gates, and what channels are
    worth."""
    whole, best = found.whole, found.whole.best_peer(found.main)
    parts = {**found.buckets, **found.cold}
    points = [
        *_measures(whole.ours),
        *_gates(found.gates),
        *(Point(f"worth/{name}", gain.value) for name, gain in found.worth.items()),
        *(Point(f"buckets/{name}", part.ours[found.main]) for name, part in parts.items()),
        *(Point(f"seconds/{name}", took) for name, took in found.seconds.items()),
    ]
    return Story(
        found.shop,
        "evaluate",
        found.bundle[:SHORT] or found.question.split,
        dict(flat(found.recipe)),
        {name: whole.ours[name] for name in found.reported} | {"gain": whole.gains[best][found.main].value},
        points,
        {name: tuple(_measures(numbers)) for name, numbers in whole.peers.items()},
    )


def tuned_story(shop: str, recipe: DefaultRecipe, metric: str, searches: Sequence[Searched]) -> Story:
    """What each search found, steps being its trials; the settings are the best of ours."""
    ours = searches[0]
    points = [
        Point(f"tune/{one.name}", trial.value, number)
        for one in searches
        for number, trial in enumerate(one.trials, start=1)
    ]
    results = {f"{metric} {one.name}": one.best.value for one in searches}
    settings = dict(flat(with_settings(recipe, ours.best.values).model_dump(mode="json")))
    return Story(shop, "tune", f"{len(ours.trials)} trials", settings, results, points)


def adapted_story(shop: str, name: str, recipe: TowerRecipe, curves: Curves, results: Numbers) -> Story:
    """The loss and the rate of every step, and what held-out people said on the way."""
    points = [point for step, loss, rate in curves.steps for point in _of_step(int(step), loss, rate)]
    points += [
        Point(f"held out/{what}", value, int(step))
        for step, *values in curves.judged
        for what, value in zip(JUDGED, values, strict=True)
        if isfinite(value)  # NaN where there was nobody to ask
    ]
    return Story(shop, "adapt", name, dict(flat(recipe.told())), results, points)


def _of_step(step: int, loss: float, rate: float) -> Iterator[Point]:
    yield Point("adapt/loss", loss, step)
    yield Point("adapt/learning rate", rate, step)


def _measures(numbers: Numbers) -> Iterator[Point]:
    for name, value in numbers.items():
        stem, k = split_name(name)
        yield Point(f"{'beyond' if stem in STEMS else 'accuracy'}/{stem}", value, int(k or 0))


def _gates(gates: Gates) -> Iterator[Point]:
    for channel, by_history in gates.channels.items():
        for history, by_kind in zip(gates.histories, by_history, strict=True):
            for kind, value in zip(gates.kinds, by_kind, strict=True):
                yield Point(f"gates {kind}/{channel}", value, history)
