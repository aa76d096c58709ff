"""The key that stands in web pages: it appends events, and every other door stays shut."""

import re
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from asking import Caller, calling, problem, serving, unchanged, with_service
from pydantic import SecretStr

import small_worlds
from zhiyin.errors import InvalidSettings
from zhiyin.service.app import create_app
from zhiyin.settings import ServiceSettings
from zhiyin.shop import Zhiyin

API_KEY, EVENTS_KEY = "whole", "öffentlich & 1"
SITE = "https://shop.example"
EVENT = {"event_id": "1", "user_id": "ann", "item_id": "garden/spade", "type": "click"}
AS_BEARER = {b"Authorization": b"Bearer " + EVENTS_KEY.encode()}
APPEND = f"/v1/events?key={quote(EVENTS_KEY)}"
SETTINGS = ServiceSettings(
    host="0.0.0.0", api_keys=(SecretStr(API_KEY),), events_keys=("other", EVENTS_KEY), cors=(SITE,)
)


@pytest.fixture
def keyed(untrained_shop: Zhiyin) -> Iterator[Caller]:
    with calling(with_service(untrained_shop, SETTINGS)) as caller:
        yield caller


@pytest.fixture(scope="module")
def _keyed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Caller]:
    with serving(with_service(small_worlds.untrained(tmp_path_factory.mktemp("keyed")), SETTINGS)) as caller:
        yield caller


@pytest.fixture
def shut(_keyed: Caller) -> Iterator[Caller]:
    """For what is refused, and for pages."""
    with unchanged(_keyed) as caller:
        yield caller


def test_a_page_appends_events_with_the_key_in_a_header_or_in_the_address(keyed: Caller) -> None:
    for n, (path, headers) in enumerate([("/v1/events", AS_BEARER), (APPEND, None)]):
        answer = keyed.post(path, EVENT | {"event_id": str(n)}, headers)
        assert answer.json() == {"stored": 1, "duplicates": 0, "unknown_items": []}


def test_what_a_beacon_sends_from_another_site_is_stored(keyed: Caller) -> None:
    """Plain text, since no browser asks for leave first; the key in the address, since no header can be set."""
    beacon = {"Content-Type": "text/plain;charset=UTF-8", "Origin": SITE}
    body = b'{"events": [{"event_id": "1", "user_id": "ann", "item_id": "a", "type": "click"}]}'
    answer = keyed.post(APPEND, body, beacon)
    assert (answer.json()["stored"], answer.headers["access-control-allow-origin"]) == (1, SITE)


@pytest.mark.slow
@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://shop.example"])
def test_a_page_of_a_site_that_is_not_listed_may_not_append_even_with_the_key(shut: Caller, origin: str) -> None:
    for path, headers in (("/v1/events", AS_BEARER), (APPEND, {})):
        answer = shut.post(path, EVENT, {**headers, b"Origin": origin.encode()})
        assert "service.cors" in problem(answer, 403)
        assert "access-control-allow-origin" not in answer.headers


OTHERS = [
    ("POST", "/v1/items"),
    ("POST", "/v1/users"),
    ("POST", "/v1/users/merge"),
    ("GET", "/v1/users/ann/profile"),
    ("GET", "/v1/users/ann/similar"),
    ("GET", "/console"),
    ("GET", "/console/api/people"),
    ("GET", "/console/api/health"),
    ("GET", "/console/api/person?user_id=ann"),
    ("DELETE", "/v1/users/ann"),
    ("DELETE", "/v1/items/garden/spade"),
    ("DELETE", "/v1/events"),
    ("POST", "/v1/events/more"),
]


@pytest.mark.parametrize(("method", "path"), OTHERS)
def test_it_opens_nothing_else(shut: Caller, method: str, path: str) -> None:
    def asked(path: str, headers: dict[bytes, bytes]) -> object:
        if method == "POST":
            return shut.post(path, {"item_id": "a", "title": "b"}, headers)
        return shut.get(path, headers) if method == "GET" else shut.delete(path, headers)

    with_address = f"{path}{'&' if '?' in path else '?'}key={quote(EVENTS_KEY)}"
    assert "opens POST /v1/events and nothing else" in problem(asked(path, AS_BEARER), 403)  # type: ignore[arg-type]
    assert "Bearer KEY" in problem(asked(with_address, {}), 401)  # type: ignore[arg-type]


def test_it_does_not_tell_what_somebody_did(keyed: Caller) -> None:
    keyed.post(APPEND, EVENT)
    problem(keyed.post("/v1/recommend", {"user_id": "ann"}, AS_BEARER), 401)


def test_it_is_no_password_of_the_console(shut: Caller) -> None:
    problem(shut.get("/console", {"Authorization": "Basic OsO2ZmZlbnRsaWNoICYgMQ=="}), 401)


@pytest.mark.parametrize("key", ["", "wrong", API_KEY, EVENTS_KEY + " ", EVENTS_KEY[:-1]])
def test_an_address_holds_no_other_key_and_no_api_key_either(shut: Caller, key: str) -> None:
    """Addresses are kept in logs."""
    problem(shut.post(f"/v1/events?key={quote(key)}", EVENT), 401)


def test_an_event_without_an_id_is_refused_for_its_count_would_tell_what_was_done(keyed: Caller) -> None:
    known = {"user_id": "ann", "item_id": "garden/spade", "type": "click", "order": 1}
    whole = {"Authorization": f"Bearer {API_KEY}"}
    assert keyed.post("/v1/events", known, whole).json()["stored"] == 1
    assert "event_id" in problem(keyed.post(APPEND, known), 422)
    guess = [known | {"event_id": "2"}]
    assert keyed.post(APPEND, guess).json() == {"stored": 1, "duplicates": 0, "unknown_items": []}


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (ServiceSettings(events_keys=("a",)), "without one events need no key"),
        (ServiceSettings(api_keys=(SecretStr("a"),), events_keys=("b", "a")), "show it to everybody"),
    ],
)
def test_an_events_key_that_protects_nothing_is_refused_at_the_start(
    untrained_shop: Zhiyin, settings: ServiceSettings, told: str
) -> None:
    with pytest.raises(InvalidSettings, match=told):
        create_app(with_service(untrained_shop, settings))


def test_an_events_key_alone_is_no_key_for_an_address_that_others_reach(untrained_shop: Zhiyin) -> None:
    with pytest.raises(InvalidSettings, match="ZHIYIN_SERVICE__API_KEYS"):
        create_app(with_service(untrained_shop, ServiceSettings(host="0.0.0.0", events_keys=("a",))))


@pytest.mark.parametrize("path", ["/", "/snippet"])
def test_our_own_pages_hold_the_first_events_key_and_never_an_api_key(shut: Caller, path: str) -> None:
    page = shut.get(path).text
    assert re.findall(r'<script src="/static/zhiyin.js" data-key="([^"]*)">', page) == ["other"]
    assert API_KEY not in re.sub(r"<[^>]*>", "", page).split()


@pytest.mark.slow
def test_a_key_with_a_quote_stays_inside_its_attribute(untrained_shop: Zhiyin) -> None:
    odd = ServiceSettings(api_keys=(SecretStr("a"),), events_keys=('"><script>',))
    with calling(with_service(untrained_shop, odd)) as api:
        assert 'data-key="&#34;&gt;&lt;script&gt;"' in api.get("/").text


def test_pages_of_a_service_without_keys_hold_none(shared_untrained: Caller) -> None:
    assert "data-key" not in shared_untrained.get("/snippet").text
