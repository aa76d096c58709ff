"""An HTTP endpoint that takes JSON: one request with a deadline, then patience with those who answer badly.

Connections are kept open between requests, one for each thread that asks at the same time. Redirects are not
followed, for the key would go with them. The key is in no message.
"""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from threading import Lock
from typing import Any
from urllib.parse import urlsplit
from weakref import finalize

import numpy as np
import orjson

from zhiyin.endpoints.named import Named
from zhiyin.errors import EndpointFailed

FIRST_WAIT, LONGEST_WAIT = 0.5, 60.0  # seconds before the second attempt, and before any
AT_ONCE, LARGEST = 65_536, 256 << 20  # bytes read in one go, and of an answer
AGAIN = frozenset({408, 409, 425, 429})  # statuses, beside all from 500 up, that another attempt may mend
EXCERPT = 200  # characters of what a server says that are told


@dataclass(frozen=True, slots=True)
class Patience:
    """How long an answer may take, and how often it is asked for."""

    seconds: float  # of one attempt, from its beginning to the last byte
    attempts: int = 1


class Refused(EndpointFailed):
    """An attempt failed. `wait`: seconds that the server asked for; `hopeless`: another would fail like it."""

    def __init__(self, message: str, *, hopeless: bool = False, wait: float | None = None) -> None:
        super().__init__(message)
        self.hopeless, self.wait = hopeless, wait


@dataclass(frozen=True)
class Endpoint:
    """Safe to share between threads."""

    url: str
    key: str = field(repr=False)
    named: Named
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    rng: np.random.Generator = field(default_factory=np.random.default_rng, repr=False)
    largest: int = LARGEST
    _idle: list[http.client.HTTPConnection] = field(default_factory=list, repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)

    def __post_init__(self) -> None:
        finalize(self, _close, self._idle)

    def ask(self, body: Mapping[str, object], patience: Patience) -> Mapping[str, Any]:
        """The answer to a body, both JSON objects. Raises EndpointFailed."""
        content = orjson.dumps(body)
        for attempt in range(1, patience.attempts + 1):
            try:
                return self._once(content, patience.seconds)
            except Refused as refusal:
                wait = self._wait(attempt, refusal)
                if refusal.hopeless or wait > LONGEST_WAIT or patience.attempts == 1:
                    raise
                if attempt == patience.attempts:
                    raise EndpointFailed(f"{refusal} ({attempt} attempts)") from refusal
                self.sleep(wait)
        raise EndpointFailed(f"{self.url} was not asked: {patience.attempts} attempts are none")

    def _wait(self, attempt: int, refusal: Refused) -> float:
        """Seconds: what the server asked for, else twice as long each time, shortened by chance so that many who
        failed together do not come back together."""
        usual = min(FIRST_WAIT * 2.0 ** (attempt - 1), LONGEST_WAIT) * float(self.rng.uniform(0.5, 1.0))
        return usual if refusal.wait is None else max(refusal.wait, usual)

    def _once(self, content: bytes, seconds: float) -> Mapping[str, Any]:
        until = self.clock() + seconds
        connection, used = self._connection(seconds)
        try:
            status, told, body = self._exchanged(connection, content, until)
        except (OSError, UnicodeError, http.client.HTTPException) as error:
            connection.close()
            if used and isinstance(error, ConnectionError) and self.clock() < until:  # it was closed while idle
                with self._lock:  # so were the others
                    _close(self._idle)
                return self._once(content, until - self.clock())
            raise Refused(self._said(f"no answer ({type(error).__name__}: {error})")) from error
        except BaseException:
            connection.close()
            raise
        with self._lock:
            self._idle.append(connection)
        return self._answer(status, told, body)

    def _exchanged(
        self, connection: http.client.HTTPConnection, content: bytes, until: float
    ) -> tuple[int, str | None, bytes]:
        """Status, how long to wait before another attempt, body."""
        connection.request("POST", urlsplit(self.url).path, content, self._headers)
        response, parts, size = connection.getresponse(), [], 0
        while part := response.read1(AT_ONCE):
            parts.append(part)
            size += len(part)
            if size > self.largest:
                raise http.client.HTTPException(f"an answer of more than {self.largest >> 20} MB")
            if self.clock() > until:
                raise TimeoutError("it came too slowly")
            if connection.sock is not None:
                connection.sock.settimeout(max(until - self.clock(), 0.001))
        if response.length:  # bytes that were promised
            raise http.client.IncompleteRead(b"".join(parts), response.length)
        response.close()  # before 3.12 one that was read to its end stays open, and its connection in use
        return response.status, response.getheader("Retry-After"), b"".join(parts)

    def _connection(self, seconds: float) -> tuple[http.client.HTTPConnection, bool]:
        """One that is not in use, and whether it was used before."""
        with self._lock:
            if self._idle:
                connection = self._idle.pop()
                if connection.sock is not None:
                    connection.sock.settimeout(seconds)
                connection.timeout = seconds
                return connection, connection.sock is not None
        parts = urlsplit(self.url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        return kind(parts.hostname or "", parts.port, timeout=seconds), False

    def _answer(self, status: int, wait: str | None, body: bytes) -> Mapping[str, Any]:
        if status != 200:
            told = " ".join(body.decode("utf-8", "replace").split())
            hopeless = status not in AGAIN and status < 500
            usual = f"see {self.named.setting('url')} in zhiyin.toml" if hopeless else "it may pass"
            cure = self.named.cure(status) or usual
            raise Refused(
                self._said(f"status {status}, {self._without_key(told)[:EXCERPT]!r}: {cure}"),
                hopeless=hopeless,
                wait=seconds_of(wait),
            )
        try:
            found = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise Refused(self._said(f"an answer that is no JSON ({error})")) from error
        if not isinstance(found, dict):
            raise Refused(self._said("an answer that is no JSON object"), hopeless=True)
        return found

    @property
    def _headers(self) -> dict[str, str]:
        given = {"Content-Type": "application/json", "Accept": "application/json", "User-Agent": "zhiyin"}
        return given | ({"Authorization": f"Bearer {self.key}"} if self.key else {})

    def _said(self, what: str) -> str:
        return self._without_key(f"the endpoint {self.url} gave {what}")

    def _without_key(self, text: str) -> str:
        return text.replace(self.key, "***") if self.key else text


def _close(idle: list[http.client.HTTPConnection]) -> None:
    while idle:
        idle.pop().close()


def seconds_of(told: str | None, now: Callable[[], float] = time.time) -> float | None:
    """Of a header Retry-After: seconds, or a date. None for what is neither."""
    if told is None:
        return None
    try:
        return max(0.0, float(told))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(told).timestamp() - now())
    except ValueError:
        return None
