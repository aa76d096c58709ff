"""What the own parts of items are before a net learns: the axes of what goes with what. It spares most of the
epochs that a net on a few cores would need to find them (docs/LOG.md)."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from zhiyin.data.dataset import Floats, Mask
from zhiyin.encoders.base import unit
from zhiyin.models.company import company_vectors, pairs, surprise
from zhiyin.training.windows import Histories


def first_vectors(histories: Histories, n_items: int, dim: int, seed: int) -> Floats:
    """(I, dim) unit rows; zero for what nobody took with another."""
    return company_vectors(_together(histories, n_items), dim, seed)


def borrowed_vectors(own: Floats, had: Mask, histories: Histories) -> Floats:
    """(I, D) own parts, for items that have none yet those of what went with them, as long as the others are."""
    together = surprise(_together(histories, len(own)))
    lacking = np.flatnonzero(~had)
    if not len(lacking) or not had.any():
        return own
    found = own.copy()
    length = np.float32(np.linalg.norm(own[had], axis=1).mean())
    found[lacking] = unit(together[lacking] @ np.where(had[:, None], own, np.float32(0.0))) * length
    return found


def _together(histories: Histories, n_items: int) -> sp.csr_array:
    return pairs(histories.indptr, histories.rows, n_items)
