"""Parts side by side: the same, in the same order, with errors in their place."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Event, current_thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhiyin.threads import side_by_side


@given(st.lists(st.integers()), st.integers(1, 4))
def test_the_results_are_those_of_one_after_the_other(parts: list[int], cores: int) -> None:
    assert list(side_by_side(lambda n: n * n, parts, cores)) == [n * n for n in parts]


def test_two_are_under_way_at_once() -> None:
    first, second = Event(), Event()

    def wait_for_the_other(n: int) -> bool:
        mine, other = (first, second) if n == 0 else (second, first)
        mine.set()
        return other.wait(10)

    assert list(side_by_side(wait_for_the_other, (0, 1), cores=2)) == [True, True]


def test_with_one_core_there_is_no_thread() -> None:
    (thread,) = side_by_side(lambda _: current_thread(), (0,), cores=1)
    assert thread is current_thread()


def test_parts_are_taken_as_they_are_needed() -> None:
    taken: list[int] = []

    def parts() -> Iterator[int]:
        for n in range(1000):
            taken.append(n)
            yield n

    found = side_by_side(lambda n: n, parts(), cores=2)
    assert [next(found) for _ in range(3)] == [0, 1, 2]
    assert len(taken) < 10


def test_an_error_comes_up_in_its_place() -> None:
    found = side_by_side(lambda n: 1 // n, (1, 2, 0), cores=2)
    assert [next(found), next(found)] == [1, 0]
    with pytest.raises(ZeroDivisionError):
        next(found)
