"""Recommendations: lists as they were shown, and why each item stood where it stood."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from zhiyin.errors import NotFound
from zhiyin.service.answers import json
from zhiyin.service.bodies import path_id
from zhiyin.service.desk import Desk
from zhiyin.service.openapi import problems
from zhiyin.service.trust import check_person
from zhiyin.service.why import Why, why
from zhiyin.types import Recommendation


def router(desk: Desk) -> APIRouter:
    routes = APIRouter(tags=["recommendations"], responses=problems(401, 404, 503))

    async def logged(request: Request, recommendation_id: str) -> Recommendation:
        known = path_id("recommendation_id", recommendation_id)
        shown = await desk.aside(lambda: desk.shop.store.recommendation(known))
        if shown is None:
            raise NotFound(f"no recommendation {known!r}: it was never shown, or its person was erased")
        await check_person(desk, request, shown.query.user_id)
        return shown

    @routes.get("/v1/recommendations/{recommendation_id}", response_model=Recommendation)
    async def get(request: Request, recommendation_id: str) -> Response:
        """A list from the log, with the probability of every place and the candidates it was chosen from."""
        return json(await logged(request, recommendation_id))

    @routes.get("/v1/recommendations/{recommendation_id}/why/{item_id:path}", response_model=Why)
    async def get_why(request: Request, recommendation_id: str, item_id: str) -> Response:
        """The exact sum behind one place, down to what each item of the history added."""
        shown = await logged(request, recommendation_id)
        live = (await desk.open_now()).live
        return json(await desk.aside(lambda: why(desk.shop, live, shown, item_id)))

    return routes
