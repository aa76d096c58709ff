"""One library of others on one problem, in an environment of their own: reads arrays, writes lists.

    python peers.py --peer implicit_als --problem problem.npz --out lists.npz --minutes 15 [--seed 0]

Every library has the same minutes to search its settings in, on a rehearsal made of what may be fitted on (the
last event of 2,000 people, NDCG@10), beginning with its usual settings; none is begun when the time is over. The
best are then fitted on everything. One that learns by epochs spends its minutes on epochs, until three in a row
help nothing. Beside the lists lies what was chosen, with seconds and peak memory, as JSON.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from time import perf_counter

import numpy as np
from library import Fitted, Library, Settings
from problem import PAD, Problem, Rehearsal, rehearsal

MODULES = {
    "implicit_als": "of_implicit",
    "lenskit_item_knn": "of_lenskit",
    "lenskit_implicit_mf": "of_lenskit",
    "rectools_sasrec": "of_rectools",
}  # each imports its own library alone
LISTED = 100  # places of a list; what is not on it is judged as tied below
PEOPLE = 2_000  # who rehearse
BATCH = 512
PATIENCE = 3  # checks in a row without a gain
JUDGED_AT = 10


@dataclass(frozen=True)
class Chosen:
    """The best settings of a search."""

    settings: Settings
    ndcg: float
    tried: int


def main() -> None:
    given = arguments()
    library: Library = import_module(MODULES[given.peer]).PEERS[given.peer]
    problem = Problem.read(given.problem)
    clock = [perf_counter()]
    chosen = search(library, rehearsal(problem, PEOPLE, given.seed), given.minutes * 60)
    clock.append(perf_counter())
    fitted = library.fit(problem, chosen.settings)
    clock.append(perf_counter())
    rows, scores = lists(fitted, problem, LISTED)
    clock.append(perf_counter())
    np.savez(given.out, rows=rows, scores=scores)
    took = dict(zip(("search", "fit", "score"), np.diff(clock).round(1).tolist(), strict=True))
    told = {
        "settings": dict(chosen.settings),
        "rehearsed_ndcg@10": round(chosen.ndcg, 5),
        "tried": chosen.tried,
        "minutes": given.minutes,
        "seconds": took,
        "peak_mb": peak_mb(),
    }
    given.out.with_suffix(".json").write_text(json.dumps(told))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", choices=list(MODULES), required=True)
    parser.add_argument("--problem", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=15.0)
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def peak_mb() -> int:
    """Of this process alone; ru_maxrss would begin with what the one that started it held."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM:"))


def search(library: Library, posed: Rehearsal, seconds: float) -> Chosen:
    """The best of what could be tried in time."""
    found = list(epochs(library, posed, seconds) if library.epochs else settings(library, posed, seconds))
    best = max(found, key=lambda one: one[1])  # the first of equals
    return Chosen(*best, len(found))


def settings(library: Library, posed: Rehearsal, seconds: float) -> Iterator[tuple[Settings, float]]:
    start = perf_counter()
    for number, one in enumerate(library.settings):
        if number and perf_counter() - start > seconds:
            return
        yield one, ndcg(library.fit(posed.problem, one), posed)


def epochs(library: Library, posed: Rehearsal, seconds: float) -> Iterator[tuple[Settings, float]]:
    """After every epoch of the usual settings, until it helps no more or the time is over."""
    start, best, since = perf_counter(), -1.0, 0
    model = library.fit(posed.problem, library.settings[0])
    made = 0
    while since < PATIENCE and (not made or perf_counter() - start < seconds):
        model.more(1)  # type: ignore[attr-defined]
        made += 1
        value = ndcg(model, posed)
        since = 0 if value > best else since + 1
        best = max(best, value)
        yield {**library.settings[0], "epochs": made}, value


def ndcg(fitted: Fitted, posed: Rehearsal) -> float:
    """Mean NDCG@10 of the one item that each wanted."""
    rows, _ = lists(fitted, posed.problem, JUDGED_AT)
    hits = rows == posed.targets[:, None]
    return float((hits / np.log2(np.arange(2, JUDGED_AT + 2))).sum(axis=1).mean())


def lists(fitted: Fitted, problem: Problem, n: int) -> tuple[np.ndarray, np.ndarray]:
    """(U, n) rows and scores for everybody who asks, without what may not be shown to them."""
    histories, masks = problem.histories(), problem.masks()
    rows = np.full((len(histories), n), PAD, np.int32)
    scores = np.full((len(histories), n), -np.inf, np.float32)
    for start in range(0, len(histories), BATCH):
        part = slice(start, start + BATCH)
        longest = max(len(mask) for mask in masks[part])
        found, said = fitted.best(histories[part], n + longest, problem.candidates)
        for user, mask in enumerate(masks[part], start=start):
            kept = np.flatnonzero(~np.isin(found[user - start], mask) & (found[user - start] != PAD))[:n]
            rows[user, : len(kept)] = found[user - start, kept]
            scores[user, : len(kept)] = said[user - start, kept]
    return rows, scores


if __name__ == "__main__":
    main()
