"""Q8: do vectors that items bring along add to each other and to the rest, and only if they are the right ones?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from zhiyin.evaluation.comparing import Bootstrap
from zhiyin.evaluation.comparison import versus
from zhiyin.evaluation.measuring import Measured
from zhiyin.evaluation.standings import WHOLE
from zhiyin.models.vectors import PREFIX

Change = Callable[[np.ndarray], np.ndarray | None]  # of the rows of a matrix of vectors; None: it is left out


def shuffled(rows: np.ndarray) -> np.ndarray:
    """Every item with the vector of another."""
    return rows[np.random.default_rng(0).permutation(len(rows))]


def left_out(rows: np.ndarray) -> None:
    return None


def changed_folder(folder: Path, changes: Mapping[str, Change], target: Path) -> Path:
    """The data set with these vectors changed and all else linked, in the folder `target`."""
    for path in folder.iterdir():
        name = path.stem.removeprefix("vectors_")
        if path.suffix == ".npy" and name in changes:
            if (rows := changes[name](np.load(path))) is not None:
                np.save(target / path.name, rows)
        else:
            (target / path.name).symlink_to(path.resolve())
    return target


def together_against_each(found: Mapping[str, Measured]) -> dict[str, float]:
    """Lower ends of intervals of gains, relative to what is gained over, at the metric that decides: of the
    recipe over each vector alone, or where it drops that as idle, of the sum in which all stay; and over the
    recipe without that vector. And what images are worth in the sum: the right ones, and shuffled ones, which must
    not lie above 0 (the permutation test). 0: dropped as idle."""
    each: dict[str, float] = {}
    for kind in ("kept", "filtered"):
        for name in ("text", "image"):
            channel, one = PREFIX + name, found[kind].evaluation
            if channel not in one.alone:
                one = found[f"{kind}_unproven"].evaluation
            each[f"{kind}_gain_over_{name}"] = one.alone[channel].low / one.channels[channel][one.main]
            each |= _added(f"{kind}_added_by_{name}", found[kind], found[f"{kind}_without_{name}"])
        each |= _added(f"{kind}_added_by_shuffled", found[f"{kind}_shuffled"], found[f"{kind}_without_image"])
        each |= _worth(f"{kind}_worth_of_image", found[kind])
        each |= _worth(f"{kind}_worth_of_shuffled", found[f"{kind}_shuffled"])
    best = min(value for name, value in each.items() if "_gain_over_" in name)
    return {"gain_over_best_single": best} | each


def _worth(name: str, one: Measured) -> dict[str, float]:
    worth = one.evaluation.worth.get(f"{PREFIX}image")
    return {name: 0.0, f"{name}_low": 0.0} if worth is None else {name: worth.value, f"{name}_low": worth.low}


def _added(name: str, whole: Measured, less: Measured) -> dict[str, float]:
    main = whole.evaluation.main
    told = versus(less.standings[WHOLE].of(main), whole.standings[WHOLE].of(main), Bootstrap(2_000, seed=0))
    assert told is not None
    gain, base = told.gain, told.champion
    return {name: gain.value / base, f"{name}_low": gain.low / base, f"{name}_high": gain.high / base}
