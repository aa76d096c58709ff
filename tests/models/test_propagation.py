"""Cold items borrow: neighbours by text, and the mixture with their own score."""

import numpy as np
import pytest

from zhiyin.data.dataset import Dataset, build_dataset
from zhiyin.models.base import Run, history_batch
from zhiyin.models.meaning import MeaningRecipe
from zhiyin.models.propagation import lift, shortlisted_neighbours, text_neighbours
from zhiyin.models.taste import TasteRecipe
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


def test_the_lift_mixes_own_and_borrowed_scores_by_support() -> None:
    rows, support = np.array([3, 8], np.int32), np.zeros(len(ALL), np.int64)
    support[3] = 2  # trust 2: half of its own; row 8 has nothing of its own
    near = text_neighbours(WORDS, MEANING, rows, np.array([10, 12], np.int32))
    mixture = lift(near, rows, support, 2.0).toarray()
    wanted = near.toarray() * np.array([[0.5], [1.0]])
    wanted[0, 3] += 0.5
    assert mixture == pytest.approx(wanted, abs=1e-6)
    model = TasteRecipe(reg=5.0).fit(DATA, RUN)
    asker = history_batch([10, 5], [1.0, 1.0], [0.0, 0.0])
    own = model.score(asker)[0]
    lifted = model.propagated(rows, lift(near, rows, support, 2.0)).score(asker)[0]
    assert lifted[[3, 8]] == pytest.approx(wanted @ own, abs=1e-6)
    assert np.delete(lifted, [3, 8]) == pytest.approx(np.delete(own, [3, 8]))


def test_an_empty_catalogue_has_no_neighbours() -> None:
    empty = build_dataset([], ())
    words, meaning = WordsRecipe().fit(empty, RUN), MeaningRecipe().fit(empty, RUN)
    none = np.zeros(0, np.int32)
    assert text_neighbours(words, meaning, none, none).shape == (0, 0)


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
