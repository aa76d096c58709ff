"""One commit for whatever waits."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from threading import Event

import pytest

from zhiyin.errors import InvalidData
from zhiyin.service.problems import Overloaded
from zhiyin.service.writer import GROUP, Lane


class Book:
    """Writes numbers when it may, and keeps what came together."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.open = Event()

    def write(self, jobs: list[int]) -> Sequence[int]:
        self.open.wait()
        if any(job < 0 for job in jobs):
            raise InvalidData(f"a number from 0 up, got {min(jobs)}")
        self.groups.append(jobs)
        return [2 * job for job in jobs]


@pytest.fixture
def book() -> Book:
    return Book()


async def outcomes(lane: Lane[int, int], book: Book, jobs: Sequence[int], size: int = 1) -> list[object]:
    """What each of the jobs hears, when all were handed in before the first could be written."""
    waiting = [asyncio.create_task(lane.put(job, size)) for job in jobs]
    await asyncio.sleep(0)
    book.open.set()
    heard = await asyncio.gather(*waiting, return_exceptions=True)
    return list(heard)


def run(book: Book, jobs: Sequence[int], *, most: int = 10**9, size: int = 1) -> list[object]:
    async def all_of_it() -> list[object]:
        with ThreadPoolExecutor(1) as thread:
            lane = Lane(thread, book.write, most)
            heard = await outcomes(lane, book, jobs, size)
            await lane.drain()
            assert lane.size == 0
            return heard

    return asyncio.run(all_of_it())


def test_what_waits_while_one_is_written_goes_together(book: Book) -> None:
    assert run(book, range(100)) == [2 * n for n in range(100)]
    assert [len(group) for group in book.groups] == [1, 99] or len(book.groups) == 1
    assert [*chain(*book.groups)] == list(range(100))


def test_a_group_is_no_larger_than_a_commit_should_be(book: Book) -> None:
    run(book, range(7), size=GROUP // 3)
    assert max(len(group) for group in book.groups) == 3


def test_one_that_is_too_large_for_a_group_goes_alone(book: Book) -> None:
    assert run(book, [1, 2, 3], size=GROUP * 5) == [2, 4, 6]
    assert book.groups == [[1], [2], [3]]


def test_a_refused_job_is_heard_by_its_owner_alone(book: Book) -> None:
    *good, bad = run(book, [1, 2, 3, -7])
    assert good == [2, 4, 6]
    assert isinstance(bad, InvalidData)
    assert "got -7" in str(bad)


def test_too_many_waiting_are_sent_away_and_the_others_are_written(book: Book) -> None:
    heard = run(book, range(10), most=4)
    assert heard[:4] == [0, 2, 4, 6]
    assert all(isinstance(one, Overloaded) for one in heard[4:])


def test_one_job_larger_than_all_that_may_wait_is_taken_when_nothing_waits(book: Book) -> None:
    assert run(book, [5], most=10, size=1_000) == [10]


def test_somebody_who_no_longer_waits_does_not_stop_the_others(book: Book) -> None:
    async def all_of_it() -> int:
        with ThreadPoolExecutor(1) as thread:
            lane = Lane(thread, book.write, 100)
            gone, stays = (asyncio.create_task(lane.put(job)) for job in (1, 2))
            await asyncio.sleep(0)
            gone.cancel()
            book.open.set()
            return await stays

    assert asyncio.run(all_of_it()) == 4
    assert [*chain(*book.groups)] == [1, 2]
