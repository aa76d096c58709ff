"""Labels: what texts are, and what people say that items are."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from zhiyin.errors import NotFound
from zhiyin.service.answers import json
from zhiyin.service.bodies import Decision, Form, Texts
from zhiyin.service.desk import Desk
from zhiyin.service.openapi import body, problems
from zhiyin.types import ItemLabel, WatchPeriod, WatchSource, check_label_name
from zhiyin.workflows.labels.asking import Classes, classify
from zhiyin.workflows.labels.reviewing import decide
from zhiyin.workflows.labels.watching import Watched, watch

ASKED = {"what customers ask": {"texts": ["Where is my parcel?", "我的包裹在哪里？"]}}
MOST_LABELS = 100  # that one question may name
DECIDED = {"a decision": {"item_id": "12", "label": "fine"}}


def router(desk: Desk) -> APIRouter:
    texts, decisions = Form(Texts), Form(Decision)
    routes = APIRouter(tags=["labels"], responses=problems(400, 401, 403, 404, 413, 422, 503))

    @routes.post("/v1/labels/{name}", response_model=Classes, openapi_extra=body(texts, ASKED))
    async def ask(name: str, request: Request) -> Response:
        """What texts are by a label model, how sure that is, and what is answered to it. Nothing is stored."""
        given = texts.read(await request.body())
        return json(await desk.aside(lambda: classify(desk.shop, known(name), given.texts)))

    @routes.get("/v1/labels/{name}/watch", response_model=Watched)
    async def look(
        name: str,
        period: WatchPeriod = "week",
        source: WatchSource = "events",
        label: Annotated[list[str] | None, Query(max_length=MOST_LABELS)] = None,
    ) -> Response:
        """The share of labels over time, in what people wrote or in items by their publication; an alert is a
        share farther from those before it than chance goes. `label`: only these; may stand several times."""
        model, labels = known(name), label or ()
        return json(await desk.aside(lambda: watch(desk.shop, model, period=period, source=source, labels=labels)))

    @routes.post("/v1/labels/{name}/decisions", response_model=ItemLabel, openapi_extra=body(decisions, DECIDED))
    async def put(name: str, request: Request) -> Response:
        """A person says what an item is: it counts more than the model, which learns from it the next time."""
        said = decisions.read(await request.body())
        at = desk.clock()
        return json(await desk.writer.act(lambda: decide(desk.shop, known(name), said.item_id, said.label, at)))

    return routes


def known(name: str) -> str:
    """A name that stands in an address. Raises NotFound for what can be none."""
    try:
        check_label_name(name)
    except ValueError as error:
        raise NotFound(str(error)) from None
    return name
