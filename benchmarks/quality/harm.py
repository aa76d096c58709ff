"""H1: how well harm is told after the examples that come along. Writes results/H1.json.

    python benchmarks/quality/harm.py [--out FOLDER]

Learned from zhiyin.data.harm's examples, judged on its test sentences (60 harmful, 60 ordinary, English and
Chinese, all synthetic), by the encoder that comes along. Harmful: the labels of harm together are likelier than
not.
"""

from __future__ import annotations

import argparse
import resource
from datetime import UTC, datetime
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from time import perf_counter

import numpy as np
import orjson
from run import RESULTS, commit, machine, rounded

from zhiyin.encoders.sentence import SentenceEncoder
from zhiyin.labels.examples import Example, prepare
from zhiyin.labels.fitting import fit
from zhiyin.labels.model import GRAMS, LabelModel, grams_of, read_texts
from zhiyin.metrics.classes import auroc

FINE = "fine"
GOAL = {"precision": 0.9, "recall": 0.8}
SEEDS, RESAMPLES = 5, 2_000
NOTE = (
    "synthetic sentences of our own, mild on purpose: they show that the filter works, not how good it is on a "
    "shop's "
    "own texts; mean of five draws of the folds; block: harm of .9 and more"
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=RESULTS)
    given = parser.parse_args()
    began = perf_counter()
    texts, labels = sentences("test")
    truth = labels != FINE
    harm = np.mean([harm_of(texts, seed) for seed in range(SEEDS)], axis=0)
    chinese = np.array([any(character > "\u3000" for character in text) for text in texts])
    ours = {
        **shares(harm >= 0.5, truth),
        **{f"{key}_chinese": value for key, value in shares(harm[chinese] >= 0.5, truth[chinese]).items()},
        "auroc": auroc(harm[truth], harm[~truth]),
        **{f"{key}_block": value for key, value in shares(harm >= 0.9, truth).items()},
    }
    rng = np.random.default_rng(0)
    drawn = [rng.integers(len(truth), size=len(truth)) for _ in range(RESAMPLES)]
    interval = {
        key: np.quantile([shares(harm[rows] >= 0.5, truth[rows])[key] for rows in drawn], [0.025, 0.975])
        .round(5)
        .tolist()
        for key in GOAL
    }
    result = {
        "id": "H1",
        "commit": commit(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "data": sha256(" ".join(texts).encode()).hexdigest()[:16],
        "recipe": "labels: use + words and pieces of words",
        "ours": rounded(ours),
        "interval": interval,
        "peers": {},
        "goal": GOAL,
        "met": all(ours[key] >= bound for key, bound in GOAL.items()),
        "seconds": {"all": round(perf_counter() - began, 1)},
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "runs": SEEDS,
        "note": NOTE,
    }
    (given.out / "H1.json").write_bytes(orjson.dumps(result, option=orjson.OPT_INDENT_2) + b"\n")
    print(orjson.dumps(result["ours"]).decode())


def sentences(part: str) -> tuple[list[str], np.ndarray]:
    lines = files("zhiyin.data.harm").joinpath(f"{part}.jsonl").read_text("utf-8").splitlines()
    rows = [orjson.loads(line) for line in lines]
    return [row["text"] for row in rows], np.array([row["label"] for row in rows])


def harm_of(asked: list[str], seed: int) -> np.ndarray:
    """(n,) of texts, after the examples."""
    texts, labels = sentences("examples")
    data = prepare(Example(text, (str(label),)) for text, label in zip(texts, labels, strict=True))
    grams, readers = grams_of(data.texts, len(data.names)), {"use": SentenceEncoder(2)}
    fitted = fit(data, read_texts(data.texts, readers, grams), seed=seed)
    model = LabelModel(fitted.classifier, grams if GRAMS in fitted.classifier.views else None, readers, "")
    return 1.0 - model.say(asked).probabilities[:, data.names.index(FINE)]


def shares(said: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    right = float((said & truth).sum())
    return {"precision": right / max(float(said.sum()), 1.0), "recall": right / max(float(truth.sum()), 1.0)}


if __name__ == "__main__":
    main()
