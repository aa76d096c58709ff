"""`zhiyin erase`: remove a person, and say exactly what is gone and what is not yet.

Rows and folds go at once: folds are made again from the logs without them. Trained weights, and the prior of
beliefs, forget at the next fit: until then the receipt names every bundle that saw the person. Source files,
quarantine, exports and backups are yours to clean.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open

from zhiyin.bundle import BELIEF, SHORT, bundles_in
from zhiyin.data.vocabulary import Keys, key_of
from zhiyin.ranking.learned import FOLDER as POLICIES
from zhiyin.shop import Zhiyin


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a person's traces. `unreadable`: bundles that may have seen them; nobody can tell."""

    user_ids: tuple[str, ...]  # the person's own id first, then all that was merged into it
    rows: Mapping[str, int]  # removed, by table
    caches: tuple[str, ...]  # emptied
    bundles: tuple[str, ...]  # that saw the person
    unreadable: tuple[str, ...]
    labels: tuple[str, ...] = ()  # label models that had texts of theirs as examples
    policies: tuple[str, ...] = ()  # files that may have been learned from lists of theirs

    def sentences(self) -> list[str]:
        """The receipt in words."""
        gone = ", ".join(f"{count:,} {table}" for table, count in self.rows.items())
        told = [f"Removed for {', '.join(self.user_ids)}: {gone}.", f"Emptied: {', '.join(self.caches)}."]
        if self.bundles:
            names = ", ".join(name[:SHORT] for name in self.bundles)
            told.append(
                f"These bundles were fitted on data that held the person: {names}. Trained weights and what was "
                "learned of people in general forget at the next fit: zhiyin train, then zhiyin publish, then "
                "delete these folders."
            )
        else:
            told.append("No bundle in the folder was fitted on data that held the person.")
        if self.unreadable:
            broken = ", ".join(name[:SHORT] for name in self.unreadable)
            told.append(f"These bundles cannot be read, so they may have: {broken}. Delete their folders.")
        if self.labels:
            told.append(
                f"Texts of theirs were examples of these label models: {', '.join(self.labels)}. They forget when "
                "they learn again: zhiyin label train NAME, then delete the older folders in labels/NAME."
            )
        if self.policies:
            told.append(
                f"Lists of theirs may have taught {', '.join(self.policies)}. It holds no vector of a person; it "
                "forgets when it is learned again: zhiyin train policy, then delete the older files in policies."
            )
        return [
            *told,
            "Not touched: files you imported from, quarantine, exports and backups. Remove the person there too, "
            "or the next import brings them back.",
        ]


def erase(shop: Zhiyin, user_id: str) -> Receipt:
    """Erase a person under all ids that were merged. Somebody unknown gives a receipt of zeros."""
    ids = tuple(shop.store.ids_of(user_id))
    saw, unreadable = _bundles_that_saw(shop.bundles, ids)
    before = shop.store.labels.counts()
    erased = shop.store.erase(user_id)
    after = shop.store.labels.counts()
    shop.fold_again()
    rows = {
        "events": erased.events,
        "recommendations": erased.recommendations,
        "users": erased.user,
        "aliases": erased.aliases,
        "label examples": erased.examples,
    }
    fewer = tuple(name for name, n in before.items() if after.get(name, 0) < n)
    taught = (
        sorted(path.name for path in shop.settings.path(POLICIES).glob("*.json")) if erased.recommendations else []
    )
    caches = ("folds of this process (trends, histories, beliefs)",)
    return Receipt(ids, rows, caches, saw, unreadable, fewer, tuple(taught))


def _people_in(file: Path) -> Keys:
    with safe_open(file, "np") as arrays:
        people: Keys = arrays.get_tensor("people")
    return people


def _bundles_that_saw(folder: Path, ids: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of the bundles with any of the keys, and of those whose keys cannot be read."""
    keys = np.array([key_of(id_) for id_ in ids], np.uint64)
    saw, unreadable = [], []
    for path in bundles_in(folder):
        try:
            files = ("fusion.safetensors", BELIEF) if (path / BELIEF).exists() else ("fusion.safetensors",)
            people = np.concatenate([_people_in(path / file) for file in files])
        except (SafetensorError, OSError):
            unreadable.append(path.name)
            continue
        if np.isin(keys, people).any():
            saw.append(path.name)
    return tuple(saw), tuple(unreadable)
