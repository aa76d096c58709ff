"""A small load generator and a service in a process of its own.

Each connection sends one request after another on one kept-alive socket; parsing is the least that is right for
answers of known length, so that the load takes little of the machine it measures.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import uvloop

SERVER = Path(__file__).with_name("_server.py")
Request = bytes


@dataclass(frozen=True, slots=True)
class Load:
    """What a load saw."""

    seconds: list[float]  # of each request, in order of its end
    lasted: float

    @property
    def per_second(self) -> float:
        return len(self.seconds) / self.lasted


@contextmanager
def service(folder: Path) -> Iterator[int]:
    """The port of a service over the shop in a folder, stopped on leaving."""
    with subprocess.Popen([sys.executable, str(SERVER), str(folder)], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        try:
            yield int(child.stdout.readline().rsplit(":", 1)[1])
        finally:
            child.terminate()


def post(path: str, body: object) -> Request:
    content = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(content)}\r\n"
    return head.encode() + b"Content-Type: application/json\r\n\r\n" + content


def get(path: str) -> Request:
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()


class Connection:
    """One kept-alive connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def open(cls, port: int) -> Connection:
        return cls(*await asyncio.open_connection("127.0.0.1", port, limit=2**24))

    async def ask(self, request: Request) -> bytes:
        """The body of the answer. Raises RuntimeError for anything but 200."""
        self._writer.write(request)
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
        body = await self._reader.readexactly(length)
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(f"{head.splitlines()[0]!r}: {body[:200]!r}")
        return body

    def close(self) -> None:
        self._writer.close()


def closed_loop(port: int, requests: Callable[[int], Request], *, clients: int, seconds: float) -> Load:
    """So many clients, each asking again when it has its answer: the maximum."""
    return uvloop.run(_closed(port, requests, clients, seconds))


def open_loop(port: int, requests: Callable[[int], Request], *, rate: float, seconds: float) -> Load:
    """Requests at a steady rate, whatever the answers do; times count from when each was due."""
    return uvloop.run(_open(port, requests, rate, seconds))


async def _closed(port: int, requests: Callable[[int], Request], clients: int, seconds: float) -> Load:
    numbers = iter(range(sys.maxsize))
    start = perf_counter()
    taken: list[float] = []

    async def client() -> None:
        connection = await Connection.open(port)
        while perf_counter() - start < seconds:
            began = perf_counter()
            await connection.ask(requests(next(numbers)))
            taken.append(perf_counter() - began)
        connection.close()

    await asyncio.gather(*(client() for _ in range(clients)))
    return Load(taken, perf_counter() - start)


async def _open(port: int, requests: Callable[[int], Request], rate: float, seconds: float) -> Load:
    free: asyncio.Queue[Connection] = asyncio.Queue()
    for _ in range(64):
        free.put_nowait(await Connection.open(port))
    taken: list[float] = []

    async def one(number: int, due: float) -> None:
        connection = await free.get()
        await connection.ask(requests(number))
        taken.append(perf_counter() - due)
        free.put_nowait(connection)

    start = perf_counter()
    running = []
    for number in range(int(rate * seconds)):
        due = start + number / rate
        if (wait := due - perf_counter()) > 0:
            await asyncio.sleep(wait)
        running.append(asyncio.create_task(one(number, due)))
    await asyncio.gather(*running)
    lasted = perf_counter() - start
    while not free.empty():
        free.get_nowait().close()
    return Load(taken, lasted)
