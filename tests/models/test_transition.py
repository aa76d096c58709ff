"""Transition beside a regression that lays out every memory, and on sequences whose answer is plain."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from letters import link, sequences
from zhiyin.data.dataset import Dataset, Doubles
from zhiyin.models.base import Run, history_batch
from zhiyin.models.transition import TransitionRecipe
from zhiyin.testing.encoders import HashEncoder

RUN = Run(HashEncoder())
MEMORY, REG = 0.5, 2.0


def regressed(data: Dataset, histories: tuple[str, ...]) -> Doubles:
    """The same links from memories that are written out, one row for each entry that something follows."""
    n = len(data.items)
    memories, following = [], []
    for history in histories:
        rows = [data.items.row(letter) for letter in history]
        memory = np.zeros(n)
        for row, after in pairwise(rows):
            memory = memory * MEMORY
            memory[row] += 1.0
            memories.append(memory)
            following.append(np.eye(n)[after])
    if not memories:
        return np.zeros((n, n))
    x, y = np.array(memories), np.array(following)
    gram = x.T @ x
    own = np.diag(gram)
    ridge = REG * (own / own[own > 0].mean()) ** 0.25
    links = np.zeros((n, n))
    for j in range(n):
        heard = [i for i in range(n) if i != j and x[:, i] @ y[:, j] > 0]
        if heard:
            links[heard, j] = np.linalg.solve(
                gram[np.ix_(heard, heard)] + np.diag(ridge[heard]), x[:, heard].T @ y[:, j]
            )
    return links


histories_of_letters = st.lists(st.text("abcdef", min_size=0, max_size=7), min_size=1, max_size=6).map(tuple)


@settings(max_examples=40, deadline=None)
@given(histories_of_letters, st.sampled_from([0, 100]))
def test_it_is_the_ridge_regression_of_what_comes_next_on_written_out_memories(
    histories: tuple[str, ...], max_dense: int
) -> None:
    data = sequences(*histories, letters="abcdef")
    model = TransitionRecipe(memory=MEMORY, reg=REG, max_dense=max_dense).fit(data, RUN)
    np.testing.assert_allclose(model.links.toarray(), regressed(data, histories), atol=2e-5)


def test_what_another_item_explains_is_not_credited_twice() -> None:
    """c follows b wherever b was; a was merely there before b, as d was."""
    data = sequences("abc", "abc", "abc", "dbc", "dbc", "af", "af", "af", letters="abcdef")
    model = TransitionRecipe(memory=0.9, reg=0.1).fit(data, RUN)
    assert link(data, model, "b", "c") > 0.8
    assert abs(link(data, model, "a", "c")) < 0.1
    assert link(data, model, "a", "f") > 0.3


def test_it_foresees_forwards_only_and_nothing_of_what_was_disliked() -> None:
    data = sequences("aBc", "aBc", letters="abcdef")
    model = TransitionRecipe(reg=1.0).fit(data, RUN)
    assert link(data, model, "a", "c") > 0.0
    assert link(data, model, "c", "a") == 0.0
    assert link(data, model, "a", "b") == 0.0


def test_only_those_that_came_before_most_are_asked() -> None:
    data = sequences("ad", "ad", "bd", "cd", "cd", "cd", letters="abcdef")
    model = TransitionRecipe(reg=1.0, k=2).fit(data, RUN)
    assert link(data, model, "c", "d") > 0.0
    assert link(data, model, "a", "d") > 0.0
    assert link(data, model, "b", "d") == 0.0


def test_without_a_memory_only_the_last_item_tells() -> None:
    data = sequences("abc", "abc", letters="abcdef")
    model = TransitionRecipe(memory=0.0, reg=1.0).fit(data, RUN)
    assert link(data, model, "b", "c") == pytest.approx(2 / 3, abs=1e-6)  # twice of two, and a ridge of one event
    assert link(data, model, "a", "c") == 0.0


def test_the_newest_item_of_a_history_tells_most() -> None:
    data = sequences("ab", "ab", "cd", "cd", letters="abcdef")
    model = TransitionRecipe(reg=1.0, recency=0.5).fit(data, RUN)
    rows = [data.items.row("a"), data.items.row("c")]
    scores = model.score(history_batch(rows, [1.0, 1.0], [0.0, 0.0]))[0]
    assert scores[data.items.row("d")] > scores[data.items.row("b")] > 0.0


@pytest.mark.parametrize("histories", [(), ("a",), ("a", "b"), ("AB", "C")])
def test_where_nothing_follows_anything_it_says_nothing(histories: tuple[str, ...]) -> None:
    data = sequences(*histories, letters="abcdef")
    model = TransitionRecipe().fit(data, RUN)
    assert model.n_items == 6
    assert model.links.nnz == 0
