"""S7: how soon it is there: `import zhiyin`, `zhiyin --help`, and a server over 100,000 items from a cold start.

python benchmarks/speed/s7_start.py [--items N]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

from _bench import HERE, Bench, at_most, median
from _shop import make_shop

TIMES = 7
IMPORT = "import time; start = time.perf_counter(); import zhiyin; print(time.perf_counter() - start)"


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--items", type=int, default=100_000)
    n_items = arguments.parse_args().items
    program = Path(sys.executable).with_name("zhiyin")
    with Bench(
        "S7", f"a made shop of {n_items:,} items, zero-shot bundle; cold start until a list can be made"
    ) as bench:
        bench.ours["import_s"] = sorted(import_seconds() for _ in range(TIMES))[TIMES // 2]
        bench.ours["help_s"] = median(lambda: run([str(program), "--help"]), TIMES)
        with tempfile.TemporaryDirectory(dir=HERE) as folder:
            make_shop(Path(folder), n_items, people=200).store.close()
            bench.ours["cold_start_s"] = sorted(cold_start_seconds(folder) for _ in range(3))[1]
        bench.peers["python_s"] = median(lambda: run([sys.executable, "-c", "pass"]), TIMES)
        bench.goal |= {"import_s": at_most(0.2), "help_s": at_most(0.4), "cold_start_s": at_most(3.0)}


def import_seconds() -> float:
    """Of the import alone, in a fresh interpreter."""
    return float(run([sys.executable, "-c", IMPORT]))


def cold_start_seconds(folder: str) -> float:
    """From nothing to the line that says that lists can be made."""
    start = perf_counter()
    with subprocess.Popen([sys.executable, str(HERE / "_server.py"), folder], stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        server.stdout.readline()
        seconds = perf_counter() - start
        server.terminate()
    return seconds


def run(command: list[str]) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    main()
