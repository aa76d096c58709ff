"""Teaches a cross-encoder with a checkpoint after every step and prints each step, then a digest of the weights.

    python cross_until_killed.py FOLDER METHOD STEP

At this step it waits to be killed; 0: at none.
"""

import hashlib
import signal
import sys
from dataclasses import replace
from pathlib import Path

import torch
from crosses import SMALL, lesson

from zhiyin.training.cross import learn_cross

TITLE = "teaching"


class Told:
    """A line a step of the last phase."""

    def __init__(self) -> None:
        self._last = False

    def start(self, title: str, total: float) -> None:
        self._last = title.startswith(TITLE)

    def advance(self, done: float, note: str = "") -> None:
        if self._last:
            print(f"{done:.0f}", flush=True)  # noqa: T201
            if done == float(sys.argv[3]):
                signal.pause()  # to be killed in

    def done(self) -> None:
        pass


def main() -> None:
    torch.set_num_threads(1)
    folder, method = Path(sys.argv[1]), sys.argv[2]
    recipe = SMALL.model_copy(update={"method": method, "checkpoint": 1e-9, "steps": 14, "learning_rate": None})
    taught = lesson(folder, recipe, keep=folder / "keep")
    taught = replace(taught, asked=replace(taught.asked, progress=Told()))
    digest = hashlib.sha256()
    for name, one in sorted(learn_cross(taught).weights.items()):
        digest.update(name.encode() + one.tobytes())
    print(digest.hexdigest())  # noqa: T201


if __name__ == "__main__":
    main()
