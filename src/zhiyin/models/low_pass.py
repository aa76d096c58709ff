"""The broad strokes of taste: an ideal low-pass filter over the graph of people and items.

Interactions divided by the square roots of how much each person took and how often each item was taken, projected
on their main axes, say what goes with what in the large (Shen et al. 2021, "How Powerful is Graph Convolution for
Recommendation?", the ideal filter of GF-CF). It is linear in the history, as links are.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from zhiyin.data.dataset import Floats


def low_pass(users_by_items: sp.csr_array, rank: int) -> Floats:
    """(I, I) what an item of the history says about another, 0 about itself; of fewer axes where there are not as
    many. Every item must have been taken."""
    from scipy.sparse.linalg import svds  # noqa: PLC0415  # slow to import, and a server never fits

    taken = np.maximum(np.diff(users_by_items.indptr), 1).astype(np.float64)
    support = np.bincount(users_by_items.indices, minlength=users_by_items.shape[1]).astype(np.float64)
    flat = sp.diags_array(taken**-0.5) @ users_by_items @ sp.diags_array(support**-0.5)
    rank = min(rank, min(flat.shape) - 1)
    if rank < 1:
        return np.zeros((len(support), len(support)), np.float32)
    start = np.ones(min(flat.shape)) / np.sqrt(min(flat.shape))  # the same axes every time
    axes = svds(flat, k=rank, v0=start)[2]  # (rank, I)
    links = (axes.T * support[:, None] ** -0.5) @ (axes * support**0.5)
    np.fill_diagonal(links, 0.0)
    return links.astype(np.float32)
