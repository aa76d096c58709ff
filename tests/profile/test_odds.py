"""Log-odds against a background, counted by hand."""

from __future__ import annotations

from math import log, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhiyin.profile.odds import STANDS_OUT, z_score, z_scores


def test_z_is_the_log_odds_over_its_deviation() -> None:
    z = z_scores(np.array([3.0]), 4.0, np.array([0.1]))  # a prior of 1 with, 9 without
    expected = (log(4.0 / 10.0) - log(0.1 / 0.9)) / sqrt(1 / 4.0 + 1 / 10.0)
    assert z[0] == pytest.approx(expected)


def test_two_of_two_stand_out_where_few_have_it_and_not_where_many_do() -> None:
    rare, common = z_scores(np.array([2.0, 2.0]), 2.0, np.array([0.01, 0.6]))
    assert rare > STANDS_OUT > common


def test_what_is_as_common_as_everywhere_does_not_stand_out() -> None:
    assert z_scores(np.array([20.0]), 100.0, np.array([0.2]))[0] == pytest.approx(0.0)


@given(st.integers(0, 30), st.integers(0, 30), st.floats(0.01, 0.99))
def test_up_to_half_of_all_one_more_thing_with_the_trait_makes_it_stand_out_more(
    count: int, more: int, base: float
) -> None:
    n = float(2 * (count + 1) + more)  # beyond, the few that lack it make it uncertain again
    fewer, as_many = z_scores(np.array([count, count + 1.0]), n, np.array([base, base]))
    assert as_many > fewer or as_many < 0, "what is rarer than usual only gets surer of that"


@given(st.floats(0, 50), st.floats(0, 50), st.floats(0, 1))
def test_one_trait_alone_has_the_z_that_it_has_among_others(count: float, other: float, base: float) -> None:
    n = count + other
    assert z_score(count, n, base) == pytest.approx(z_scores(np.array([count]), n, np.array([base]))[0], rel=1e-9)


@given(st.integers(0, 20), st.integers(1, 20), st.floats(0.001, 0.999))
def test_only_what_is_more_common_than_everywhere_stands_out(count: int, other: int, base: float) -> None:
    share = count / (count + other)
    z = z_scores(np.array([float(count)]), float(count + other), np.array([base]))[0]
    assert (z > 1e-9) <= (share > base)
    assert (z < -1e-9) <= (share < base)
