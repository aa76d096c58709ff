"""Who may do what, from this machine and from others."""

from base64 import b64encode
from collections.abc import Iterator

import pytest
from asking import Caller, calling, problem, serving, unchanged, with_service
from pydantic import SecretStr

import small_worlds
from zhiyin.errors import InvalidSettings
from zhiyin.service.access import is_local, needs_key
from zhiyin.service.app import create_app
from zhiyin.settings import ServiceSettings
from zhiyin.shop import Zhiyin

KEYS = (SecretStr("first key"), SecretStr("ключ-2"))
RIGHT = {"Authorization": "Bearer first key"}
EVENT = {"user_id": "ann", "item_id": "garden/spade", "type": "click"}
OTHER_SITE = {"Origin": "https://elsewhere.example"}
KEYED = ServiceSettings(host="0.0.0.0", api_keys=KEYS)


@pytest.fixture(scope="module")
def _keyed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Caller]:
    with serving(with_service(small_worlds.untrained(tmp_path_factory.mktemp("keyed")), KEYED)) as caller:
        yield caller


@pytest.fixture
def keyed(_keyed: Caller) -> Iterator[Caller]:
    with unchanged(_keyed) as caller:
        yield caller


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "192.168.1.7", "shop.example", "127.0.0.1.example"])
def test_an_address_that_others_reach_needs_a_key_at_the_start(untrained_shop: Zhiyin, host: str) -> None:
    with pytest.raises(InvalidSettings, match="ZHIYIN_SERVICE__API_KEYS"):
        create_app(untrained_shop, host=host)


@pytest.mark.slow
@pytest.mark.parametrize("host", ["127.0.0.1", "127.3.2.1", "::1", "[::1]", "localhost", "LOCALHOST"])
def test_an_address_of_this_machine_needs_none(untrained_shop: Zhiyin, host: str) -> None:
    assert is_local(host)
    create_app(untrained_shop, host=host)


@pytest.mark.parametrize(
    ("method", "path", "needed"),
    [
        ("POST", "/v1/recommend", False),
        ("POST", "/v1/similar", False),
        ("POST", "/v1/search", False),
        ("POST", "/v1/rank", False),
        ("GET", "/", False),
        ("GET", "/readyz", False),
        ("GET", "/v1/recommendations/1/why/a", False),
        ("POST", "/v1/events", True),
        ("POST", "/v1/items", True),
        ("DELETE", "/v1/items/a", True),
        ("POST", "/v1/users", True),
        ("POST", "/v1/users/merge", True),
        ("DELETE", "/v1/users/ann", True),
        ("GET", "/v1/users/ann/profile", True),
        ("GET", "/v1/users/a/b/profile", True),
        ("GET", "/v1/users/ann/similar", True),
        ("GET", "/console", True),
        ("GET", "/console/api/people", True),
        ("GET", "/console/policies", True),
        ("GET", "/console/api/policies/race", True),
        ("PATCH", "/anything/new", True),
    ],
)
def test_writes_console_and_profiles_need_a_key_and_so_does_all_that_is_not_listed(
    method: str, path: str, needed: bool
) -> None:
    assert needs_key(method, path) is needed


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Bearer wrong", "Bearer first key2", "Basic !!", "first key", "Digest first key"],
)
def test_without_the_right_key_nothing_is_written(keyed: Caller, authorization: str) -> None:
    headers = {"Authorization": authorization} if authorization else {}
    answer = keyed.post("/v1/events", EVENT, headers)
    assert "Bearer KEY" in problem(answer, 401)
    assert answer.headers["www-authenticate"] == "Bearer"
    assert keyed.post("/v1/recommend", {}).status_code == 200


@pytest.mark.slow
@pytest.mark.parametrize("key", [b"first key", "ключ-2".encode()])
def test_any_of_the_keys_opens(untrained_shop: Zhiyin, key: bytes) -> None:
    with calling(with_service(untrained_shop, KEYED)) as api:
        assert api.post("/v1/events", EVENT, {b"Authorization": b"Bearer " + key}).status_code == 200


def test_a_browser_asks_its_user_for_the_key_of_the_console(keyed: Caller) -> None:
    refused = keyed.get("/console")
    assert "Basic" in refused.headers["www-authenticate"]
    password = b64encode(b"anybody:first key").decode()
    assert keyed.get("/console", {"Authorization": f"Basic {password}"}).status_code == 200
    foreign = {"Authorization": f"Basic {password}", **OTHER_SITE}
    assert "elsewhere.example" in problem(keyed.post("/v1/events", EVENT, foreign), 403)


def test_with_keys_any_name_of_the_machine_is_answered(keyed: Caller) -> None:
    assert keyed.post("/v1/recommend", {}, {"Host": "shop.example"}).status_code == 200


@pytest.mark.parametrize("host", ["localhost:8420", "127.0.0.1", "[::1]:8420", "[::1]", "LocalHost"])
def test_this_machine_is_answered_by_its_own_names(shared_untrained: Caller, host: str) -> None:
    assert shared_untrained.get("/healthz", {"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8420", "localhost.evil.example", "127.0.0.1.evil", ""]
)
def test_a_foreign_name_that_leads_here_is_not(shared_untrained: Caller, host: str) -> None:
    problem(shared_untrained.get("/healthz", {"Host": host}), 421)
    problem(shared_untrained.post("/v1/recommend", {}, {"Host": host}), 421)


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:9999", "file://"])
def test_a_page_of_another_site_may_not_write(shared_untrained: Caller, origin: str) -> None:
    assert "service.cors" in problem(shared_untrained.post("/v1/events", EVENT, {"Origin": origin}), 403)
    problem(shared_untrained.delete("/v1/users/ann", {"Origin": origin}), 403)


def test_our_own_pages_may(untrained: Caller) -> None:
    assert untrained.post("/v1/events", EVENT, {"Origin": "http://127.0.0.1:8420"}).status_code == 200


@pytest.mark.slow
def test_a_listed_site_may_and_its_browser_is_told_so(untrained_shop: Zhiyin) -> None:
    site = "https://shop.example"
    with calling(with_service(untrained_shop, ServiceSettings(cors=(site,)))) as api:
        answer = api.post("/v1/events", EVENT, {"Origin": site})
        assert answer.headers["access-control-allow-origin"] == site
        refused = api.post("/v1/events", EVENT, OTHER_SITE)
        problem(refused, 403)
        assert "access-control-allow-origin" not in refused.headers
