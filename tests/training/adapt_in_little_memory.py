"""Reads many long texts in one step, with less memory than that takes.

python adapt_in_little_memory.py FOLDER
"""

import logging
import resource
import sys
from pathlib import Path

import torch
from towers import QUICK, assignment

from zhiyin.training.gradients import Gradients
from zhiyin.training.tower_net import load_net

SPARE = 192 * 2**20  # bytes beside what the process has when it begins
TEXTS = tuple(f"{'tea cup ' * 17}{number}" for number in range(4_000))


def main() -> None:
    logging.basicConfig(level=logging.WARNING)
    torch.set_num_threads(1)
    asked = assignment(Path(sys.argv[1]), QUICK)
    net = load_net(asked.model, 40, 0.0).train()
    gradients = Gradients(net, len(TEXTS), "auto")
    gradients.add(TEXTS[:4], lambda vectors: vectors.sum(), 0)
    has = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (has + SPARE, resource.RLIM_INFINITY))
    gradients.add(TEXTS, lambda vectors: vectors.square().sum(), 0)
    if gradients.at_once < len(TEXTS):
        print("learned", gradients.at_once)  # noqa: T201


if __name__ == "__main__":
    main()
