"""The words channel: profiles, retrieval by posting lists, changed texts."""

import numpy as np
import pytest

from zhiyin.models.base import Run, history_batch
from zhiyin.models.words import WordsRecipe
from zhiyin.testing.encoders import HashEncoder
from zhiyin.testing.small import small_catalogue, small_dataset
from zhiyin.types import Item

RUN = Run(HashEncoder())


@pytest.mark.slow
def test_the_score_is_the_cosine_of_the_summed_rows() -> None:
    data = small_dataset()
    model = WordsRecipe(recency=0.5).fit(data, RUN)
    rows = model.rows.toarray()[:, np.unique(model.rows.indices)]
    profile = 0.5 * rows[3] - rows[8]
    wanted = rows @ profile / np.linalg.norm(profile)
    score = model.score(history_batch([3, 8], [1.0, -1.0], [0.0, 0.0]))[0]
    assert score == pytest.approx(wanted, abs=1e-5)


def test_a_rare_typed_word_finds_the_one_item_that_has_it() -> None:
    data = small_dataset()
    model = WordsRecipe().fit(data, RUN)
    found = model.scorer(history_batch([], [], [], "a VIOLIN, please")).retrieve(5)
    assert data.items[int(found[0])] == "music/violin"


def test_chinese_characters_are_found_without_spaces() -> None:
    data = small_dataset()
    model = WordsRecipe().fit(data, RUN)
    found = model.scorer(history_batch([], [], [], "给花园买东西")).retrieve(3)
    assert {data.items[int(row)].split("/")[0] for row in found} == {"garden"}


def test_words_nobody_wrote_find_nothing() -> None:
    model = WordsRecipe().fit(small_dataset(), RUN)
    assert not len(model.scorer(history_batch([], [], [], "zzzyx")).retrieve(5))
    assert not len(model.scorer(history_batch([], [], [], "!?…")).retrieve(5))


def test_looking_up_few_words_still_finds_nearly_the_same() -> None:
    data = small_dataset()
    few, all_of_them = (WordsRecipe(n_terms=n, recency=0.9).fit(data, RUN) for n in (16, 10_000))
    for row in range(1, len(data.items)):
        asker = history_batch([row, (row + 5) % 25], [1.0, 1.0], [0.0, 0.0])
        both = np.intersect1d(few.scorer(asker).retrieve(8), all_of_them.scorer(asker).retrieve(8))
        assert len(both) >= 6


def test_reworded_items_are_found_by_their_new_words_only() -> None:
    data = small_dataset()
    model = WordsRecipe().fit(data, RUN)
    row = data.items.row("music/violin")
    again = model.reworded(np.array([row], np.int32), [Item("music/violin", "spade")])
    assert not len(again.scorer(history_batch([], [], [], "violin")).retrieve(5))
    assert row in again.scorer(history_batch([], [], [], "spade")).retrieve(5)
    others = np.delete(np.arange(len(data.items)), row)
    assert (again.rows[others] != model.rows[others]).nnz == 0


def test_the_catalogue_of_the_small_world_has_25_items() -> None:
    assert len(small_catalogue()) == len(small_dataset().items) == 25
