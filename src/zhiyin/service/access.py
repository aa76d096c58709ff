"""Who may do what: keys, and on a machine without keys, nobody but programs and pages of this machine.

Without keys the service listens on this machine only. Then a page of any other site that runs in a browser
here is the danger: it may send requests to 127.0.0.1, under a name of its own that resolves to it (DNS
rebinding). So `Host` must name this machine, and `Origin`, which browsers add to writes, must be the same or
one of `service.cors`.
"""

from __future__ import annotations

import hmac
import ipaddress
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import urlsplit

from zhiyin.errors import InvalidSettings
from zhiyin.service.problems import Refused
from zhiyin.settings import PREFIX, ServiceSettings

READS = frozenset({"GET", "HEAD", "OPTIONS"})
ASKS = frozenset({"/v1/recommend", "/v1/similar", "/v1/search", "/v1/rank"})  # answer anybody
CONSOLE = "/console"
PROFILE = ("/v1/users/", "/profile")
LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})


@dataclass(frozen=True, slots=True)
class Access:
    """The rules of one service."""

    keys: tuple[bytes, ...]  # sha256 of each
    cors: frozenset[str]

    @classmethod
    def of(cls, settings: ServiceSettings, host: str) -> Access:
        """Raises InvalidSettings for an address that others reach, without a key."""
        keys = tuple(_digest(key.get_secret_value().encode()) for key in settings.api_keys)
        if not keys and not is_local(host):
            raise InvalidSettings(
                f"the service would listen on {host!r}, which other machines reach, without an API key: set "
                f"{PREFIX}SERVICE__API_KEYS=KEY, or listen on 127.0.0.1"
            )
        return cls(keys, frozenset(settings.cors))

    def check(self, method: str, path: str, headers: Mapping[str, str]) -> None:
        """Raises Refused (401, 403 or 421) for who may not do this. Header names are in lower case."""
        if not self.keys:
            self._check_host(headers.get("host", ""))
        known = self._has_key(headers.get("authorization", ""))
        if self.keys and needs_key(method, path) and known is None:
            raise Refused(401, "this needs an API key: Authorization: Bearer KEY", _challenge(path))
        if method not in READS and known != "bearer":
            self._check_origin(headers)

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
        if urlsplit(origin).netloc.lower() != headers.get("host", "").lower():
            raise Refused(403, f"a page of {origin[:80]!r} may not do this: add it to service.cors")

    def _has_key(self, authorization: str) -> str | None:
        """How a right key was given: bearer or basic (what browsers ask for by themselves)."""
        scheme, _, given = authorization.partition(" ")
        key = {"bearer": given.strip().encode("latin-1"), "basic": _password(given)}.get(scheme.lower())
        if not key:
            return None
        found = [hmac.compare_digest(_digest(key), known) for known in self.keys]  # all of them, always
        return scheme.lower() if any(found) else None


def needs_key(method: str, path: str) -> bool:
    """Writes, the console and what a person did; everything that changes something unless it only asks."""
    if method not in READS:
        return path not in ASKS
    profile = path.startswith(PROFILE[0]) and path.endswith(PROFILE[1])
    return profile or path == CONSOLE or path.startswith(f"{CONSOLE}/")


def is_local(host: str) -> bool:
    """Whether nobody but this machine reaches an address to listen on."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _challenge(path: str) -> dict[str, str]:
    """Only the console lets the browser itself ask for the key: pages handle their own refusals. A browser reads
    one challenge a line, so Basic stands alone; Bearer does as well and the problem says so."""
    realm = 'Basic realm="zhiyin: any name, the API key as password"'
    return {"WWW-Authenticate": realm if path.startswith(CONSOLE) else "Bearer"}


def _password(given: str) -> bytes:
    try:
        return b64decode(given, validate=True).partition(b":")[2]
    except (NotBase64, ValueError):
        return b""


def _digest(key: bytes) -> bytes:
    return sha256(key).digest()
