"""The routes of the pages: four pages, their files, and the read-only answers that the console asks for.

Everything else that a page needs it asks of the public API, from the browser, as any other site would.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse, StreamingResponse
from jinja2 import Environment

from zhiyin.service.answers import json
from zhiyin.service.pages import console, files, policies
from zhiyin.shop import Zhiyin
from zhiyin.types import Query as Asked
from zhiyin.workflows.courses import Scene
from zhiyin.workflows.exploring import Exploration

MAX_RECENT = 200
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' https: http:",  # pictures of items come from anywhere
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-cache",
}


def router(shop: Zhiyin) -> APIRouter:
    """Pages at /, /console, /console/policies and /snippet, files under /static/, and /console/api/."""
    routes = APIRouter(include_in_schema=False)
    _add_pages(routes, shop, files.templates())
    _add_files(routes)
    _add_console(routes, shop)
    _add_policies(routes, policies.Stage(shop))
    return routes


def _add_pages(routes: APIRouter, shop: Zhiyin, environment: Environment) -> None:
    service = shop.settings.service
    events_key = service.events_keys[0] if service.events_keys else ""
    same = {
        "name": shop.settings.name,
        "keyed": bool(service.api_keys),
        "events_key": events_key,
        "policies": policies.NAMES,
        "own": shop.settings.policy,
        "made_up": policies.MADE_UP,
    }

    def page(name: str, address: str) -> HTMLResponse:
        text = environment.get_template(f"{name}.html").render(same, page=name, address=address)
        return HTMLResponse(text, headers=HEADERS)

    @routes.get("/")
    async def storefront(request: Request) -> HTMLResponse:
        return page("storefront", str(request.base_url))

    @routes.get("/console")
    async def console_page(request: Request) -> HTMLResponse:
        return page("console", str(request.base_url))

    @routes.get("/console/policies")
    async def policies_page(request: Request) -> HTMLResponse:
        return page("policies", str(request.base_url))

    @routes.get("/snippet")
    async def snippet(request: Request) -> HTMLResponse:
        return page("snippet", str(request.base_url))


def _add_files(routes: APIRouter) -> None:
    found = files.static_files()

    @routes.get("/static/{name}")
    async def static(name: str, request: Request) -> Response:
        return served(files.find(found, name), request)

    @routes.get("/favicon.ico")
    async def icon(request: Request) -> Response:
        return served(files.find(found, "seal.svg"), request)

    def served(file: files.StaticFile, request: Request) -> Response:
        headers = {**HEADERS, "ETag": file.tag, "Cross-Origin-Resource-Policy": "cross-origin"}
        if request.headers.get("if-none-match") == file.tag:
            return Response(status_code=304, headers=headers)
        return Response(file.body, media_type=file.type, headers=headers)


def _add_console(routes: APIRouter, shop: Zhiyin) -> None:
    """Plain functions: they read the disk, so each runs in a thread of its own."""

    @routes.get("/console/api/health")
    def health() -> console.Health:
        return console.health(shop)

    @routes.get("/console/api/bundle")
    def bundle() -> console.Served:
        return console.served(shop)

    @routes.get("/console/api/labels")
    def labels() -> console.Labels:
        return console.labels(shop)

    @routes.get("/console/api/exploration")
    def exploration() -> Exploration | None:
        return console.exploration(shop)

    @routes.get("/console/api/recommendations")
    def recommendations(limit: Annotated[int, Query(ge=1, le=MAX_RECENT)] = 30) -> tuple[console.List, ...]:
        return console.recent(shop, limit)

    @routes.get("/console/api/people")
    def people() -> tuple[console.Person, ...]:
        return console.people(shop)

    @routes.get("/console/api/person")
    def person(user_id: str) -> console.Explored:
        return console.explored(shop, user_id)


def _add_policies(routes: APIRouter, stage: policies.Stage) -> None:
    """Two policies side by side. Under the console: it costs work, and tells what people of the shop did."""

    @routes.get("/console/api/policies/pair")
    def pair(
        left: str,
        right: str,
        user_id: str | None = None,
        made_up: Annotated[int | None, Query(ge=1, le=policies.MADE_UP)] = None,
        draw: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
    ) -> Response:
        sides = policies.policy_in(left), policies.policy_in(right)
        if made_up is not None:
            return json(stage.made_up(*sides, made_up - 1, draw))
        return json(stage.pair(*sides, Asked(user_id=user_id, n=policies.PLACES), draw))

    @routes.get("/console/api/policies/race")
    def race(
        left: str,
        right: str,
        people: Annotated[int, Query(ge=1, le=policies.MOST_PEOPLE)] = 20,
        rounds: Annotated[int, Query(ge=1, le=policies.MOST_ROUNDS)] = 12,
        seed: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
    ) -> StreamingResponse:
        sides = policies.policy_in(left), policies.policy_in(right)
        stage.check_race()
        lines = stage.race(sides, Scene(rounds, people, policies.PLACES, seed))
        return StreamingResponse(lines, media_type="application/x-ndjson", headers={"Cache-Control": "no-store"})
