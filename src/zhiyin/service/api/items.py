"""Items: the catalogue, changed while it is served."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from zhiyin.service.answers import Changed, Metadata, json, metadata
from zhiyin.service.bodies import Form, path_id
from zhiyin.service.desk import Desk
from zhiyin.service.openapi import body, problems
from zhiyin.types import Item

SPADE = {
    "item_id": "12",
    "title": "Spade of ash wood",
    "text": "For heavy soil.",
    "categories": ["Garden"],
    "brand": "Acorn",
    "price": 24.9,
    "attributes": {"length_cm": 110},
    "translations": {"zh": {"title": "白蜡木铁锹"}},
}


def router(desk: Desk) -> APIRouter:
    items = Form(Item, many="items")
    routes = APIRouter(tags=["items"], responses=problems(401, 403, 503))

    @routes.post(
        "/v1/items",
        response_model=Changed,
        openapi_extra=body(items, {"an item": SPADE, "a list of items": [SPADE]}),
        responses=problems(400, 413, 422),
    )
    async def put(request: Request) -> Response:
        """Put items in, new or in place of what had their ids; the next answer may show them."""
        return json(await desk.put(items.read_all(await request.body())))

    @routes.get("/v1/items/{item_id:path}", response_model=Metadata, responses=problems(404))
    async def get(item_id: str) -> Response:
        """An item of the catalogue."""
        return json(metadata(await desk.item(path_id("item_id", item_id))))

    @routes.delete("/v1/items/{item_id:path}", status_code=204, responses=problems(404))
    async def delete(item_id: str) -> Response:
        """Take an item out; the next answer does not show it. What was done with it stays in the log."""
        await desk.delete_item(path_id("item_id", item_id))
        return Response(status_code=204)

    return routes
