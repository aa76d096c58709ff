"""L1: does `zhiyin label next` save labels? Writes results/L1.json.

    python benchmarks/quality/teaching.py --data DIR [--cache DIR] [--out FOLDER] [--draws N]

banking77: from two texts a label drawn at random, rounds of texts to be labelled are drawn from the rest of the
examples, by chance or by doubt and spread; a head over MiniLM learns from all so far. Accuracy on all test texts.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

import numpy as np
import orjson
from run import RESULTS, commit, machine, rounded

from labels import Words, banking, encoders
from zhiyin.labels.examples import Example, prepare
from zhiyin.labels.fitting import fit
from zhiyin.labels.model import LabelModel
from zhiyin.labels.teaching import doubt, teach

FIRST, STEP, ROUNDS = 154, 154, 3
NOTE = (
    "banking77, MiniLM, two labels' worth of texts (154) at first and 154 more a round; accuracy at 616 labels, "
    "and the "
    "mean over the rounds after the first; interval: of the gain, over draws; same first texts for both"
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "zhiyin-vectors")
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--draws", type=int, default=5)
    given = parser.parse_args()
    began = perf_counter()
    (texts, labels), (asked, truth) = banking(given.data, "train"), banking(given.data, "test")
    reader = {"minilm": encoders(given.cache)["minilm"]}
    rows, wanted = (reader["minilm"].encode(some.tolist()) for some in (texts, asked))
    curves: dict[str, list[list[float]]] = {"next": [], "random": []}
    for seed in range(given.draws):
        for way, found in curves.items():
            found.append(curve(way, seed, (texts, labels, rows), (wanted, truth), reader))
            print(seed, way, found[-1], flush=True)
    ours, theirs = (np.array(curves[way]) for way in ("next", "random"))
    gains = (ours - theirs)[:, 1:].mean(axis=1)
    spread = 1.96 * float(gains.std(ddof=1)) / len(gains) ** 0.5 if len(gains) > 1 else 0.0
    result = {
        "id": "L1",
        "commit": commit(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "data": "banking77",
        "recipe": "labels: minilm",
        "ours": rounded({"accuracy_616": float(ours[:, -1].mean()), "mean_gain": float(gains.mean())}),
        "interval": {
            "mean_gain": [round(float(gains.mean()) - spread, 5), round(float(gains.mean()) + spread, 5)]
        },
        "peers": {"random": rounded({"accuracy_616": float(theirs[:, -1].mean())})},
        "goal": {"mean_gain": 0.0},
        "met": bool(gains.mean() - spread > 0),
        "seconds": {"all": round(perf_counter() - began, 1)},
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "runs": given.draws,
        "curves": {way: np.mean(found, axis=0).round(4).tolist() for way, found in curves.items()},
        "note": NOTE,
    }
    (given.out / "L1.json").write_bytes(orjson.dumps(result, option=orjson.OPT_INDENT_2) + b"\n")


def curve(
    way: str,
    seed: int,
    pool: tuple[Words, Words, np.ndarray],
    test: tuple[np.ndarray, Words],
    reader: Mapping[str, object],
) -> list[float]:
    """Accuracy after the first texts and after each round."""
    texts, labels, rows = pool
    rng = np.random.default_rng(seed)
    known = rng.permutation(len(texts))[:FIRST]
    found = []
    for turn in range(ROUNDS + 1):
        model = learned(texts[known], labels[known], reader, seed)
        said = model.classifier.say({"minilm": test[0]})
        names = np.array(model.classifier.names)
        found.append(float((names[said.probabilities.argmax(axis=1)] == test[1]).mean()))
        left = np.setdiff1d(np.arange(len(texts)), known)
        if turn < ROUNDS:
            more = rng.permutation(len(left))[:STEP] if way == "random" else chosen(model, rows, left, known, rng)
            known = np.append(known, left[more])
    return found


def chosen(
    model: LabelModel, rows: np.ndarray, left: np.ndarray, known: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    said = model.classifier.say({"minilm": rows[left]})
    return teach(rows[left], doubt(said, multi=False), rows[known], STEP, rng)


def learned(texts: Words, labels: Words, reader: Mapping[str, object], seed: int) -> LabelModel:
    data = prepare((Example(text, (label,)) for text, label in zip(texts, labels, strict=True)), multi=False)
    read = {"minilm": reader["minilm"].encode(data.texts)}
    return LabelModel(fit(data, read, seed=seed).classifier, None, reader, "")


if __name__ == "__main__":
    main()
