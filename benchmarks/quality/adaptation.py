"""A1: a language model adapted to what people do, by each efficient method, beside the same model as it was.

    python benchmarks/quality/adaptation.py --data DIR [--sets amazon_beauty,ml1m] [--methods lora,full]
        [--model minilm] [--tasks next,together+next] [--set batch=256 steps=100 …] [--validation]

Leave-one-out. A fifth of the items is hidden: the model learns nothing of them. It learns from all before
the second-last event of each person, and when to stop from the second-last. How a past fades is chosen on the
second-last for each model; then the last is asked once, of the text channel alone: `warm` of items that were
known, among all; `hidden` of hidden ones, among all; `hidden_only` of hidden ones, among hidden ones. What is
judged is what would be served: the exported folder, in eight bits. Several --tasks are rows of their own, those
joined by + are learned together: what two at once give beside one alone. Writes results/A1.json.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

import numpy as np
import orjson
from run import RESULTS, commit, machine

from zhiyin.data.dataset import Dataset, Doubles, Mask, build_dataset
from zhiyin.data.folders import read_events, read_items
from zhiyin.data.splits import Split, Terms, leave_one_out
from zhiyin.encoders.base import Encoder
from zhiyin.encoders.cache import CachedEncoder
from zhiyin.encoders.language import LanguageEncoder
from zhiyin.encoders.pretrained import Pretrained, find_pretrained
from zhiyin.evaluation.comparing import Bootstrap
from zhiyin.evaluation.comparison import versus
from zhiyin.metrics.ranking import metric
from zhiyin.metrics.ranks import Ranks, ranks_of_targets
from zhiyin.models.base import Batch, Run
from zhiyin.models.meaning import MeaningRecipe
from zhiyin.progress import Silent
from zhiyin.training.past import Past, draw_hidden
from zhiyin.training.tower import Assignment, adapt
from zhiyin.training.tower_export import write_tower
from zhiyin.training.tower_recipe import TowerRecipe

SETS, METHODS = ("amazon_beauty", "ml1m"), ("dense", "lora", "adalora", "ia3", "prefix", "bitfit", "full")
TASKS = "next"  # of a row that says nothing of tasks
HIDDEN = 0.2
RECENCIES = MeaningRecipe.choices["recency"]
METRIC = "ndcg@10"
JUDGED = ("warm_gain", "hidden_gain", "hidden_only_gain", "parameters", "seconds")
PEOPLE = 4_000  # whose second-last event decides; drawn at random

Answers = Mapping[str, Doubles]  # what each person gets, by what is asked


@dataclass(frozen=True, slots=True)
class World:
    """A data set, and what is hidden of it."""

    name: str
    data: Dataset
    hidden: Mask
    past: Past

    @classmethod
    def of(cls, folder: Path, seed: int) -> World:
        items = [item for item in read_items(folder) if item.title]
        data = build_dataset(items, read_events(folder, implicit=True))
        support = data.support
        hidden = draw_hidden(data, HIDDEN, seed) | (support == 0)
        known = data.keep(~_last(data))  # without the last event of each
        return cls(folder.name, data, hidden, Past.of(known, (), hidden, len(data.users), seed))


def _last(data: Dataset) -> Mask:
    mask = np.zeros(len(data), bool)
    mask[data.indptr[1:][np.diff(data.indptr) > 0] - 1] = True
    return mask


def main() -> None:
    given = arguments()
    tables = {}
    for name in given.sets.split(","):
        world = World.of(given.data / name, given.seed)
        tables[name] = dict(rows_of(world, given))
    result = result_of(tables, given)
    given.out.mkdir(parents=True, exist_ok=True)
    (given.out / f"{given.id}.json").write_bytes(orjson.dumps(result, option=orjson.OPT_INDENT_2) + b"\n")
    print(orjson.dumps({k: result[k] for k in ("ours", "peers")}, option=orjson.OPT_INDENT_2).decode())


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--methods", default=",".join(METHODS))
    parser.add_argument("--model", default="minilm")
    parser.add_argument("--tasks", default=TASKS, help="rows of tasks; those of one row are joined by +")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--set", nargs="*", default=[], help="settings of [tower], name=value as JSON")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "zhiyin-vectors")
    parser.add_argument("--id", default="A1", help="of the results file")
    parser.add_argument("--validation", action="store_true", help="ask the second-last event, to choose settings")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the results")
    return parser.parse_args()


def rows_of(world: World, given: argparse.Namespace):  # type: ignore[no-untyped-def]
    """The frozen model, then each method."""
    model = find_pretrained(given.model, given.cache)
    before, told = answered(world, model, given)
    yield "frozen", {"parameters": 0, "seconds": 0.0, "peak_mb": 0.0, **told}
    print(world.name, "frozen", told, flush=True)
    for tasks in given.tasks.split(","):
        for method in given.methods.split(","):
            row = method if tasks == TASKS else f"{method} {tasks}"
            yield row, adapted(world, model, recipe_of(method, tasks, given), given, before)


def recipe_of(method: str, tasks: str, given: argparse.Namespace) -> TowerRecipe:
    """The default one, with what was set. `tasks` are joined by +."""
    settings = {name: json.loads(value) for name, _, value in (one.partition("=") for one in given.set)}
    return TowerRecipe.model_validate({"name": method, "method": method, "tasks": tasks.split("+"), **settings})


def adapted(
    world: World, model: Pretrained, recipe: TowerRecipe, given: argparse.Namespace, before: Answers
) -> dict[str, float | str]:
    """One method: learned, exported, judged as it is served."""
    progress = Told(f"{world.name} {recipe.method}")
    forget_peak()
    began = perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        asked = Assignment(model, recipe, world.past, world.data.catalogue, seed=given.seed, progress=progress)
        tower = adapt(asked)
        seconds = perf_counter() - began
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        exported = write_tower(Path(folder), asked, tower)
        after, told = answered(world, find_pretrained(exported.name, exported.parent), given)
    for kind, values in after.items():
        told_by = versus(before[kind], values, Bootstrap(2_000, seed=0))
        if told_by is not None:
            told |= {
                f"{kind}_gain": told_by.gain.value / told_by.champion,
                f"{kind}_gain_low": told_by.gain.low / told_by.champion,
                f"{kind}_gain_high": told_by.gain.high / told_by.champion,
            }
    found = {"parameters": tower.n_learned, "seconds": seconds, "peak_mb": peak, "steps": len(tower.curve.steps),
             "learning_rate": tower.learning_rate, **told}  # fmt: skip
    print(
        world.name, recipe.method, "+".join(recipe.tasks), tower.told, tower.before, tower.after, found, flush=True
    )
    return found


def forget_peak() -> None:
    """So that the memory of a method is its own (Linux; elsewhere it is the most of the process so far)."""
    refs = Path("/proc/self/clear_refs")
    if refs.exists():
        refs.write_text("5")


def answered(world: World, model: Pretrained, given: argparse.Namespace) -> tuple[Answers, dict[str, float]]:
    """What each person gets of the text channel alone, and the means."""
    encoder: Encoder = CachedEncoder(LanguageEncoder(model, given.cache, "int8"), given.cache, Silent())
    fitted = MeaningRecipe().fit(world.data, Run(encoder, given.seed))
    vectors = fitted.vectors
    validation = leave_one_out(world.data, Terms("validation"))
    some = np.random.default_rng(given.seed).permutation(len(validation))[:PEOPLE]
    chosen = max(RECENCIES, key=lambda r: _chosen_by(judged(world, validation.take(np.sort(some)), vectors, r)))
    asked = validation if given.validation else leave_one_out(world.data, Terms("test"))
    answers = judged(world, asked, vectors, chosen)
    means = {kind: float(np.nanmean(values)) for kind, values in answers.items()}
    return answers, {"recency": chosen, **means}


def _chosen_by(answers: Answers) -> float:
    return float(np.nanmean(answers["warm"]) + np.nanmean(answers["hidden"]))


def judged(world: World, split: Split, vectors, recency: float) -> Answers:  # type: ignore[no-untyped-def]
    """NDCG@10 of each person, NaN for those whose target is of the other kind."""
    parts: dict[str, list[Ranks]] = {"warm": [], "hidden": [], "hidden_only": []}
    for some in split.batches(256):
        scores = profiles(some, vectors, recency) @ vectors.T
        is_hidden = world.hidden[some.targets.rows]
        all_of_them = ranks_of_targets(scores, some.targets, some.masked)
        parts["warm"].append(all_of_them.where(~is_hidden))
        parts["hidden"].append(all_of_them.where(is_hidden))
        among = ranks_of_targets(scores, some.targets, some.masked, world.hidden)
        parts["hidden_only"].append(among.where(is_hidden))
    return {kind: metric(METRIC, Ranks.joined(ranks)) for kind, ranks in parts.items()}


def profiles(split: Split, vectors, recency: float):  # type: ignore[no-untyped-def]
    """(B, dim) the weighted sums of histories, newer entries counting more."""
    past = split.past
    ones, zeros = np.ones(len(past.rows), np.float32), np.zeros(len(past.rows), np.float32)
    batch = Batch(past.indptr, past.rows, ones, zeros)
    weights = np.float32(recency) ** batch.back
    return batch.matrix(len(vectors), weights.astype(np.float32)) @ vectors


class Told:
    """A line now and then."""

    def __init__(self, name: str) -> None:
        self._name, self._last = name, 0.0

    def start(self, title: str, total: float) -> None:
        print(f"{self._name}: {title}", flush=True)

    def advance(self, done: float, note: str = "") -> None:
        if perf_counter() - self._last > 20:
            self._last = perf_counter()
            print(f"{self._name}: {done:.0f} {note}", flush=True)

    def done(self) -> None:
        pass


def _method_and_tasks(row: str) -> tuple[str, str]:
    method, _, tasks = row.partition(" ")
    return method, tasks or TASKS


def result_of(tables: Mapping[str, Mapping[str, Mapping[str, float]]], given: argparse.Namespace) -> dict:
    """As all results are: the first method is ours, and a row for each of all says the rest."""
    ours = next(method for method in next(iter(tables.values())) if method != "frozen")
    rows = {
        method if len(tables) == 1 else f"{name}, {method}": dict(numbers)
        for name, table in tables.items()
        for method, numbers in table.items()
    }
    return {
        "id": given.id,
        "commit": commit(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "threads": os.environ.get("OMP_NUM_THREADS", "all"),
        "model": given.model,
        "data": "+".join(tables),
        "recipe": recipe_of(*_method_and_tasks(ours), given).model_dump(mode="json"),
        "ours": {f"{name}_{key}": table[ours][key] for name, table in tables.items() for key in JUDGED},
        "goal": {},
        "met": True,
        "method": ours,
        "steps": rows,
        "peak_mb": max(numbers["peak_mb"] for numbers in rows.values()),
        "runs": 1,
        "note": f"{ours} first, and the others on top of it; {METRIC} of the text channel alone; a fifth of the "
        "items hidden: warm and hidden ones among all, hidden only among themselves; gains over the frozen model "
        "with their 95 % intervals over people; seconds with reading the texts, on a shared machine",
    }


if __name__ == "__main__":
    main()
