"""Running the service: one process, one event loop, until a signal; then everything accepted is written."""

from __future__ import annotations

import asyncio
import errno
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import uvicorn
from threadpoolctl import threadpool_limits

from zhiyin.errors import InvalidSettings
from zhiyin.service.app import create_app
from zhiyin.service.desk import Desk
from zhiyin.service.head import BACKLOG, BoundedHead, keep_watch, make_room
from zhiyin.shop import Zhiyin

FLAGS = socket.AI_PASSIVE  # no host: all of this machine
GRACE = 10  # seconds for requests under way when the service stops


def serve(
    shop: Zhiyin, host: str | None = None, port: int | None = None, *, say: Callable[[str], object] = print
) -> None:
    """Serve a shop until SIGINT or SIGTERM; `say` hears the address once lists can be made.

    Raises InvalidSettings for an address that other machines reach, without an API key, and for one that is taken.
    """
    settings = shop.settings.service
    host = settings.host if host is None else host
    port = settings.port if port is None else port
    app = create_app(shop, host=host)
    sockets = _bound(host, port)  # first: uvicorn would tell of a taken address by a traceback
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        access_log=False,
        log_level="warning",
        server_header=False,
        http=BoundedHead,
        backlog=BACKLOG,
        ws="none",
        timeout_graceful_shutdown=GRACE,
    )
    make_room()
    with threadpool_limits(1), _stopped_in_peace():  # many requests at once, each on one core
        asyncio.run(_serve(uvicorn.Server(config), sockets, app.state.desk, say))


def _bound(host: str, port: int) -> list[socket.socket]:
    """All that the name of the host means."""
    bound: list[socket.socket] = []
    try:
        for family, kind, _, _, address in socket.getaddrinfo(host or None, port, 0, socket.SOCK_STREAM, 0, FLAGS):
            bound.append(one := socket.socket(family, kind))
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            one.bind(address)
    except OSError as error:
        for one in bound:
            one.close()
        why = "it is taken, perhaps by another zhiyin up" if error.errno == errno.EADDRINUSE else error.strerror
        cure = "set service.host and service.port, or --host and --port: port 0 takes a free one"
        raise InvalidSettings(f"nobody can listen at {host}, port {port}: {why}; {cure}") from None
    return bound


async def _serve(
    server: uvicorn.Server, sockets: list[socket.socket], desk: Desk, say: Callable[[str], object]
) -> None:
    serving = asyncio.create_task(server.serve(sockets))
    announcing = asyncio.create_task(_announce(server, desk, say))
    watching = asyncio.create_task(keep_watch(server.server_state.connections))
    await asyncio.wait((serving, announcing), return_when=asyncio.FIRST_COMPLETED)
    await serving
    for task in (announcing, watching):
        task.cancel()
    await asyncio.gather(announcing, watching, return_exceptions=True)


async def _announce(server: uvicorn.Server, desk: Desk, say: Callable[[str], object]) -> None:
    await desk.opened.wait()
    while not server.started:
        await asyncio.sleep(0.01)
    say(f"serving at {_address(server)}")


def _address(server: uvicorn.Server) -> str:
    name, port, *_ = server.servers[0].sockets[0].getsockname()
    return f"http://{f'[{name}]' if ':' in name else name}:{port}"


@contextmanager
def _stopped_in_peace() -> Iterator[None]:
    """uvicorn raises the signal that stopped it once more: by then all is done, and nobody needs to die of it."""

    def done(_: int, __: FrameType | None) -> None:
        """Nothing is left to do."""

    before = {number: signal.signal(number, done) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
