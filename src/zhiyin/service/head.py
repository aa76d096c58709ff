"""What uvicorn leaves open: how long a head may be, how slowly somebody may send or read, and how many may come.

httptools takes and keeps a head of any length, and nobody hangs up on who sends a byte a second, or never reads:
each of them keeps a file open, and when there are no more, nobody at all is answered. What stands in a body is
bounded in door.py, which sees a request only when its head is complete.
"""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Iterable

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from zhiyin.service.problems import problem

MAX_HEAD = 65_536  # bytes; a read that completes a head may hold more
PATIENCE = 20.0  # seconds that anybody has, to send a request or to read an answer
LEAST = 500  # bytes a second, that are waited for beyond that
LOOK_EVERY = 5.0  # seconds between two looks at who is slow
BACKLOG = 100  # connections that are taken in at once
MOST_CONNECTIONS = 1_000
SPARE = BACKLOG + 100  # files that are needed for something else
_STATUS = {408: "Request Timeout", 431: "Request Header Fields Too Large", 503: "Service Unavailable"}


class BoundedHead(HttpToolsProtocol):
    """HTTP as uvicorn speaks it. Who sends a head without end hears 431, who sends too slowly 408, who is one too
    many 503; they are hung up on, and so is who does not read."""

    _in_head = True
    _size = 0  # bytes of the head that is coming in, but for those that came together with the request before
    _began: float | None = None  # when the request that is coming in did; None between two, of which uvicorn knows
    _came = 0  # bytes of it
    _unread: tuple[float, int] | None = None  # since when, and how many bytes, wait to be read

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self._began = self.loop.time()
        if len(self.connections) > most_connections():
            self._hang_up(503, "too many connections are open: come again in a minute")

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        if self._began is None:
            self._began, self._came = self.loop.time(), 0
        self._size += len(data)
        self._came += len(data)
        super().data_received(data)
        if self._in_head and self._size > MAX_HEAD and not self.transport.is_closing():
            self._hang_up(431, f"the head of a request has at most {MAX_HEAD:,} bytes")

    def on_message_begin(self) -> None:
        if self._began is None:  # behind another one in the same read
            self._began, self._came = self.loop.time(), 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._in_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._in_head, self._size, self._began = True, 0, None
        super().on_message_complete()

    def judge(self, now: float) -> None:
        """Hang up on who is too slow, as of a time of the loop."""
        if self._does_not_read(now):
            self.transport.abort()
        elif self._does_not_send(now) and not self.transport.is_closing():
            if self._answering and self.cycle.response_started:
                self.transport.close()
            else:
                self._hang_up(408, f"a request comes within {PATIENCE:.0f} seconds, or at {LEAST} bytes a second")

    @property
    def _answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _does_not_send(self, now: float) -> bool:
        if self._began is None or self.flow.read_paused or (self._in_head and self._answering):
            return False  # nothing is waited for, or it is we who are slow
        return now - self._began > PATIENCE + self._came / LEAST

    def _does_not_read(self, now: float) -> bool:
        left = self.transport.get_write_buffer_size()
        if not left:
            self._unread = None
            return False
        since, before = self._unread = self._unread or (now, left)
        if now - since <= PATIENCE:
            return False
        self._unread = now, left
        return before - left < LEAST * (now - since)

    def _hang_up(self, status: int, told: str) -> None:
        answer = problem(status, told, headers={"Connection": "close"})
        lines = b"".join(name + b": " + value + b"\r\n" for name, value in answer.raw_headers)
        self.transport.write(f"HTTP/1.1 {status} {_STATUS[status]}\r\n".encode() + lines + b"\r\n" + answer.body)
        self.transport.close()


def most_connections() -> int:
    """As many as there can be files, without those that are needed otherwise."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(1, min(MOST_CONNECTIONS, soft - SPARE))


def make_room() -> None:
    """Let this process open as many files as connections may need, where it may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < (wanted := MOST_CONNECTIONS + SPARE):
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, wanted), hard))


async def keep_watch(connections: Iterable[object]) -> None:
    """Judge all connections again and again."""
    while True:
        await asyncio.sleep(LOOK_EVERY)
        now = asyncio.get_running_loop().time()
        for one in tuple(connections):
            if isinstance(one, BoundedHead):
                one.judge(now)
