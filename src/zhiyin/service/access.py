"""Who may do what: keys, and on a machine without keys, nobody but programs and pages of this machine.

Without keys the service listens on this machine only. Then a page of any other site that runs in a browser
here is the danger: it may send requests to 127.0.0.1, under a name of its own that resolves to it (DNS
rebinding). So `Host` must name this machine, and `Origin`, which browsers add to writes, must be the same or
one of `service.cors`.

An events key stands in the pages of a shop, where everybody reads it. It opens one thing, appending events (what a
visitor with an anonymous id says of their profile among them), and may stand in the address as well:
`navigator.sendBeacon` can set no header. It is no password, so the origin of a page is checked all the same.
"""

from __future__ import annotations

import hmac
import ipaddress
import re
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Literal
from urllib.parse import parse_qs

from zhiyin.errors import InvalidSettings
from zhiyin.service.problems import Refused
from zhiyin.settings import PREFIX, ServiceSettings

READS = frozenset({"GET", "HEAD", "OPTIONS"})
ASKS = frozenset({"/v1/recommend", "/v1/similar", "/v1/search", "/v1/rank"})  # answer anybody
APPENDS = ("POST", "/v1/events")  # what an events key opens
ANONYMOUS = re.compile(r"anon-[0-9a-f]{32}")  # as zhiyin.js makes them, of 128 random bits
OWN_PROFILE = re.compile(rf"/v1/users/{ANONYMOUS.pattern}/profile")  # of whoever knows the id
IN_ADDRESS = "key"  # the parameter that may hold an events key
CONSOLE = "/console"
LABELS = "/v1/labels/"  # of which the console asks the public API
USERS, OF_PEOPLE = "/v1/users/", ("/profile", "/similar")  # what tells about people
LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})

Caller = Literal["owner", "page", "anyone"]  # by the key: an API key (or none are set), an events key, neither


@dataclass(frozen=True, slots=True)
class Access:
    """The rules of one service."""

    keys: tuple[bytes, ...]  # sha256 of each
    events_keys: tuple[bytes, ...]  # likewise
    cors: frozenset[str]

    @classmethod
    def of(cls, settings: ServiceSettings, host: str) -> Access:
        """Raises InvalidSettings for an address that others reach without an API key, and for events keys that
        would protect nothing: beside no API key, or one that is an API key itself."""
        keys = tuple(_digest(key.get_secret_value().encode()) for key in settings.api_keys)
        events_keys = tuple(_digest(key.encode()) for key in settings.events_keys)
        if not keys and not is_local(host):
            raise InvalidSettings(
                f"the service would listen on {host!r}, which other machines reach, without an API key: set "
                f"{PREFIX}SERVICE__API_KEYS=KEY, or listen on 127.0.0.1"
            )
        if events_keys and not keys:
            raise InvalidSettings(
                "service.events_keys are set and no API key: without one events need no key at all; set "
                f"{PREFIX}SERVICE__API_KEYS=KEY, or leave the events keys out"
            )
        if not set(keys).isdisjoint(events_keys):
            raise InvalidSettings(
                "one of service.events_keys is an API key, and pages would show it to everybody: make another one"
            )
        return cls(keys, events_keys, frozenset(settings.cors))

    def check(self, method: str, path: str, headers: Mapping[str, str], query: bytes = b"") -> Caller:
        """Who asks. Raises Refused (401, 403 or 421) for who may not do this. Header names are in lower case."""
        if not self.keys:
            self._check_host(headers.get("host", ""))
        scheme, caller = self._by_header(headers.get("authorization", ""))
        if caller == "anyone" and _appends(method, path):
            caller = self._by_address(query)
        if self.keys and needs_key(method, path) and not _may(caller, method, path):
            raise _refused(caller, path)
        if method not in READS and (scheme, caller) != ("bearer", "owner"):
            self._check_origin(headers)
        return caller if self.keys else "owner"

    def _check_host(self, host: str) -> None:
        name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
        if name.lower() not in LOCAL_NAMES:
            raise Refused(
                421,
                f"without API keys only this machine is answered, got Host: {host[:80]!r}: ask localhost or "
                f"127.0.0.1, or set {PREFIX}SERVICE__API_KEYS",
            )

    def _check_origin(self, headers: Mapping[str, str]) -> None:
        origin = headers.get("origin")
        if origin is None or origin in self.cors:
            return
        if origin.partition("://")[2].lower() != headers.get("host", "").lower():
            raise Refused(403, f"a page of {origin[:80]!r} may not do this: add it to service.cors")

    def _by_header(self, authorization: str) -> tuple[str, Caller]:
        """How a key was given, bearer or basic (what browsers ask for by themselves), and who gave it."""
        scheme, _, given = authorization.partition(" ")
        scheme = scheme.lower()
        key = {"bearer": given.strip().encode("latin-1"), "basic": _password(given)}.get(scheme, b"")
        if _is_one_of(key, self.keys):
            return scheme, "owner"
        return scheme, "page" if scheme == "bearer" and _is_one_of(key, self.events_keys) else "anyone"

    def _by_address(self, query: bytes) -> Caller:
        """Only an events key: addresses are kept in logs, where an API key must not be."""
        key = parse_qs(query.decode("latin-1")).get(IN_ADDRESS, [""])[0]
        return "page" if _is_one_of(key.encode(), self.events_keys) else "anyone"


def needs_key(method: str, path: str) -> bool:
    """Writes, the console, labels and what people did; everything that changes something unless it only asks."""
    if method not in READS:
        return path not in ASKS
    tells = path.startswith(USERS) and path.endswith(OF_PEOPLE) and not OWN_PROFILE.fullmatch(path)
    return tells or path == CONSOLE or path.startswith((f"{CONSOLE}/", LABELS))


def _may(caller: Caller, method: str, path: str) -> bool:
    return caller == "owner" or (caller == "page" and _appends(method, path))


def _appends(method: str, path: str) -> bool:
    """Events, and what a visitor of a page says of their own profile, which is an event, too."""
    return (method, path) == APPENDS or (method == "POST" and OWN_PROFILE.fullmatch(path) is not None)


def _refused(caller: Caller, path: str) -> Refused:
    if caller == "page":
        return Refused(
            403,
            "an events key opens POST /v1/events and nothing else but the profile of an anonymous id: this needs "
            "an API key",
        )
    return Refused(401, "this needs an API key: Authorization: Bearer KEY", _challenge(path))


def is_local(host: str) -> bool:
    """Whether nobody but this machine reaches an address to listen on."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _challenge(path: str) -> dict[str, str]:
    """Only the console, and what it asks of labels, lets the browser itself ask for the key: pages handle their
    own refusals. A browser reads one challenge a line, so Basic stands alone; Bearer does as well and the problem
    says so."""
    realm = 'Basic realm="zhiyin: any name, the API key as password"'
    return {"WWW-Authenticate": realm if path.startswith((CONSOLE, LABELS)) else "Bearer"}


def _password(given: str) -> bytes:
    try:
        return b64decode(given, validate=True).partition(b":")[2]
    except (NotBase64, ValueError):
        return b""


def _is_one_of(key: bytes, known: tuple[bytes, ...]) -> bool:
    found = [hmac.compare_digest(_digest(key), one) for one in known]  # all of them, always
    return bool(key) and any(found)


def _digest(key: bytes) -> bytes:
    return sha256(key).digest()
