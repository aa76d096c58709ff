"""What strangers may read where API keys are set: docs/decisions/0006-what-strangers-may-read.md."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from asking import Caller, calling, ids, problem, serving, unchanged, with_service
from pydantic import SecretStr

import small_worlds
from zhiyin.settings import ServiceSettings
from zhiyin.shop import Zhiyin

KEY = {"Authorization": "Bearer whole"}
KEYS = ServiceSettings(host="0.0.0.0", api_keys=(SecretStr("whole"),), events_keys=("public",))
BROWSER = "anon-0123456789abcdef0123456789abcdef"
ASKING = {
    "/v1/recommend": {"user_id": "user 1", "n": 3},
    "/v1/search": {"user_id": "user 1", "text": "piano"},
    "/v1/similar": {"user_id": "user 1", "item_id": "music/piano"},
    "/v1/rank": {"query": {"user_id": "user 1"}, "item_ids": ["music/piano"]},
}


@pytest.fixture
def keyed(shop: Zhiyin) -> Iterator[Caller]:
    with calling(with_service(shop, KEYS)) as caller:
        yield caller


@pytest.fixture(scope="module")
def _keyed(tmp_path_factory: pytest.TempPathFactory, trained_folder: Path) -> Iterator[Caller]:
    folder = tmp_path_factory.mktemp("keyed")
    with serving(with_service(small_worlds.trained(folder, trained_folder), KEYS)) as caller:
        yield caller


@pytest.fixture
def asked(_keyed: Caller) -> Iterator[Caller]:
    """For lists, and for what is refused."""
    with unchanged(_keyed) as caller:
        yield caller


def act(api: Caller, user_id: str, item_id: str = "music/piano") -> None:
    event = {"event_id": f"{user_id} {item_id}", "user_id": user_id, "item_id": item_id, "type": "like"}
    assert api.post("/v1/events?key=public", event).json()["stored"] == 1


def named(shown: dict[str, list[dict[str, list[dict[str, list[str]]]]]]) -> set[str]:
    """The items of somebody's past that the reasons of a list name."""
    return {item_id for place in shown["items"] for reason in place["reasons"] for item_id in reason["items"]}


@pytest.mark.parametrize("path", ASKING)
def test_a_list_of_a_person_by_name_needs_an_api_key(asked: Caller, path: str) -> None:
    refused = asked.post(path, ASKING[path])
    assert "service.open_lists" in problem(refused, 401)
    assert refused.headers["www-authenticate"] == "Bearer"
    problem(asked.post(path, ASKING[path], {"Authorization": "Bearer public"}), 401)
    assert ids(asked.post(path, ASKING[path], KEY))


def test_whether_a_person_is_known_is_not_told_either(asked: Caller) -> None:
    known, unknown = (asked.post("/v1/recommend", {"user_id": name}).text for name in ("user 1", "nobody"))
    assert known == unknown


@pytest.mark.slow
def test_a_list_for_nobody_is_told_to_everybody(asked: Caller) -> None:
    shown = asked.post("/v1/recommend", {"session": ["music/piano"], "text": "for the music", "n": 3}).json()
    path = f"/v1/recommendations/{shown['recommendation_id']}"
    assert asked.get(path).status_code == 200
    assert asked.get(f"{path}/why/{shown['items'][0]['item_id']}").status_code == 200


def test_the_browser_that_made_its_own_id_is_told_its_list_and_why(keyed: Caller) -> None:
    act(keyed, BROWSER)
    shown = keyed.post("/v1/recommend", {"user_id": BROWSER, "n": 3}).json()
    assert named(shown) == {"music/piano"}
    path = f"/v1/recommendations/{shown['recommendation_id']}"
    assert keyed.get(path).json()["query"]["user_id"] == BROWSER
    assert keyed.get(f"{path}/why/{shown['items'][0]['item_id']}").json()["contributions"]


@pytest.mark.parametrize(
    "user_id", ["anon-1", "anon-", BROWSER[:-1], BROWSER + "0", BROWSER.upper(), f"x{BROWSER}", BROWSER + "\u2028"]
)
def test_an_id_that_is_not_quite_one_of_the_snippet_is_a_name(asked: Caller, user_id: str) -> None:
    problem(asked.post("/v1/recommend", {"user_id": user_id}), 401)


@pytest.mark.slow
def test_an_id_that_was_merged_into_somebody_tells_a_stranger_nothing_more(keyed: Caller) -> None:
    """Who planted an anonymous id in a browser that others use must not read what they did since."""
    act(keyed, BROWSER)
    before = keyed.post("/v1/recommend", {"user_id": BROWSER, "n": 1}).json()["recommendation_id"]
    merge = keyed.post("/v1/users/merge", {"alias": BROWSER, "user_id": "user 1"}, KEY)
    assert merge.status_code == 200
    problem(keyed.post("/v1/recommend", {"user_id": BROWSER}), 401)
    problem(keyed.get(f"/v1/recommendations/{before}"), 401)
    assert ids(keyed.post("/v1/recommend", {"user_id": BROWSER}, KEY))


def test_a_list_of_a_person_by_name_and_its_why_need_the_key_later_too(asked: Caller) -> None:
    shown = asked.post("/v1/recommend", ASKING["/v1/recommend"], KEY).json()
    path = f"/v1/recommendations/{shown['recommendation_id']}"
    for address in (path, f"{path}/why/{shown['items'][0]['item_id']}"):
        problem(asked.get(address), 401)
        assert asked.get(address, KEY).status_code == 200


@pytest.mark.slow
def test_where_names_cannot_be_guessed_the_owner_may_open_the_lists(shop: Zhiyin) -> None:
    with calling(with_service(shop, KEYS.model_copy(update={"open_lists": True}))) as api:
        shown = api.post("/v1/recommend", ASKING["/v1/recommend"]).json()
        assert named(shown)
        assert api.get(f"/v1/recommendations/{shown['recommendation_id']}").status_code == 200
        problem(api.get("/v1/users/user%201/profile"), 401)


def test_without_keys_everybody_on_this_machine_is_the_owner(shared: Caller) -> None:
    assert named(shared.post("/v1/recommend", {"user_id": "user 1"}).json())
