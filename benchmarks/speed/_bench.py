"""What all speed benchmarks share: the machine, a calibration beside every number, and the results file.

    with Bench("S2") as bench:
        bench.ours["rps_10k"] = ...
        bench.goal["rps_10k"] = at_least(900)

On leaving, benchmarks/speed/results/S2.json is written; numbers of the same id by other scripts are kept.
"""

from __future__ import annotations

import json
import os
import platform
import resource
import sqlite3
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from types import TracebackType
from typing import Literal, Self

import numpy as np

HERE = Path(__file__).parent
RESULTS = HERE / "results"
PRODUCT = 512  # side of the matrices of the calibration
INSERTS = 200  # durable transactions of the calibration


@dataclass(frozen=True, slots=True)
class Goal:
    """A bound on one of our numbers."""

    value: float
    sense: Literal["at most", "at least"]

    def met(self, ours: float) -> bool:
        return ours <= self.value if self.sense == "at most" else ours >= self.value


def at_most(value: float) -> Goal:
    return Goal(value, "at most")


def at_least(value: float) -> Goal:
    return Goal(value, "at least")


@dataclass(slots=True)
class Bench:
    """One run of a benchmark, from the first clock to the results file."""

    id: str
    data: str  # what was measured on, in words
    note: str = ""
    keep: bool = True  # false: a try, that is printed and not written to the results
    ours: dict[str, float] = field(default_factory=dict)
    peers: dict[str, float] = field(default_factory=dict)  # measured beside, to compare
    goal: dict[str, Goal] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    _start: float = 0.0

    def __enter__(self) -> Self:
        self._start = perf_counter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.seconds["total"] = round(perf_counter() - self._start, 1)
            with tempfile.TemporaryDirectory() as nowhere:
                print(self.write(RESULTS if self.keep else Path(nowhere)).read_text())

    def write(self, folder: Path = RESULTS) -> Path:
        """The results file. What another script wrote under this id and we did not measure stays."""
        folder.mkdir(exist_ok=True)
        path = folder / f"{self.id}.json"
        before = json.loads(path.read_text()) if path.exists() else {}
        ours = before.get("ours", {}) | {name: rounded(value) for name, value in self.ours.items()}
        goal = before.get("goal", {}) | {name: [bound.sense, bound.value] for name, bound in self.goal.items()}
        met = all(name in ours and Goal(value, sense).met(ours[name]) for name, (sense, value) in goal.items())
        result = {
            "id": self.id,
            "commit": commit(),
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
            "machine": machine(),
            "calibration": calibration(),
            "data": self.data,
            "recipe": "default",
            "ours": ours,
            "peers": before.get("peers", {}) | {name: rounded(value) for name, value in self.peers.items()},
            "goal": goal,
            "met": met,
            "seconds": before.get("seconds", {}) | self.seconds,
            "peak_mb": peak_mb(),
            "runs": 1,
            "note": self.note or _busy(),
        }
        path.write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n")
        return path


def machine() -> Mapping[str, str | int]:
    """What kind of machine this is, without its name."""
    ram = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0)),
        "ram": f"{round(ram / 2**30)} GiB",
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
    }


def calibration() -> Mapping[str, float]:
    """The same work everywhere: a product of two float32 matrices, and a durable SQLite transaction."""
    rng = np.random.default_rng(1)
    left, right = rng.random((2, PRODUCT, PRODUCT), np.float32)
    product = median(lambda: left @ right, 20)
    with tempfile.TemporaryDirectory(dir=HERE) as folder, closing(_database(Path(folder))) as connection:
        insert = median(lambda: connection.execute("INSERT INTO t VALUES (?)", ("x" * 100,)), INSERTS)
    load = os.getloadavg()[0]
    return {"product_ms": rounded(product * 1e3), "insert_ms": rounded(insert * 1e3), "load_1min": rounded(load)}


def median(act: Callable[[], object], times: int) -> float:
    """Median seconds of an act."""
    return float(np.median(clocked(act, times)))


def clocked(act: Callable[[], object], times: int) -> list[float]:
    """Seconds of each of so many acts."""
    seconds = []
    for _ in range(times):
        start = perf_counter()
        act()
        seconds.append(perf_counter() - start)
    return seconds


def percentile_ms(seconds: Sequence[float], q: float) -> float:
    return float(np.percentile(seconds, q)) * 1e3


def peak_mb() -> float:
    """The most memory this process and its largest child ever held."""
    kilobytes = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return round(kilobytes / 1024)


def own_peak_mb() -> float:
    """The most memory this process held itself; ru_maxrss begins with what the one that started it held."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(round(int(line.split()[1]) / 1024) for line in lines if line.startswith("VmHWM:"))


def commit() -> str:
    """The commit that was measured; with a plus where files differ from it."""
    said = subprocess.run(
        ["git", "describe", "--always", "--dirty=+"], cwd=HERE, capture_output=True, text=True, check=False
    )
    return said.stdout.strip() or "unknown"


def rounded(value: float) -> float:
    """Four significant digits."""
    return float(f"{value:.4g}")


def _busy() -> str:
    """A warning where others were at work, too: then no number here says much."""
    load, cores = os.getloadavg()[0], len(os.sched_getaffinity(0))
    return f"the machine was busy with other work (load {load:.1f} on {cores} cores)" if load > 1.5 * cores else ""


def _database(folder: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(folder / "calibration.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE t (x TEXT)")
    return connection


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()
