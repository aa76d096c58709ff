"""Reading a shop's own texts before anything is learned of behaviour; no label is needed.

masked: tokens left out are guessed from the others (Devlin et al. 2019). denoised: a text that lost most of its
tokens becomes one vector, and a decoder of one layer writes the whole text from it (Wang, Reimers & Gurevych 2021,
"TSDAE"; its decoder has as many layers as the model and begins as a copy of it, which two cores have no time for).
All weights of the model learn; what stands on top of it is thrown away afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from zhiyin.errors import InvalidSettings
from zhiyin.progress import Progress
from zhiyin.training.craft import Craft
from zhiyin.training.cures import OF_PRETRAINING
from zhiyin.training.gradients import Gradients
from zhiyin.training.past import Past
from zhiyin.training.tower_judging import Judged
from zhiyin.training.tower_learning import TowerLearning, Way
from zhiyin.training.tower_net import TowerNet
from zhiyin.training.tower_recipe import PretrainingRecipe, TowerRecipe
from zhiyin.training.tower_state import Curve

MASKED, CHANGED = 0.8, 0.1  # of the chosen tokens: behind a mask, another token; the rest stays
HEADS = 4
IGNORED = -100  # no token is wanted here


class Guess(nn.Module):  # type: ignore[misc]  # torch is not read by mypy
    """States to scores of all tokens, through the table of words itself."""

    def __init__(self, dim: int, n_words: int) -> None:
        super().__init__()
        self.turn, self.shift = nn.Linear(dim, dim), nn.Parameter(torch.zeros(n_words))
        with torch.no_grad():
            self.turn.weight.copy_(torch.eye(dim))
            self.turn.bias.zero_()

    def forward(self, states: Tensor, words: Tensor) -> Tensor:
        return functional.linear(self.turn(states), words, self.shift)


class Writer(nn.Module):  # type: ignore[misc]
    """Writes a text from its vector, a token after another."""

    def __init__(self, dim: int, n_words: int) -> None:
        super().__init__()
        heads = HEADS if dim % HEADS == 0 else 1
        self.layer = nn.TransformerDecoderLayer(dim, heads, 2 * dim, dropout=0.0, batch_first=True)
        self.guess = Guess(dim, n_words)

    def forward(self, vectors: Tensor, ids: Tensor, words: Tensor) -> Tensor:
        length = ids.shape[1]
        places = _waves(length, words.shape[1]).to(words.device)
        later = torch.triu(torch.full((length, length), -torch.inf, device=words.device), diagonal=1)
        states = self.layer(words[ids] + places, vectors[:, None], tgt_mask=later)
        found: Tensor = self.guess(states, words)
        return found


@dataclass(frozen=True, slots=True)
class Reader:
    """The teacher of either objective."""

    net: TowerNet
    texts: tuple[str, ...]
    recipe: PretrainingRecipe
    gradients: Gradients
    seed: int

    def add(self, number: int) -> float:
        rng = np.random.default_rng([self.seed, 7, number])
        some = rng.permutation(len(self.texts))[: self.recipe.batch]
        read = self.net.tokens.read([self.texts[n] for n in some])
        torch.manual_seed((self.seed << 20) + number)
        with self.gradients.shortened():
            loss = self._masked(read, rng) if self.recipe.objective == "masked" else self._denoised(read, rng)
        self.gradients.scaler.scale(loss).backward()
        return float(loss.detach())

    def judge(self) -> Judged | None:
        return None

    def _masked(self, read: list[list[int]], rng: np.random.Generator) -> Tensor:
        ids, mask = self.net.tokens.padded(read)
        chosen = torch.from_numpy(rng.random(ids.shape) < self.recipe.masked) & (mask > 0)
        chosen[:, 0] = False  # the mark of a beginning
        wanted = torch.where(chosen, ids, IGNORED)
        dice = torch.from_numpy(rng.random(ids.shape))
        others = torch.from_numpy(rng.integers(0, len(self.net.words), ids.shape))
        hidden = torch.where(chosen & (dice < MASKED), self.net.tokens.mask or 0, ids)
        hidden = torch.where(chosen & (dice >= MASKED) & (dice < MASKED + CHANGED), others, hidden)
        states = self.net.states(hidden.to(self.net.device), mask.to(self.net.device))
        picked = chosen.to(states.device)
        scores = self.net.head(states[picked], self.net.words)
        if not len(scores):
            return states.sum() * 0.0
        return functional.cross_entropy(scores.float(), wanted.to(states.device)[picked])

    def _denoised(self, read: list[list[int]], rng: np.random.Generator) -> Tensor:
        lost = [_with_less(row, self.recipe.deleted, rng) for row in read]
        ids, mask = (one.to(self.net.device) for one in self.net.tokens.padded(lost))
        vectors = self.net(ids, mask)
        whole, there = (one.to(self.net.device) for one in self.net.tokens.padded(read))
        scores = self.net.head(vectors, whole[:, :-1], self.net.words)
        wanted = torch.where(there[:, 1:] > 0, whole[:, 1:], IGNORED)
        return functional.cross_entropy(scores.float().flatten(0, 1), wanted.flatten(), ignore_index=IGNORED)


def pretrained(
    net: TowerNet, past: Past, recipe: TowerRecipe, progress: Progress, path: Path | None
) -> Curve | None:
    """Let the net read the texts that are not hidden; what was seen on the way. Nothing where the recipe does not
    ask for it.

    Raises InvalidSettings where the model has no token for what is left out.
    """
    asked = recipe.pretraining
    if asked.objective == "none":
        return None
    if asked.objective == "masked" and net.tokens.mask is None:
        raise InvalidSettings(
            'the model has no token for what is left out: set tower.pretraining.objective = "denoised" or "none"'
        )
    texts = tuple(text for row, text in enumerate(past.texts) if text and not past.hidden[row])
    made = Guess if asked.objective == "masked" else Writer
    torch.manual_seed(0)
    net.head = made(net.words.shape[1], len(net.words)).to(net.device)
    gradients = Gradients(net, asked.batch, recipe.precision, cures=OF_PRETRAINING)
    teacher = Reader(net, texts, asked, gradients, 0)
    craft = Craft.of_pretraining(asked, recipe.checkpoint, 0)
    way = Way("reading the shop's texts", teacher, gradients, craft, progress, path, OF_PRETRAINING)
    learning = TowerLearning(net, way)
    learning.run()
    net.head = None
    return learning.curve


def _with_less(row: list[int], share: float, rng: np.random.Generator) -> list[int]:
    """The ends stay, and of what is between them at least one."""
    inner = np.array(row[1:-1])
    kept = inner[rng.random(len(inner)) >= share]
    if not len(kept) and len(inner):
        kept = inner[[int(rng.integers(len(inner)))]]
    return [row[0], *kept.tolist(), row[-1]] if len(row) > 1 else row


def _waves(length: int, dim: int) -> Tensor:
    """(T, dim) where a token stands (Vaswani et al. 2017, section 3.5)."""
    place = torch.arange(length)[:, None] / 10_000.0 ** (torch.arange(0, dim, 2) / dim)
    waves = torch.zeros(length, dim)
    waves[:, 0::2], waves[:, 1::2] = place.sin(), place.cos()[:, : dim // 2]
    return waves
