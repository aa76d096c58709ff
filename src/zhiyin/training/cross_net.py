"""A cross-encoder as torch learns it: two texts as one row of tokens, to one number.

On the first token's last state a layer with tanh and one to a number, as BertForSequenceClassification of
transformers has them, whose files are read and written; other families get the same two layers.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from zhiyin.data.dataset import Floats
from zhiyin.encoders.base import MAX_READ
from zhiyin.encoders.bert import CLASSIFIER, HEAD, POOLER, Shape
from zhiyin.encoders.cross import pair_tokenizer
from zhiyin.encoders.pretrained import Pretrained
from zhiyin.training.cross_groups import BETWEEN
from zhiyin.training.methods import merged
from zhiyin.training.tower_net import READ_AT_ONCE, TOGETHER, Tokens, TowerNet, at_rest


class CrossHead(nn.Module):  # type: ignore[misc]  # torch is not read by mypy
    """(n, dim) states of the first token to (n,) numbers."""

    def __init__(self, dim: int, seed: int) -> None:
        super().__init__()
        self.pooler, self.classifier = nn.Linear(dim, dim), nn.Linear(dim, 1)
        draw = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for layer in (self.pooler, self.classifier):
                layer.weight.copy_(torch.randn(layer.weight.shape, generator=draw) / dim**0.5)
                layer.bias.zero_()

    @classmethod
    def of(cls, model: Pretrained, dim: int, seed: int) -> CrossHead:
        """With what the model's own file has of it."""
        found, weights = cls(dim, seed), model.weights()
        named = dict(zip(HEAD, (*found.pooler.parameters(), *found.classifier.parameters()), strict=True))
        with torch.no_grad():
            for name, one in named.items():
                kept = next((value for key, value in weights.items() if key.endswith(name)), None)
                if kept is not None and kept.shape == tuple(one.shape):
                    one.copy_(torch.from_numpy(kept.astype(np.float32)))
        return found

    def forward(self, first: Tensor) -> Tensor:
        found: Tensor = self.classifier(torch.tanh(self.pooler(first)))[..., 0]
        return found


class CrossNet(TowerNet):
    """Pairs (two texts with BETWEEN between them) to numbers. `encode` gives no vectors."""

    def __init__(self, before: TowerNet, model: Pretrained, longest: int, seed: int) -> None:
        tokens = before.tokens
        pairs = Tokens(pair_tokenizer(model, min(longest, model_places(model))), "", tokens.padding, tokens.mask)
        super().__init__(before.inner, pairs, "cls")
        self.head = CrossHead.of(model, before.words.shape[1], seed)
        kinds = [
            len(one) for name, one in before.named_parameters() if name.endswith("token_type_embeddings.weight")
        ]
        self._types = bool(kinds) and kinds[0] > 1

    def of_texts(self, texts: Sequence[str]) -> Tensor:
        """(n,) with a gradient where one is asked for. Those of like lengths are read together."""
        read = self.tokens.tokenizer.encode_batch([_two(text) for text in texts])
        order = sorted(range(len(read)), key=lambda n: len(read[n].ids))
        parts = [order[start : start + TOGETHER] for start in range(0, len(order), TOGETHER)]
        rows = torch.cat(
            [self._said([read[n].ids for n in part], [read[n].type_ids for n in part]) for part in parts]
        )
        back = torch.empty(len(order), dtype=torch.long)
        back[order] = torch.arange(len(order))
        return rows[back.to(rows.device)]

    def scores(self, texts: Sequence[str]) -> Floats:
        """(n,) as it is served: nothing is dropped."""
        found = [np.zeros(0, np.float32)]
        with at_rest(self), torch.no_grad():
            for start in range(0, len(texts), READ_AT_ONCE):
                found.append(self.of_texts(texts[start : start + READ_AT_ONCE]).cpu().numpy())
        return np.concatenate(found)

    def _said(self, ids: Sequence[Sequence[int]], types: Sequence[Sequence[int]]) -> Tensor:
        given, mask = (one.to(self.device) for one in self.tokens.padded(ids))
        asked = {"input_ids": given, "attention_mask": mask}
        if self._types:
            kinds = torch.zeros_like(mask)
            for n, row in enumerate(types):
                kinds[n, : len(row)] = torch.tensor(row)
            asked["token_type_ids"] = kinds
        found: Tensor = self.head(self.inner(**asked).last_hidden_state[:, 0].float())
        return found


def model_places(model: Pretrained) -> int:
    """The longest row of tokens that a model has places for."""
    return Shape.of(model.config).places


def cross_weights(net: CrossNet, shape: Shape) -> dict[str, Floats]:
    """All weights, what was learned folded into them, as transformers names them."""
    prefix = "bert." if shape.kind == "bert" else ""
    inner = {name: one for name, one in merged(net, shape).items() if not name.startswith("pooler.")}
    head = net.head.cpu()
    own = {f"{POOLER}.weight": head.pooler.weight, f"{POOLER}.bias": head.pooler.bias}
    found = {prefix + name: one for name, one in inner.items()}
    found |= {prefix + name: one.detach().float().numpy().copy() for name, one in own.items()}
    last = head.classifier
    return found | {
        f"{CLASSIFIER}.weight": last.weight.detach().float().numpy().copy(),
        f"{CLASSIFIER}.bias": last.bias.detach().float().numpy().copy(),
    }


def _two(text: str) -> tuple[str, str]:
    asked, _, answer = text.partition(BETWEEN)
    return asked[:MAX_READ], answer[:MAX_READ]
