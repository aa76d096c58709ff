"""Libraries of others on the same question: they are told what may be known, and answer with lists that we judge.

They live in an environment of their own under the cache folder, made when it is first asked for; each is fitted in
a process of its own, so that its seconds and its peak memory are its own.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from zhiyin.data.splits import Split
from zhiyin.evaluation.judging import Listed

HERE = Path(__file__).parent / "peers"
PEERS = ("implicit_als", "lenskit_item_knn", "lenskit_implicit_mf", "rectools_sasrec")
MINUTES = 15.0  # that each searches its settings in; SASRec needs them for epochs
CORES = 2


@dataclass(frozen=True, slots=True)
class Guests:
    """Asks each library for its lists; what each chose and what it cost is kept in `told`."""

    python: Path  # of their environment
    minutes: float = MINUTES
    seed: int = 0
    told: dict[str, Mapping[str, object]] = field(default_factory=dict)

    def __call__(self, split: Split) -> Mapping[str, Listed]:
        with tempfile.TemporaryDirectory() as name:
            problem = Path(name) / "problem.npz"
            np.savez(problem, **problem_of(split))
            return {peer: self._asked(peer, problem) for peer in PEERS}

    def _asked(self, peer: str, problem: Path) -> Listed:
        out = problem.with_name(f"{peer}.npz")
        words = [f"--peer={peer}", f"--problem={problem}", f"--out={out}", f"--minutes={self.minutes}"]
        subprocess.run(
            [str(self.python), str(HERE / "peers.py"), *words, f"--seed={self.seed}"],
            check=True,
            stdout=subprocess.DEVNULL,
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": str(CORES)},
        )
        self.told[peer] = json.loads(out.with_suffix(".json").read_text())
        with np.load(out, allow_pickle=False) as found:
            return Listed(found["rows"], found["scores"])


def problem_of(split: Split) -> Mapping[str, np.ndarray]:
    """What peers/problem.py reads: positive events alone, as none of these libraries knows dislikes of its own."""
    fit, past = split.fit, split.past
    liked, kept = fit.weights > 0, past.weights > 0
    before = np.concatenate([[0], np.cumsum(kept)])
    return {
        "n_users": np.array(len(fit.users)),
        "n_items": np.array(len(fit.items)),
        "ordered": np.array(fit.ordered),
        "fit_users": fit.user_rows[liked],
        "fit_items": fit.item_rows[liked],
        "asked": split.users,
        "past_indptr": before[past.indptr],
        "past_items": past.rows[kept],
        "masked_indptr": split.masked.indptr,
        "masked_items": split.masked.rows,
        "candidates": split.candidates,
    }


def environment(cache: Path) -> Path:
    """The interpreter of the peers' environment, made anew where the requirements have changed."""
    wanted = HERE / "requirements.txt"
    folder = cache / f"peers-{hashlib.blake2b(wanted.read_bytes(), digest_size=6).hexdigest()}"
    python, ready = folder / "bin" / "python", folder / ".ready"
    if not ready.exists():
        print(f"making the environment of the peers in {folder}, about 1.3 GB", flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", "-r", str(wanted)], check=True)
        ready.touch()
    return python
