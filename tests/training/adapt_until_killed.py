"""Adapts with a checkpoint after every step and prints each step, then a digest of the weights.

    python adapt_until_killed.py FOLDER METHOD STEP [worded]

At this step it waits to be killed; 0: at none. worded: items have other wordings.
"""

import hashlib
import signal
import sys
from dataclasses import replace
from pathlib import Path

import torch
from towers import QUICK, assignment

from zhiyin.endpoints.rewording import Reworded
from zhiyin.training.tower import adapt

TITLE = "adapting"


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
    recipe = QUICK.model_copy(update={"method": method, "checkpoint": 1e-9, "steps": 14, "learning_rate": None,
                                      "optimizer": "adafactor" if method == "full" else "adamw"})  # fmt: skip
    asked = replace(assignment(folder, recipe, keep=folder / "keep"), progress=Told())
    if sys.argv[4:] == ["worded"]:
        wordings = {row: (f"{text} or so", f"some {text}") for row, text in enumerate(asked.past.texts) if text}
        asked = replace(asked, reworded=Reworded(wordings, {"usable": 2 * len(wordings)}))
    digest = hashlib.sha256()
    for name, one in sorted(adapt(asked).weights.items()):
        digest.update(name.encode() + one.tobytes())
    print(digest.hexdigest())  # noqa: T201


if __name__ == "__main__":
    main()
