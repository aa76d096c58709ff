"""Teaches a tiny student with a checkpoint after every step and prints each step, then a digest of its weights.

    python teach_until_killed.py FOLDER [whole]

Without `whole` it waits at a step, to be killed in.
"""

import hashlib
import signal
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from zhiyin.encoders.language import LanguageEncoder
from zhiyin.encoders.pretrained import Pretrained, find_pretrained
from zhiyin.progress import Progress, Silent
from zhiyin.testing.tiny_models import WORDS, tiny_model
from zhiyin.training.distil.recipe import Teaching
from zhiyin.training.distil.static import Bench
from zhiyin.training.distil.student import taught
from zhiyin.training.pruning.layers import with_layers
from zhiyin.training.pruning.model import LooseModel

TEACHING = Teaching(minutes=5, steps=60, batch=16, learning_rate=5e-3, judgements=3, checkpoint=1e-9)
LAST = 6  # step


class Told:
    """A line a step."""

    def start(self, title: str, total: float) -> None:
        pass

    def advance(self, done: float, note: str = "") -> None:
        print(f"{done:.0f}", flush=True)  # noqa: T201
        if len(sys.argv) < 3 and done >= LAST:
            signal.pause()

    def done(self) -> None:
        pass


def lesson_of(n: int, seed: int = 0) -> list[str]:
    rng = np.random.default_rng(seed)
    return [" ".join(rng.choice(WORDS[4:], rng.integers(1, 7))) for _ in range(n)]


def small(folder: Path) -> tuple[Pretrained, LooseModel]:
    """A teacher of two layers, and the student that has one of them."""
    teacher = find_pretrained(str(tiny_model(folder / "teacher")), Path())
    return teacher, with_layers(LooseModel.of(teacher), [0])


def bench_of(folder: Path, progress: Progress | None = None) -> Bench:
    return Bench(folder / "kept", progress or Silent())


def main() -> None:
    folder = Path(sys.argv[1])
    teacher, student = small(folder)
    texts = lesson_of(200)
    rows = LanguageEncoder(teacher, folder / "graphs", "float32").encode(texts)
    found = taught(student, texts, [rows], replace(TEACHING, steps=20), bench_of(folder, Told()))
    digest = hashlib.sha256()
    for _, one in sorted(found.model.weights.items()):
        digest.update(one.tobytes())
    print(digest.hexdigest())  # noqa: T201


if __name__ == "__main__":
    main()
