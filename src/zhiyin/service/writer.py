"""One thread writes, and one commit carries whatever waits: durable answers without a flush for each.

Everything here but the writing itself runs on the event loop, so there is nothing to lock.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar

from zhiyin.data.store.protocols import Appended, Store
from zhiyin.errors import InvalidData
from zhiyin.service.problems import Overloaded
from zhiyin.types import Event, Recommendation

J = TypeVar("J")
R = TypeVar("R")

GROUP = 2_000  # lists, or events, of one commit; a larger batch goes alone
MOST_LISTS = 2_000  # waiting
MOST_EVENTS = 100_000  # waiting
MOST_ACTS = 64  # other writes waiting


@dataclass(frozen=True, slots=True)
class _Waiting(Generic[J, R]):
    job: J
    size: int
    future: asyncio.Future[R]


class Lane(Generic[J, R]):
    """Jobs of one kind: what waits while a commit runs goes together into the next one."""

    def __init__(self, thread: Executor, write: Callable[[list[J]], Sequence[R]], most: int) -> None:
        """`write`: all of the jobs or none, one result each. `most`: the sizes of the waiting together."""
        self._thread, self._write, self._most = thread, write, most
        self._waiting: deque[_Waiting[J, R]] = deque()
        self._running: asyncio.Task[None] | None = None
        self.size = 0  # of all that is not yet answered

    async def put(self, job: J, size: int = 1) -> R:
        """The result, when it is durable. Raises Overloaded if too much waits, and nothing was written."""
        if self.size and self.size + size > self._most:
            raise Overloaded(f"{self.size:,} writes wait already: send it again in a second")
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(job, size, future))
        self.size += size
        if self._running is None:
            self._running = asyncio.create_task(self._run())
        return await future

    async def drain(self) -> None:
        """Come back when nothing waits."""
        while self._running is not None:
            await self._running

    async def _run(self) -> None:
        while self._waiting:
            group = self._group()
            await self._settle(group)
            self.size -= sum(waiting.size for waiting in group)
        self._running = None

    def _group(self) -> list[_Waiting[J, R]]:
        group = [self._waiting.popleft()]
        size = group[0].size
        while self._waiting and (size := size + self._waiting[0].size) <= GROUP:
            group.append(self._waiting.popleft())
        return group

    async def _settle(self, group: list[_Waiting[J, R]]) -> None:
        """Write a group. Where one of its jobs is refused, each is written alone and hears its own."""
        loop = asyncio.get_running_loop()
        written = loop.run_in_executor(self._thread, self._write, [waiting.job for waiting in group])
        (outcome,) = await asyncio.gather(written, return_exceptions=True)
        if isinstance(outcome, InvalidData) and len(group) > 1:
            for waiting in group:
                await self._settle([waiting])
            return
        for place, waiting in enumerate(group):
            if waiting.future.done():  # whoever asked is gone
                continue
            if isinstance(outcome, BaseException):
                waiting.future.set_exception(outcome)
            else:
                waiting.future.set_result(outcome[place])


class Writer:
    """All writing of one service."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._acts = 0
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="zhiyin-writer")
        self._lists: Lane[Recommendation, None] = Lane(self._thread, self._log, MOST_LISTS)
        self._events: Lane[Sequence[Event], Appended] = Lane(self._thread, store.append_each, MOST_EVENTS)

    @property
    def waiting(self) -> int:
        """Lists and events that are not yet durable."""
        return self._lists.size + self._events.size

    async def log(self, shown: Recommendation) -> None:
        """Come back when the list is in the log."""
        await self._lists.put(shown)

    async def append(self, events: Sequence[Event]) -> Appended:
        """Come back when the events are in the log."""
        return await self._events.put(events, max(len(events), 1))

    async def act(self, write: Callable[[], R]) -> R:
        """Run any other write in its turn. Raises Overloaded if too many wait."""
        if self._acts >= MOST_ACTS:
            raise Overloaded(f"{self._acts} changes wait already: send it again in a second")
        self._acts += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, write)
        finally:
            self._acts -= 1

    async def close(self) -> None:
        """Write what waits, then stop."""
        await self._lists.drain()
        await self._events.drain()
        self._thread.shutdown()

    def _log(self, shown: list[Recommendation]) -> Sequence[None]:
        self._store.log(shown)
        return [None] * len(shown)
