"""Together on sequences short enough to count on paper."""

import numpy as np
import pytest

from letters import link, sequences
from zhiyin.models.base import Run, history_batch
from zhiyin.models.together import TogetherRecipe
from zhiyin.testing.encoders import HashEncoder

RUN = Run(HashEncoder())


def test_a_step_counts_forwards_and_backwards_and_the_next_one_more() -> None:
    data = sequences("abc")
    model = TogetherRecipe(decay=0.5, next_bonus=2.0, discount=0.0).fit(data, RUN)
    assert link(data, model, "a", "b") == 3.0  # 1 for one step, 2 for coming right after
    assert link(data, model, "b", "a") == 1.0
    assert link(data, model, "a", "c") == 0.5  # two steps: decay ** 1, no bonus
    assert link(data, model, "c", "a") == 0.5
    assert link(data, model, "a", "a") == 0.0
    assert link(data, model, "a", "d") == 0.0


def test_pairs_beyond_the_window_and_of_two_people_do_not_count() -> None:
    data = sequences("abcd", "da")
    model = TogetherRecipe(window=2, decay=1.0, next_bonus=0.0, discount=0.0).fit(data, RUN)
    assert link(data, model, "a", "d") == 1.0  # of the second person; in the first they lie three steps apart
    assert link(data, model, "a", "c") == 1.0
    assert link(data, model, "b", "d") == 1.0


def test_what_was_disliked_is_not_part_of_the_sequence() -> None:
    data = sequences("aBc")
    model = TogetherRecipe(next_bonus=1.0, discount=0.0).fit(data, RUN)
    assert link(data, model, "a", "c") == 2.0
    assert link(data, model, "a", "b") == 0.0


def test_popular_items_are_discounted_by_the_supports() -> None:
    data = sequences("ab", "ac", "ad")  # support of a is 3, of b 1
    plain = TogetherRecipe(next_bonus=0.0, discount=0.0).fit(data, RUN)
    fair = TogetherRecipe(next_bonus=0.0, discount=0.5).fit(data, RUN)
    assert link(data, fair, "a", "b") == pytest.approx(link(data, plain, "a", "b") / np.sqrt(3 * 1))


def test_without_order_it_counts_common_people() -> None:
    data = sequences("ab", "ba", "abc", timed=False)
    assert not data.ordered
    model = TogetherRecipe(discount=0.0).fit(data, RUN)
    assert link(data, model, "a", "b") == 3.0
    assert link(data, model, "b", "a") == 3.0
    assert link(data, model, "c", "a") == 1.0
    assert model.decay == 1.0


def test_the_score_adds_decayed_links_over_the_root_of_the_weights() -> None:
    data = sequences("ab", "cb")
    model = TogetherRecipe(next_bonus=0.0, discount=0.0, recency=0.5).fit(data, RUN)
    a, b, c = (data.items.row(letter) for letter in "abc")
    score = model.score(history_batch([a, c], [1.0, 1.0], [0.0, 0.0]))[0, b]
    assert score == pytest.approx((0.5 * 1 + 1.0 * 1) / (0.5 + 1.0) ** 0.5)


def test_only_the_strongest_k_links_are_kept() -> None:
    data = sequences("ab", "ab", "ac", "ad", "ad", "ad")
    model = TogetherRecipe(discount=0.0, k=2).fit(data, RUN)
    assert link(data, model, "a", "b") > 0
    assert link(data, model, "a", "d") > 0
    assert link(data, model, "a", "c") == 0.0


def test_one_event_each_links_nothing() -> None:
    model = TogetherRecipe().fit(sequences("a", "b"), RUN)
    assert model.links.nnz == 0
