"""Who sends a byte a second, or never reads, keeps nobody else waiting. The clock is told, nobody waits for it."""

from __future__ import annotations

import asyncio
import resource
import socket
import subprocess
import sys
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import uvicorn
from test_hostile_requests import heard
from test_run import SERVER
from uvicorn.server import ServerState

from zhiyin.data.store.sqlite import SqliteStore
from zhiyin.service import head
from zhiyin.service.head import LEAST, PATIENCE, BoundedHead, most_connections
from zhiyin.testing.small import small_catalogue

Message = MutableMapping[str, Any]  # as ASGI has it
GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 20000\r\n\r\n"


class Line:
    """Connections to a service that reads the body and answers with so many bytes."""

    def __init__(self, answer: int) -> None:
        self.answer, self.state, self.gone = answer, ServerState(), 0
        self.address: tuple[str, int] = ("", 0)

    async def app(
        self,
        scope: Message,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        while (message := await receive())["type"] == "http.request" and message["more_body"]:
            pass
        if message["type"] == "http.disconnect":
            self.gone += 1
            return
        length = (b"content-length", str(self.answer).encode())
        await send({"type": "http.response.start", "status": 200, "headers": [length]})
        await send({"type": "http.response.body", "body": b"x" * self.answer})

    @property
    def one(self) -> BoundedHead:
        """The only connection, seen from the service."""
        (one,) = self.state.connections
        assert isinstance(one, BoundedHead)
        return one

    def judge(self, after: float) -> None:
        """What is thought of it so many seconds from now."""
        self.one.judge(asyncio.get_running_loop().time() + after)

    async def until(self, true: Callable[[], bool]) -> None:
        async with asyncio.timeout(5):
            while not true():
                await asyncio.sleep(0.001)

    async def came(self, size: int) -> None:
        """So many bytes of a request have arrived."""
        await self.until(lambda: self.one._came >= size)

    async def waits_to_be_read(self) -> None:
        await self.until(lambda: self.one.transport.get_write_buffer_size() > 0)

    async def hung_up(self) -> None:
        await self.until(lambda: not self.state.connections)


@asynccontextmanager
async def connection(address: tuple[str, int]) -> AsyncIterator[tuple[StreamReader, StreamWriter]]:
    reader, writer = await asyncio.open_connection(*address)
    try:
        yield reader, writer
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


@asynccontextmanager
async def opened(answer: int = 2) -> AsyncIterator[tuple[Line, StreamReader, StreamWriter]]:
    """A service with one connection."""
    line = Line(answer)
    config = uvicorn.Config(line.app, http=BoundedHead, interface="asgi3", log_level="error")  # type: ignore[arg-type]
    config.load()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: BoundedHead(config, line.state, {}), "127.0.0.1", 0)
    line.address = server.sockets[0].getsockname()
    try:
        async with connection(line.address) as (reader, writer):
            await line.until(lambda: bool(line.state.connections))
            yield line, reader, writer
        await line.hung_up()
    finally:
        server.close()


async def answered(reader: StreamReader) -> bool:
    """With all of an answer."""
    return (await reader.readuntil(b"\r\n\r\nxx")).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("sent", [b"", b"GE", GET[:-2], POST, POST + b"x" * 100], ids=range(5))
def test_who_does_not_finish_a_request_hears_408_and_is_hung_up_on(sent: bytes) -> None:
    async def act() -> bytes:
        async with opened() as (line, reader, writer):
            writer.write(sent)
            await line.came(len(sent))
            line.judge(PATIENCE - 1)
            assert not line.one.transport.is_closing(), "there is time"
            line.judge(PATIENCE + len(sent) / LEAST + 1)
            told = await reader.read()
            await line.hung_up()
            await line.until(lambda: line.gone == (sent[:4] == b"POST"))  # who waited for the body hears of it
        return told

    told = asyncio.run(act())
    assert told.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
    assert b"a request comes within 20 seconds, or at 500 bytes a second" in told


def test_who_sends_fast_enough_or_rests_between_requests_is_waited_for() -> None:
    async def act() -> None:
        async with opened() as (line, reader, writer):
            writer.write(POST + b"x" * 10_000)
            await line.came(10_000)
            line.judge(PATIENCE + 10_000 / LEAST - 1)
            writer.write(b"x" * 10_000)
            assert await answered(reader)
            line.judge(1_000)  # uvicorn hangs up on who rests, by a clock of its own
            writer.write(GET + GET)
            assert await answered(reader)
            assert await answered(reader)
            line.judge(1_000)
            writer.write(GET + GET[:5])
            assert await answered(reader)
            line.judge(PATIENCE + 2)
            assert (await reader.read()).startswith(b"HTTP/1.1 408 ")

    asyncio.run(act())


def test_who_does_not_read_is_hung_up_on() -> None:
    async def act() -> None:
        async with opened(answer=50_000_000) as (line, _, writer):
            writer.write(GET)
            await line.waits_to_be_read()
            line.judge(0)
            line.judge(PATIENCE - 1)
            assert not line.one.transport.is_closing(), "there is time"
            line.judge(PATIENCE + 1)
            await line.hung_up()

    asyncio.run(act())


def test_who_reads_slowly_is_waited_for() -> None:
    async def act() -> None:
        async with opened(answer=50_000_000) as (line, reader, writer):
            writer.write(GET)
            await line.waits_to_be_read()
            for turn in range(2):
                line.judge(turn * (PATIENCE + 1))
                await reader.readexactly(20_000_000)
            line.judge(2 * (PATIENCE + 1))
            assert not line.one.transport.is_closing()
            line.judge(9 * PATIENCE)
            await line.hung_up()

    asyncio.run(act())


def test_who_is_one_too_many_hears_503_and_others_are_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(head, "MOST_CONNECTIONS", 1)

    async def act() -> None:
        async with opened() as (line, reader, writer):
            async with connection(line.address) as (second, _):
                assert (await second.read()).startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
            writer.write(GET)
            assert await answered(reader)

    asyncio.run(act())


def test_connections_leave_files_for_everything_else() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (300, hard))
        assert most_connections() == 300 - head.SPARE
        head.make_room()
        assert most_connections() == min(head.MOST_CONNECTIONS, hard - head.SPARE)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


HURRIED = """
import runpy, sys
from zhiyin.service import head
head.PATIENCE, head.LOOK_EVERY = 0.1, 0.05
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""
FEW_FILES = """
import resource, runpy, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (300, 300))
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.mark.slow
def test_a_service_looks_after_its_connections(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HURRIED, str(SERVER), str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        try:
            assert heard(child.stdout.readline().split()[-1], [GET[:9]]).startswith(b"HTTP/1.1 408 ")
        finally:
            child.kill()


@pytest.mark.slow
def test_hundreds_who_say_nothing_or_hang_up_leave_the_service_and_its_log_in_peace(tmp_path: Path) -> None:
    with closing(SqliteStore(tmp_path / "zhiyin.db")) as store:
        store.put_items(small_catalogue())
    command = [sys.executable, "-c", FEW_FILES, str(SERVER), str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        try:
            address = child.stdout.readline().split()[-1]
            place = str(urlsplit(address).hostname), int(urlsplit(address).port or 0)
            silent = [socket.create_connection(place) for _ in range(150)]
            assert httpx.post(f"{address}/v1/recommend", json={"n": 1}, timeout=5).status_code == 503
            for one in silent[:50]:
                one.send(b"POST /v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 50\r\n\r\n{")
            for one in silent:
                one.close()
            assert any(httpx.post(f"{address}/v1/recommend", json={"n": 1}).is_success for _ in range(100))
            child.terminate()
            assert child.wait() == 0
            assert child.stderr.read() == ""
        finally:
            child.kill()
