"""Items borrow from those that read alike: what few events say about one is mixed with what is known of others.

An item with n events is n / (n + trust) itself and for the rest the mean of the items whose text is nearest:
gone smoothly once people have spoken. Links between items are mixed on both sides, of the item that speaks and of
the one spoken of, once and for all at fitting, so what is served stays one sum over links.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from zhiyin.data.dataset import Floats, Mask
from zhiyin.data.vocabulary import PAD, Rows
from zhiyin.models.index import build_cells
from zhiyin.models.meaning import Meaning
from zhiyin.models.sparse import prune, top_of_rows
from zhiyin.models.words import Words
from zhiyin.threads import side_by_side

COLD = 5  # events below which an item is cold
ROWS_AT_ONCE = 512
MIXED_AT_ONCE = 32  # rows: what is dense of them stays near the core
COMPARED_BELOW = 20_000  # items: up to there each is compared with all
SHORTLIST = 100
DENSE_BELOW = 20_000  # items: a mixed row of links is as good as full there


def have_text(words: Words, meaning: Meaning, rows: Rows) -> Mask:
    """(n,) whether anything was read of these rows."""
    return (np.diff(words.rows.indptr)[rows] > 0) | meaning.vectors[rows].any(axis=1)


def near_by_text(words: Words, meaning: Meaning, rows: Rows, among: Rows, seed: int, k: int = 20) -> sp.csr_array:
    """`text_neighbours`, of a shortlist only where there are many to compare with."""
    if len(among) < COMPARED_BELOW or not len(rows):
        return text_neighbours(words, meaning, rows, among, k)
    return shortlisted_neighbours(words, meaning, rows, among, seed, k)


def text_neighbours(words: Words, meaning: Meaning, rows: Rows, among: Rows, k: int = 20) -> sp.csr_array:
    """(n, I): for each of the n `rows` the k of the rows `among` whose text is most alike, weighted by the
    square of the mean of the words' and the meaning's cosine; weights sum to one. Never the item itself.
    An item without text has an empty row.
    """
    known_words = sp.csr_array(words.rows[among].T)
    known_vectors = meaning.vectors[among].T

    def nearest(start: int) -> sp.csr_array:
        block = rows[start : start + ROWS_AT_ONCE]
        alike = meaning.vectors[block] @ known_vectors + (words.rows[block] @ known_words).toarray()
        alike[block[:, None] == among[None, :]] = 0.0
        return _weighted(alike, np.broadcast_to(among, alike.shape), k, meaning.n_items)

    starts = range(0, len(rows), ROWS_AT_ONCE)
    found = side_by_side(nearest, starts) if len(starts) > 1 else map(nearest, starts)
    return _stacked(found, meaning.n_items)


def neighbours_one_by_one(
    words: Words, meaning: Meaning, rows: Rows, among: Rows, n_items: int, k: int = 20
) -> sp.csr_array:
    """(n, n_items) `text_neighbours` of rows beyond the first `n_items`, of which `among` are some: the same bits
    whatever other rows there are."""
    known_vectors = meaning.vectors[:n_items]

    def nearest(row: int) -> sp.csr_array:
        alike = known_vectors @ meaning.vectors[row]
        alike += (words.rows @ words.rows[[row]].toarray()[0])[:n_items]
        return _weighted(alike[None, among], among[None, :], k, n_items)

    return _stacked(map(nearest, rows.tolist()), n_items)


def _stacked(blocks: Iterable[sp.csr_array], n_items: int) -> sp.csr_array:
    return sp.csr_array(sp.vstack([sp.csr_array((0, n_items), dtype=np.float32), *blocks]))


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


def blended(one: sp.csr_array, other: sp.csr_array, share: float) -> sp.csr_array:
    """(n, I) two kinds of neighbours: the `share` from the other kind, all from either where there is but one."""
    has_one, has_other = np.diff(one.indptr) > 0, np.diff(other.indptr) > 0
    of_other = np.where(has_one, share * has_other, 1.0)
    return sp.csr_array(
        sp.diags_array((1.0 - of_other).astype(np.float32)) @ one
        + sp.diags_array(of_other.astype(np.float32)) @ other
    )


def mixture(neighbours: sp.csr_array, support: npt.NDArray[np.int64], trust: float) -> sp.csr_array:
    """(I, I): an item with n events as n / (n + trust) itself and for the rest its neighbours (I, I). An item
    without any stays itself."""
    own = np.where(np.diff(neighbours.indptr) > 0, support / np.maximum(support + trust, 1e-12), 1.0)
    lent = sp.diags_array((1.0 - own).astype(np.float32)) @ neighbours
    return sp.csr_array(sp.diags_array(own.astype(np.float32)) + lent)


def smoothed(links: sp.csr_array, source: sp.csr_array, target: sp.csr_array, k: int) -> sp.csr_array:
    """(I, I) source · links · targetᵀ, both mixtures (I, I), with the k largest left in each row; above
    DENSE_BELOW items of a row of source · links only the 2k largest are mixed on."""
    n_items = links.shape[1]
    spoken_of = sp.csr_array(target.T)

    def mixed(start: int) -> sp.csr_array:
        says = sp.csr_array(source[start : start + MIXED_AT_ONCE] @ links)
        if n_items <= DENSE_BELOW:
            return top_of_rows(np.ascontiguousarray((target @ says.toarray().T).T), k)
        return prune(sp.csr_array(prune(says, 2 * k) @ spoken_of), k)

    return _stacked(side_by_side(mixed, range(0, links.shape[0], MIXED_AT_ONCE)), n_items)


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
