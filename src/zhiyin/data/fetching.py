"""Files of the web: from public addresses only, in bounded time and size.

The addresses of pictures come from whoever wrote the catalogue. So a name is looked up once, every address that it
has must be one of the public internet, and the connection goes to the address that was checked, not to the name
again. Each redirect is a new address and is checked as one. Proxies of the environment are not used.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPResponse
from threading import Event, Timer
from urllib.parse import SplitResult, quote, urljoin, urlsplit

from zhiyin.errors import InvalidData, NotFound

SCHEMES = {"http": 80, "https": 443}
HOPS = 5  # redirects that are followed
PATIENCE = 10.0  # seconds between two signs of life
DEADLINE = 60.0  # seconds for one file, redirects apart
_REDIRECTS = {301, 302, 303, 307, 308}
_SAFE = "/%:@!$&'()*+,;=~?-._"
_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")  # IPv4 behind a translator, private ones too


@dataclass(frozen=True, slots=True)
class Fetched:
    """`content` is None where the server says that it is what `tag` names still."""

    content: bytes | None
    tag: str


def is_public(address: str) -> bool:
    """Whether an address is one of the public internet, also where it hides another one."""
    found = ipaddress.ip_address(address)
    if isinstance(found, ipaddress.IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour
        if inner is not None:
            return is_public(str(inner))
        if found in _TRANSLATED or found.teredo is not None:
            return False
    return found.is_global and not found.is_multicast


@dataclass(frozen=True, slots=True)
class Fetcher:
    """`most` bytes a file; `allowed` says which addresses may be asked."""

    most: int
    allowed: Callable[[str], bool] = is_public
    patience: float = PATIENCE
    deadline: float = DEADLINE
    tls: ssl.SSLContext = field(default_factory=ssl.create_default_context)

    def get(self, url: str, tag: str = "") -> Fetched:
        """What lies there. `tag`: of what is known already.

        Raises NotFound where nobody answers or nothing is there, InvalidData for an address that may not be asked
        and for what is too large.
        """
        for _ in range(HOPS + 1):
            found = self._ask(url, tag)
            if isinstance(found, Fetched):
                return found
            url = found
        raise InvalidData(f"it is redirected more than {HOPS} times: write the address where it ends")

    def _ask(self, url: str, tag: str) -> Fetched | str:
        """The file, or the address it has moved to."""
        parts = _split(url)
        try:
            with self._connected(parts) as connection:
                path = quote(parts.path or "/", _SAFE) + (f"?{quote(parts.query, _SAFE)}" if parts.query else "")
                connection.request("GET", path, headers=_headers(parts, tag))
                return self._answered(connection.getresponse(), url, tag)
        except (OSError, HTTPException, UnicodeError) as error:
            raise NotFound(f"{parts.hostname} gave no answer ({str(error)[:80]}): try again later") from error

    def _answered(self, response: HTTPResponse, url: str, tag: str) -> Fetched | str:
        if response.status in _REDIRECTS and (moved := response.getheader("Location")):
            return urljoin(url, moved)
        if response.status == 304 and tag:
            return Fetched(None, tag)
        if response.status != 200:
            raise NotFound(f"the server says {response.status} {response.reason[:40]}: mend the address")
        content = bytearray()
        while more := response.read1(1 << 16):
            content += more
            if len(content) > self.most:
                raise InvalidData(f"it has more than {self.most:,} bytes, which are the most: make it smaller")
        if response.length:
            raise HTTPException(f"{response.length:,} bytes are missing")
        return Fetched(bytes(content), (response.getheader("ETag") or "")[:200])

    @contextmanager
    def _connected(self, parts: SplitResult) -> Iterator[HTTPConnection]:
        """To an address that was checked. Everything that then happens has until the deadline."""
        host, port = parts.hostname or "", parts.port or SCHEMES[parts.scheme]
        plain = socket.create_connection((self._address(host, port), port), self.patience)
        handle = plain.dup()  # stays when TLS takes the socket over
        late = Event()
        watch = Timer(self.deadline, _hang_up, [handle, late])
        watch.daemon = True
        watch.start()
        connection = HTTPConnection(host, port)
        connection.sock = plain
        try:
            if parts.scheme == "https":
                connection.sock = self.tls.wrap_socket(plain, server_hostname=host)
            yield connection
            if late.is_set():
                raise TimeoutError(f"it took longer than {self.deadline:g} s")
        finally:
            watch.cancel()
            connection.close()
            plain.close()
            handle.close()

    def _address(self, host: str, port: int) -> str:
        """Raises InvalidData if any of its addresses may not be asked."""
        found = [str(one[4][0]) for one in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
        for address in found:
            if not self.allowed(address.partition("%")[0]):
                raise InvalidData(f"{host} is {address}, which is not on the public internet: save it as a file")
        return found[0]


def _split(url: str) -> SplitResult:
    """Raises InvalidData for what is no address of the web."""
    try:
        parts = urlsplit(url)
        known = parts.scheme in SCHEMES and parts.hostname and parts.port != 0
    except ValueError:
        known = False
    if not known or parts.username is not None:
        raise InvalidData(f"{url[:120]!r} is no http or https address of a file: mend it")
    return parts


def _headers(parts: SplitResult, tag: str) -> dict[str, str]:
    host = parts.netloc.encode("idna").decode() if not parts.netloc.isascii() else parts.netloc
    told = {"Host": host, "User-Agent": "zhiyin", "Accept": "image/*", "Connection": "close"}
    return told | ({"If-None-Match": tag} if tag else {})


def _hang_up(connection: socket.socket, late: Event) -> None:
    late.set()  # first: whoever reads may see the end at once
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # it is closed already
