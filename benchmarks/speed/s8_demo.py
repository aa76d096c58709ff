"""S8: from a fresh checkout to the first recommendation of the demo: environment, data, training, evaluation.

    python benchmarks/speed/s8_demo.py [--data movielens]

The package cache is as warm as it is; nothing else is kept.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from time import perf_counter

from _bench import HERE, Bench, at_most

ROOT = HERE.parent.parent
GOAL = 180.0  # seconds


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--data", default="movielens")
    data = arguments.parse_args().data
    with tempfile.TemporaryDirectory() as folder, Bench("S8", f"the demo with {data}") as bench:
        copy = checkout(Path(folder))
        start = perf_counter()
        run(["make", ".venv/.serving"], copy)
        installed = perf_counter()
        zhiyin = str(copy / ".venv" / "bin" / "zhiyin")
        run([zhiyin, "demo", "--data", data, "--no-serve"], copy)
        live = perf_counter()
        answer = run([zhiyin, "recommend", "--folder", "demo", "--user", "1", "--json"], copy)
        assert json.loads(answer)["items"]
        bench.ours["seconds"] = perf_counter() - start
        bench.seconds |= {"install": round(installed - start, 1), "demo": round(live - installed, 1)}
        bench.goal["seconds"] = at_most(GOAL)


def checkout(folder: Path) -> Path:
    """The files of the working tree that belong to the project."""
    listed = run(["git", "ls-files", "--cached", "--others", "--exclude-standard"], ROOT)
    for name in listed.splitlines():
        if (ROOT / name).is_file():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target)
    return folder


def run(command: list[str], where: Path) -> str:
    """What it says, with make's own variables out of the way."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    done = subprocess.run(command, cwd=where, check=True, stdout=subprocess.PIPE, text=True, env=environment)
    return done.stdout


if __name__ == "__main__":
    main()
