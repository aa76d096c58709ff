"""P1: does a picture tell what a thing is? Writes results/P1.json.

    python benchmarks/quality/pictures.py --data DIR [--threads N] [--part validation] [--out FOLDER]

DIR holds clothing_images (clothing-dataset-small, CC0): photographs of clothes in ten classes, at most 128 pixels
wide or high. Nothing is taught: vectors are those of `zhiyin images`. Of each test image the share of its ten
nearest train images that have its label; and the accuracy of nearest centroids of twelve train images a class.
"""

from __future__ import annotations

import argparse
import os
import resource
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from time import perf_counter, process_time

import numpy as np
import orjson
import pyarrow.parquet as pq
from run import RESULTS, commit, machine, rounded

from zhiyin.data.dataset import Doubles, Floats
from zhiyin.encoders.base import unit
from zhiyin.encoders.images import ImageEncoder, Lite0
from zhiyin.metrics.intervals import intervals

NEAREST, SHOTS, DRAWS = 10, 12, 20
CHUNK = 64  # pictures unpacked at once
GOAL = {"accuracy_12_shots": 0.667}  # our own survey's, on the original resolution
NOTE = (
    "clothing_images, pictures of at most 128 pixels, frozen EfficientNet-Lite0; precision@10: neighbours with "
    "the same label, cosine; accuracy: nearest centroid of 12 a class, mean of 20 draws; the goal was measured on "
    "the original resolution; guess: by chance, and the largest class; reading and unpacking count as time"
)


@dataclass(frozen=True, slots=True)
class Photos:
    """Pictures of one part, with what they show."""

    files: list[bytes]
    labels: np.ndarray  # (n,) of text


def main() -> None:
    given = arguments()
    path = given.data / "clothing_images" / "images.parquet"
    known, asked = photos(path, "train"), photos(path, given.part)
    with tempfile.TemporaryDirectory() as folder:
        encoder = Lite0(Path(folder), given.threads)
        began, worked = perf_counter(), process_time()
        rows, wanted = vectors(encoder, known.files), vectors(encoder, asked.files)
        seconds, cpu = perf_counter() - began, process_time() - worked
    found = {
        "label_precision@10": precision(rows, known.labels, wanted, asked.labels),
        "accuracy_12_shots": accuracy(rows, known.labels, wanted, asked.labels, given.seed),
    }
    n = len(rows) + len(wanted)
    speed = {"pictures_per_second": n / seconds, "pictures_per_cpu_second": n / cpu}
    result = result_of(found, speed, asked.labels, given) | {
        "data": sha256(path.read_bytes()).hexdigest()[:16],
        "seconds": {"looking and encoding": round(seconds, 1), "of all cores": round(cpu, 1)},
    }
    (given.out / "P1.json").write_bytes(orjson.dumps(result, option=orjson.OPT_INDENT_2) + b"\n")
    print(orjson.dumps({name: result[name] for name in ("ours", "interval", "met")}).decode())


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--part", choices=("test", "validation"), default="test")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the results")
    return parser.parse_args()


def photos(path: Path, part: str) -> Photos:
    table = pq.read_table(path, filters=[("split", "=", part)])
    return Photos(table["jpeg"].to_pylist(), np.array(table["label"].to_pylist()))


def vectors(encoder: ImageEncoder, files: list[bytes]) -> Floats:
    """(n, dim) unit rows."""
    chunks = (files[start : start + CHUNK] for start in range(0, len(files), CHUNK))
    return np.concatenate([encoder.encode(np.stack([encoder.look(file) for file in chunk])) for chunk in chunks])


def precision(rows: Floats, labels: np.ndarray, wanted: Floats, truth: np.ndarray) -> Doubles:
    """(n,) of each wanted picture the share of its NEAREST that have its label."""
    nearest = np.argsort(-(wanted @ rows.T), axis=1, kind="stable")[:, :NEAREST]
    shares: Doubles = (labels[nearest] == truth[:, None]).mean(axis=1)
    return shares


def accuracy(rows: Floats, labels: np.ndarray, wanted: Floats, truth: np.ndarray, seed: int) -> Doubles:
    """(n,) of each wanted picture the share of DRAWS in which it lies nearest to the centroid of its own class."""
    rng, classes = np.random.default_rng(seed), np.unique(labels)
    right = np.zeros(len(wanted))
    for _ in range(DRAWS):
        shots = [rng.choice(np.flatnonzero(labels == one), SHOTS, replace=False) for one in classes]
        centroids = unit(np.stack([rows[few].mean(axis=0) for few in shots]))
        right += classes[(wanted @ centroids.T).argmax(axis=1)] == truth
    return right / DRAWS


def result_of(
    found: Mapping[str, Doubles], speed: Mapping[str, float], truth: np.ndarray, given: argparse.Namespace
) -> dict[str, object]:
    """In the layout of all results. `found`: each measure, picture by picture."""
    told = intervals(found, np.random.default_rng(given.seed), resamples=2_000)
    shares = np.unique(truth, return_counts=True)[1] / len(truth)
    guess = {"label_precision@10": float((shares**2).sum()), "accuracy_12_shots": float(shares.max())}
    return {
        "id": "P1",
        "commit": commit(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "encoder": Lite0.fingerprint,
        "seed": given.seed,
        "threads": given.threads,
        "ours": rounded({name: float(one.value) for name, one in told.items()} | dict(speed)),
        "interval": {name: [round(float(one.low), 5), round(float(one.high), 5)] for name, one in told.items()},
        "peers": {"guess": rounded(guess)},
        "goal": GOAL,
        "met": all(bool(told[name].value > goal) for name, goal in GOAL.items()),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "runs": 1,
        "note": NOTE,
    }


if __name__ == "__main__":
    main()
