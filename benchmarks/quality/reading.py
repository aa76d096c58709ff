"""Q9: the channel that reads as people of the shop do, beside the same language model as it is.

    python benchmarks/quality/reading.py --data DIR [--cache DIR] [--out DIR] [--draws 5]

amazon_beauty and ml1m, leave-one-out strict: a fifth of the items, drawn by seed, is hidden from the adaptation:
no event with them is fitted. Asked are the people whose target is hidden; everything is a candidate, the history
is filtered, and one channel alone ranks: `meaning` (frozen) or `reader` (adapted). citeulike, titles only: the
published cold split, whose candidates are the cold items. How a past fades is chosen for each channel on the
validation part, by everybody. `gain`: the relative gain of NDCG over all draws, `low`: the
lower end of its interval; `warm_gain`: of targets that were not hidden. `permuted`: texts
are given to other items before anything is fitted; gain of each channel over chance on hidden items. Writes
results/Q9.json.
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

from zhiyin.data.dataset import Dataset, Doubles, Floats, Mask
from zhiyin.data.folders import load_dataset, split_of
from zhiyin.data.protocols import load_protocol
from zhiyin.data.splits import Part, Split
from zhiyin.encoders.cache import CachedEncoder
from zhiyin.encoders.sentence import SentenceEncoder
from zhiyin.evaluation.judging import judge_all
from zhiyin.evaluation.permuting import shuffled
from zhiyin.metrics.intervals import relative_gain
from zhiyin.models.base import Batch, Run
from zhiyin.models.dense import DenseRows
from zhiyin.models.meaning import MeaningRecipe
from zhiyin.models.propagation import COLD, near_by_text
from zhiyin.models.reader import ReaderRecipe
from zhiyin.models.words import WordsRecipe
from zhiyin.progress import Silent

SETS = {"amazon_beauty": (None, "ndcg@10"), "ml1m": (None, "ndcg@10"), "citeulike_titles": ("cold", "ndcg@20")}
FADES = (0.5, 0.7, 0.9, 1.0)
HIDDEN = 0.2  # of the items that anybody took
GOAL = 0.15
KS = (10, 20)
FROZEN, ADAPTED, CHANCE = "meaning", "reader", "chance"


@dataclass(frozen=True, slots=True)
class Channels:
    """One alone ranks everything; `chance` knows nothing."""

    models: Mapping[str, DenseRows]

    def scores(self, batch: Batch) -> Iterator[tuple[str, Floats]]:
        for name, model in self.models.items():
            yield name, model.past(batch) @ model.vectors.T
        n_items = next(iter(self.models.values())).n_items
        yield CHANCE, np.zeros((len(batch), n_items), np.float32)


@dataclass(frozen=True, slots=True)
class Question:
    """A data set of the benchmark, and the encoder that reads it."""

    folder: Path
    protocol: str | None
    metric: str
    run: Run

    def split(self, data: Dataset, part: Part) -> Split:
        return split_of(load_protocol(self.folder / "splits" / "protocol.json", self.protocol), data, part=part)

    def draw(self, data: Dataset, seed: int) -> tuple[Split, Split, Mask]:
        """Test and validation part, and (I,) what is hidden; the fitted part of both is the smaller one, without
        what is hidden."""
        test = self.split(data, "test")
        asked = test if self.protocol else self.split(data, "validation")
        support = asked.fit.support
        hidden = support == 0
        if not self.protocol:
            rng = np.random.default_rng(seed)
            some = rng.permutation(np.flatnonzero(support))
            hidden[some[: round(HIDDEN * len(some))]] = True
        fit = asked.fit.keep(~hidden[asked.fit.item_rows])
        return replace(test, fit=fit), replace(asked, fit=fit), hidden

    def channels(self, data: Dataset) -> dict[str, DenseRows]:
        words, meaning = WordsRecipe().fit(data, self.run), MeaningRecipe().fit(data, self.run)
        warm = np.flatnonzero(data.support >= COLD).astype(np.int32)
        near = near_by_text(words, meaning, np.arange(len(data.items), dtype=np.int32), warm, self.run.seed)
        return {FROZEN: meaning, ADAPTED: ReaderRecipe().fit(data, self.run, meaning, near)}

    def faded(self, models: dict[str, DenseRows], asked: Split) -> dict[str, DenseRows]:
        """Each with the fading that is best for the validation part."""
        if not asked.fit.ordered:
            return models
        tried = {f"{name} {fade}": replace(one, recency=fade) for name, one in models.items() for fade in FADES}
        found = self.judged(asked, tried, np.ones(len(asked.candidates), bool))
        best = {name: max(FADES, key=lambda fade: found[f"{name} {fade}"].mean()) for name in models}
        return {name: replace(one, recency=best[name]) for name, one in models.items()}

    def judged(self, split: Split, models: Mapping[str, DenseRows], wanted: Mask) -> dict[str, Doubles]:
        """(U,) by channel, of the people with a target that is `wanted` (I,)."""
        wants = np.array([bool(wanted[split.targets[n]].any()) for n in range(len(split))], bool)
        some = split.take(np.flatnonzero(wants))
        judged = judge_all(some, Channels(models), KS, Silent())
        return {name: one.values()[self.metric] for name, one in judged.items()}


def main() -> None:
    given = arguments()
    encoder = CachedEncoder(SentenceEncoder(threads=os.cpu_count() or 1), given.cache)
    ours: dict[str, float] = {}
    seconds: dict[str, float] = {}
    told: dict[str, object] = {}
    for name, (protocol, metric) in SETS.items():
        folder = given.data / name.removesuffix("_titles")
        question = Question(folder, protocol, metric, Run(encoder))
        began = perf_counter()
        found = asked(question, 1 if protocol else given.draws)
        seconds[name] = round(perf_counter() - began, 1)
        ours |= {f"{name}_{key}": value for key, value in found.items() if key in ("gain", "low", "warm_gain")}
        told[name] = rounded(found)
        print(name, rounded(found), flush=True)
    ours["min_gain"] = min(value for key, value in ours.items() if key.endswith("_gain") and "warm" not in key)
    result = {
        "id": "Q9",
        "commit": commit(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "data": "+".join(SETS),
        "recipe": "default",
        "ours": rounded(ours),
        "goal": {"min_gain": GOAL},
        "met": ours["min_gain"] >= GOAL,
        "seconds": seconds,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "runs": given.draws,
        "asked": told,
        "note": "one channel alone; adapted (reader) against frozen (meaning) on items hidden from the adaptation",
    }
    (given.out / "Q9.json").write_bytes(orjson.dumps(result, option=orjson.OPT_INDENT_2) + b"\n")


def asked(question: Question, draws: int) -> dict[str, float]:
    """Numbers over all draws of what is hidden."""
    data = load_dataset(load_protocol(question.folder / "splits" / "protocol.json", question.protocol))
    cold: list[dict[str, Doubles]] = []
    warm: list[dict[str, Doubles]] = []
    mixed: list[dict[str, Doubles]] = []
    for seed in range(draws):
        test, validation, hidden = question.draw(data, seed)
        models = question.faded(question.channels(validation.fit), validation)
        cold.append(question.judged(test, models, hidden))
        if question.protocol is None:
            warm.append(question.judged(test, models, ~hidden))
        other = shuffled(validation.fit.catalogue, np.random.default_rng([seed, 1]))
        mixed.append(question.judged(test, question.channels(replace(validation.fit, catalogue=other)), hidden))
    found = gains(cold, "")
    if warm:
        found |= gains(warm, "warm_")
    for name in (FROZEN, ADAPTED):
        lifts = [float((one[name] - one[CHANCE]).mean()) for one in mixed]
        found[f"permuted_{name}"] = float(np.mean(lifts))
    return found


def gains(parts: list[dict[str, Doubles]], prefix: str) -> dict[str, float]:
    values = {name: np.concatenate([one[name] for one in parts]) for name in (FROZEN, ADAPTED)}
    gain = relative_gain(values[ADAPTED], values[FROZEN], np.random.default_rng(0))
    means = {f"{prefix}{name}": float(one.mean()) for name, one in values.items()}
    return (
        {f"{prefix}gain": gain.value, f"{prefix}low": gain.low}
        | means
        | {f"{prefix}n": float(len(values[FROZEN]))}
    )


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "zhiyin-vectors")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the results")
    parser.add_argument("--draws", type=int, default=5, help="of what is hidden")
    return parser.parse_args()


if __name__ == "__main__":
    main()
