"""A language model as torch learns it: from the same files, pooled and scaled as it is served."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from safetensors import SafetensorError
from torch import Tensor, nn
from torch.nn import functional

from zhiyin._extras import need
from zhiyin.data.dataset import Floats
from zhiyin.encoders.base import MAX_READ
from zhiyin.encoders.bert import Pooling, Shape
from zhiyin.encoders.pretrained import Pretrained
from zhiyin.encoders.published import WEIGHTS
from zhiyin.encoders.tokens import load_tokenizer
from zhiyin.errors import BrokenBundle, InvalidData, InvalidSettings
from zhiyin.training.below import Below

TINY = 1e-12
READ_AT_ONCE = 512  # texts, where nothing is learned
TOGETHER = 32  # of like lengths, so that little is padding
DROPOUTS = ("hidden_dropout_prob", "attention_probs_dropout_prob", "dropout", "attention_dropout")


@dataclass(frozen=True, slots=True)
class Tokens:
    """Texts as numbers, cut as the served model cuts them, or shorter."""

    tokenizer: Any  # of the package tokenizers
    prompt: str
    padding: int
    mask: int | None  # the number of [MASK], where there is one

    @classmethod
    def of(cls, model: Pretrained, longest: int) -> Self:
        """Raises MissingExtra without the package, BrokenBundle for a file that is none."""
        found = load_tokenizer(model.tokens)
        found.enable_truncation(min(longest, model.longest))
        mask = found.token_to_id("[MASK]")
        mask = found.token_to_id("<mask>") if mask is None else mask
        return cls(found, model.prompt, Shape.of(model.config).padding, mask)

    def read(self, texts: Sequence[str]) -> list[list[int]]:
        """The numbers of each text."""
        read = self.tokenizer.encode_batch([self.prompt + text[:MAX_READ] for text in texts])
        return [one.ids for one in read]

    def padded(self, rows: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
        """ids and mask, both (n, T)."""
        longest = max(map(len, rows))
        ids = torch.full((len(rows), longest), self.padding, dtype=torch.long)
        mask = torch.zeros(len(rows), longest, dtype=torch.long)
        for n, row in enumerate(rows):
            ids[n, : len(row)] = torch.tensor(row)
            mask[n, : len(row)] = 1
        return ids, mask


class TowerNet(nn.Module):  # type: ignore[misc]  # torch is not read by mypy
    """Tokens to unit rows. `inner` is a model of transformers, or one of peft around it."""

    def __init__(self, inner: nn.Module, tokens: Tokens, pooling: Pooling) -> None:
        super().__init__()
        self.inner, self.tokens, self.pooling = inner, tokens, pooling
        self.head: Any = None  # on top, where clicks are learned
        self.dense: Any = None  # on top of every row
        self.below: Below | None = None  # what is counted once, where only upper layers learn

    @property
    def device(self) -> torch.device:
        return next(self.parameters()).device

    @property
    def words(self) -> Tensor:
        """(V, dim) the table of word vectors."""
        tables = [one for name, one in self.named_parameters() if name.endswith("word_embeddings.weight")]
        return tables[0]

    def states(self, ids: Tensor, mask: Tensor) -> Tensor:
        """(n, T, dim) of the last layer."""
        found: Tensor = self.inner(input_ids=ids, attention_mask=mask).last_hidden_state
        return found

    def pooled(self, states: Tensor, mask: Tensor) -> Tensor:
        """(n, dim) float32 rows of length 1."""
        first = self.pooling == "cls"
        rows = states[:, 0].float() if first else (states.float() * mask[..., None]).sum(dim=1)
        rows = functional.normalize(rows, dim=-1, eps=TINY)
        return rows if self.dense is None else functional.normalize(self.dense(rows), dim=-1, eps=TINY)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        return self.pooled(self.states(ids, mask), mask)

    def of_texts(self, texts: Sequence[str]) -> Tensor:
        """(n, dim), with a gradient where one is asked for. Those of like lengths are read together."""
        read = self.tokens.read(texts)
        order = sorted(range(len(read)), key=lambda n: len(read[n]))
        parts = [order[start : start + TOGETHER] for start in range(0, len(order), TOGETHER)]
        rows = torch.cat([self._of_tokens([read[n] for n in part]) for part in parts])
        back = torch.empty(len(order), dtype=torch.long)
        back[order] = torch.arange(len(order))
        return rows[back.to(rows.device)]

    def encode(self, texts: Sequence[str]) -> Floats:
        """(n, dim) as it is served: nothing is dropped, an empty text is a zero row."""
        found = np.zeros((len(texts), self.words.shape[1]), np.float32)
        filled = [n for n, text in enumerate(texts) if text.strip()]
        with at_rest(self), torch.no_grad():
            for start in range(0, len(filled), READ_AT_ONCE):
                some = filled[start : start + READ_AT_ONCE]
                found[some] = self.of_texts([texts[n] for n in some]).cpu().numpy()
        return found

    def _of_tokens(self, read: Sequence[Sequence[int]]) -> Tensor:
        ids, mask = (one.to(self.device) for one in self.tokens.padded(read))
        if self.below is None:
            rows: Tensor = self(ids, mask)
            return rows
        return self.pooled(self.below.above(self.below.under(read, ids, mask), mask), mask)


@contextmanager
def at_rest(net: nn.Module) -> Iterator[None]:
    """Without dropout, then as before."""
    learning = net.training
    net.eval()
    try:
        yield
    finally:
        net.train(learning)


def load_net(model: Pretrained, longest: int, dropout: float | None) -> TowerNet:
    """The model of these files, on the processor.

    Raises MissingExtra without transformers, InvalidData for a net that cannot be learned: of another family, or
    whose weights are not there.
    """
    Shape.of(model.config)
    if not (model.folder / WEIGHTS).is_file():
        raise InvalidData(f"{model.folder} brings only a graph, no {WEIGHTS}: a graph cannot be adapted")
    transformers = need("transformers", extra="train")
    config = transformers.AutoConfig.from_pretrained(model.folder, local_files_only=True)
    for name in DROPOUTS if dropout is not None else ():
        if hasattr(config, name):
            setattr(config, name, dropout)
    try:
        with _silent():
            inner = transformers.AutoModel.from_pretrained(model.folder, config=config, local_files_only=True)
    except (OSError, RuntimeError, ValueError, SafetensorError) as error:
        raise BrokenBundle(f"{model.folder} cannot be read ({error}): copy the model again") from error
    return TowerNet(inner.float(), Tokens.of(model, longest), model.pooling)


@contextmanager
def _silent() -> Iterator[None]:
    """Without a bar and a report of the parts that no sentence goes through."""
    logging = need("transformers.utils.logging", extra="train")
    level = logging.get_verbosity()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)


def device_of(precision: str) -> torch.device:
    """Where it is learned. Raises InvalidSettings for 16 bits that only a GPU has."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if precision == "bfloat16" and device.type == "cuda" and not torch.cuda.is_bf16_supported():
        raise InvalidSettings('this GPU has no bfloat16: set tower.precision = "float16"')
    return device
