"""Users: what is known about people, who is who, and forgetting them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from zhiyin.profile.edits import Edit
from zhiyin.profile.traits import Language
from zhiyin.service.answers import Changed, Merged, json
from zhiyin.service.bodies import Form, Merge, path_id
from zhiyin.service.desk import Desk
from zhiyin.service.openapi import body, problems
from zhiyin.service.profile import Profile, profile
from zhiyin.service.trust import check_person
from zhiyin.types import User
from zhiyin.workflows.erase import Receipt, erase
from zhiyin.workflows.kindred import MOST_MET, SimilarPeople, similar_people
from zhiyin.workflows.profile import Asked, edit_profile, phraser_of

ANN = {"user_id": "ann", "attributes": {"country": "CN", "member": True}}
EDITS = {
    "not me": {"field": "category", "value": "Garden", "stance": "less"},
    "in your own words": {"value": "I like slow Japanese films, no horror"},
    "several": {"edits": [{"field": "brand", "value": "Acorn", "stance": "more"}, {"value": "less noise"}]},
}
ALIAS = {"alias": "anon-31b7", "user_id": "ann"}


def router(desk: Desk) -> APIRouter:
    users, merges = Form(User, many="users"), Form(Merge)
    store = desk.shop.store
    routes = APIRouter(tags=["users"], responses=problems(401, 403, 503))
    bad = problems(400, 413, 422)

    @routes.post("/v1/users", response_model=Changed, openapi_extra=body(users, {"a person": ANN}), responses=bad)
    async def put(request: Request) -> Response:
        """What is known about people beside what they did, in place of what was known before."""
        people = users.read_all(await request.body())
        changed = await desk.writer.act(lambda: store.put_users(people))
        return json(Changed(changed, len(people) - changed))

    @routes.post(
        "/v1/users/merge", response_model=Merged, openapi_extra=body(merges, {"a login": ALIAS}), responses=bad
    )
    async def merge(request: Request) -> Response:
        """An anonymous session turns out to be somebody."""
        who = merges.read(await request.body())
        await desk.writer.act(lambda: store.merge(who.alias, who.user_id))
        return json(Merged(who.alias, await desk.aside(lambda: store.resolve(who.user_id))))

    _add_profile(desk, routes)

    @routes.get("/v1/users/{user_id:path}/similar", response_model=SimilarPeople, responses=problems(404, 422))
    async def get_similar(user_id: str, n: Annotated[int, Query(ge=1, le=MOST_MET)] = 10) -> Response:
        """People who like what a person likes, the nearest first."""
        return json(await desk.aside(lambda: similar_people(desk.shop, path_id("user_id", user_id), n)))

    @routes.delete("/v1/users/{user_id:path}", response_model=Receipt, responses=problems(404))
    async def forget(user_id: str) -> Response:
        """Erase a person. The receipt names the bundles that saw them, which forget when they are fitted again."""
        known = path_id("user_id", user_id)
        receipt = await desk.writer.act(lambda: erase(desk.shop, known))
        await desk.look()  # the folds go, too
        return json(receipt)

    return routes


def _add_profile(desk: Desk, routes: APIRouter) -> None:
    """What is read of a person, and what they say of it."""
    edits = Form(Edit, many="edits")

    @routes.get("/v1/users/{user_id:path}/profile", response_model=Profile, responses=problems(404, 422))
    async def get_profile(
        request: Request, user_id: str, language: Language = "en", phrased: bool = False
    ) -> Response:
        """What a person did and what that says about them, in words: each line with its evidence. `phrased`:
        worded by the language model of the settings, where its sentences keep to the evidence."""
        person = path_id("user_id", user_id)
        await check_person(desk, request, person)
        live = (await desk.open_now()).live
        asked = Asked(person, language, phraser_of(desk.shop.settings, phrased=phrased))
        return json(await desk.aside(lambda: profile(desk.shop, live, asked)))

    @routes.post(
        "/v1/users/{user_id:path}/profile",
        response_model=Profile,
        openapi_extra=body(edits, EDITS),
        responses=problems(400, 404, 413, 422),
    )
    async def edit(request: Request, user_id: str, language: Language = "en") -> Response:
        """What a person says of lines of their profile: more, less, never, or unsaid to take it back. It counts in
        the next list. Without a stance the value is a sentence, such as "I like slow films, no horror"."""
        said, person = edits.read_all(await request.body()), path_id("user_id", user_id)
        await check_person(desk, request, person)
        live = (await desk.open_now()).live
        await desk.writer.act(lambda: edit_profile(desk.shop, live, person, said, desk.clock()))
        return json(await desk.aside(lambda: profile(desk.shop, live, Asked(person, language))))
