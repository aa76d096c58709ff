"""Many lists at once are those that are drawn place by place: as probable, and as often."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from zhiyin.policies.base import Noise, Unadjusted, uniforms
from zhiyin.policies.lists import softmax_lists
from zhiyin.policies.softmax import Softmax
from zhiyin.testing.policy_contract import KEYS, SCORES


def test_what_is_logged_is_what_softmax_gives_these_places() -> None:
    for temperature in (0.05, 0.5, 5.0):
        orders, logs = softmax_lists(SCORES, temperature, 4, range(50), KEYS)
        for order, log in zip(orders, logs, strict=True):
            assert len(set(order.tolist())) == 4
            expected = Softmax(temperature, 0.0).log_probs(SCORES, order, Unadjusted(len(SCORES)))
            assert log == pytest.approx(expected, abs=1e-9)


def test_lists_come_as_often_as_is_logged() -> None:
    orders, logs = softmax_lists(SCORES[:4], 0.5, 2, range(100_000), KEYS[:4])
    cells, first, counts = np.unique(orders @ [4, 1], return_index=True, return_counts=True)
    expected = np.exp(logs[first].sum(axis=1))
    assert len(cells) == 12
    assert expected.sum() == pytest.approx(1.0)
    assert stats.chisquare(counts, expected * 100_000).pvalue > 1e-3


def test_a_list_does_not_hang_on_the_others_nor_on_the_order_of_candidates() -> None:
    many, _ = softmax_lists(SCORES, 0.5, 3, [7, 8, 9], KEYS)
    alone, _ = softmax_lists(SCORES[::-1], 0.5, 3, [8], KEYS[::-1])
    assert (len(SCORES) - 1 - alone[0]).tolist() == many[1].tolist()
    assert np.array_equal(uniforms([8], KEYS)[0], Noise(8, KEYS).at(0))


def test_what_may_not_be_shown_is_not_and_lists_end_where_nobody_is_left() -> None:
    scores = np.array([0.3, -np.inf, 0.1])
    orders, logs = softmax_lists(scores, 0.5, 5, range(20), KEYS[:3])
    assert sorted(set(map(tuple, orders.tolist()))) == [(0, 2), (2, 0)]
    assert logs[:, 1].tolist() == pytest.approx([0.0] * 20), "the last that is left is certain"
    assert softmax_lists(np.full(3, -np.inf), 0.5, 5, [1], KEYS[:3])[0].shape == (1, 0)


def test_where_one_is_all_but_certain_the_rest_keep_their_probabilities() -> None:
    orders, logs = softmax_lists(np.array([100.0, 1.0, 0.0]), 1.0, 2, range(2_000), KEYS[:3])
    assert (orders[:, 0] == 0).all()
    share = np.e / (1 + np.e)
    assert np.exp(logs[orders[:, 1] == 1, 1]) == pytest.approx(share)
    assert (orders[:, 1] == 1).mean() == pytest.approx(share, abs=0.04)
