"""S4, the bulk half: a CSV of events into SQLite with validation and deduplication. Goal: ≥ 50,000 rows/s, < 2 GB.

python benchmarks/speed/s4_import.py [--rows 1000000]
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


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rows", type=int, default=1_000_000)
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
        bench.ours["bulk_events_per_s"] = given.rows / (perf_counter() - start)
        bench.ours["import_peak_mb"] = peak_mb()
        bench.goal |= {"bulk_events_per_s": at_least(50_000), "import_peak_mb": at_most(2_000)}
        store.close()


def _write(path: Path, rows: int) -> None:
    rng = np.random.default_rng(3)
    people, items = rng.integers(0, 20_000, rows), rng.integers(0, 10_000, rows)
    kinds = np.array(["view", "click", "purchase"])[rng.integers(0, 3, rows)]
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["user_id", "item_id", "type", "timestamp"])
        for number, row in enumerate(zip(people.tolist(), items.tolist(), kinds.tolist(), strict=True)):
            writer.writerow([f"u{row[0]}", f"i{row[1]}", row[2], 1_700_000_000 + number])


if __name__ == "__main__":
    main()
