"""Cells find nearly all that an exact search finds, and everything that came since."""

import numpy as np
import pytest

from zhiyin.data.dataset import Floats
from zhiyin.encoders.base import unit
from zhiyin.models.index import EXACT_BELOW, RECALL, CellIndex, ExactIndex, build_index, index_of

DIM = 32


def clustered(n: int, seed: int = 0) -> Floats:
    """Unit rows around some hundred centres, as texts of one catalogue lie."""
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((120, DIM))
    return unit((centres[rng.integers(0, 120, n)] + 0.7 * rng.standard_normal((n, DIM))).astype(np.float32))


@pytest.fixture(scope="module")
def vectors() -> Floats:
    return clustered(EXACT_BELOW)


@pytest.fixture(scope="module")
def cells(vectors: Floats) -> CellIndex:
    index = build_index(vectors, seed=0)
    assert isinstance(index, CellIndex)
    return index


def test_a_small_catalogue_is_searched_exactly() -> None:
    few = clustered(300)
    index = build_index(few, seed=0)
    assert isinstance(index, ExactIndex)
    cosines = few @ few[7]
    assert index.search(few[7], 5).tolist() == np.argsort(-cosines)[:5].tolist()


def test_a_large_catalogue_without_texts_is_searched_exactly() -> None:
    silent = np.zeros((EXACT_BELOW + 1, DIM), np.float32)
    index = build_index(silent, seed=0)
    assert isinstance(index, ExactIndex)
    assert not len(index.search(clustered(1)[0], 5))


def test_cells_find_what_an_exact_search_finds(vectors: Floats, cells: CellIndex) -> None:
    exact, found = ExactIndex(vectors), []
    rng = np.random.default_rng(5)
    for near in rng.choice(len(vectors), 100):
        question = unit((vectors[[near]] + rng.normal(0, 0.05, (1, DIM))).astype(np.float32))[0]
        wanted, got = exact.search(question, 100), cells.search(question, 100)
        assert (np.diff(vectors[got] @ question) <= 0).all()
        found.append(np.isin(wanted, got).mean())
    assert np.mean(found) >= RECALL - 0.03
    assert cells.cells.nprobe < cells.cells.nlist / 4  # and not by looking everywhere


def test_nothing_below_zero_is_found(vectors: Floats, cells: CellIndex) -> None:
    for index in (cells, ExactIndex(vectors)):
        assert (vectors[index.search(vectors[3], 10_000)] @ vectors[3] > 0).all()
        assert not len(index.search(np.zeros(DIM, np.float32), 10))


def test_what_came_or_changed_since_is_found_at_once(vectors: Floats, cells: CellIndex) -> None:
    new = clustered(3, seed=9)
    longer = np.concatenate([vectors, new[:1]])
    longer[11] = new[1]
    rows = np.array([11, len(vectors)], np.int32)
    index = cells.with_rows(longer, rows)
    assert index.search(new[0], 1).tolist() == [len(vectors)]
    assert index.search(new[1], 1).tolist() == [11]
    again = index.with_rows(np.concatenate([longer, new[2:]]), np.array([len(longer)], np.int32))
    assert again.search(new[2], 1).tolist() == [len(longer)]
    assert again.search(new[1], 1).tolist() == [11]


def test_an_index_comes_back_from_its_arrays(vectors: Floats, cells: CellIndex) -> None:
    changed = cells.with_rows(vectors, np.array([4], np.int32))
    again = index_of(vectors, changed.arrays())
    for question in clustered(20, seed=6):
        assert again.search(question, 50).tolist() == changed.search(question, 50).tolist()
    assert isinstance(index_of(vectors, {}), ExactIndex)
