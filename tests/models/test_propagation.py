"""Items borrow: neighbours by text, and links mixed with theirs."""

import numpy as np
import pytest
import scipy.sparse as sp

from zhiyin.data.dataset import Dataset, build_dataset
from zhiyin.models import propagation
from zhiyin.models.base import Run
from zhiyin.models.meaning import MeaningRecipe
from zhiyin.models.propagation import (
    blended,
    mixture,
    neighbours_one_by_one,
    shortlisted_neighbours,
    smoothed,
    text_neighbours,
)
from zhiyin.models.words import WordsRecipe
from zhiyin.testing.encoders import HashEncoder
from zhiyin.testing.small import SILENT, small_dataset
from zhiyin.types import Item

RUN = Run(HashEncoder())
DATA = small_dataset()
WORDS, MEANING = WordsRecipe().fit(DATA, RUN), MeaningRecipe().fit(DATA, RUN)
ALL = np.arange(len(DATA.items), dtype=np.int32)


@pytest.mark.parametrize("k", [1, 5, 20, 100])
def test_the_weights_of_the_neighbours_sum_to_one_and_nobody_is_their_own(k: int) -> None:
    near = text_neighbours(WORDS, MEANING, ALL, ALL, k).toarray()
    silent = DATA.items.row(SILENT)
    assert near.sum(axis=1) == pytest.approx(np.where(silent == ALL, 0.0, 1.0), abs=1e-6)
    assert not near.diagonal().any()
    assert not near[:, silent].any()
    assert ((near > 0).sum(axis=1) <= k).all()
    assert (near >= 0).all()


def test_neighbours_are_weighted_by_the_square_of_how_alike_they_are() -> None:
    rows, among = np.array([4], np.int32), np.array([7, 2, 11, 19], np.int32)
    near = text_neighbours(WORDS, MEANING, rows, among, 3).toarray()[0]
    cosines = (
        MEANING.vectors[among] @ MEANING.vectors[4] + (WORDS.rows[among] @ WORDS.rows[[4]].T).toarray()[:, 0]
    ) / 2
    cosines = np.maximum(cosines, 0.0)
    cosines[np.argsort(cosines)[0]] = 0.0  # only the three nearest of four
    wanted = np.zeros(len(DATA.items))
    wanted[among] = cosines**2 / (cosines**2).sum()
    assert near == pytest.approx(wanted, abs=1e-5)


def test_neighbours_come_from_the_same_theme() -> None:
    near = text_neighbours(WORDS, MEANING, ALL, ALL, 3).toarray()
    same = [near[a, b] for a in ALL for b in ALL if DATA.items[a].split("/")[0] == DATA.items[b].split("/")[0]]
    assert sum(same) > 0.9 * (len(ALL) - 1)


def test_nobody_to_borrow_from_gives_empty_rows() -> None:
    none = np.zeros(0, np.int32)
    assert text_neighbours(WORDS, MEANING, ALL, none).nnz == 0
    assert text_neighbours(WORDS, MEANING, none, ALL).shape == (0, len(ALL))


def test_later_items_borrow_like_all_and_the_same_whatever_came_with_them() -> None:
    n = len(ALL) - 6
    later, among = ALL[n:], ALL[:n:2]
    together = neighbours_one_by_one(WORDS, MEANING, later, among, n)
    assert together.toarray() == pytest.approx(
        text_neighbours(WORDS, MEANING, later, among).toarray()[:, :n], abs=1e-6
    )
    alone = [neighbours_one_by_one(WORDS, MEANING, later[[place]], among, n).toarray() for place in range(6)]
    assert np.array_equal(together.toarray(), np.concatenate(alone))
    assert neighbours_one_by_one(WORDS, MEANING, ALL[:0], among, n).shape == (0, n)


def test_an_item_with_as_many_events_as_trust_is_half_itself() -> None:
    near = text_neighbours(WORDS, MEANING, ALL, np.array([10, 12], np.int32))
    support = np.zeros(len(ALL), np.int64)
    support[3] = 2
    mixed = mixture(near, support, 2.0).toarray()
    assert mixed[3] == pytest.approx(0.5 * near[[3]].toarray()[0] + 0.5 * (ALL == 3), abs=1e-6)
    assert mixed[8] == pytest.approx(near[[8]].toarray()[0], abs=1e-6)  # nothing of its own


def test_an_item_that_reads_like_nothing_stays_itself() -> None:
    nobody = sp.csr_array((3, 3), dtype=np.float32)
    assert (mixture(nobody, np.zeros(3, np.int64), 5.0).toarray() == np.eye(3)).all()


@pytest.mark.parametrize("dense_below", [0, 10_000])
def test_smoothed_links_are_the_product_of_the_mixtures(dense_below: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(propagation, "DENSE_BELOW", dense_below)
    links, source, target = thirty_squared(3)
    wanted = source.toarray() @ links.toarray() @ target.toarray().T
    assert smoothed(links, source, target, 30).toarray() == pytest.approx(wanted, rel=1e-4)


@pytest.mark.parametrize(("dense_below", "mixed_on"), [(10_000, 30), (0, 8)])
def test_of_smoothed_links_the_largest_stay(
    dense_below: int, mixed_on: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(propagation, "DENSE_BELOW", dense_below)
    links, source, target = thirty_squared(3)
    says = source.toarray() @ links.toarray()
    says[says < np.sort(says, axis=1)[:, [-mixed_on]]] = 0.0
    wanted = says @ target.toarray().T
    wanted[wanted < np.sort(wanted, axis=1)[:, [-4]]] = 0.0
    assert smoothed(links, source, target, 4).toarray() == pytest.approx(wanted, rel=1e-4)


def thirty_squared(n: int) -> list[sp.csr_array]:
    rng = np.random.default_rng(0)
    return [sp.csr_array(rng.random((30, 30)).astype(np.float32)) for _ in range(n)]


def test_an_empty_catalogue_has_no_neighbours() -> None:
    empty = build_dataset([], ())
    words, meaning = WordsRecipe().fit(empty, RUN), MeaningRecipe().fit(empty, RUN)
    none = np.zeros(0, np.int32)
    assert text_neighbours(words, meaning, none, none).shape == (0, 0)


@pytest.mark.slow
def test_a_shortlist_finds_the_same_neighbours_in_a_large_catalogue() -> None:
    data = large_dataset()
    words, meaning = WordsRecipe().fit(data, RUN), MeaningRecipe().fit(data, RUN)
    rows, among = np.arange(0, 600, dtype=np.int32), np.arange(300, len(data.items), dtype=np.int32)
    exact = text_neighbours(words, meaning, rows, among)
    short = shortlisted_neighbours(words, meaning, rows, among, seed=0)
    assert short.sum(axis=1) == pytest.approx(np.ones(600), abs=1e-5)
    assert not short.diagonal().any()
    common = np.minimum(exact.toarray(), short.toarray()).sum(axis=1)  # of a weight of one
    assert common.mean() > 0.9


def large_dataset(n: int = 3_000) -> Dataset:
    """Items of sixty shelves, each with words of its own."""
    rng = np.random.default_rng(2)
    words = [[f"shelf{n % 60}w{w}" for w in rng.integers(0, 15, 8)] for n in range(n)]
    return build_dataset([Item(f"{n:05}", " ".join(words[n])) for n in range(n)], ())


def test_two_kinds_of_neighbours_share_and_one_stands_in_for_the_other() -> None:
    one = sp.csr_array(np.array([[0.5, 0.5, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]], np.float32))
    other = sp.csr_array(
        np.array([[0.0, 0.0, 1.0], [0.0, 0.0, 0.0], [0.0, 0.3, 0.7], [0.0, 0.0, 0.0]], np.float32)
    )
    wanted = [[0.3, 0.3, 0.4], [1.0, 0.0, 0.0], [0.0, 0.3, 0.7], [0.0, 0.0, 0.0]]
    np.testing.assert_allclose(blended(one, other, 0.4).toarray(), wanted, atol=1e-6)
    np.testing.assert_allclose(blended(one, other, 0.0).toarray()[:2], one.toarray()[:2])
