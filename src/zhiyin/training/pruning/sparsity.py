"""Fewer numbers: the smallest of each matrix become zero (Han et al. 2015), which a file packs and a CPU ignores.

onnxruntime multiplies zeros like other numbers: nothing gets faster by this, and the report says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from zhiyin.data.dataset import Floats
from zhiyin.errors import InvalidSettings
from zhiyin.training.pruning.layers import layer_of
from zhiyin.training.pruning.model import LooseModel


def sparsified(model: LooseModel, share: float) -> LooseModel:
    """So much of each matrix of the layers is zero. Raises InvalidSettings unless 0 <= share < 1."""
    if not 0 <= share < 1:
        raise InvalidSettings(f"sparsity is a share of the numbers from 0 up to, not including, 1: got {share}")
    return replace(
        model, weights={**model.weights, **{name: _sparse(model.weights[name], share) for name in matrices(model)}}
    )


def matrices(model: LooseModel) -> Iterator[str]:
    """Names of the matrices that are made sparse: those of the layers, not the tokens' rows."""
    kind = model.shape.kind
    return (name for name, array in model.weights.items() if array.ndim == 2 and layer_of(kind, name) is not None)


def zeros(model: LooseModel) -> float:
    """The share of zeros in these matrices."""
    found = [model.weights[name] for name in matrices(model)]
    return 1.0 - sum(np.count_nonzero(one) for one in found) / max(sum(one.size for one in found), 1)


def _sparse(matrix: Floats, share: float) -> Floats:
    n_zero = int(matrix.size * share)
    made = matrix.copy()
    if n_zero:
        made.ravel()[np.argpartition(np.abs(matrix), n_zero - 1, axis=None)[:n_zero]] = 0.0
    return made
