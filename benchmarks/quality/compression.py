"""C1: what every step of making a language model smaller costs and gains.

    python benchmarks/quality/compression.py --data DIR [--minutes 6] [--part test] [--fast]

all-MiniLM-L6-v2 on the titles of amazon_beauty, on this machine's processor: in 32 and in 8 bits, with half of
its layers and fewer tokens, with half of its numbers zero (both taught by what it was for --minutes), and as a
static table. Asked: the next item by titles alone (leave-one-out), and the intent of a question to a bank
(banking77, nearest centroid of eight examples; no step has seen a question). Writes results/C1.json.
"""

from __future__ import annotations

import argparse
import os
import resource
import tempfile
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

import numpy as np
import orjson
import pyarrow.parquet as pq
from run import RESULTS, commit, machine, rounded

from zhiyin.cli.progress import terminal_progress
from zhiyin.data.dataset import Dataset
from zhiyin.data.folders import load_dataset
from zhiyin.data.protocols import load_protocol
from zhiyin.encoders.base import Encoder, unit
from zhiyin.encoders.language import LanguageEncoder
from zhiyin.encoders.pretrained import find_pretrained
from zhiyin.models.baselines import titles_only
from zhiyin.training.distil.chain import ASKED, Panel, Quality, Step
from zhiyin.training.distil.compressing import Lesson, Smaller, teacher_steps, to_smaller, to_table
from zhiyin.training.distil.recipe import Teaching
from zhiyin.training.distil.static import Bench, drawn
from zhiyin.training.distil.texts import lesson_texts
from zhiyin.workflows.compress import task_of

TEACHER, SHOP, SMALL, BANK = "minilm", "amazon_beauty", "amazon_scientific", "banking77"
LAYERS, COMMON, SPARSITY, DIM = 3, 10_000, 0.5, 256
SHOTS, DRAWS = 8, 5
MINUTES, FAST = 6.0, 0.5
NOTE = (
    "all-MiniLM-L6-v2 on the titles of amazon_beauty, one text at a time; served in 8 bits but for the first and "
    "the last row; same 10: neighbours among 1,000 titles that are the teacher's; ndcg@10: the next item by "
    "titles alone; banking77: nearest centroid of 8 a class, no step has seen a text of it"
)


@dataclass(slots=True)
class Tasks:
    """Both are asked of every step: the shop's in its place, the bank's beside."""

    shop: Quality
    data: Path
    seed: int
    n_asked: int
    accuracies: list[float] = field(default_factory=list)

    def __call__(self, encoder: Encoder) -> float:
        self.accuracies.append(accuracy(encoder, self.data / BANK / "splits", self.n_asked, self.seed))
        return self.shop(encoder)


def main() -> None:
    given = arguments()
    began, minutes = perf_counter(), FAST if given.fast else given.minutes
    name = SMALL if given.fast else SHOP
    data = titles_only(load_dataset(load_protocol(given.data / name / "splits" / "protocol.json")))
    shop, words = task_of(data, terminal_progress(), given.seed, part=given.part)
    if shop is None:
        raise SystemExit(words)
    tasks = Tasks(shop, given.data, given.seed, 300 if given.fast else 3_080)
    steps, notes = chain(data, tasks, Teaching(minutes=minutes), given)
    result = result_of(steps, tasks, given) | {
        "seconds": {"all": round(perf_counter() - began, 1)},
        "note": f"{NOTE}; taught for {minutes:g} minutes each; {words}",
        "told": [*(f"{step.name}: {step.told}" for step in steps), *notes],
    }
    (given.out / "C1.json").write_bytes(orjson.dumps(result, option=orjson.OPT_INDENT_2) + b"\n")
    print(orjson.dumps(result["steps"], option=orjson.OPT_INDENT_2).decode())


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--minutes", type=float, default=MINUTES, help="of being taught, twice")
    parser.add_argument("--part", choices=("test", "validation"), default="test")
    parser.add_argument("--fast", action="store_true", help="a smaller catalogue, to see that it runs")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "zhiyin-vectors")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the results")
    return parser.parse_args()


def chain(
    data: Dataset, tasks: Tasks, teaching: Teaching, given: argparse.Namespace
) -> tuple[list[Step], list[str]]:
    """Every step with what was done in it."""
    model, bench = find_pretrained(TEACHER, Path()), Bench(given.cache, terminal_progress(), given.seed)
    lesson = Lesson(lesson_texts(data.catalogue, (), np.random.default_rng(given.seed)))
    asked = drawn([item.title for item in data.catalogue], ASKED, given.seed)
    panel = Panel.of(asked, LanguageEncoder(model, given.cache, "float32"), tasks)
    steps = list(teacher_steps(model, panel, bench))
    half = to_smaller(model, lesson, Smaller(LAYERS, COMMON, teaching=teaching), panel, bench)
    sparse = to_smaller(model, lesson, Smaller(sparsity=SPARSITY, teaching=teaching), panel, bench)
    table = to_table(model, lesson, DIM, panel, bench)
    steps += half.steps
    steps += [replace(step, name=f"{step.name}, all layers") for step in sparse.steps]
    return [*steps, *table.steps], [*half.notes, *sparse.notes, *table.notes]


def accuracy(encoder: Encoder, folder: Path, n_asked: int, seed: int) -> float:
    """Mean over DRAWS of the share of questions that lie nearest to the middle of their intent's examples."""
    known, asked = (pq.read_table(folder / f"{part}.parquet") for part in ("train", "test"))
    rng = np.random.default_rng(seed)
    chosen = np.sort(rng.permutation(len(asked))[:n_asked])
    labels, truth = np.array(known["label"].to_pylist()), np.array(asked["label"].to_pylist())[chosen]
    classes, texts = np.unique(labels), known["text"].to_pylist()
    draws = [
        [rng.choice(np.flatnonzero(labels == one), SHOTS, replace=False) for one in classes] for _ in range(DRAWS)
    ]
    used = np.unique(np.concatenate([one for draw in draws for one in draw]))
    rows = np.zeros((len(texts), encoder.dim), np.float32)
    rows[used] = encoder.encode([texts[n] for n in used])
    wanted = encoder.encode([asked["text"][int(n)].as_py() for n in chosen])
    right = []
    for draw in draws:
        centroids = unit(np.stack([rows[few].mean(axis=0) for few in draw]))
        right.append(float((classes[(wanted @ centroids.T).argmax(axis=1)] == truth).mean()))
    return float(np.mean(right))


def result_of(steps: list[Step], tasks: Tasks, given: argparse.Namespace) -> dict[str, object]:
    """In the layout of all results; `steps` is the table."""
    columns = ("megabytes", "per_second", "latency_ms", "cosine", "cosine_low", "agreement", "quality")
    named = {"quality": "ndcg@10", "agreement": "same_10", "cosine_low": "cosine_5%"}
    table = {}
    for step, right in zip(steps, tasks.accuracies, strict=True):
        numbers = asdict(step)
        found = {named.get(name, name): numbers[name] for name in columns} | {"banking77": right}
        table[step.name] = rounded(found)
    first, last = table[steps[0].name], table[steps[-1].name]
    return {
        "id": "C1",
        "commit": commit(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "data": f"{SHOP}+{BANK}",
        "seed": given.seed,
        "load_1min": round(os.getloadavg()[0], 1),
        "ours": {
            f"static_share_of_{name}": round(last[name] / first[name], 4) for name in ("ndcg@10", "banking77")
        },
        "goal": {},
        "met": True,
        "steps": table,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "runs": 1,
    } | ({"fast": True} if given.fast else {})


if __name__ == "__main__":
    main()
