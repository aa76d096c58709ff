"""The application factory: everything is made from one shop, nothing is global."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from importlib.metadata import version

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from zhiyin.service import pages
from zhiyin.service.access import Access
from zhiyin.service.api import events, health, items, labels, lists, recommendations, users
from zhiyin.service.desk import Desk
from zhiyin.service.door import Door
from zhiyin.service.openapi import describe
from zhiyin.service.problems import handle_problems
from zhiyin.shop import Zhiyin

ABOUT = """Recommendations with their reasons. Lists are in the log, with the probability of every place, before
they are answered. Errors are RFC 9457 problem+json. Where API keys are set, whatever changes something, the
console, profiles and lists of people by name need one: `Authorization: Bearer KEY`. An events key appends events,
what a visitor says of their own profile among them, and nothing else."""


def create_app(
    shop: Zhiyin, *, host: str | None = None, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> FastAPI:
    """The HTTP service of a shop, listening on `host` (by default that of the settings).

    Raises InvalidSettings for an address that other machines reach, without an API key.
    """
    settings = shop.settings.service
    access = Access.of(settings, host if host is not None else settings.host)
    desk = Desk(shop, clock)
    app = FastAPI(
        title=shop.settings.name,
        version=version("zhiyin"),
        description=ABOUT,
        lifespan=_lifespan(desk),
        docs_url=None,  # they load scripts from elsewhere
        redoc_url=None,
    )
    app.state.desk = desk
    for part in (lists, events, items, users, recommendations, labels, health):
        app.include_router(part.router(desk))
    app.include_router(pages.router(shop))
    handle_problems(app)
    describe(app)
    app.add_middleware(Door, access=access, meters=desk.meters, max_body=settings.max_body_bytes)
    if settings.cors:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(settings.cors),
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=["Authorization", "Content-Type"],
            max_age=3_600,
        )
    return app


def _lifespan(desk: Desk) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await desk.open()
        try:
            yield
        finally:
            await desk.close()

    return lifespan
