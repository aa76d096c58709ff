"""What is told to whom, where API keys are set: docs/decisions/0006-what-strangers-may-read.md.

A list tells what its person did: by its reasons, by its parts, and by what is missing from it. So it is told to
who holds an API key, and to who knows an id that cannot be guessed: the browser that made it.
"""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import Request

from zhiyin.service.access import ANONYMOUS
from zhiyin.service.desk import Desk
from zhiyin.service.problems import BadBody, Refused
from zhiyin.types import Event


async def check_person(desk: Desk, request: Request, user_id: str | None) -> None:
    """Raises Refused (401) for who may not be told what a person did.

    An anonymous id that was merged into somebody is theirs from then on: who planted or kept it learns nothing.
    """
    if request.state.caller == "owner" or user_id is None or desk.shop.settings.service.open_lists:
        return
    if ANONYMOUS.fullmatch(user_id):
        ids = await desk.aside(lambda: desk.shop.store.ids_of(user_id))
        if all(ANONYMOUS.fullmatch(id_) for id_ in ids):
            return
    raise Refused(
        401,
        "a list tells what its person did, so lists of people by name need an API key: let your own server ask "
        "with Authorization: Bearer KEY, or ask for an anonymous id of the snippet, or set service.open_lists",
        {"WWW-Authenticate": "Bearer"},
    )


def check_append(request: Request, events: Sequence[Event]) -> None:
    """Raises BadBody for events without an id that come with an events key, and for edits of profiles, which would
    leave things out of anybody's lists.

    Without an id the content is the identity, and the count of duplicates would say who did what already.
    """
    if request.state.caller == "owner":
        return
    if any(event.type == "edit" for event in events):
        raise BadBody(
            "an events key adds no edits of profiles here: POST /v1/users/ID/profile, of an anonymous id"
        )
    if any(event.event_id is None for event in events):
        raise BadBody("with an events key every event needs an event_id, a random one: zhiyin.js makes them")
