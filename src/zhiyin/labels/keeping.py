"""Classifiers as files: arrays in one safetensors file, numbers and names in one JSON page. No pickle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file

from zhiyin.data.dataset import Floats
from zhiyin.errors import BrokenBundle
from zhiyin.files import save_arrays
from zhiyin.labels.choosing import Head, Kind
from zhiyin.labels.classifier import Classifier, Part, Region, Standard
from zhiyin.labels.grams import Grams
from zhiyin.labels.isotonic import Curve
from zhiyin.labels.linear import Arrays, Linear
from zhiyin.labels.perceptron import Perceptron
from zhiyin.labels.unknown import Gate

Page = dict[str, Any]  # JSON by nature
STRAIGHT = ("weights", "bias")
HEADS: Mapping[Kind, Sequence[str]] = {  # arrays of each kind
    "logistic": STRAIGHT,
    "prototypes": STRAIGHT,
    "perceptron": (*STRAIGHT, "inner_weights", "inner_bias", "outer"),
}


def save_classifier(path: Path, classifier: Classifier, grams: Grams | None) -> Page:
    """Write the arrays; what the page has to say of them."""
    arrays: dict[str, np.ndarray] = {}
    for view, standard in classifier.standards.items():
        arrays[f"standard/{view}/middle"] = standard.middle
    for n, part in enumerate(classifier.parts):
        arrays |= {f"part/{n}/{name}": array for name, array in part.head.arrays().items()}
    region = classifier.region
    arrays |= {"region/middle": region.middle, "region/root": region.root, "region/middles": region.middles}
    if classifier.curve is not None:
        arrays |= {"curve/at": classifier.curve.at, "curve/value": classifier.curve.value}
    if grams is not None:
        arrays |= {f"grams/{name}": array for name, array in grams.arrays().items()}
    save_arrays(path, arrays)
    gate = classifier.gate
    return {
        "names": list(classifier.names),
        "multi": classifier.multi,
        "standards": {view: standard.scale for view, standard in classifier.standards.items()},
        "parts": [[one.view, one.kind, one.strength, one.weight] for one in classifier.parts],
        "region": region.view,
        "given_from": classifier.given_from,
        "bent": classifier.curve is not None,
        "gate": {
            "score": gate.score,
            "threshold": gate.threshold,
            "scales": {name: list(pair) for name, pair in gate.scales.items()},
            "auroc": gate.auroc,
        },
    }


def load_classifier(path: Path, page: Mapping[str, Any]) -> tuple[Classifier, Grams | None]:
    """Of the arrays in a file and what the page says. Raises BrokenBundle where they do not fit each other."""
    try:
        arrays = load_file(path)
        return _made(arrays, page)
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise BrokenBundle(f"{path} cannot be read ({error}): zhiyin label train makes it anew") from error


def _made(arrays: Arrays, page: Mapping[str, Any]) -> tuple[Classifier, Grams | None]:
    def of(name: str) -> np.ndarray:
        return np.asarray(arrays[name], np.float32)

    standards = {view: Standard(of(f"standard/{view}/middle"), scale) for view, scale in page["standards"].items()}
    parts = tuple(
        Part(view, kind, strength, weight, _head(kind, {name: of(f"part/{n}/{name}") for name in HEADS[kind]}))
        for n, (view, kind, strength, weight) in enumerate(page["parts"])
    )
    region = Region(page["region"], of("region/middle"), of("region/root"), of("region/middles"))
    told = page["gate"]
    scales = {name: (float(mean), float(spread)) for name, (mean, spread) in told["scales"].items()}
    gate = Gate(told["score"], told["threshold"], scales, told["auroc"])
    grams = None
    if "grams/columns" in arrays:
        grams = Grams.of_arrays({"columns": arrays["grams/columns"], "idf": arrays["grams/idf"]})
    curve = None
    if "curve/at" in arrays:
        at, value = (np.asarray(arrays[f"curve/{name}"], np.float64) for name in ("at", "value"))
        curve = Curve(at, value)
    names, bound = tuple(page["names"]), page["given_from"]
    return Classifier(names, page["multi"], standards, parts, region, gate, bound, curve), grams


def _head(kind: Kind, arrays: Mapping[str, Floats]) -> Head:
    straight = Linear(arrays["weights"], arrays["bias"])
    if kind != "perceptron":
        return straight
    return Perceptron(straight, Linear(arrays["inner_weights"], arrays["inner_bias"]), arrays["outer"])
