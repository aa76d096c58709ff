"""The contract: bodies and problems in OpenAPI, with examples that can be sent as they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import TypeAdapter

from zhiyin.profile.edits import Edit
from zhiyin.service.access import APPENDS, IN_ADDRESS, needs_key
from zhiyin.service.bodies import MAX_BATCH, Decision, Form, Merge, Ranking, Search, Similar, Texts
from zhiyin.service.problems import MEDIA_TYPE, Problem
from zhiyin.types import Event, Item, Query, User

Json = dict[str, Any]  # a piece of an OpenAPI document, which is JSON by nature

BODY = "#/components/schemas/{model}Body"
NOUNS: tuple[type, ...] = (Query, Similar, Search, Ranking, Event, Item, User, Merge, Texts, Decision, Edit)
PROFILE = "/v1/users/{user_id}/profile"
TOLD = frozenset({"lists", "recommendations"})  # tags of what tells what people did
STATUSES = {
    400: "The body is not JSON.",
    401: "An API key is needed; for lists, where they are of a person by name.",
    403: "A page of another site.",
    404: "Not there.",
    413: "The body is too large.",
    422: "The body is JSON, but not what was asked for.",
    503: "Not now: nothing was done, send it again after Retry-After.",
}


def body(form: Form[Any], examples: Mapping[str, object]) -> Json:
    """What a handler that reads its body by itself takes."""
    one: Json = {"$ref": BODY.format(model=form.noun.__name__)}
    schema = {"anyOf": [one, {"type": "array", "items": one, "maxItems": MAX_BATCH}]} if form.many else one
    named = {name.replace(" ", "_"): {"summary": name, "value": value} for name, value in examples.items()}
    return {
        "requestBody": {"required": True, "content": {"application/json": {"schema": schema, "examples": named}}}
    }


def problems(*statuses: int) -> dict[int | str, Json]:
    """The `responses` of a handler beside its answer."""
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        status: {"description": STATUSES[status], "content": {MEDIA_TYPE: {"schema": schema}}}
        for status in statuses
    }


def describe(app: FastAPI) -> None:
    """Let the application tell its whole contract at /openapi.json."""

    def openapi() -> Json:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's own way to extend it


def _document(app: FastAPI) -> Json:
    document = get_openapi(
        title=app.title, version=app.version, description=app.description, routes=app.routes, tags=app.openapi_tags
    )
    components = document.setdefault("components", {})
    schemas: Json = components.setdefault("schemas", {})
    for noun in NOUNS:
        schema = TypeAdapter(noun).json_schema(ref_template=BODY)
        for name, inner in schema.pop("$defs", {}).items():
            schemas[f"{name}Body"] = inner
        schemas[f"{noun.__name__}Body"] = schema | {"additionalProperties": False}
    schemas["Problem"] = TypeAdapter(Problem).json_schema()
    components["securitySchemes"] = {
        "key": {"type": "http", "scheme": "bearer"},
        "events_key": {"type": "apiKey", "in": "query", "name": IN_ADDRESS},
    }
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if found := _security(method.upper(), path, operation):
                operation["security"] = found
    return document


def _security(method: str, path: str, operation: Json) -> list[Json]:
    """Which keys open an operation; an empty one among them: it is open, but not for people by name."""
    if (method, path) == APPENDS:
        return [{"key": []}, {"events_key": []}]
    if path == PROFILE:  # of an anonymous id, whoever knows it may read it, and with an events key edit it
        return [{"key": []}, {"events_key": []}] if method == "POST" else [{}, {"key": []}]
    if needs_key(method, path):
        return [{"key": []}]
    return [{}, {"key": []}] if TOLD.intersection(operation.get("tags", ())) else []
