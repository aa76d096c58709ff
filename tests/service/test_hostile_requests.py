"""Requests that nobody foresaw, on a real socket where the bytes matter. See docs/hostile-inputs.md."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator, Sequence
from contextlib import closing
from urllib.parse import urlsplit

import httpx
import pytest
from asking import NOW, Caller, problem
from test_run import served

from zhiyin.data.store.sqlite import SqliteStore
from zhiyin.service.head import MAX_HEAD
from zhiyin.shop import Zhiyin
from zhiyin.testing.small import small_catalogue

pytestmark = pytest.mark.slow  # real sockets and models: not in the fast loop

HOST = b"Host: 127.0.0.1\r\nConnection: close\r\n"
EVENT = {"user_id": "ann", "item_id": "garden/spade", "type": "click"}


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    shop = tmp_path_factory.mktemp("hostile")
    with closing(SqliteStore(shop / "zhiyin.db")) as store:
        store.put_items(small_catalogue())
    with served(shop) as (_, found):
        yield found


def heard(address: str, pieces: Sequence[bytes]) -> bytes:
    """What comes back until the service hangs up; sending stops when it has had enough."""
    name = urlsplit(address)
    with socket.create_connection((str(name.hostname), int(name.port or 0)), timeout=20) as line:
        answer = b""
        try:
            for piece in pieces:
                line.sendall(piece)
            while more := line.recv(65_536):
                answer += more
        except (ConnectionResetError, BrokenPipeError):
            pass  # hung up on while we were still talking
        return answer


def alive(address: str) -> bool:
    return httpx.post(f"{address}/v1/recommend", json={"n": 1}).status_code == 200


@pytest.mark.parametrize(
    "pieces",
    [
        [b"GET /healthz HTTP/1.1\r\n" + HOST + b"X: ", *[b"a" * 8_192] * 200],
        [b"GET /healthz HTTP/1.1\r\n" + HOST, *[b"X: a\r\n" * 1_000] * 50],
        [b"GET /", *[b"a" * 8_192] * 200],
    ],
    ids=["one header", "many headers", "a path"],
)
def test_a_head_without_end_is_hung_up_on(address: str, pieces: Sequence[bytes]) -> None:
    assert sum(map(len, pieces)) > 3 * MAX_HEAD
    assert heard(address, pieces)[:12] in (b"HTTP/1.1 431", b"")
    assert alive(address)


def test_a_head_that_is_too_large_is_told_so(address: str) -> None:
    answer = heard(address, [b"GET /healthz HTTP/1.1\r\n" + HOST + b"X: " + b"a" * (MAX_HEAD + 1)])
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 431 ")
    assert "65,536 bytes" in json.loads(body)["detail"]


def test_a_large_head_within_the_bound_is_read(address: str) -> None:
    answer = heard(address, [b"GET /healthz HTTP/1.1\r\n" + HOST + b"X: " + b"a" * 60_000 + b"\r\n\r\n"])
    assert answer.startswith(b"HTTP/1.1 200 ")


def test_heads_of_one_connection_are_bounded_one_by_one(address: str) -> None:
    asked = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"a" * 30_000 + b"\r\n\r\n"
    last = b"GET /healthz HTTP/1.1\r\n" + HOST + b"\r\n"
    assert heard(address, [*[asked] * 5, last]).count(b"HTTP/1.1 200 ") == 6


def test_a_body_in_pieces_without_end_is_hung_up_on(address: str) -> None:
    endless = [b"POST /v1/events HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n"]
    endless += [b"2000\r\n" + b" " * 0x2000 + b"\r\n"] * 500
    assert heard(address, endless)[:12] in (b"HTTP/1.1 413", b"")
    assert alive(address)


@pytest.mark.parametrize(
    "headers",
    [
        b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n",
        b"Content-Length: 2\r\nContent-Length: 7\r\n",
        b"Content-Length: +2\r\n",
        b"Content-Length: two\r\n",
    ],
)
def test_a_request_of_two_lengths_or_none_is_refused(address: str, headers: bytes) -> None:
    """Or a proxy before the service would see the next request elsewhere."""
    answer = heard(address, [b"POST /v1/recommend HTTP/1.1\r\n" + HOST + headers + b"\r\n{}"])
    assert answer.startswith(b"HTTP/1.1 4")
    assert alive(address)


@pytest.mark.parametrize("hosts", [b"Host: evil.example\r\n" + HOST, HOST + b"Host: evil.example\r\n"])
def test_a_request_of_two_hosts_is_refused(address: str, hosts: bytes) -> None:
    answer = heard(address, [b"GET /healthz HTTP/1.1\r\n" + hosts + b"\r\n"])
    assert answer.startswith(b"HTTP/1.1 4")


@pytest.mark.parametrize(
    "start", [b"\x16\x03\x01\x02\x00\x01", b"PRI * HTTP/2.0", b"GET", b"FOO / HTTP/1.1", b"\0"]
)
def test_what_is_no_http_is_refused(address: str, start: bytes) -> None:
    assert heard(address, [start + b"\r\n" + HOST + b"\r\n\r\n"]).startswith(b"HTTP/1.1 400 ")
    assert alive(address)


OUTSIDE = [
    "../app.py",
    "..%2fapp.py",
    "%2e%2e/%2e%2e/etc/passwd",
    "/etc/passwd",
    "zhiyin.js%00.css",
    "",
    "zhiyin.js/..",
]


@pytest.mark.parametrize("name", OUTSIDE)
def test_no_file_outside_the_static_ones_is_given(address: str, name: str) -> None:
    answer = heard(address, [f"GET /static/{name} HTTP/1.1\r\n".encode() + HOST + b"\r\n"])
    assert answer.startswith(b"HTTP/1.1 404 ")
    assert b"import" not in answer
    assert b"root:" not in answer


@pytest.mark.parametrize(
    "origin", ["http://[", "http://[::1", "", "null", "//", "http://127.0.0.1:8420@evil.example"]
)
def test_an_origin_that_is_none_is_a_foreign_one(untrained: Caller, origin: str) -> None:
    assert "service.cors" in problem(untrained.post("/v1/events", EVENT, {"Origin": origin}), 403)


@pytest.mark.parametrize("host", ["[", "]", "[::1", "127.0.0.1@evil.example", "localhost.", "127.0.0.1:1:2"])
def test_a_host_that_is_none_is_refused(untrained: Caller, host: str) -> None:
    problem(untrained.get("/healthz", {"Host": host}), 421)


def test_a_host_with_a_tag_stays_text_in_the_page(untrained: Caller) -> None:
    page = untrained.get("/snippet", {"Host": 'localhost:"><script>alert(1)</script>'}).text
    assert "<script>alert" not in page


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "multipart/form-data; boundary=x", "", "\xe9"])
def test_what_a_body_says_that_it_is_does_not_matter_but_what_it_is(untrained: Caller, kind: str) -> None:
    headers = {b"Content-Type": kind.encode("latin-1")}
    assert untrained.post("/v1/recommend", b'{"n": 1}', headers).status_code == 200
    problem(untrained.post("/v1/recommend", b"<n>1</n>", headers), 400)


def test_of_a_key_that_comes_twice_the_last_counts(untrained: Caller, untrained_shop: Zhiyin) -> None:
    said = untrained.post("/v1/recommend", b'{"n": 5, "user_id": "ann", "n": 1, "user_id": "eve"}').json()
    logged = untrained_shop.store.recommendation(said["recommendation_id"])
    assert logged is not None
    assert (logged.query.user_id, logged.query.n) == ("eve", 1)


def test_an_event_of_the_future_happens_now(untrained: Caller, untrained_shop: Zhiyin) -> None:
    """Else a visitor whose clock is wrong would make everything that is popular old."""
    assert untrained.post("/v1/events", EVENT | {"at": "9998-01-01T00:00:00Z"}).status_code == 200
    (event,) = untrained_shop.store.history("ann", limit=9)
    assert event.at == NOW


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"at": "9999-12-31T23:59:59-12:00"}, "years 1 to 9999"),
        ({"at": "0001-01-01T00:00:00+14:00"}, "years 1 to 9999"),
        ({"at": 1e30}, "body[0].at"),
        ({"at": "-001-01-01"}, "body[0].at"),
        ({"type": "rating", "value": 1e300}, "value"),
        ({"type": "rating", "value": -1e10}, "value"),
        ({"type": "review", "text": "x" * 100_001}, "at most 100,000"),
    ],
)
def test_an_event_beyond_all_measure_is_refused(untrained: Caller, more: dict[str, object], told: str) -> None:
    assert told in problem(untrained.post("/v1/events", EVENT | more), 422)


def test_a_scenario_is_a_name_and_no_novel(untrained: Caller) -> None:
    assert "at most 200" in problem(untrained.post("/v1/recommend", {"scenario": "x" * 201}), 422)


@pytest.mark.parametrize("filter_", ["(" * 900 + "price < 1" + ")" * 900, "not " * 400 + "price < 1", "a\0 = 1"])
def test_a_filter_of_any_depth_is_answered_or_refused(untrained: Caller, filter_: str) -> None:
    assert untrained.post("/v1/recommend", {"filter": filter_}).status_code in (200, 422)
    assert untrained.post("/v1/recommend", {"n": 1}).status_code == 200
