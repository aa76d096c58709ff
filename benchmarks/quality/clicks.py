"""K1: the click model, alone and beside the other channels, with and without what people wrote; its latency, and
what it learns from logged lists.

    python benchmarks/quality/clicks.py --data DIR [--cache DIR] [--out DIR] [--people 2000] [--minutes 2]
                                        [--parts alone,fused,wrote,latency,earned]

amazon_beauty and ml1m, leave-one-out, the validation part (nothing here was ever judged by a test part), full
ranking, the history filtered. `alone`: one channel ranks, the click model by each of its losses, and by text
alone; `_gain` is against the reader. `fused`: the deep recipe without the sequence net, with the click model
(`with`) and without (`without`). No public set at hand has texts of people, so `wrote` is of the made shop:
synthetic people, a quarter of whose sessions begin with a search for the aisle of the first thing they look at;
their last thing is asked for, with and without what they typed before it; `just_before`: of people who typed
last before that thing. `latency`: milliseconds at 128 numbers for folding and scoring so many candidates, one
thread. `earned`: places of the made shop, filled by a known softmax for simulated people who look at what they
like and take only some kinds of it; β as it was chosen, and what the softmax of the scores truly earns among new
candidates, plain and with β (`even_value`: filled evenly). Writes results/K1.json; parts that were not asked for
stay as they are there.
"""

from __future__ import annotations

import argparse
import os
import resource
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

import numpy as np
import orjson
from run import RESULTS, commit, machine, rounded

from zhiyin.data.dataset import Dataset, Doubles, Floats, Mask, build_dataset
from zhiyin.data.folders import load_dataset, split_of
from zhiyin.data.protocols import load_protocol
from zhiyin.data.shop.catalogue import read_goods, read_wishes
from zhiyin.data.shop.simulation import simulate
from zhiyin.data.shown import Shown
from zhiyin.data.splits import Split, Terms, leave_one_out
from zhiyin.encoders.base import unit
from zhiyin.encoders.cache import CachedEncoder
from zhiyin.encoders.sentence import SentenceEncoder
from zhiyin.evaluation.judging import batch_of, judge_all
from zhiyin.evaluation.posing import sample
from zhiyin.metrics.intervals import difference
from zhiyin.models.base import Batch, Model, Run, history_batch
from zhiyin.models.clicks import Clicks, ClicksRecipe, Sight
from zhiyin.models.meaning import Meaning, MeaningRecipe
from zhiyin.models.words import WordsRecipe
from zhiyin.progress import Silent
from zhiyin.recipe import DefaultRecipe, Ground, Read
from zhiyin.testing.nets import random_head
from zhiyin.training.clicks import TaughtClicks, teach
from zhiyin.types import Event, Item

SETS = ("amazon_beauty", "ml1m")
PARTS = ("alone", "fused", "wrote", "latency", "earned")
LOSSES = ("softmax", "cross_entropy", "mse")
METRIC = "ndcg@10"
CANDIDATES, TIMES, DIM = (200, 1_000), 200, 128
LISTS, PLACES, AMONG, VISITORS = 4_000, 5, 20, 300
Numbers = dict[str, float]


def main() -> None:
    given = arguments()
    given.out.mkdir(parents=True, exist_ok=True)
    path, began = given.out / "K1.json", perf_counter()
    before = orjson.loads(path.read_bytes()) if path.is_file() else {"asked": {}, "seconds": {}}
    asked: dict[str, Numbers] = dict(before["asked"])
    seconds: dict[str, float] = dict(before["seconds"])
    run = Run(CachedEncoder(SentenceEncoder(threads=1), given.cache), given.seed)
    for part in given.parts.split(","):
        for name, numbers in PART[part](given, run):
            asked[name] = rounded(numbers)
            seconds[name] = round(perf_counter() - began, 1)
            began = perf_counter()
            print(name, asked[name], flush=True)
            path.write_bytes(orjson.dumps(result_of(given, asked, seconds), option=orjson.OPT_INDENT_2) + b"\n")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--parts", default=",".join(PARTS), help="some of them")
    parser.add_argument("--people", type=int, default=2_000, help="who are judged, at most; 0 for all")
    parser.add_argument("--minutes", type=float, default=2.0, help="that a click model may learn")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the results")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "zhiyin-vectors")
    return parser.parse_args()


def result_of(given: argparse.Namespace, asked: Mapping[str, Numbers], seconds: Mapping[str, float]) -> object:
    ours = {f"{name}_{key}": value for name, numbers in asked.items() for key, value in numbers.items()}
    gains = [numbers["low"] for name, numbers in asked.items() if name.startswith("fused")]
    if gains:
        ours["min_low"] = min(gains)
    return {
        "id": "K1",
        "commit": commit(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "data": "+".join(SETS),
        "recipe": f"deep without the sequence net; a click model learns for {given.minutes:g} minutes",
        "seed": given.seed,
        "ours": ours,
        "goal": {"min_low": 0.0},
        "met": bool(gains) and min(gains) > 0,
        "seconds": seconds,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "runs": 1,
        "asked": asked,
        "note": f"ndcg@10 on the validation part, at most {given.people:,} people; the machine was shared by "
        "others all the while, so nets saw few epochs; wrote, earned: synthetic people",
    }


def alone(given: argparse.Namespace, run: Run) -> Iterator[tuple[str, Numbers]]:
    for name in given.sets.split(","):
        split = asked_of(given, name)
        ground = ground_of(split.fit, run)
        reader = DefaultRecipe().reader_of(ground)
        tried = {loss: ClicksRecipe(loss=loss, minutes=given.minutes) for loss in LOSSES}
        tried["by_text"] = ClicksRecipe(rows="meaning", minutes=given.minutes)
        taught = {
            key: learned(one, split.fit, run, reader if one.rows == "reader" else ground.read.meaning)
            for key, one in tried.items()
        }
        models = {"meaning": ground.read.meaning, "reader": reader}
        values = ndcg(split, models | {key: one.model for key, one in taught.items()})
        numbers = {key: float(found.mean()) for key, found in values.items()}
        for key, one in taught.items():
            numbers |= gain(f"{key}_", values[key], values["reader"]) | {f"{key}_steps": float(one.steps)}
        yield f"alone_{name}", numbers


def fused(given: argparse.Namespace, run: Run) -> Iterator[tuple[str, Numbers]]:
    clicks = ClicksRecipe(minutes=given.minutes)
    for name in given.sets.split(","):
        split = asked_of(given, name)
        plain = DefaultRecipe(deep=True, off=("sequence", "clicks"), clicks=clicks).fit(split.fit, run)
        whole = DefaultRecipe(deep=True, off=("sequence",), clicks=clicks).fit(split.fit, run)
        values = ndcg(split, {"with": _Fused(whole), "without": _Fused(plain)})
        kept = "clicks" in whole.fusion.channels
        numbers = {key: float(found.mean()) for key, found in values.items()} | {"kept": float(kept)}
        yield f"fused_{name}", numbers | gain("", values["with"], values["without"])


def wrote(given: argparse.Namespace, run: Run) -> Iterator[tuple[str, Numbers]]:
    data = made_shop(given.seed)
    split = leave_one_out(data, Terms(part="validation", filter_history=False))
    meaning = MeaningRecipe().fit(split.fit, run)
    taught = {
        key: learned(ClicksRecipe(rows="meaning", texts=texts, minutes=given.minutes), split.fit, run, meaning)
        for key, texts in (("with", 8), ("without", 0))
    }
    values = ndcg(split, {"meaning": meaning} | {key: one.model for key, one in taught.items()})
    numbers = {key: float(found.mean()) for key, found in values.items()}
    numbers["texts"] = float(len(split.fit.notes))
    yield "wrote_made_shop", numbers | gain("", values["with"], values["without"])
    just = typed_just_before(split)
    numbers = {key: float(found[just].mean()) for key, found in values.items()} | {"people": float(just.sum())}
    yield "wrote_just_before", numbers | gain("", values["with"][just], values["without"][just])


def typed_just_before(split: Split) -> Mask:
    """(U,) whose newest text came after the newest thing of their history."""
    batch = batch_of(split.past)
    newest = np.zeros(len(batch), np.int64)
    np.maximum.at(newest, batch.written.askers, batch.written.after)
    return (newest == batch.lengths) & (batch.lengths > 0)


def latency(given: argparse.Namespace, run: Run) -> Iterator[tuple[str, Numbers]]:
    rng = np.random.default_rng(given.seed)
    n, dim = 20_000, 192
    vectors = unit(rng.normal(size=(n, dim)).astype(np.float32))
    sight = Sight(
        np.zeros(512, np.float32), np.eye(512, dim, dtype=np.float32), np.zeros((n, 0), np.float32),
        rng.normal(size=(dim, DIM)).astype(np.float32),
    )  # fmt: skip
    head, inner = random_head(rng, DIM, ClicksRecipe().inner), float(ClicksRecipe().inner)
    items = vectors @ sight.projection
    model = Clicks(head, items, sight, 8, True, run.encoder, head.alone(items))
    batch = history_batch(rng.integers(0, n, 50).tolist(), [1.0] * 50, [0.0] * 50)
    for k in CANDIDATES:
        took = np.zeros((2, TIMES))
        for time in range(TIMES):
            rows = rng.permutation(n)[:k].astype(np.int32)
            began = perf_counter()
            scorer = model.scorer(batch)
            folded = perf_counter()
            scorer.score(rows)
            took[:, time] = folded - began, perf_counter() - folded
        fold, score = took * 1_000
        numbers = {"inner": inner, "fold_p50_ms": float(np.median(fold)), "score_p50_ms": float(np.median(score))}
        yield f"latency_{k}", numbers | {"p95_ms": float(np.quantile(fold + score, 0.95))}


def earned(given: argparse.Namespace, run: Run) -> Iterator[tuple[str, Numbers]]:
    market = Market.of(run, given.seed)
    data = replace(market.data, shown=market.lists(LISTS, given.seed + 1))
    for key, beta in (("plain", 0.0), ("chosen", None)):
        recipe = ClicksRecipe(rows="meaning", beta=beta, texts=0, minutes=given.minutes)
        taught = learned(recipe, data, run, market.meaning)
        truth = market.worth(taught.model, given.seed + 2)
        yield f"earned_{key}", {"beta": taught.beta, "true_value": truth, "even_value": market.by_chance}


PART = {"alone": alone, "fused": fused, "wrote": wrote, "latency": latency, "earned": earned}


@dataclass(frozen=True, slots=True)
class Market:
    """Simulated people over the items of the made shop: what they look at, and what they take, are two things."""

    data: Dataset
    meaning: Meaning
    likes: Floats  # (U, I) how much each likes the look of each, in logits
    sells: Doubles  # (I,) the chance that what is liked is taken

    @classmethod
    def of(cls, run: Run, seed: int) -> Market:
        items = made_items()
        goods = read_goods()
        rng = np.random.default_rng(seed)
        meaning = MeaningRecipe().fit(build_dataset(items, ()), run)
        middle = unit(meaning.vectors[rng.integers(len(items), size=VISITORS)])
        likes = 8.0 * middle @ meaning.vectors.T
        events = []
        for user in range(VISITORS):
            seen = np.argsort(-(likes[user] + rng.gumbel(size=len(items))))[:8]
            events += [
                Event(f"u{user}", items[row].item_id, "view", order=k) for k, row in enumerate(seen.tolist())
            ]
        departments = sorted({good.department for good in goods})
        sold = dict(zip(departments, np.where(np.arange(len(departments)) % 2, 0.6, 0.02), strict=True))
        data = build_dataset(items, events)
        at = np.arange(len(data), dtype=np.float64)  # all before the lists
        sells = np.array([sold[good.department] for good in goods])
        order = data.items.rows([good.item_id for good in goods])
        by_row = np.zeros(len(items))
        by_row[order] = sells
        rows = data.items.rows([item.item_id for item in items])
        turned = np.zeros_like(likes)
        turned[:, rows] = likes
        meaning = MeaningRecipe().fit(data, run)
        people = data.users.rows([f"u{user}" for user in range(VISITORS)])
        by_user = np.zeros_like(turned)
        by_user[people] = turned
        return cls(replace(data, at=at, until=float(len(data))), meaning, by_user, by_row)

    @property
    def by_chance(self) -> float:
        """What a place that is filled evenly earns."""
        return float((self.taken(np.arange(VISITORS))).mean())

    def taken(self, users: np.ndarray) -> Doubles:
        """(n, I) the chance that each of these people takes each item when it is shown."""
        return self.sells * 1.0 / (1.0 + np.exp(2.0 - self.likes[users].astype(np.float64)))

    def lists(self, n: int, seed: int) -> Shown:
        """Lists of PLACES filled by a softmax of a third of what people like among AMONG drawn evenly; the chance
        of each is known."""
        rng = np.random.default_rng(seed)
        users = rng.integers(VISITORS, size=n).astype(np.int32)
        pool = np.stack([rng.permutation(len(self.sells))[:AMONG] for _ in range(n)])
        logits = np.take_along_axis(self.likes[users], pool, axis=1) / 3.0
        order = np.argsort(-(logits + rng.gumbel(size=logits.shape)), axis=1)[:, :PLACES]
        logged = np.zeros((n, PLACES))
        left = logits.astype(np.float64).copy()
        for place in range(PLACES):
            at = order[:, place]
            logged[:, place] = left[np.arange(n), at] - np.log(np.exp(left).sum(axis=1))
            left[np.arange(n), at] = -np.inf
        rows = np.take_along_axis(pool, order, axis=1)
        rewards = rng.random(rows.shape) < np.take_along_axis(self.taken(users), rows, axis=1)
        at = self.data.until - 1.0 + np.arange(n) / n
        return Shown(
            users, at, np.arange(n + 1) * PLACES, rows.ravel().astype(np.int32), logged.ravel(),
            rewards.ravel().astype(np.float32), np.arange(n + 1) * AMONG, pool.ravel().astype(np.int32),
        )  # fmt: skip

    def worth(self, model: Model, seed: int) -> float:
        """What the first place truly earns, filled by the softmax of the scores among new candidates."""
        rng = np.random.default_rng(seed)
        users = rng.integers(VISITORS, size=LISTS)
        pool = np.stack([rng.permutation(len(self.sells))[:AMONG] for _ in range(LISTS)])
        said = np.concatenate([model.score(self._batch(users[n : n + 200])) for n in range(0, LISTS, 200)])
        logits = np.take_along_axis(said, pool, axis=1).astype(np.float64)
        chance = np.exp(logits - logits.max(axis=1, keepdims=True))
        chance /= chance.sum(axis=1, keepdims=True)
        return float((chance * np.take_along_axis(self.taken(users), pool, axis=1)).sum(axis=1).mean())

    def _batch(self, users: np.ndarray) -> Batch:
        begins, sizes = self.data.indptr[users], np.diff(self.data.indptr)[users]
        indptr = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        entries = np.arange(indptr[-1]) + np.repeat(begins - indptr[:-1], sizes)
        ones = np.ones(len(entries), np.float32)
        return Batch(indptr, self.data.item_rows[entries], self.data.weights[entries], 0 * ones)


class _Fused:
    """A fitted recipe as if it were one channel."""

    name = "fused"

    def __init__(self, fitted: object) -> None:
        self.score = fitted.score


@dataclass(frozen=True, slots=True)
class Channels:
    """Each ranks everything alone."""

    models: Mapping[str, Model]

    def scores(self, batch: Batch) -> Iterator[tuple[str, Floats]]:
        for name, model in self.models.items():
            yield name, model.score(batch)


def ndcg(split: Split, models: Mapping[str, Model]) -> dict[str, Doubles]:
    """Of each person, by each model."""
    judged = judge_all(split, Channels(models), (10,), Silent())
    return {name: np.asarray(one.values()[METRIC]) for name, one in judged.items()}


def gain(prefix: str, ours: Doubles, theirs: Doubles) -> Numbers:
    """Paired, with the ends of its interval."""
    found = difference(ours, theirs, np.random.default_rng(0))
    return {f"{prefix}gain": found.value, f"{prefix}low": found.low, f"{prefix}high": found.high}


def asked_of(given: argparse.Namespace, name: str) -> Split:
    protocol = load_protocol(given.data / name / "splits" / "protocol.json")
    split = split_of(protocol, load_dataset(protocol), part="validation", refit=False, filter_history=True)
    return sample(split, given.people, given.seed)


def ground_of(data: Dataset, run: Run) -> Ground:
    words, meaning = WordsRecipe().fit(data, run), MeaningRecipe().fit(data, run)
    return Ground.of(data, run, Read(DefaultRecipe(), words, meaning, None))


def learned(recipe: ClicksRecipe, data: Dataset, run: Run, seen: object) -> TaughtClicks:
    taught = teach(recipe, data, run, seen)
    assert taught is not None
    return taught


def made_items() -> list[Item]:
    return [
        Item(good.item_id, str(good.row["title"]), str(good.row["text"]), (good.department, good.aisle))
        for good in read_goods()
    ]


def made_shop(seed: int) -> Dataset:
    """Three towns of people, who only look, so that each thing is one event."""
    events = [
        replace(event, user_id=f"{town} {event.user_id}", event_id=f"{town} {event.event_id}")
        for town in range(3)
        for event in simulate(read_goods(), read_wishes(), seed=seed + town)
        if event.type in ("search", "click")
    ]
    return build_dataset(made_items(), events)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
