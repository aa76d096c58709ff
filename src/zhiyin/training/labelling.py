"""A language model taught to tell labels: all of its weights, by cross-entropy, from where a frozen head stands.

Devlin et al. 2019, section 4; the row of a text is the one that is served (mean or first token, length 1), and the
head begins as the logistic regression over the frozen rows, so that the first step is no worse than no step. AdamW
(Loshchilov & Hutter 2019) with a warm-up and a linear end; the epoch of the lowest held-out log loss is kept.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, log_softmax, normalize

from zhiyin._extras import need
from zhiyin.data.dataset import Floats
from zhiyin.data.vocabulary import Rows
from zhiyin.encoders.base import MAX_READ
from zhiyin.encoders.pretrained import Pretrained
from zhiyin.encoders.published import CONFIG, TOKENS, WEIGHTS
from zhiyin.errors import InvalidData
from zhiyin.labels.examples import Labelled
from zhiyin.labels.linear import fit_logistic
from zhiyin.progress import Progress
from zhiyin.training.checkpoint import Checkpoint, Standing, load, save

TIMED = 3  # steps that tell how long all will take
LONGEST = 128  # tokens
WARM_UP = 0.1  # of the steps
REG = 1e-4  # of the head that it begins with
HEAD_RATE = 10.0  # times the learning rate
BESIDE = ("*sentence*.json", "modules.json", "*_Pooling", "README.md", "tokenizer_config.json", "vocab.txt")


@dataclass(frozen=True, slots=True)
class Lesson:
    """How much is done, and how. Over by `minutes`, whatever was reached."""

    epochs: int = 8
    batch: int = 16
    learning_rate: float = 5e-5
    patience: int = 2  # epochs without gain
    minutes: float = 30.0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Lessons:
    """What came of it, by the texts that were held out: mean log loss before, and at best."""

    before: float
    after: float
    epoch: int  # the best one; 0: no epoch was better than none
    seconds: float
    stopped: str  # all epochs | nothing gained | out of time | not finite


def teach_tower(
    model: Pretrained, data: Labelled, held: Rows, target: Path, lesson: Lesson, progress: Progress
) -> Lessons:
    """Write the taught model into the folder `target`, as sentence-transformers lays it out. `held`: rows of the
    examples that are not learned from. Killed, it goes on after the last whole epoch (`target`.unfinished).

    Raises MissingExtra without torch or transformers, InvalidData for a model without weights.
    """
    if not (model.folder / WEIGHTS).is_file():
        raise InvalidData(f"{model.name} has no {WEIGHTS}, so it cannot be taught: name another model")
    tower = _Tower(model, data, held, lesson)
    path = target.with_suffix(".unfinished")
    standing, best, before = tower.begun(load(path))
    stopped, began = "", perf_counter()
    while not stopped and standing.epoch < lesson.epochs:
        stopped, standing = tower.epoch(standing, progress, perf_counter() - began)
        if stopped:
            break
        loss = tower.held_loss()
        if not np.isfinite(loss):
            stopped = "not finite"
        elif -loss > standing.best:
            best, standing = tower.weights(), replace(standing, best=-loss, best_step=standing.epoch, idle=0)
        else:
            standing = replace(standing, idle=standing.idle + 1)
            stopped = "nothing gained" if standing.idle >= lesson.patience else ""
        if stopped != "not finite":
            save(path, tower.checkpoint(standing, best, before))
    progress.done()
    _write(model, target, best)
    path.unlink(missing_ok=True)
    return Lessons(before, -standing.best, standing.best_step, perf_counter() - began, stopped or "all epochs")


class _Tower:
    """The net, its head, and the texts as tokens."""

    def __init__(self, model: Pretrained, data: Labelled, held: Rows, lesson: Lesson) -> None:
        torch.manual_seed(lesson.seed)
        transformers = need("transformers", extra="train")
        transformers.utils.logging.set_verbosity_error()  # its bars and advice are for others
        transformers.utils.logging.disable_progress_bar()
        self._net = transformers.AutoModel.from_pretrained(str(model.folder))
        self._pooling, self._lesson, self._data = model.pooling, lesson, data
        reader = need("tokenizers", extra="text").Tokenizer.from_file(str(model.folder / TOKENS))
        reader.no_padding()
        reader.enable_truncation(min(model.longest, LONGEST))
        self._ids = [reader.encode(model.prompt + text[:MAX_READ]).ids for text in data.texts]
        self._held = held
        self._train = np.setdiff1d(np.arange(len(data.texts)), held)
        self.steps = -(-len(self._train) // lesson.batch)
        head = fit_logistic(self._frozen(self._train), data.truth[self._train], REG, multi=data.multi)
        self._head = torch.nn.Linear(*head.weights.shape)
        self._head.load_state_dict(
            {"weight": torch.from_numpy(head.weights.T.copy()), "bias": torch.from_numpy(head.bias)}
        )
        groups = [
            {"params": list(self._net.parameters()), "lr": lesson.learning_rate},
            {"params": list(self._head.parameters()), "lr": lesson.learning_rate * HEAD_RATE},
        ]
        self._optimizer = torch.optim.AdamW(groups, weight_decay=0.01)
        self._rates = [float(group["lr"]) for group in self._optimizer.param_groups]

    def epoch(self, standing: Standing, progress: Progress, spent: float) -> tuple[str, Standing]:
        """All texts once, in an order that seed and epoch decide. Why it stopped, if it did, and where it is."""
        lesson, began = self._lesson, perf_counter()
        order = np.random.default_rng([lesson.seed, standing.epoch]).permutation(self._train)
        torch.manual_seed(lesson.seed * 1_000 + standing.epoch)
        self._net.train()
        for n, start in enumerate(range(0, len(order), lesson.batch)):
            self._set_rates(standing)
            if not np.isfinite(self._step(order[start : start + lesson.batch])):
                return "not finite", standing
            standing = replace(standing, step=standing.step + 1)
            took = perf_counter() - began
            if n + 1 == TIMED:
                told = (
                    f"teaching {lesson.epochs} epochs: at most {took / TIMED * standing.planned / 60:.0f} minutes"
                )
                progress.start(told, standing.planned)
            progress.advance(standing.step, f"epoch {standing.epoch + 1}, held-out loss {-standing.best:.3f}")
            if spent + took > lesson.minutes * 60:
                return "out of time", standing
        return "", replace(standing, epoch=standing.epoch + 1, seconds=standing.seconds + perf_counter() - began)

    def held_loss(self) -> float:
        """Mean over the held-out texts."""
        self._net.eval()
        total = 0.0
        with torch.no_grad():
            for some in self._batches(self._held, 64):
                total += float(self._loss(some)) * len(some)
        return total / len(self._held)

    def weights(self) -> dict[str, Tensor]:
        """Of all that is served; what transformers adds at the top is not."""
        state = self._net.state_dict()
        return {name: one.detach().clone() for name, one in state.items() if not name.startswith("pooler.")}

    def checkpoint(self, standing: Standing, best: dict[str, Tensor], before: float) -> Checkpoint:
        """All that is needed to go on, AdamW's moments included."""
        tensors = {f"net.{name}": tensor for name, tensor in self._net.state_dict().items()}
        tensors |= {f"head.{name}": tensor for name, tensor in self._head.state_dict().items()}
        tensors |= {f"best.{name}": tensor for name, tensor in best.items()}
        for number, state in self._optimizer.state_dict()["state"].items():
            tensors |= {f"adam.{number}.{name}": tensor for name, tensor in state.items()}
        return Checkpoint(standing, {**tensors, "before.loss": torch.tensor(before, dtype=torch.float64)})

    def begun(self, kept: Checkpoint | None) -> tuple[Standing, dict[str, Tensor], float]:
        """Where to go on from, the best weights so far, and the held-out loss before the first step."""
        if kept is None:
            loss = self.held_loss()
            return Standing(best=-loss, planned=self.steps * self._lesson.epochs), self.weights(), loss
        parts: dict[str, dict[str, Tensor]] = {"net": {}, "head": {}, "best": {}, "adam": {}, "before": {}}
        for name, tensor in kept.tensors.items():
            kind, _, rest = name.partition(".")
            parts[kind][rest] = tensor
        self._net.load_state_dict(parts["net"])
        self._head.load_state_dict(parts["head"])
        state: dict[int, dict[str, Tensor]] = {}
        for name, tensor in parts["adam"].items():
            number, _, rest = name.partition(".")
            state.setdefault(int(number), {})[rest] = tensor
        groups = self._optimizer.state_dict()["param_groups"]
        self._optimizer.load_state_dict({"state": state, "param_groups": groups})
        return kept.standing, parts["best"], float(parts["before"]["loss"])

    def _step(self, some: Rows) -> float:
        loss = self._loss(some)
        self._optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_([*self._net.parameters(), *self._head.parameters()], 1.0)
        self._optimizer.step()
        return float(loss.detach())

    def _loss(self, some: Rows) -> Tensor:
        truth = torch.from_numpy(self._data.truth[some])
        scores = self._head(self._rows(some))
        if self._data.multi:
            return binary_cross_entropy_with_logits(scores, truth, reduction="sum") / len(some)
        return -(log_softmax(scores, dim=1) * truth).sum() / len(some)

    def _rows(self, some: Rows) -> Tensor:
        """(n, dim) as they are served."""
        ids = [self._ids[row] for row in some.tolist()]
        width = max(map(len, ids))
        tokens = torch.tensor([one + [0] * (width - len(one)) for one in ids])
        mask = torch.tensor([[1] * len(one) + [0] * (width - len(one)) for one in ids])
        states = self._net(input_ids=tokens, attention_mask=mask).last_hidden_state
        if self._pooling == "cls":
            return normalize(states[:, 0], dim=1)
        there = mask[:, :, None].to(states.dtype)
        return normalize((states * there).sum(dim=1) / there.sum(dim=1), dim=1)

    def _frozen(self, some: Rows) -> Floats:
        self._net.eval()
        with torch.no_grad():
            rows = [self._rows(batch).numpy() for batch in self._batches(some, 64)]
        return np.concatenate(rows)

    def _batches(self, some: Rows, size: int) -> Iterator[Rows]:
        return (some[start : start + size] for start in range(0, len(some), size))

    def _set_rates(self, standing: Standing) -> None:
        """Warm-up, then down to nothing at the planned end."""
        done = (standing.step + 1) / max(standing.planned, 1)
        share = min(done / WARM_UP, max(1.0 - done, 0.0) / (1.0 - WARM_UP))
        for group, rate in zip(self._optimizer.param_groups, self._rates, strict=True):
            group["lr"] = rate * share


def _write(model: Pretrained, target: Path, weights: dict[str, Tensor]) -> None:
    """The new weights beside all else that the model's folder says."""
    draft = target.with_suffix(".draft")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    for name in (CONFIG, TOKENS):
        shutil.copyfile(model.folder / name, draft / name)
    for pattern in BESIDE:
        for found in model.folder.glob(pattern):
            (shutil.copytree if found.is_dir() else shutil.copyfile)(found, draft / found.name)
    save_file(
        {name: tensor.contiguous().cpu() for name, tensor in weights.items()}, draft / WEIGHTS, {"format": "pt"}
    )
    shutil.rmtree(target, ignore_errors=True)
    draft.rename(target)
