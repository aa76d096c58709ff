"""Health: for those who watch over the service."""

from __future__ import annotations

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST

from zhiyin.service.answers import Health, json
from zhiyin.service.desk import Desk
from zhiyin.service.openapi import problems


def router(desk: Desk) -> APIRouter:
    routes = APIRouter(tags=["health"])

    @routes.get("/healthz", response_model=Health)
    async def healthz() -> Response:
        """The process runs."""
        return json(Health("alive"))

    @routes.get("/readyz", response_model=Health, responses=problems(503))
    async def readyz() -> Response:
        """A bundle is live and the store takes writes."""
        return json(await desk.ready())

    @routes.get("/metrics", response_class=Response)
    async def metrics() -> Response:
        """Counters for Prometheus."""
        return Response(desk.meters.page(), media_type=CONTENT_TYPE_LATEST)

    return routes
