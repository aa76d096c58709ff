"""An application in this process, asked without a socket; and the same shop with other settings."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

import httpx
from fastapi import FastAPI

from zhiyin.service.app import create_app
from zhiyin.settings import ServiceSettings
from zhiyin.shop import Zhiyin

NOW = datetime(2026, 2, 1, 12, tzinfo=UTC)
Headers = Mapping[str, str] | Mapping[bytes, bytes]
HERE = "http://127.0.0.1:8420"


class Caller:
    """Requests to an application, one after another or many at once."""

    def __init__(self, shop: Zhiyin, app: FastAPI, runner: asyncio.Runner) -> None:
        self.shop, self.app, self._runner = shop, app, runner
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        self._client = httpx.AsyncClient(transport=transport, base_url=HERE)

    def get(self, path: str, headers: Headers | None = None) -> httpx.Response:
        return self._runner.run(self._client.get(path, headers=headers))

    def delete(self, path: str, headers: Headers | None = None) -> httpx.Response:
        return self._runner.run(self._client.delete(path, headers=headers))

    def post(self, path: str, body: object, headers: Headers | None = None) -> httpx.Response:
        """`body`: bytes as they are, anything else as JSON."""
        return self._runner.run(self._post(path, body, headers))

    def post_at_once(self, path: str, bodies: list[object]) -> list[httpx.Response]:
        async def ask() -> list[httpx.Response]:
            return list(await asyncio.gather(*(self._post(path, body) for body in bodies)))

        return self._runner.run(ask())

    def post_in_parts(self, path: str, parts: Sequence[bytes]) -> httpx.Response:
        """A body that does not say how long it is."""

        async def body() -> AsyncIterator[bytes]:
            for part in parts:
                yield part

        return self._runner.run(self._client.post(path, content=body()))

    async def _post(self, path: str, body: object, headers: Headers | None = None) -> httpx.Response:
        if isinstance(body, bytes):
            return await self._client.post(path, content=body, headers=headers)
        return await self._client.post(path, json=body, headers=headers)


@contextmanager
def calling(shop: Zhiyin, clock: Callable[[], datetime] = lambda: NOW) -> Iterator[Caller]:
    app = create_app(shop, clock=clock)
    with asyncio.Runner() as runner:
        lifespan = app.router.lifespan_context(app)
        runner.run(lifespan.__aenter__())
        try:
            yield Caller(shop, app, runner)
        finally:
            runner.run(lifespan.__aexit__(None, None, None))


@contextmanager
def unchanged(caller: Caller) -> Iterator[Caller]:
    """For tests that share a caller: fails where one leaves more behind than a list in the log."""
    before = _left_behind(caller)
    yield caller
    assert _left_behind(caller) == before, "this test needs a shop of its own"


@contextmanager
def serving(shop: Zhiyin) -> Iterator[Caller]:
    """An application that many tests share: what it serves was found, and is closed at the end with its shop."""
    with shop, calling(shop) as caller:
        assert caller.post("/v1/recommend", {}).status_code == 200
        yield caller


def _left_behind(caller: Caller) -> tuple[object, ...]:
    store = caller.shop.store
    counts = {what: n for what, n in store.counts().items() if what != "recommendations"}
    return store.position(), store.publications(), counts


def with_service(shop: Zhiyin, service: ServiceSettings) -> Zhiyin:
    """The same shop under other settings of the service."""
    shop.settings = shop.settings.model_copy(update={"service": service})
    return shop


def ids(answer: httpx.Response) -> list[str]:
    """The items of a list, in order."""
    assert answer.status_code == 200, answer.text
    return [place["item_id"] for place in answer.json()["items"]]


def problem(answer: httpx.Response, status: int) -> str:
    """The detail of a well-formed problem of this status."""
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), (
        answer.text
    )
    said = answer.json()
    assert said["status"] == status
    assert said["type"].startswith("urn:zhiyin:problem:")
    assert said["title"]
    assert "Traceback" not in answer.text
    return str(said["detail"])
