"""S4, the bulk half: a CSV of events into SQLite with validation and deduplication. Goal: ≥ 50,000 rows/s, < 2 GB.

python benchmarks/speed/s4_import.py [--rows 1000000]

The clock stops when the store is closed, its log copied into the file. With another number of rows, such as
10,000,000, the numbers stand under names of their own.
"""

from __future__ import annotations

import argparse
import csv
import tempfile
from pathlib import Path
from time import perf_counter

import numpy as np
from _bench import Bench, at_least, at_most, peak_mb

from zhiyin.data.store.open import open_store
from zhiyin.settings_file import load_settings
from zhiyin.workflows.ingest import ingest
from zhiyin.workflows.init import Files, init_project

ROWS = 1_000_000
CHUNK = 100_000  # rows made at once


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rows", type=int, default=ROWS)
    given = arguments.parse_args()
    with (
        tempfile.TemporaryDirectory() as name,
        Bench("S4", f"bulk: {given.rows:,} rows of CSV; HTTP: batches, made shop") as bench,
    ):
        folder = Path(name)
        _write(folder / "events.csv", given.rows)
        init_project(folder, Files(events=folder / "events.csv"))
        settings = load_settings(folder)
        store = open_store(settings.store_url())
        start = perf_counter()
        ingest(settings, store)
        store.close()
        size = "" if given.rows == ROWS else f"_of_{given.rows // 1_000_000}m"
        bench.ours[f"bulk{size}_events_per_s"] = given.rows / (perf_counter() - start)
        bench.ours[f"import{size}_peak_mb"] = peak_mb()
        bench.goal[f"import{size}_peak_mb"] = at_most(2_000)
        if not size:
            bench.goal["bulk_events_per_s"] = at_least(50_000)


def _write(path: Path, rows: int) -> None:
    rng = np.random.default_rng(3)
    kinds = ["view", "click", "purchase"]
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["user_id", "item_id", "type", "timestamp"])
        for start in range(0, rows, CHUNK):
            made = rng.integers(0, (20_000, 10_000, 3), (min(CHUNK, rows - start), 3)).tolist()
            for number, (person, item, kind) in enumerate(made, start):
                writer.writerow([f"u{person}", f"i{item}", kinds[kind], 1_700_000_000 + number])


if __name__ == "__main__":
    main()
