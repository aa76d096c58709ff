"""Parts of long work side by side on all cores, where numpy and scipy let go of the interpreter.

What comes back is the same, in the same order, as one after the other. Only for work that nobody at a page waits
for: while it lasts, BLAS has one thread in the whole process.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import chain, islice
from typing import TypeVar

from threadpoolctl import threadpool_limits

P = TypeVar("P")
R = TypeVar("R")


class Hands:
    """Threads that stay for as many calls as are made: those of an iteration are too short to begin with new ones
    each time."""

    def __init__(self, threads: ThreadPoolExecutor) -> None:
        self._threads = threads

    def each(self, act: Callable[[P], R], parts: Sequence[P]) -> list[R]:
        """What `act` makes of each part, in order."""
        return list(self._threads.map(act, parts))


@contextmanager
def hands(parts: int) -> Iterator[Hands]:
    """One for each of the parts, or for each core there is."""
    cores = len(os.sched_getaffinity(0))
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(min(parts, cores)) as threads:
        yield Hands(threads)


def side_by_side(act: Callable[[P], R], parts: Iterable[P], cores: int | None = None) -> Iterator[R]:
    """What `act` makes of each part; of twice as many parts as `cores` (all there are), the results lie in memory
    at most. An error of any of them comes up in its place."""
    cores, parts = cores or len(os.sched_getaffinity(0)), iter(parts)
    first = list(islice(parts, 2))
    if cores == 1 or len(first) < 2:
        yield from map(act, chain(first, parts))
        return
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(cores) as threads:
        under_way: deque[Future[R]] = deque()
        for part in chain(first, parts):
            under_way.append(threads.submit(act, part))
            if len(under_way) >= 2 * cores:
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()
