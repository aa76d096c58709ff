"""How long something takes: by hand, and with those who still wait."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhiyin.metrics.waiting import Waiting


def test_the_curve_steps_at_each_end_by_those_who_still_waited() -> None:
    found = Waiting.of(np.array([1.0, 2.0, 2.0, 3.0, 5.0]), np.array([True, True, False, False, True]))
    assert found.after.tolist() == [1.0, 2.0, 5.0]
    assert found.share == pytest.approx([1 / 5, 1 - 4 / 5 * 3 / 4, 1.0])
    assert (found.n, found.n_over, found.median) == (5, 3, 5.0)


@given(waited=st.lists(st.floats(0, 99), min_size=1, max_size=9))
def test_where_nobody_still_waits_it_is_the_share_of_those_who_did_not_wait_longer(waited: list[float]) -> None:
    times = np.array(waited)
    found = Waiting.of(times, np.ones(len(times), bool))
    assert found.share == pytest.approx([(times <= moment).mean() for moment in found.after])


def test_where_it_is_over_for_nobody_nothing_is_known() -> None:
    for n in (0, 3):
        found = Waiting.of(np.ones(n), np.zeros(n, bool))
        assert (found.n, found.n_over, found.median, len(found.share)) == (n, 0, None, 0)
