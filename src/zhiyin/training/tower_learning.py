"""A tower on its way: planned by its cost, judged now and then, stopped early, gone on with after a kill.

What is random in a step follows from the seed and the step's number, so a training that is killed goes on from its
last checkpoint and ends with the same bits.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic
from typing import Protocol

from zhiyin.progress import Progress
from zhiyin.training.checkpoint import Standing, load, save
from zhiyin.training.craft import Average, Craft, clipped, copied, put
from zhiyin.training.gradients import Gradients
from zhiyin.training.methods import after_step, learned, plan
from zhiyin.training.tower_judging import Judged
from zhiyin.training.tower_net import TowerNet
from zhiyin.training.tower_state import Curve, restored, tensors_of

log = logging.getLogger(__name__)

TRIED = 3  # steps by which the cost is estimated
SPARE = 0.9  # of the minutes that are planned with; the rest is for a machine that becomes slower


class Teacher(Protocol):
    """What is learned."""

    def add(self, number: int) -> float:
        """Add the gradient of the batch of this number; its loss."""
        ...

    def judge(self) -> Judged | None:
        """How good the net is as it is; None where nobody can say."""
        ...


@dataclass(frozen=True, slots=True)
class Way:
    """What is learned by, and where it is kept meanwhile."""

    title: str
    teacher: Teacher
    gradients: Gradients
    craft: Craft
    progress: Progress
    path: Path | None = None  # of the checkpoint; None: none is written
    section: str = "tower"  # of the settings


class TowerLearning:
    """Learn to the end; the net then has the weights that count."""

    def __init__(self, net: TowerNet, way: Way, clock: Callable[[], float] = monotonic) -> None:
        self._net, self._way, self._craft, self._clock = net.train(), way, way.craft, clock
        self._own = learned(net)
        self._optimizer = way.craft.optimizer_of(self._own)
        self._average = Average(way.craft.average, self._own)
        self._best = copied(self._own)
        self.standing = Standing()
        self.curve = Curve()
        self._each = 0.0  # seconds a step

    def run(self) -> Standing:
        kept = load(self._way.path) if self._way.path is not None else None
        if kept is not None:
            put(self._own, {name: kept.tensors[f"net.{name}"] for name in self._own})
            self._average.weights, self._best, self.curve = restored(
                self._net, self._own, self._optimizer, kept.tensors
            )
            self.standing = kept.standing
            self._each = kept.standing.seconds / max(kept.standing.step, 1)
            plan(self._net, kept.standing.planned)
        else:
            self._begin()
        if not self.standing.over:
            self._learn()
        put(self._own, self._best)
        self._net.eval()
        return self.standing

    def told(self) -> str:
        """How it ended, in words."""
        standing = self.standing
        why = (
            "the loss was no number: stopped, the last good weights are kept; a smaller "
            f"{self._way.section}.learning_rate helps"
            if standing.broken
            else "its minutes were over"
            if standing.late
            else "nothing more was gained"
            if standing.early
            else "to the end"
        )
        best = f", best after {standing.best_step}" if self.curve.judged else ""
        return f"{standing.step} of {standing.planned} steps in {standing.seconds / 60:.1f} min ({why}){best}"

    def _begin(self) -> None:
        self._judge(first=True)
        judging = self._judging() if self.curve.judged else 0.0
        self.standing = replace(self.standing, planned=self._planned(judging))
        plan(self._net, self.standing.planned)

    def _judging(self) -> float:
        """Seconds that all judgements will take: of a second one, for the first also counts what is kept."""
        began = self._clock()
        self._way.teacher.judge()
        return self._craft.judgements * (self._clock() - began)

    def _planned(self, judging: float) -> int:
        """As many steps as are wished for, or as fit into the minutes beside so many seconds of judging."""
        began = self._clock()
        for number in range(TRIED):
            self._way.teacher.add(number)
            if number == 0:  # the first is slower than any other
                began = self._clock()
            self._optimizer.zero_grad(set_to_none=True)
        self._each = self._craft.accumulate * (self._clock() - began) / (TRIED - 1)
        affordable = int((SPARE * self._craft.minutes * 60 - judging) / max(self._each, 1e-6))
        planned = max(1, min(self._craft.steps, affordable))
        self._say_cost(planned)
        return planned

    def _say_cost(self, planned: int) -> None:
        wanted = self._craft.steps
        where = self._net.device.type
        if planned < wanted:
            log.warning(
                "%s: %d steps would take %.0f min on this %s, so %d are planned, for which there are %.1f min; a "
                "GPU is wanted for all, or more %s.minutes", self._way.title, wanted, wanted * self._each / 60,
                where, planned, self._craft.minutes, self._way.section,
            )  # fmt: skip

    def _learn(self) -> None:
        spent, began = self.standing.seconds, self._clock()
        saved = began
        self._way.progress.start(self._title(), self.standing.planned)
        every = max(1, math.ceil(self.standing.planned / max(self._craft.judgements, 1)))
        while self.standing.goes_on:
            self._step(self.standing.step)
            now = self._clock()
            if not self.standing.broken:
                self.standing = self.standing.after_step(spent + now - began, self._craft.minutes * 60)
                if self._craft.judgements and self.standing.step % every == 0:
                    self._judge()
            self._way.progress.advance(self.standing.step, self._note())
            if now - saved > self._craft.checkpoint * 60:
                self._save()
                saved = now
        self._end()

    def _end(self) -> None:
        if self.curve.judged and self.curve.judged[-1][0] < self.standing.step and not self.standing.broken:
            self._judge()
        if not self.curve.judged:
            self._best = copied(self._average.weights)
        self.standing = replace(self.standing, over=True)
        self._save()
        self._way.progress.done()
        if self.standing.broken or self.standing.late:
            log.warning("%s: %s", self._way.title, self.told())

    def _step(self, step: int) -> None:
        craft = self._craft
        rate = craft.learning_rate * craft.rate(step, self.standing.planned)
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        losses = [self._way.teacher.add(step * craft.accumulate + n) for n in range(craft.accumulate)]
        loss = sum(losses) / len(losses)
        scaler = self._way.gradients.scaler
        scaler.unscale_(self._optimizer)
        for one in self._own.values():
            if one.grad is not None:
                one.grad.div_(craft.accumulate)
        length = clipped(self._own.values())
        if not (math.isfinite(loss) and (math.isfinite(length) or scaler.is_enabled())):
            self.standing = replace(self.standing, broken=True)
            return
        scaler.step(self._optimizer)
        scaler.update()
        after_step(self._net, step)
        self._optimizer.zero_grad(set_to_none=True)
        self._average.add(self._own, step, self.standing.planned)
        self.curve.add(step + 1, loss, rate)

    def _judge(self, *, first: bool = False) -> None:
        """Are the averaged weights the best so far? What it begins with is the first to be judged."""
        if not self._craft.judgements:
            return
        own = copied(self._own)
        put(self._own, self._average.weights)
        judged = self._way.teacher.judge()
        put(self._own, own)
        if judged is None:
            return
        self.curve.judge(self.standing.step, judged)
        if first or judged.worth > self.standing.best:
            self._best = copied(self._average.weights)
            self.standing = replace(self.standing, best=judged.worth, best_step=self.standing.step, idle=0)
        else:
            idle = self.standing.idle + 1
            self.standing = replace(self.standing, idle=idle, early=idle >= self._craft.patience)

    def _save(self) -> None:
        if self._way.path is not None:
            average, best = self._average.weights, self._best
            found = tensors_of(self._net, self._own, self._optimizer, average, best, self.curve)
            save(self._way.path, found.at(self.standing))

    def _title(self) -> str:
        left = (self.standing.planned - self.standing.step) * self._each / 60
        return (
            f"{self._way.title} on {self._net.device.type}: {self.standing.planned} steps of {self._each:.1f} s, "
            f"about {left:.1f} min"
        )

    def _note(self) -> str:
        loss = f"loss {self.curve.steps[-1][1]:.3f}" if self.curve.steps else ""
        judged = f"held out {self.standing.best:.4f}" if self.curve.judged else ""
        return ", ".join(part for part in (loss, judged) if part)
