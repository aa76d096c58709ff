"""Fetching from a real server on this machine, which strangers' addresses must never reach."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import monotonic

import pytest

from zhiyin.data.fetching import HOPS, Fetched, Fetcher, is_public
from zhiyin.errors import InvalidData, NotFound

PICTURE = b"\x89PNG and so on"
MOST = 1_000  # bytes


@dataclass
class Web:
    """A server, and what it was asked."""

    port: int
    asked: list[str] = field(default_factory=list)

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"


class Handler(BaseHTTPRequestHandler):
    web: Web

    def do_GET(self) -> None:
        self.web.asked.append(f"{self.headers['Host']} {self.path}")
        kind, _, rest = self.path[1:].partition("/")
        getattr(self, f"_{kind}", self._file)(rest)

    def _file(self, rest: str) -> None:
        if rest == "none":
            self.send_error(404)
        elif self.headers["If-None-Match"] == '"one"':
            self._say(304, {})
        else:
            self._say(200, {"ETag": '"one"', "Content-Length": str(len(PICTURE))}, PICTURE)

    def _large(self, rest: str) -> None:
        self._say(200, {"Content-Length": rest} if rest else {}, b"x" * (MOST + 1))

    def _short(self, rest: str) -> None:
        self._say(200, {"Content-Length": "500"}, PICTURE)

    def _away(self, rest: str) -> None:
        self._say(302, {"Location": f"/{rest}"})

    def _round(self, rest: str) -> None:
        self._say(301, {"Location": "/round/"})

    def _to(self, rest: str) -> None:
        self._say(307, {"Location": f"http://{rest}"})

    def _slow(self, rest: str) -> None:
        self.send_response(200)
        self.end_headers()
        self.server.enough.wait(10)  # type: ignore[attr-defined]

    def _say(self, status: int, headers: dict[str, str], body: bytes = b"") -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # its name there
        pass


@pytest.fixture
def web() -> Iterator[Web]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.enough = threading.Event()  # type: ignore[attr-defined]
    Handler.web = Web(server.server_port)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield Handler.web
    server.enough.set()  # type: ignore[attr-defined]
    server.shutdown()
    thread.join()
    server.server_close()


OPEN = Fetcher(MOST, allowed=lambda address: True)


def test_a_file_is_fetched_with_its_tag_and_again_only_when_it_has_changed(web: Web) -> None:
    assert OPEN.get(web.url("/file/a b.png?x=1 2&y=ü")) == Fetched(PICTURE, '"one"')
    assert web.asked == [f"127.0.0.1:{web.port} /file/a%20b.png?x=1%202&y=%C3%BC"]
    assert OPEN.get(web.url("/file/a"), '"one"') == Fetched(None, '"one"')
    assert OPEN.get(web.url("/file/a"), '"zero"') == Fetched(PICTURE, '"one"')


def test_redirects_are_followed_a_few_times(web: Web) -> None:
    assert OPEN.get(web.url("/away/away/file/a")).content == PICTURE
    assert len(web.asked) == 3
    with pytest.raises(InvalidData, match=f"more than {HOPS} times"):
        OPEN.get(web.url("/round/"))


@pytest.mark.slow
def test_this_machine_is_not_asked(web: Web) -> None:
    for host in ("127.0.0.1", "localhost", "127.1", "0x7f000001", "[::ffff:127.0.0.1]", "0.0.0.0"):
        with pytest.raises(InvalidData, match="not on the public internet"):
            Fetcher(MOST).get(web.url("/file/a", host))
    assert web.asked == []


def test_a_redirect_to_an_address_that_may_not_be_asked_is_not_followed(web: Web) -> None:
    local = replace(OPEN, allowed=lambda address: address == "127.0.0.1")
    with pytest.raises(InvalidData, match=r"169\.254\.169\.254"):
        local.get(web.url("/to/169.254.169.254/latest"))
    with pytest.raises(InvalidData, match=r"no http"):
        local.get(web.url("/away//file:pass@host/"))


@pytest.mark.parametrize("path", ["/large/", "/large/1001"])
def test_too_large_a_file_is_not_read_to_its_end(web: Web, path: str) -> None:
    with pytest.raises(InvalidData, match="more than 1,000 bytes"):
        OPEN.get(web.url(path))


@pytest.mark.parametrize(("path", "told"), [("/file/none", "404"), ("/short/", "bytes are missing")])
def test_what_is_not_there_or_cut_off_is_missing(web: Web, path: str, told: str) -> None:
    with pytest.raises(NotFound, match=told):
        OPEN.get(web.url(path))


@pytest.mark.slow
@pytest.mark.parametrize("limit", ["patience", "deadline"])
def test_a_server_that_says_nothing_is_not_waited_for(web: Web, limit: str) -> None:
    began = monotonic()
    with pytest.raises(NotFound, match="gave no answer"):
        replace(OPEN, **{limit: 0.2}).get(web.url("/slow/"))
    assert monotonic() - began < 8


def test_who_does_not_answer_is_missing() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        with pytest.raises(NotFound, match="gave no answer"):
            OPEN.get(f"http://127.0.0.1:{free.getsockname()[1]}/")


def test_what_speaks_no_tls_is_not_trusted(web: Web) -> None:
    with pytest.raises(NotFound, match="gave no answer"):
        OPEN.get(web.url("/file/a").replace("http:", "https:"))


@pytest.mark.parametrize(
    "url",
    ["ftp://example.org/a", "file:///etc/passwd", "http://", "http://a:b@example.org/", "http://[x", "http://x:99999/",
     "data:image/png;base64,AAAA", "javascript:alert(1)", "http://x:0/"],
)  # fmt: skip
def test_what_is_no_address_of_the_web_is_refused(url: str) -> None:
    with pytest.raises(InvalidData, match="no http or https address"):
        OPEN.get(url)


@pytest.mark.parametrize("url", ["http://exa mple.org/", "http://a\nb.example/", "http://" + "a" * 70 + ".org/"])
def test_a_name_that_cannot_be_is_missing_or_refused(url: str) -> None:
    with pytest.raises((InvalidData, NotFound)):
        OPEN.get(url)


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1::1", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.1.1", False),
        ("255.255.255.255", False),
        ("::1", False),
        ("fe80::1", False),
        ("fd00::1", False),
        ("::ffff:10.0.0.1", False),
        ("2002:7f00:1::", False),
        ("64:ff9b::a00:1", False),
    ],
)
def test_public_addresses_are_told_from_all_others(address: str, public: bool) -> None:
    assert is_public(address) is public
