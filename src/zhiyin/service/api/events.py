"""Events: what people did, one or many at once, counted exactly and harmless to send twice."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from zhiyin.service.answers import Stored, json
from zhiyin.service.bodies import Form
from zhiyin.service.desk import Desk
from zhiyin.service.openapi import body, problems
from zhiyin.service.trust import check_append
from zhiyin.types import Event

CLICK = {
    "event_id": "5f0c1e9a",
    "user_id": "ann",
    "item_id": "12",
    "type": "click",
    "recommendation_id": "0c9d2b7e4f5a4d6c8e1f2a3b4c5d6e7f",
    "position": 0,
}
EXAMPLES = {
    "a click": CLICK,
    "a list of events": [CLICK, {"user_id": "ann", "item_id": "7", "type": "rating", "value": 4.5}],
    "a named list": {"events": [CLICK]},
}


def router(desk: Desk) -> APIRouter:
    events = Form(Event, many="events")
    routes = APIRouter(tags=["events"], responses=problems(400, 401, 403, 413, 422, 503))

    @routes.post("/v1/events", response_model=Stored, openapi_extra=body(events, EXAMPLES))
    async def append(request: Request) -> Response:
        """Store events; they count in the next answer. With an `event_id`, sending again changes nothing.
        Without `at` (and `order`) an event happens now, and so does one of the future. One that cannot be read
        refuses the whole request.
        An events key, as Bearer or as `?key=`, is enough; then every event needs an `event_id`."""
        happened = events.read_all(await request.body())
        check_append(request, happened)
        return json(await desk.append(happened))

    return routes
