"""How a net learns: sampled softmax, AdamW with warm-up and cosine decay, averaged weights, early stopping.

What is served and judged is a moving average of the weights (Polyak & Juditsky 1992), which stands where a smaller
learning rate would. A training that is killed goes on from its last checkpoint and ends with the same bits.
"""

from __future__ import annotations

import hashlib
import logging
import math
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from time import monotonic

import numpy as np
import torch
from torch import Tensor

from zhiyin.data.dataset import Floats
from zhiyin.data.vocabulary import PAD, Rows
from zhiyin.models.causal import Causal
from zhiyin.models.sequence import SequenceRecipe
from zhiyin.progress import Progress
from zhiyin.training.checkpoint import Checkpoint, Standing, Tensors, load, save
from zhiyin.training.judging import Held
from zhiyin.training.net import Net
from zhiyin.training.rivals import Rivals
from zhiyin.training.softmax import softmax_loss
from zhiyin.training.windows import Windows

log = logging.getLogger(__name__)

WARM = 100  # steps, but never more than a tenth of all
LAST = 0.05  # of the highest learning rate at the end
BETAS = (0.9, 0.98)
DECAY = 0.01  # of the weights of the blocks
MOST_GRADIENT = 1.0
AVERAGED = 0.99
TRIED = 4  # steps by which the cost is estimated
MOMENTS = ("exp_avg", "exp_avg_sq")  # of the optimizer, beside its number of steps
SPARE = 0.9  # of the minutes that are planned with; the rest is for a machine that becomes slower


@dataclass(frozen=True, slots=True)
class Lesson:
    """What is learned from, for how long, and where it is kept meanwhile."""

    windows: Windows
    rivals: Rivals
    held: Held | None  # what it is judged by; None: nothing, the last weights count
    recipe: SequenceRecipe
    steps: int  # at most
    minutes: float
    seed: int
    progress: Progress
    keep: Path | None = None  # folder of the checkpoint; None: none is written

    @property
    def path(self) -> Path | None:
        """Of the checkpoint: of another lesson it has another name."""
        if self.keep is None:
            return None
        digest = hashlib.sha256(
            f"{self.recipe.model_dump_json()} {self.steps} {self.minutes} {self.seed}".encode()
        )
        for array in (self.windows.histories.indptr, self.windows.histories.rows):
            digest.update(array.tobytes())
        return self.keep / f"sequence-{digest.hexdigest()[:16]}.safetensors"


class Learning:
    """A net on its way."""

    def __init__(self, net: Net, lesson: Lesson, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self._net, self._lesson = net.to(self._device).train(), lesson
        matrices = [one for name, one in net.named_parameters() if one.ndim == 3 and name != "near"]
        others = [one for name, one in net.named_parameters() if one.ndim < 3 or name == "near"]
        groups = [{"params": matrices, "weight_decay": DECAY}, {"params": others, "weight_decay": 0.0}]
        self._optimizer = torch.optim.AdamW(groups, lr=lesson.recipe.learning_rate, betas=BETAS)
        self._average = {name: one.detach().clone() for name, one in net.named_parameters()}
        self._best = {name: one.clone() for name, one in self._average.items()}
        self._standing = Standing()
        self._each = 0.0  # seconds a step

    def run(self) -> Standing:
        """Learn to the end; the net then has the best weights, averaged."""
        kept = load(self._lesson.path) if self._lesson.path is not None else None
        if kept is not None:
            self._restore(kept)
        elif self._lesson.steps:
            self._standing = Standing(planned=self._planned())
        if not self._standing.over:
            self._learn()
        self._net.take(self._best)
        return self._standing

    def _learn(self) -> None:
        lesson, spent, began = self._lesson, self._standing.seconds, self._clock()
        saved = began
        lesson.progress.start(self._title(), self._standing.planned)
        for read, wanted in self._batches():
            self._step(self._standing.step, read, wanted)
            now = self._clock()
            self._standing = self._standing.after_step(spent + now - began, lesson.minutes * 60)
            lesson.progress.advance(self._standing.step, self._note())
            if now - saved > lesson.recipe.checkpoint * 60:
                self._save()
                saved = now
        if lesson.held is None:
            self._best = {name: one.clone() for name, one in self._average.items()}
        self._standing = replace(self._standing, over=True)
        self._save()
        lesson.progress.done()
        if self._standing.late:
            log.warning(
                "the sequence net stopped after %d of %d steps: its %.1f minutes were over; the best weights so "
                "far are kept", self._standing.step, self._standing.planned, lesson.minutes
            )  # fmt: skip

    def _batches(self) -> Iterator[tuple[Rows, Rows]]:
        """What is read and what comes next, from where the training stands; judged after each epoch."""
        while self._standing.goes_on:
            epoch, within = self._standing.epoch, self._standing.within
            for batch in islice(self._lesson.windows.epoch(epoch), within, None):
                yield batch
                if not self._standing.goes_on:
                    break
            self._standing = replace(self._standing, epoch=epoch + 1, within=0)
            self._judge()

    def _step(self, step: int, read: Rows, wanted: Rows) -> None:
        torch.manual_seed((self._lesson.seed << 32) + step)
        for group in self._optimizer.param_groups:
            group["lr"] = self._lesson.recipe.learning_rate * self._rate(step)
        self._gradient(step, read, wanted)
        torch.nn.utils.clip_grad_norm_(self._net.parameters(), MOST_GRADIENT)
        self._optimizer.step()
        share = 1.0 - min(AVERAGED, (1 + step) / (10 + step))
        with torch.no_grad():
            for name, one in self._net.named_parameters():
                self._average[name].lerp_(one, share)

    def _gradient(self, step: int, read: Rows, wanted: Rows) -> None:
        """Of the mean loss, part by part."""
        self._optimizer.zero_grad(set_to_none=True)
        told, rivals = self._net.told(), self._lesson.rivals.at(step)
        total = int((wanted != PAD).sum())
        for some in np.array_split(np.arange(len(read)), min(self._lesson.recipe.accumulate, len(read))):
            with self._autocast():
                loss = softmax_loss(self._net, read[some], wanted[some], told, rivals)
            (loss / total).backward()

    def _judge(self) -> None:
        """After an epoch: are the averaged weights the best so far?"""
        held, standing = self._lesson.held, self._standing
        if held is None:
            return
        worth = held.worth(*self._served(self._average))
        if worth > standing.best:
            self._best = {name: one.clone() for name, one in self._average.items()}
            self._standing = replace(standing, best=worth, best_step=standing.step, idle=0)
        else:
            idle = standing.idle + 1
            self._standing = replace(standing, idle=idle, early=idle >= self._lesson.recipe.patience)

    def _served(self, weights: Tensors) -> tuple[Causal, Floats]:
        """As the net would be served with other weights."""
        own = {name: one.detach().clone() for name, one in self._net.named_parameters()}
        self._net.take(weights)
        served = self._net.served()
        self._net.take(own)
        return served

    def _rate(self, step: int) -> float:
        """The share of the highest learning rate."""
        planned = max(self._standing.planned, 1)
        warm = min(1.0, (step + 1) / max(1, min(WARM, planned // 10)))
        return warm * (LAST + (1 - LAST) * 0.5 * (1 + math.cos(math.pi * min(1.0, step / planned))))

    def _planned(self) -> int:
        """As many steps as the minutes are likely to hold, tried out on some without learning from them."""
        times = []
        for step, (read, wanted) in enumerate(islice(self._lesson.windows.epoch(0), TRIED)):
            began = self._clock()
            self._gradient(step, read, wanted)
            times.append(self._clock() - began)
        self._optimizer.zero_grad(set_to_none=True)
        self._each = float(np.mean(times[1:] or times)) if times else 0.0
        affordable = int(SPARE * self._lesson.minutes * 60 / max(self._each, 1e-6))
        return max(1, min(self._lesson.steps, affordable))

    def _title(self) -> str:
        standing, lesson = self._standing, self._lesson
        an_epoch = lesson.windows.steps()
        left = (standing.planned - standing.step) * self._each / 60
        epochs = standing.planned / max(an_epoch, 1)
        return f"learning what follows what on {self._device.type}: {epochs:.1f} epochs, about {left:.1f} min"

    def _note(self) -> str:
        standing = self._standing
        judged = f", held out {standing.best:.4f}" if standing.best_step else ""
        return f"epoch {standing.epoch + 1}{judged}"

    def _save(self) -> None:
        if self._lesson.path is None:
            return
        named = dict(self._net.named_parameters())
        tensors = {f"net.{name}": one for name, one in named.items()}
        tensors |= {f"average.{name}": one for name, one in self._average.items()}
        tensors |= {f"best.{name}": one for name, one in self._best.items()}
        for name, one in named.items():
            state = self._optimizer.state[one]
            tensors |= {f"{moment}.{name}": state[moment] for moment in MOMENTS if moment in state}
        save(self._lesson.path, Checkpoint(self._standing, tensors))

    def _restore(self, kept: Checkpoint) -> None:
        def named(part: str) -> dict[str, Tensor]:
            return {name: kept.tensors[f"{part}.{name}"].to(self._device) for name in self._average}

        self._each = kept.standing.seconds / max(kept.standing.step, 1)
        self._standing, self._average, self._best = kept.standing, named("average"), named("best")
        weights, moments = named("net"), {moment: named(moment) for moment in MOMENTS}
        with torch.no_grad():
            for name, one in self._net.named_parameters():
                one.copy_(weights[name])
                state = {moment: found[name] for moment, found in moments.items()}
                self._optimizer.state[one] = state | {"step": torch.tensor(float(kept.standing.step))}

    def _autocast(self) -> AbstractContextManager[object]:
        """Products in 16 bits where that is asked for, or on a GPU."""
        asked = self._lesson.recipe.precision
        short = asked == "bfloat16" or (asked == "auto" and self._device.type == "cuda")
        return torch.autocast(self._device.type, torch.bfloat16, enabled=short)
