"""Fewer layers (Fan, Grave & Joulin 2020; Sajjad et al. 2023): a net of the rest, as if it had been built so."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from zhiyin.encoders.bert import Names
from zhiyin.errors import InvalidSettings
from zhiyin.training.pruning.model import LooseModel


def with_layers(model: LooseModel, kept: Sequence[int]) -> LooseModel:
    """Of these layers alone, in this order. Raises InvalidSettings for what is no layer of it, or for none."""
    shape = model.shape
    if not kept or not all(0 <= layer < shape.layers for layer in kept):
        raise InvalidSettings(f"the model has layers 0 to {shape.layers - 1}, asked for {list(kept)}")
    place = {old: new for new, old in enumerate(kept)}
    weights = {}
    for name, array in model.weights.items():
        number = layer_of(shape.kind, name)
        if number is None:
            weights[name] = array
        elif number in place:
            weights[_renumbered(shape.kind, name, place[number])] = array
    counted = "n_layers" if shape.kind == "distilbert" else "num_hidden_layers"
    return replace(model, weights=weights, config={**model.config, counted: len(kept)})


def chosen_layers(model: LooseModel, n: int, worth: Callable[[LooseModel], float]) -> tuple[int, ...]:
    """Which `n` to keep: one after another goes the one whose loss costs least of `worth`; ties: the last of them.

    Raises InvalidSettings where the model has no more than that.
    """
    n_layers = model.shape.layers
    if not 0 < n < n_layers:
        raise InvalidSettings(f"the model has {n_layers} layers: keep 1 to {n_layers - 1}, asked for {n}")
    kept = tuple(range(n_layers))
    while len(kept) > n:
        rests = [tuple(one for one in kept if one != gone) for gone in reversed(kept)]
        kept = max(rests, key=lambda rest: worth(with_layers(model, rest)))
    return kept


def layer_of(kind: str, name: str) -> int | None:
    """The number of the layer that a weight is of."""
    found = _pattern(kind).search(name)
    return int(found[1]) if found else None


def _renumbered(kind: str, name: str, number: int) -> str:
    return _pattern(kind).sub(Names.of(kind).layer.format(number), name, count=1)


def _pattern(kind: str) -> re.Pattern[str]:
    return re.compile(re.escape(Names.of(kind).layer).replace(r"\{\}", r"(\d+)"))
