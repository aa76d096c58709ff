"""Where what everybody wanted stood in the lists of a bundle, person by person: what two bundles are compared by.

Ranks are kept and no metric, so that any metric of any bucket can be compared later. Nobody is named, and no item:
people stand in the order of the split, which only the data can tell. Beside evaluation.json, a few bytes a person.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import orjson
from safetensors import SafetensorError, safe_open

from zhiyin.bundle import SHORT
from zhiyin.data.dataset import Dataset, Doubles, Floats, Mask
from zhiyin.data.splits import Split
from zhiyin.errors import BrokenBundle
from zhiyin.files import appearing, save_arrays
from zhiyin.metrics.ranking import metric
from zhiyin.metrics.ranks import Ranks
from zhiyin.models.base import Arrays

FILE = "standings.safetensors"
WHOLE = "whole"
_RANKS = ("indptr", "above", "tied", "n_candidates")
_BUCKET, _SHELF = "bucket/", "shelf/"


@dataclass(frozen=True, slots=True)
class Standing:
    """The answer of one bundle to one question."""

    split: str  # digest: two of the same are compared person by person
    ranks: Ranks
    buckets: Mapping[str, Mask]  # (T,) the targets that each is about
    shelf: Mapping[str, Floats]  # (U,) measures of each person's list, NaN where there is none

    def of(self, name: str, bucket: str | None = None) -> Doubles:
        """(U,) a metric or a measure of the shelf, NaN for those who have none or are not in the bucket."""
        if name in self.shelf:
            return self.shelf[name].astype(np.float64)
        return metric(name, self.ranks if bucket is None else self.ranks.where(self.buckets[bucket]))


Standings = Mapping[str, Standing]  # WHOLE, and what was carved apart by its name


def save_standings(folder: Path, bundle: str, standings: Standings) -> None:
    """Into the folder of a bundle; they appear whole or not at all."""
    arrays = {f"{name}/{key}": array for name, one in standings.items() for key, array in _arrays(one).items()}
    digests = {name: one.split for name, one in standings.items()}
    with appearing(folder / bundle / FILE) as draft:
        save_arrays(draft, arrays, {"splits": orjson.dumps(digests).decode()})


def load_standings(folder: Path, bundle: str) -> Standings:
    """Raises BrokenBundle if they are not there or cannot be read."""
    path = folder / bundle / FILE
    try:
        with safe_open(path, "numpy") as file:
            digests = orjson.loads((file.metadata() or {})["splits"])
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # no mapping
        return {name: _standing(digest, _below(f"{name}/", arrays)) for name, digest in digests.items()}
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise BrokenBundle(
            f"{FILE} of bundle {bundle[:SHORT]} cannot be read: zhiyin evaluate {bundle[:SHORT]} measures again"
        ) from error


def split_digest(split: Split) -> str:
    """The same for two splits exactly when the same is fitted on, asked and wanted."""
    digest = hashlib.sha256()
    _add_dataset(digest, split.fit)
    for array in (split.users, split.past.indptr, split.past.rows, split.targets.indptr, split.targets.rows):
        digest.update(np.ascontiguousarray(array).tobytes())
    digest.update(split.masked.rows.tobytes() + np.packbits(split.candidates).tobytes())
    return digest.hexdigest()[:16]


def _arrays(one: Standing) -> Arrays:
    ranks = one.ranks
    return {
        "indptr": ranks.indptr,
        "above": ranks.above,
        "tied": ranks.tied.astype(np.int32),
        "n_candidates": ranks.n_candidates.astype(np.int32),
        **{_BUCKET + name: np.packbits(mask) for name, mask in one.buckets.items()},
        **{_SHELF + name: values for name, values in one.shelf.items()},
    }


def _standing(digest: str, arrays: Arrays) -> Standing:
    ranks = Ranks(*(arrays[name].astype(np.int64) for name in _RANKS))
    n_targets = len(ranks.above)
    masks = _below(_BUCKET, arrays)
    return Standing(
        digest,
        ranks,
        {name: np.unpackbits(packed.view(np.uint8), count=n_targets).view(bool) for name, packed in masks.items()},
        {name: values.astype(np.float32) for name, values in _below(_SHELF, arrays).items()},
    )


def _below(prefix: str, arrays: Arrays) -> Arrays:
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}


def _add_dataset(digest: hashlib._Hash, data: Dataset) -> None:
    for id_ in data.items:
        digest.update(id_.encode() + b"\n")
    for array in (data.indptr, data.item_rows, data.weights, data.at):
        digest.update(np.ascontiguousarray(array).tobytes())
