"""The broad strokes of taste: an ideal low-pass filter over the graph of people and items.

Interactions divided by the square roots of how much each person took and how often each item was taken, projected
on their main axes, say what goes with what in the large (Shen et al. 2021, "How Powerful is Graph Convolution for
Recommendation?", the ideal filter of GF-CF). It is linear in the history, as links are.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from zhiyin.data.dataset import Doubles, Floats

RESTARTS = 50  # of Lanczos; ordinary catalogues take fewer than ten
ITERATIONS = 12
NOTHING = 1e-6  # share of the strongest axis below which one is rounding


def low_pass(users_by_items: sp.csr_array, rank: int) -> Floats:
    """(I, I) what an item of the history says about another, 0 about itself; of fewer axes where there are not as
    many. Every item must have been taken."""
    taken = np.maximum(np.diff(users_by_items.indptr), 1).astype(np.float64)
    support = np.bincount(users_by_items.indices, minlength=users_by_items.shape[1]).astype(np.float64)
    flat = sp.diags_array(taken**-0.5) @ users_by_items @ sp.diags_array(support**-0.5)
    rank = min(rank, min(flat.shape) - 1)
    if rank < 1:
        return np.zeros((len(support), len(support)), np.float32)
    axes = main_axes(flat, rank)
    links = (axes.T * support[:, None] ** -0.5) @ (axes * support**0.5)
    np.fill_diagonal(links, 0.0)
    return links.astype(np.float32)


def main_axes(matrix: sp.csr_array, rank: int) -> Doubles:
    """(at most rank, columns) orthonormal, the same every time: fewer where all else is nothing."""
    from scipy.sparse.linalg import ArpackError, svds  # noqa: PLC0415  # slow to import, and a server never fits

    start = np.ones(min(matrix.shape)) / np.sqrt(min(matrix.shape))
    try:
        strengths, axes = svds(matrix, k=rank, v0=start, maxiter=RESTARTS)[1:]
    except ArpackError:  # many axes are equally strong, as where everybody took one item
        strengths, axes = _by_iteration(matrix, rank)
    return np.asarray(axes[strengths > NOTHING * strengths.max()])


def _by_iteration(matrix: sp.csr_array, rank: int) -> tuple[Doubles, Doubles]:
    """The strength of each axis, and the axes, by subspace iteration from chance (Halko, Martinsson & Tropp 2011,
    algorithm 4.4): nearly those of Lanczos, in a time that no spectrum prolongs."""
    basis = np.random.default_rng(0).standard_normal((matrix.shape[1], rank))
    for _ in range(ITERATIONS):
        basis, _ = np.linalg.qr(matrix.T @ (matrix @ basis))
    _, strengths, turn = np.linalg.svd(matrix @ basis, full_matrices=False)
    return strengths, turn @ basis.T
