"""What `zhiyin tune` tries: settings by their dotted names, and the values that each may have.

Ours are what every recipe offers for a setting that is left out (`choices`), None among them: then the fit chooses
by itself, anew on every part of the data. The other numbers have bounds, here. Baselines have the settings that
papers tune of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from zhiyin.data.dataset import Dataset
from zhiyin.models.base import Recipe
from zhiyin.ranking.examples import REPEATS
from zhiyin.recipe import DefaultRecipe

Number = float | int | None  # None: left out
Values = Mapping[str, Number]  # by dotted name


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few."""

    values: tuple[Number, ...]

    def holding(self, value: Number) -> Choice:
        """The same, with a value that is in use."""
        return self if value in self.values else Choice((*self.values, value))


@dataclass(frozen=True, slots=True)
class Span:
    """Anything between two numbers, both included."""

    low: float
    high: float
    log: bool = False
    whole: bool = False

    def holding(self, value: Number) -> Span:
        """As wide as it takes for a value in use; what is left out, or has no logarithm, widens nothing."""
        if value is None or (self.log and value <= 0):
            return self
        return replace(self, low=min(self.low, value), high=max(self.high, value))


Dimension = Choice | Span
Space = Mapping[str, Dimension]

SPANS: Space = MappingProxyType(
    {
        "together.window": Span(2, 30, log=True, whole=True),
        "together.decay": Span(0.5, 1.0),
        "together.next_bonus": Span(0.0, 4.0),
        "together.k": Span(50, 500, log=True, whole=True),
        "transition.memory": Span(0.3, 0.95),
        "transition.reg": Span(20.0, 5_000.0, log=True),
        "transition.k": Span(50, 500, log=True, whole=True),
        "taste.user_power": Span(0.0, 1.0),
        "taste.item_power": Span(0.0, 1.0),
        "taste.k": Span(50, 1_000, log=True, whole=True),
        "factors.power": Span(0.0, 1.0),
        "meaning.whiten": Span(0.0, 0.5),
        "vectors.whiten": Span(0.0, 0.5),
        "quality.prior": Span(1.0, 100.0, log=True),
        "graph.discount": Span(0.0, 2.0),
        "graph.recency": Span(0.5, 1.0),
        "repeat.recency": Span(0.9, 1.0),
        "fusion.reg": Span(0.1, 50.0, log=True),
        "fusion.rest": Span(0.2, 20.0, log=True),
    }
)


def our_space(recipe: DefaultRecipe, data: Dataset) -> dict[str, Dimension]:
    """All that may be tuned of a recipe, what it has now included; nothing of channels that are off or that this
    data has nothing for."""
    found: dict[str, Dimension] = {}
    for section in DefaultRecipe.model_fields:
        part = getattr(recipe, section)
        if isinstance(part, Recipe) and section not in recipe.off and _speaks(section, data):
            found |= {f"{section}.{name}": Choice((None, *part.choices[name])) for name in part.choices}
            found |= {name: span for name, span in SPANS.items() if name.startswith(f"{section}.")}
    return {name: dimension.holding(setting_of(recipe, name)) for name, dimension in found.items()}


def setting_of(recipe: DefaultRecipe, dotted: str) -> Number:
    """The value of a number among the settings."""
    section, name = dotted.split(".")
    value: Number = getattr(getattr(recipe, section), name)
    return value


def short(values: Values) -> dict[str, Number]:
    """With four figures each, as people write them; all that is tried is tried so."""
    return {name: float(f"{one:.4g}") if isinstance(one, float) else one for name, one in values.items()}


def with_settings(recipe: DefaultRecipe, values: Values) -> DefaultRecipe:
    """The recipe with these values. Raises a validation error for one that a setting cannot have."""
    raw = recipe.model_dump()
    for dotted, value in values.items():
        section, name = dotted.split(".")
        raw[section][name] = value
    return DefaultRecipe.model_validate(raw)


def _speaks(section: str, data: Dataset) -> bool:
    """Whether the data has something for the channel, so that its settings matter."""
    match section:
        case "popular":
            return data.timed
        case "transition":
            return data.ordered
        case "graph":
            return bool(data.relations)
        case "vectors":
            return any(item.vectors for item in data.catalogue)
        case "repeat":
            return data.repeat_share >= REPEATS
        case _:
            return True
