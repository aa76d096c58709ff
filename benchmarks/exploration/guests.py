"""The environment of the libraries of others, under the cache folder, and what is asked of it."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

HERE = Path(__file__).parent / "peers"


def environment(cache: Path, requirements: str = "requirements.txt", *, alone: bool = False) -> Path:
    """Its interpreter; made anew where the requirements have changed. `alone`: nothing else is installed."""
    wanted = HERE / requirements
    folder = cache / f"bandits-{hashlib.blake2b(wanted.read_bytes(), digest_size=6).hexdigest()}"
    python, ready = folder / "bin" / "python", folder / ".ready"
    if not ready.exists():
        print(f"making the environment of the peers in {folder}, 500 MB and more", flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        without = ["--no-deps"] if alone else []
        words = [str(python), "-m", "pip", "install", "--quiet", *without, "-r", str(wanted)]
        subprocess.run(words, check=True)
        ready.touch()
    return python


def river_sets(python: Path) -> Mapping[str, np.ndarray]:
    """The data sets inside river's wheel."""
    with TemporaryDirectory() as folder:
        out = Path(folder) / "sets.npz"
        _ask(python, "sets", f"--out={out}")
        with np.load(out, allow_pickle=False) as found:
            return dict(found)


def played(python: Path, problem: Mapping[str, np.ndarray], seed: int) -> Mapping[str, Mapping[str, list[float]]]:
    """Of each player of others and each set, its errors, a number a shuffle."""
    with TemporaryDirectory() as folder:
        posed, out = Path(folder) / "problem.npz", Path(folder) / "errors.json"
        np.savez(posed, **problem)
        _ask(python, "play", f"--problem={posed}", f"--out={out}", f"--seed={seed}")
        return json.loads(out.read_text())


def clocked(python: Path) -> Mapping[str, float]:
    """Milliseconds that others need."""
    with TemporaryDirectory() as folder:
        out = Path(folder) / "clock.json"
        _ask(python, "clock", f"--out={out}")
        return json.loads(out.read_text())


def _ask(python: Path, *words: str) -> None:
    outside = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    threads = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    subprocess.run([str(python), str(HERE / "peers.py"), *words], check=True, env={**outside, **threads})
