"""Cold items borrow: their collaborative score is the mean of those items whose text reads most alike.

An item with `support` events keeps support / (support + trust) of its own score and takes the rest from its
neighbours: gone smoothly once people have spoken. Linear in the scores, so contributions carry through.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from zhiyin.data.dataset import Floats
from zhiyin.data.vocabulary import PAD, Rows
from zhiyin.models.index import build_cells
from zhiyin.models.meaning import Meaning
from zhiyin.models.words import Words

COLD = 5  # events below which an item is cold
ROWS_AT_ONCE = 512
SHORTLIST = 100


def text_neighbours(
    words: Words, meaning: Meaning, rows: Rows, among: Rows, k: int = 20, at_once: int = ROWS_AT_ONCE
) -> sp.csr_array:
    """(n, I): for each of the n `rows` the k of the rows `among` whose text is most alike, weighted by the
    square of the mean of the words' and the meaning's cosine; weights sum to one. Never the item itself.
    An item without text has an empty row. One row `at_once` gives the same bits whatever other rows there are.
    """
    out: list[sp.csr_array] = []
    known_words = sp.csr_array(words.rows[among].T)
    known_vectors = meaning.vectors[among].T
    for start in range(0, len(rows), at_once):
        block = rows[start : start + at_once]
        alike = meaning.vectors[block] @ known_vectors + (words.rows[block] @ known_words).toarray()
        alike[block[:, None] == among[None, :]] = 0.0
        out.append(_weighted(alike, np.broadcast_to(among, alike.shape), k, meaning.n_items))
    return sp.csr_array(sp.vstack(out)) if out else sp.csr_array((0, meaning.n_items), dtype=np.float32)


def shortlisted_neighbours(
    words: Words, meaning: Meaning, rows: Rows, among: Rows, seed: int, k: int = 20
) -> sp.csr_array:
    """`text_neighbours` in a large catalogue: of the rows `among` only those SHORTLIST are compared whose
    meaning is nearest."""
    cells = build_cells(meaning.vectors[among], seed)
    out: list[sp.csr_array] = []
    for start in range(0, len(rows), ROWS_AT_ONCE):
        block = rows[start : start + ROWS_AT_ONCE]
        places = cells.nearest(meaning.vectors[block], SHORTLIST)
        found = among[np.maximum(places, 0)]
        left, right = np.repeat(block, SHORTLIST), found.ravel()
        alike = np.einsum("nd,nsd->ns", meaning.vectors[block], meaning.vectors[found])
        alike += words.rows[left].multiply(words.rows[right]).sum(axis=1).reshape(alike.shape)
        alike[(places == PAD) | (found == block[:, None])] = 0.0
        out.append(_weighted(alike, found, k, meaning.n_items))
    return sp.csr_array(sp.vstack(out))


def lift(neighbours: sp.csr_array, rows: Rows, support: npt.NDArray[np.int64], trust: float) -> sp.csr_array:
    """(n, I): the score of a cold item as a mixture of its own and its neighbours' scores."""
    own = (support[rows] / (support[rows] + trust)).astype(np.float32)
    diagonal = sp.csr_array(
        (own, (np.arange(len(rows)), rows)), shape=(len(rows), neighbours.shape[1]), dtype=np.float32
    )
    return sp.csr_array(diagonal + sp.diags_array((1.0 - own).astype(np.float32)) @ neighbours)


def _weighted(alike: Floats, found: Rows, k: int, n_items: int) -> sp.csr_array:
    """(n, n_items) the k most alike (cosines of words plus of meaning) of the rows `found`, both (n, m)."""
    k = min(k, alike.shape[1])
    if k == 0:
        return sp.csr_array((alike.shape[0], n_items), dtype=np.float32)
    place = np.argpartition(-alike, k - 1, axis=1)[:, :k]
    weight = (np.maximum(np.take_along_axis(alike, place, axis=1), 0.0) / 2.0) ** 2
    total = weight.sum(axis=1, keepdims=True)
    weight = np.divide(weight, total, out=np.zeros_like(weight), where=total > 1e-12)
    owner = np.repeat(np.arange(alike.shape[0]), k)
    columns = np.take_along_axis(found, place, axis=1).ravel()
    lent = sp.csr_array((weight.ravel(), (owner, columns)), shape=(alike.shape[0], n_items), dtype=np.float32)
    lent.eliminate_zeros()
    return lent
