"""What is served of the sequence channel: the net in numpy, by hand and by the contract. Learning it is tested in
tests/training, with torch."""

from dataclasses import replace

import numpy as np
import pytest

from zhiyin.data.dataset import Dataset
from zhiyin.models.base import Model, Run, history_batch
from zhiyin.models.causal import Causal, distances
from zhiyin.models.sequence import Sequence, askers
from zhiyin.testing.model_contract import ENCODER, Channel, ModelContract, all_rows, arrivals
from zhiyin.testing.model_contract import askers as everybody
from zhiyin.testing.nets import random_net, random_sequence
from zhiyin.testing.small import small_dataset

CHANNEL = Channel("sequence", random_sequence, lambda arrays, _: Sequence.of_arrays(arrays))


class TestSequence(ModelContract):
    @pytest.fixture
    def channel(self) -> Channel:
        return CHANNEL

    @pytest.fixture(scope="class")
    @classmethod
    def model(cls, data: Dataset) -> Model:
        return random_sequence(data, Run(ENCODER))


@pytest.fixture
def net() -> Causal:
    return random_net(np.random.default_rng(3))


@pytest.fixture
def model() -> Sequence:
    return random_sequence(small_dataset(), Run(ENCODER))


def test_the_net_is_what_its_formula_says(net: Causal) -> None:
    """One entry after another, in loops and float64."""
    entries = np.random.default_rng(0).normal(size=(5, 8))
    found = net.states(entries[None].astype(np.float32))[0]
    np.testing.assert_allclose(found, slowly(net, entries), atol=1e-4)


def slowly(net: Causal, entries: np.ndarray) -> np.ndarray:
    def norm(place: int, x: np.ndarray) -> np.ndarray:
        return (x - x.mean()) / np.sqrt(x.var() + 1e-5) * net.gain[place] + net.shift[place]

    x = entries * np.sqrt(8) / 2
    for n in range(2):
        normed = np.stack([norm(2 * n, one) for one in x])
        query, key, value = np.split(normed @ net.asked[n], 3, axis=1)
        heard = np.zeros_like(x)
        for t in range(len(x)):
            for head in (slice(0, 4), slice(4, 8)):
                loud = [
                    query[t, head] @ key[s, head] / 2 + net.near[n, head.start // 4, t - s] for s in range(t + 1)
                ]
                share = np.exp(loud) / np.exp(loud).sum()
                heard[t, head] = share @ value[: t + 1, head]
        x = x + heard @ net.heard[n]
        within = np.stack([norm(2 * n + 1, one) for one in x]) @ net.wide[n] + net.wide_shift[n]
        x = x + np.maximum(within, 0) @ net.back[n] + net.back_shift[n]
    return np.stack([norm(4, one) for one in x])


def test_what_comes_later_changes_nothing_of_what_was_read(net: Causal) -> None:
    entries = np.random.default_rng(1).normal(size=(1, 6, 8)).astype(np.float32)
    whole = net.states(entries)
    for n in range(1, 7):
        np.testing.assert_allclose(net.states(entries[:, :n]), whole[:, :n], atol=1e-5)


def test_distances_count_back() -> None:
    assert distances(3).tolist() == [[0, -1, -2], [1, 0, -1], [2, 1, 0]]


def test_each_entry_adds_what_its_arrival_changed(model: Sequence) -> None:
    rows = [3, 9, 4, 12]
    why = model.scorer(history_batch(rows, [1.0] * 4, [0.0] * 4)).why(all_rows(model))
    before = np.zeros(model.n_items, np.float32)
    for n in range(1, 5):
        after = model.score(history_batch(rows[:n], [1.0] * n, [0.0] * n))[0]
        np.testing.assert_allclose(why[n - 1], after - before, atol=1e-4)
        before = after


def test_the_order_matters(model: Sequence) -> None:
    one, other = (model.score(history_batch(rows, [1.0] * 3, [0.0] * 3)) for rows in ([3, 9, 4], [4, 9, 3]))
    assert np.abs(one - other).max() > 0.1


def test_only_the_newest_entries_are_read(model: Sequence) -> None:
    rows = [1, 2, 3, 9, 4, 12, 5, 6]
    long, short = (history_batch(some, [1.0] * len(some), [0.0] * len(some)) for some in (rows, rows[-6:]))
    np.testing.assert_allclose(model.score(long), model.score(short), atol=1e-5)
    why = model.scorer(long).why(all_rows(model))
    assert not why[:2].any()
    assert why[2:].any(axis=1).all()


def test_what_is_disliked_is_taken_away(model: Sequence) -> None:
    both = model.score(history_batch([3, 7, 9], [1.0, -1.0, 1.0], [0.0] * 3))
    liked = model.score(history_batch([3, 9], [1.0, 1.0], [0.0] * 2))
    disliked = model.score(history_batch([7], [1.0], [0.0]))
    np.testing.assert_allclose(both, liked - disliked, atol=1e-4)


def test_many_askers_of_all_lengths_go_through_in_parts(model: Sequence, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = everybody(small_dataset())
    whole = askers(model.net, model.vectors, batch)
    monkeypatch.setattr("zhiyin.models.sequence.AT_ONCE", 13)
    np.testing.assert_allclose(askers(model.net, model.vectors, batch), whole, atol=1e-5)


def test_a_later_item_is_its_text_and_one_without_text_is_nothing(model: Sequence) -> None:
    new = arrivals(small_dataset())
    longer = model.extended(new)
    read, bare = longer.vectors[-2:]
    np.testing.assert_allclose(read, model.reading.vectors(new.vectors[:1])[0], atol=1e-6)
    assert read.any()
    assert not bare.any()
    batch = everybody(small_dataset())
    assert not longer.score(batch)[:, -1].any()


def test_a_later_item_with_another_text_is_read_again(model: Sequence) -> None:
    new = arrivals(small_dataset())
    longer = model.extended(new)
    swapped = replace(new, vectors=new.vectors[::-1])
    row = np.array([longer.n_items - 1], np.int32)
    again = longer.read_again(row, swapped.vectors[1:])
    batch = everybody(small_dataset())
    np.testing.assert_array_equal(again.vectors[-1], longer.vectors[-2])
    np.testing.assert_array_equal(again.score(batch)[:, :-1], longer.score(batch)[:, :-1])


def test_an_item_like_any_other_scores_nothing(model: Sequence) -> None:
    """The mean over the items that people took is zero for everybody."""
    taken = small_dataset().support > 0
    scores = model.score(everybody(small_dataset()))
    np.testing.assert_allclose(scores[:, taken].mean(axis=1), 0.0, atol=1e-5)
