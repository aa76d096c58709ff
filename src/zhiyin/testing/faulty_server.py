"""A server of this machine that answers as an endpoint does, and misbehaves when told to."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Condition, Event, Thread
from typing import Any, TypeVar

KEY = "a-secret-key-of-tests"

Rows = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one answer."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None  # instead of what was asked for
    rows: Callable[[Rows], Rows] | None = None  # rows instead of the right ones
    cut: int | None = None  # bytes after which the connection ends, though more were promised
    silent: bool = False  # nothing at all comes until the server ends


@dataclass
class FaultyServer(ABC):
    """`faults` are used up one a request, first come first served."""

    url: str = ""  # up to and with /v1, once it runs
    faults: deque[Fault] = field(default_factory=deque)
    asked: list[dict[str, Any]] = field(default_factory=list)  # bodies
    keys: list[str | None] = field(default_factory=list)  # headers Authorization
    connections: set[int] = field(default_factory=set)  # ports of those who asked
    ended: Event = field(default_factory=Event)
    lock: Condition = field(default_factory=Condition)

    @property
    @abstractmethod
    def path(self) -> str:
        """What is asked for."""

    @abstractmethod
    def answer(self, body: dict[str, Any], fault: Fault) -> bytes:
        """To a request."""

    def wait_for(self, requests: int, seconds: float = 60.0) -> None:
        """Until so many have come. Raises TimeoutError."""
        with self.lock:
            if not self.lock.wait_for(lambda: len(self.asked) >= requests, seconds):
                raise TimeoutError(f"{len(self.asked)} requests came, {requests} were awaited")

    def heard(self, body: dict[str, Any], key: str | None, port: int) -> Fault:
        """Note a request; what is to be wrong with its answer."""
        with self.lock:
            self.asked.append(body)
            self.keys.append(key)
            self.connections.add(port)
            self.lock.notify_all()
            return self.faults.popleft() if self.faults else Fault()


Server = TypeVar("Server", bound=FaultyServer)


@contextmanager
def running(server: Server) -> Iterator[Server]:
    """It runs in a thread, and ends with the block."""
    http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(server))
    http.daemon_threads = True
    server.url = f"http://127.0.0.1:{http.server_port}/v1"
    thread = Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.ended.set()
        http.shutdown()
        thread.join()
        http.server_close()


def _handler(server: FaultyServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # else each answer waits 40 ms for a word from who asked

        def do_POST(self) -> None:  # the name that the base class looks for
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            fault = server.heard(body, self.headers["Authorization"], self.client_address[1])
            if self.path != f"/v1{server.path}":
                fault = Fault(status=404, body=b'{"error": {"message": "no such path"}}')
            if fault.silent:
                server.ended.wait()
                self.close_connection = True
                return
            self._send(server.answer(body, fault) if fault.body is None else fault.body, fault)

        def _send(self, content: bytes, fault: Fault) -> None:
            self.send_response(fault.status)
            for name, value in {**fault.headers, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content[: fault.cut])
            self.close_connection = self.close_connection or fault.cut is not None

        def log_message(self, *_: object) -> None:
            """Tests say what they need to know."""

    return Handler
