"""Errors as RFC 9457 problem+json: what is wrong, what was got, and the cure; never how we are built.

What the asker can mend is told in full. What they cannot (a broken file, a bug) goes to the log of the
service, and the answer says no more than that.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from zhiyin.errors import InvalidData, NotFound, StoreBusy, ZhiyinError

logger = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
TITLES = {
    400: "Bad request",
    401: "Key needed",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    408: "Too slow",
    413: "Too large",
    421: "Wrong address",
    422: "Not usable",
    431: "Head too large",
    500: "Not done",
    503: "Not now",
}
RETRY_AFTER = "1"  # seconds


class Overloaded(ZhiyinError):
    """Too many wait, or the service is not ready: nothing was done, try again."""


class Refused(ZhiyinError):
    """A request that is turned away before its content matters."""

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status, self.headers = status, dict(headers or {})


class BadBody(InvalidData):
    """A body that is no JSON (400), or JSON that is not what was asked for (422)."""

    def __init__(self, detail: str, errors: Sequence[Mapping[str, str]] = (), status: int = 422) -> None:
        super().__init__(detail)
        self.status, self.errors = status, list(errors)


@dataclass(frozen=True, slots=True)
class Problem:
    """RFC 9457. `type` names the kind of problem for programs, `detail` tells people."""

    type: str
    title: str
    status: int
    detail: str
    errors: Sequence[Mapping[str, str]] = ()  # of a body: where, what, and what was got


def problem(
    status: int,
    detail: str,
    *,
    errors: Sequence[Mapping[str, str]] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A problem as an answer."""
    title = TITLES.get(status, "Not answered")
    name = title.lower().replace(" ", "-")
    body = Problem(f"urn:zhiyin:problem:{name}", title, status, detail, errors)
    content = orjson.dumps(body, option=orjson.OPT_NON_STR_KEYS)
    return Response(content, status, dict(headers or {}), media_type=MEDIA_TYPE)


def told(error: ZhiyinError) -> Response:
    """One of our own errors as an answer."""
    match error:
        case Refused():
            return problem(error.status, str(error), headers=error.headers)
        case BadBody():
            return problem(error.status, str(error), errors=error.errors)
        case InvalidData():
            return problem(422, str(error))
        case NotFound():
            return problem(404, str(error))
        case Overloaded():
            return problem(503, str(error), headers={"Retry-After": RETRY_AFTER})
        case StoreBusy():
            detail = "the store is busy, nothing was written: send it again in a second"
            return problem(503, detail, headers={"Retry-After": RETRY_AFTER})
    logger.error("a request failed", exc_info=error)
    return problem(500, "the service cannot do this now; its log says why")


def handle_problems(app: FastAPI) -> None:
    """Every error of an application as a problem."""

    async def ours(_: Request, error: Exception) -> Response:
        return told(error) if isinstance(error, ZhiyinError) else unexpected()

    async def http(_: Request, error: Exception) -> Response:
        return _http(error) if isinstance(error, HTTPException) else unexpected()

    async def address(_: Request, error: Exception) -> Response:
        errors = error.errors() if isinstance(error, RequestValidationError) else ()
        said = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in errors]
        return problem(422, "; ".join(said))

    async def gone(_: Request, __: Exception) -> Response:
        """Who hangs up before the body is whole is no trouble of ours, and hears nothing."""
        return problem(400, "the body ended before it was whole")

    async def any_other(_: Request, error: Exception) -> Response:
        logger.error("a request failed", exc_info=error)
        return unexpected()

    app.add_exception_handler(ZhiyinError, ours)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(RequestValidationError, address)
    app.add_exception_handler(ClientDisconnect, gone)
    app.add_exception_handler(Exception, any_other)


def unexpected() -> Response:
    """What a bug looks like from outside."""
    return problem(500, "something unexpected happened; the log of the service says what: please report it")


def _http(error: HTTPException) -> Response:
    detail = {
        404: "there is no such address: /openapi.json lists them all",
        405: "this address does not take this method: /openapi.json lists what it takes",
    }.get(error.status_code, str(error.detail))
    return problem(error.status_code, detail, headers=error.headers)
