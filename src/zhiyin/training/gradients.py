"""The gradient of a batch, in the memory that there is.

Texts are read in parts. Where a batch has more than one, all parts are read without a gradient, the loss is
differentiated by the vectors, and then each part is read again and its gradient follows by the chain rule (Gao et
al. 2021, "GradCache"): the same gradient as of the whole batch, for one more reading. Where memory does not
suffice for a part, parts become half as large, and this is told.
"""

from __future__ import annotations

import ctypes
import gc
import logging
import math
from collections.abc import Callable
from contextlib import AbstractContextManager

import torch
from torch import Tensor

from zhiyin.errors import InvalidSettings
from zhiyin.training.cures import OF_TOWERS, Cures
from zhiyin.training.methods import held_straight
from zhiyin.training.tower_net import TowerNet

log = logging.getLogger(__name__)

Loss = Callable[[Tensor], Tensor]  # of the vectors (N, dim)
FULL = (  # the last is what oneDNN says where it cannot have the memory of an operation
    "out of memory", "not enough memory", "can't allocate memory", "could not create a primitive",
)  # fmt: skip

_MMAP_THRESHOLD = -3  # M_MMAP_THRESHOLD of <malloc.h>


class Gradients:
    """Adds gradients to the parameters of a net."""

    def __init__(
        self, net: TowerNet, at_once: int, precision: str, adversarial: float = 0.0, cures: Cures = OF_TOWERS
    ) -> None:
        self._net, self.at_once, self._adversarial, self._cures = net, at_once, adversarial, cures
        device = net.device.type
        short = {"auto": torch.bfloat16, "bfloat16": torch.bfloat16, "float16": torch.float16}
        self._kind = short.get(precision, torch.float32) if device == "cuda" else torch.float32
        self.scaler = torch.amp.GradScaler(device, enabled=self._kind == torch.float16)

    def add(self, texts: tuple[str, ...], loss: Loss, seed: int) -> float:
        """Of this loss of the vectors of these texts; the loss itself is returned. `seed` of what is dropped.

        Raises InvalidSettings where a single text is too much for the memory.
        """
        value = self._add(texts, loss, seed)
        if self._adversarial and math.isfinite(value):
            self._against(texts, loss, seed)
        return value

    def _add(self, texts: tuple[str, ...], loss: Loss, seed: int) -> float:
        before = {name: _copy(one.grad) for name, one in self._net.named_parameters() if one.grad is not None}
        while True:
            try:
                return self._added(texts, loss, seed)
            except (RuntimeError, MemoryError) as error:
                if not is_full(error):
                    raise
                told = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
            self._restore(before)
            self._halve(min(self.at_once, len(texts)), told)

    def _added(self, texts: tuple[str, ...], loss: Loss, seed: int) -> float:
        order = sorted(range(len(texts)), key=lambda n: len(texts[n]))
        parts = [order[start : start + self.at_once] for start in range(0, len(order), self.at_once)]
        back = torch.empty(len(order), dtype=torch.long)
        back[order] = torch.arange(len(order))
        if len(parts) == 1:
            found = loss(self._read(texts, order, seed, 0)[back.to(self._net.device)])
            self._backward(found)
            return float(found.detach())
        with torch.no_grad():
            vectors = torch.cat([self._read(texts, part, seed, n) for n, part in enumerate(parts)])
        vectors.requires_grad_()
        found = loss(vectors[back.to(vectors.device)])
        self._backward(found)
        if vectors.grad is None or not math.isfinite(float(found.detach())):
            return float(found.detach())
        start = 0
        for n, part in enumerate(parts):
            read = self._read(texts, part, seed, n)
            read.backward(vectors.grad[start : start + len(part)].to(read.dtype))
            start += len(part)
        return float(found.detach())

    def _backward(self, found: Tensor) -> None:
        straight = held_straight(self._net)
        scaled: Tensor = self.scaler.scale(found if straight is None else found + straight)
        scaled.backward()

    def _read(self, texts: tuple[str, ...], part: list[int], seed: int, n: int) -> Tensor:
        """Read again, the same is dropped."""
        torch.manual_seed((seed << 16) + n)
        with self.shortened():
            return self._net.of_texts([texts[k] for k in part])

    def shortened(self) -> AbstractContextManager[object]:
        """Products in 16 bits, on a GPU."""
        return torch.autocast(self._net.device.type, self._kind, enabled=self._kind != torch.float32)

    def _against(self, texts: tuple[str, ...], loss: Loss, seed: int) -> None:
        """The same once more with word vectors a step uphill (Miyato et al. 2017, "fast gradient method")."""
        table = self._net.words
        asked, own = table.requires_grad, table.grad
        kept = {name: _copy(one.grad) for name, one in self._net.named_parameters() if one.grad is not None}
        table.requires_grad_(True)
        table.grad = None
        self._add(texts, loss, seed)
        uphill = table.grad
        self._restore(kept)
        table.grad = own
        table.requires_grad_(asked)
        if uphill is None or not float(uphill.norm()):
            return
        before = table.detach().clone()
        with torch.no_grad():
            table.add_(uphill, alpha=self._adversarial / float(uphill.norm()))
        try:
            self._add(texts, loss, seed)
        finally:
            with torch.no_grad():
                table.copy_(before)

    def _restore(self, kept: dict[str, Tensor]) -> None:
        for name, one in self._net.named_parameters():
            one.grad = kept[name].clone() if name in kept else None

    def _halve(self, size: int, told: str) -> None:
        if size <= 1:
            raise InvalidSettings(f"the memory does not suffice for one text ({told}): {self._cures.memory}")
        self.at_once = size // 2
        _give_back()
        log.warning("the memory is full (%s): %d texts at once from now on", told, self.at_once)


def _give_back() -> None:
    """What is free goes back to the system: the heap may hold what an operation asks the system for."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):  # glibc
        libc.mallopt(_MMAP_THRESHOLD, 64 * 2**10)  # bytes from which on a block is a mapping of its own
        libc.malloc_trim(0)


def is_full(error: BaseException) -> bool:
    """Whether memory was asked for that is not there: torch has a kind of error for it on a GPU only."""
    return isinstance(error, MemoryError) or any(words in str(error).lower() for words in FULL)


def _copy(grad: Tensor) -> Tensor:
    return grad.detach().clone()
