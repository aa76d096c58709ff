"""Lists: for a person, like an item, for a wish, and given items in order."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from zhiyin.service.answers import Answer
from zhiyin.service.bodies import Form, Ranking, Search, Similar
from zhiyin.service.desk import Desk
from zhiyin.service.openapi import body, problems
from zhiyin.service.trust import check_person
from zhiyin.types import Query

FOR_QUERY = {
    "for a person": {"user_id": "ann", "n": 10},
    "for somebody new with three clicks": {"session": ["12", "7", "31"], "n": 10},
    "for a wish in words": {"user_id": "ann", "text": "something warm for the winter", "n": 10},
    "within a filter": {"user_id": "ann", "n": 10, "filter": 'category = "Garden" and price < 20'},
    "trending": {"scenario": "trending", "n": 10},
}
FOR_SIMILAR = {"like an item": {"item_id": "12", "n": 6}}
FOR_SEARCH = {"a wish in words": {"text": "a present for a gardener", "n": 10}}
FOR_RANK = {"given items": {"query": {"user_id": "ann"}, "item_ids": ["12", "7", "31"]}}


def router(desk: Desk) -> APIRouter:
    queries, similars, searches, rankings = (
        Form(Query),
        Form(Similar),
        Form(Search),
        Form(Ranking, inner={"query": Query}),
    )
    routes = APIRouter(tags=["lists"], responses=problems(400, 401, 413, 422, 503))

    @routes.post("/v1/recommend", response_model=Answer, openapi_extra=body(queries, FOR_QUERY))
    async def recommend(request: Request) -> Response:
        """A list for a query. It is in the log before it is answered."""
        query = queries.read(await request.body())
        await check_person(desk, request, query.user_id)
        return await desk.recommend(query)

    @routes.post(
        "/v1/similar", response_model=Answer, openapi_extra=body(similars, FOR_SIMILAR), responses=problems(404)
    )
    async def similar(request: Request) -> Response:
        """Items like one of the catalogue."""
        query = similars.read(await request.body()).query()
        await check_person(desk, request, query.user_id)
        return await desk.similar(query)

    @routes.post("/v1/search", response_model=Answer, openapi_extra=body(searches, FOR_SEARCH))
    async def search(request: Request) -> Response:
        """Items for a wish in words; with a person's past heard more quietly."""
        query = searches.read(await request.body()).query()
        await check_person(desk, request, query.user_id)
        return await desk.recommend(query)

    @routes.post("/v1/rank", response_model=Answer, openapi_extra=body(rankings, FOR_RANK))
    async def rank(request: Request) -> Response:
        """Given items, scored and ordered by the same sums: no rule takes one out, chance plays no part."""
        ranking = rankings.read(await request.body())
        await check_person(desk, request, ranking.query.user_id)
        return await desk.order(ranking)

    return routes
