"""S6: titles read a second by the encoders of the product, two threads. Goals: int8 ≥ 800, static ≥ 10,000.

    python benchmarks/speed/s6_encode.py [--fast] [--data DIR]

int8: all-MiniLM-L6-v2 in eight bits. static: a table distilled from it, each pass by an encoder that remembers no
word. use: the sentence encoder that comes along. The titles are those of made items, or with --data those of a
public catalogue (amazon_beauty). Tokenizing counts; loading the weights does not.
--fast: 200 titles once, printed and not kept. Needs zhiyin[text] and requirements/weights.txt.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from time import perf_counter

import numpy as np
from _bench import Bench, at_least
from _market import Market

from zhiyin.encoders.base import Encoder
from zhiyin.encoders.language import LanguageEncoder
from zhiyin.encoders.pretrained import find_pretrained
from zhiyin.encoders.sentence import SentenceEncoder
from zhiyin.encoders.static import StaticEncoder
from zhiyin.encoders.towers import save_tower
from zhiyin.progress import Silent
from zhiyin.training.distil.static import Bench as Place
from zhiyin.training.distil.static import static_tower

THREADS = 2
TIMES, TRIED = 5, 200
TITLES: Mapping[str, int] = {"int8": 2_000, "static": 12_000, "use": 2_000}
GOALS = {"int8": 800.0, "static": 10_000.0}  # titles a second
TEACHER, DIM, TAUGHT = "minilm", 256, 1_000  # titles that the table is distilled on


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--fast", action="store_true")
    arguments.add_argument("--data", type=Path, help="folder of the public data sets")
    arguments.add_argument("--child", choices=list(TITLES), help=argparse.SUPPRESS)
    arguments.add_argument("--place", type=Path, help=argparse.SUPPRESS)
    given = arguments.parse_args()
    if given.child:
        titles = titles_of(given.data, TRIED if given.fast else TITLES[given.child])
        print(json.dumps(per_second(partial(encoder_of, given.child, given.place), titles, given.fast)))
        return
    whose, sample = "amazon_beauty" if given.data else "made items", titles_of(given.data, TITLES["static"])
    words = np.mean([len(title.split()) for title in sample])
    data = f"titles of {whose}, {words:.1f} words each, {THREADS} threads; " + ", ".join(
        f"{name} {n:,}" for name, n in TITLES.items()
    )
    with tempfile.TemporaryDirectory() as folder, Bench("S6", data, keep=not given.fast) as bench:
        place, began = Path(folder), perf_counter()
        tower, table = static_tower(
            find_pretrained(TEACHER, place), sample[:: len(sample) // TAUGHT], DIM, Place(place, Silent())
        )
        save_tower(place / "static", tower)
        bench.seconds["distil"] = round(perf_counter() - began, 1)
        bench.ours["static_mb"] = round(table.rows.size * 2 / 1e6, 1)
        for name in TITLES:
            bench.ours[f"{name}_per_s"] = apart(name, place)
            if name in GOALS:
                bench.goal[f"{name}_per_s"] = at_least(GOALS[name])


def encoder_of(name: str, place: Path) -> Encoder:
    match name:
        case "use":
            return SentenceEncoder(threads=THREADS)
        case "static":
            return StaticEncoder(find_pretrained("static", place))
    return LanguageEncoder(find_pretrained(TEACHER, place), place, "int8")


def titles_of(data: Path | None, n: int) -> list[str]:
    """Distinct ones."""
    if data is None:
        return [item.title for item in islice(Market(n, n).items(), n)]
    import pyarrow.parquet as pq  # noqa: PLC0415

    column = pq.read_table(data / "amazon_beauty" / "items.parquet", columns=["title"])["title"].to_pylist()
    return list(islice(dict.fromkeys(title for title in column if title), n))


def apart(name: str, place: Path) -> float:
    """Of one encoder in a process of its own, so that its threads are what the environment says."""
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS"), str(THREADS))
    said = subprocess.run(
        [sys.executable, __file__, *sys.argv[1:], f"--child={name}", f"--place={place}"],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, **threads},
        preexec_fn=lambda: os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:THREADS]),
    )
    return float(json.loads(said.stdout))


def per_second(make: Callable[[], Encoder], titles: Sequence[str], fast: bool) -> float:
    """Median over some passes, each by an encoder that has read nothing but a few words."""
    seconds = []
    for _ in range(1 if fast else TIMES):
        encoder = make()
        encoder.encode(["a few words", "and some others"] * 16)
        began = perf_counter()
        encoder.encode(titles)
        seconds.append(perf_counter() - began)
    return len(titles) / float(np.median(seconds))


if __name__ == "__main__":
    main()
