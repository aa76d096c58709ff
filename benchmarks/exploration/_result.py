"""The results file of an exploration benchmark, in the layout that benchmarks/tables.py reads."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

sys.path.append(str(Path(__file__).parent.parent / "speed"))
from _bench import Goal, calibration, commit, machine, median, peak_mb, rounded

__all__ = ["Goal", "median", "rounded", "write"]
RESULTS = Path(__file__).parent / "results"
Numbers = Mapping[str, float]


def write(
    id_: str, ours: Numbers, goal: Mapping[str, Goal], peers: Mapping[str, object], told: Mapping[str, object]
) -> None:
    """`told` is whatever else there is to say: data, seconds, runs, note."""
    result = {
        "id": id_,
        "commit": commit(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "calibration": calibration(),
        "recipe": "default",
        "ours": {name: rounded(value) for name, value in ours.items()},
        "goal": {name: [bound.sense, bound.value] for name, bound in goal.items()},
        "met": all(bound.met(ours[name]) for name, bound in goal.items()),
        "peers": peers,
        "peak_mb": peak_mb(),
        **told,
    }
    RESULTS.mkdir(exist_ok=True)
    text = json.dumps(result, indent=2, ensure_ascii=False)
    (RESULTS / f"{id_}.json").write_text(text + "\n", encoding="utf-8")
    print(text)
