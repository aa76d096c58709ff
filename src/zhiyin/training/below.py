"""The layers that do not learn, counted once for every text.

Where only the upper layers of a model learn, what comes out of the lower ones is the same each time: it is kept,
in 16 bits, and a step costs only the layers above.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

MOST = 2**31  # bytes of states that are kept; what comes later is counted each time
STACKS = ("encoder.layer", "transformer.layer")


class Below:
    """The states under the upper `n_upper` layers of `inner`, whose lower layers must not change."""

    def __init__(self, inner: nn.Module, n_upper: int) -> None:
        named = dict(inner.named_modules())
        (stack,) = (one for name, one in named.items() if name.endswith(STACKS) and isinstance(one, nn.ModuleList))
        # the shortest name: within it others are called so, too
        self._first = named[min((name for name in named if name.endswith("embeddings")), key=len)]
        self._lower, self.upper = list(stack)[: len(stack) - n_upper], list(stack)[len(stack) - n_upper :]
        self._kept: dict[tuple[int, ...], Tensor] = {}
        self._bytes = 0

    def under(self, rows: Sequence[Sequence[int]], ids: Tensor, mask: Tensor) -> Tensor:
        """(n, T, dim) for the tokens `rows`, which are `ids` and `mask` (n, T) when padded."""
        keys = [tuple(row) for row in rows]
        if all(key in self._kept for key in keys):
            return pad_sequence([self._kept[key] for key in keys], batch_first=True).to(ids.device).float()
        modules = [self._first, *self._lower]
        learning = [one.training for one in modules]
        with torch.no_grad():
            for one in modules:
                one.eval()
            states = self._through(self._first(input_ids=ids), mask, self._lower)
            for one, was in zip(modules, learning, strict=True):
                one.train(was)
        for key, state in zip(keys, states, strict=True):
            if key not in self._kept and self._bytes < MOST:
                self._kept[key] = state[: len(key)].half().cpu()
                self._bytes += self._kept[key].nbytes
        return states

    def above(self, states: Tensor, mask: Tensor) -> Tensor:
        """(n, T, dim) of the last layer."""
        return self._through(states, mask, self.upper)

    def _through(self, states: Tensor, mask: Tensor, layers: Sequence[nn.Module]) -> Tensor:
        hidden = torch.zeros_like(mask, dtype=states.dtype).masked_fill(mask == 0, torch.finfo(states.dtype).min)
        for layer in layers:
            states = layer(states, hidden[:, None, None, :])
        return states
