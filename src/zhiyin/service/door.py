"""The door: every request is measured, checked and kept from being too large, before it is read.

Plain ASGI, since whatever stands here is paid by every answer.
"""

from __future__ import annotations

from time import perf_counter

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from zhiyin.service.access import Access
from zhiyin.service.meters import Meters
from zhiyin.service.problems import Refused, told


class Door:
    """Raises nothing: who is turned away gets a problem."""

    def __init__(self, app: ASGIApp, access: Access, meters: Meters, max_body: int) -> None:
        self._app, self._access, self._meters, self._max_body = app, access, meters, max_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start, status = perf_counter(), 500

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._enter(scope, receive, watched)
        finally:
            route = getattr(scope.get("route"), "path", "unknown")
            self._meters.request(scope["method"], route, status, perf_counter() - start)

    async def _enter(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        try:
            self._check_names(headers)
            caller = self._access.check(scope["method"], scope["path"], headers, scope["query_string"])
            self._check_length(headers.get("content-length", "0"))
        except Refused as error:
            await told(error)(scope, receive, send)
            return
        scope.setdefault("state", {})["caller"] = caller  # request.state.caller: trust.py asks for it
        await self._app(scope, self._limited(receive), send)

    def _check_names(self, headers: Headers) -> None:
        """With two hosts, a proxy and this service may each believe another one."""
        if (count := len(headers.getlist("host"))) > 1:
            raise Refused(400, f"a request names one Host, got {count}", {"Connection": "close"})

    def _check_length(self, length: str) -> None:
        if not length.isdecimal() or int(length[:20]) > self._max_body:
            raise self._too_large(f"{length[:20]} bytes")

    def _limited(self, receive: Receive) -> Receive:
        """A body of unknown length, counted as it comes."""
        size = 0

        async def counted() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > self._max_body:
                raise self._too_large("more")
            return message

        return counted

    def _too_large(self, got: str) -> Refused:
        return Refused(
            413,
            f"a body has at most {self._max_body:,} bytes (service.max_body_bytes), got {got}: send it in parts",
            {"Connection": "close"},
        )
