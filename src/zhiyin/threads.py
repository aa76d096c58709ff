"""Parts of long work side by side on all cores, where numpy and scipy let go of the interpreter.

What comes back is the same, in the same order, as one after the other. Only for work that nobody at a page waits
for: while it lasts, BLAS has one thread in the whole process.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain, islice
from typing import TypeVar

from threadpoolctl import threadpool_limits

P = TypeVar("P")
R = TypeVar("R")


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
