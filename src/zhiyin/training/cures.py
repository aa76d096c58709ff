"""What can be done where learning does not end well, as the settings of whoever learns are called."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cures:
    """Each completes a sentence."""

    time: str  # "…, or more …"
    loss: str  # "a loss that is no number: …"
    memory: str  # "the memory does not suffice for one text: …"


OF_TOWERS = Cures(
    "more tower.minutes",
    "a smaller tower.learning_rate helps",
    'set a smaller tower.longest, or tower.checkpointing = true, or tower.method = "dense"',
)
OF_PRETRAINING = Cures(
    "more tower.pretraining.minutes",
    "a smaller tower.pretraining.learning_rate helps",
    'set a smaller tower.longest, or tower.pretraining.objective = "none"',
)
OF_CLICKS = Cures(
    "more recipe.clicks.minutes",
    "a smaller recipe.clicks.learning_rate helps",
    "set a smaller recipe.clicks.batch, or a smaller recipe.clicks.negatives",
)
OF_CROSS = Cures(
    "more cross.minutes",
    "a smaller cross.learning_rate helps",
    "set a smaller cross.longest, or a cross.method that learns less, such as lora",
)
OF_STUDENTS = Cures(
    "more --minutes",
    "more --layers, or less --sparsity, leave it closer to its teacher",
    "fewer --layers need less, and --minutes 0 teaches nothing",
)
