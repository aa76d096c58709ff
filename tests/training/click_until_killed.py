"""Learns a click model, a line a step, and can be killed on the way; then the digest of what was learned."""

import hashlib
import signal
import sys
from pathlib import Path

from cycles import cycle_dataset, meaning_of, run_of

from zhiyin.models.base import Run
from zhiyin.models.clicks import ClicksRecipe
from zhiyin.training.clicks import teach

RECIPE = ClicksRecipe(rows="meaning", dim=8, inner=6, epochs=2, batch=64, negatives=12, checkpoint=1e-9)
LAST = 12  # step


class Told:
    """A line a step."""

    def start(self, title: str, total: float) -> None:
        pass

    def advance(self, done: float, note: str = "") -> None:
        print(f"{done:.0f}", flush=True)  # noqa: T201
        if len(sys.argv) < 3 and done >= LAST:
            signal.pause()  # to be killed in

    def done(self) -> None:
        pass


def main() -> None:
    data = cycle_dataset()
    run = Run(run_of().encoder, 0, Told(), Path(sys.argv[1]))
    taught = teach(RECIPE, data, run, meaning_of(data))
    digest = hashlib.sha256()
    for one in taught.net.parameters():
        digest.update(one.detach().numpy().tobytes())
    print(digest.hexdigest())  # noqa: T201


if __name__ == "__main__":
    main()
