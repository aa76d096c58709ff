"""Why an item stood where it stood: exact sums over HTTP."""

from urllib.parse import quote

import pytest
from asking import Caller, problem

from zhiyin.shop import Zhiyin
from zhiyin.workflows.train import train

QUERIES = [
    {"user_id": "user 1"},
    {"user_id": "user 2", "text": "a violin"},
    {"session": ["garden/spade", "garden/seed"], "unlike": ["music/drum"]},
    {"like": ["kitchen/fern", "garden/fern"], "scenario": "similar"},
    {"text": "花园"},
    {"scenario": "trending"},
    {"scenario": "latest"},
]


def why(api: Caller, recommendation_id: str, item_id: str) -> dict[str, dict[str, float]]:
    answer = api.get(f"/v1/recommendations/{recommendation_id}/why/{quote(item_id, safe='')}")
    assert answer.status_code == 200, answer.text
    said: dict[str, dict[str, float]] = answer.json()
    return said


@pytest.mark.parametrize("query", QUERIES, ids=str)
def test_contributions_and_rest_sum_to_the_part_and_parts_to_the_score(
    shared: Caller, query: dict[str, object]
) -> None:
    shown = shared.post("/v1/recommend", query | {"n": 6}).json()
    for position, place in enumerate(shown["items"]):
        said = why(shared, shown["recommendation_id"], place["item_id"])
        assert said["position"] == position
        assert said["parts"] == place["parts"]
        assert sum(said["parts"].values()) == pytest.approx(said["score"], abs=1e-12)
        assert said["reproduced"]
        for name, part in said["parts"].items():
            brought = sum(one["value"] for one in said["contributions"].get(name, []))  # type: ignore[index]
            assert brought + said["rest"][name] == pytest.approx(part, abs=1e-12)


def test_what_the_history_brings_is_attributed_to_the_last_bit_of_a_float32(shared: Caller) -> None:
    shown = shared.post("/v1/recommend", {"user_id": "user 1", "n": 8}).json()
    spoke = 0
    for place in shown["items"]:
        said = why(shared, shown["recommendation_id"], place["item_id"])
        for name in said["contributions"]:
            assert abs(said["rest"][name]) < 1e-5
            spoke += 1
    assert spoke > 8


def test_an_explanation_is_of_the_moment_of_the_list(api: Caller) -> None:
    shown = api.post("/v1/recommend", {"user_id": "user 1", "n": 3}).json()
    item_id = shown["items"][0]["item_id"]
    before = why(api, shown["recommendation_id"], item_id)
    api.post("/v1/events", {"user_id": "user 1", "item_id": "music/harp", "type": "purchase"})
    api.post("/v1/items", {"item_id": "later", "title": "later"})
    assert why(api, shown["recommendation_id"], item_id) == before


@pytest.mark.slow
def test_a_list_of_an_earlier_bundle_is_explained_by_that_bundle(api: Caller, shop: Zhiyin) -> None:
    shown = api.post("/v1/recommend", {"user_id": "user 1", "n": 2}).json()
    item_id = shown["items"][0]["item_id"]
    before = why(api, shown["recommendation_id"], item_id)
    api.post("/v1/events", {"user_id": "user 1", "item_id": "music/harp", "type": "purchase"})
    shop.publish(train(shop).bundle)
    assert why(api, shown["recommendation_id"], item_id) == before


def test_a_changed_past_is_admitted(api: Caller) -> None:
    shown = api.post("/v1/recommend", {"user_id": "user 1", "n": 1}).json()
    api.post("/v1/users/merge", {"alias": "user 2", "user_id": "user 1"})
    assert not why(api, shown["recommendation_id"], shown["items"][0]["item_id"])["reproduced"]


def test_a_list_comes_out_of_the_log_whole(shared: Caller) -> None:
    shown = shared.post("/v1/recommend", {"user_id": "user 1", "n": 4, "context": {"page": "home"}}).json()
    logged = shared.get(f"/v1/recommendations/{shown['recommendation_id']}").json()
    assert logged["query"]["context"] == {"page": "home"}
    assert [place["item_id"] for place in logged["items"]] == [place["item_id"] for place in shown["items"]]
    assert all(place["log_propensity"] <= 0 for place in logged["items"])
    assert len(logged["candidates"]) > 4


def test_what_was_never_shown_cannot_be_explained(shared: Caller) -> None:
    shown = shared.post("/v1/recommend", {"user_id": "user 1", "n": 1}).json()["recommendation_id"]
    assert "no recommendation" in problem(shared.get("/v1/recommendations/0"), 404)
    assert "no recommendation" in problem(shared.get("/v1/recommendations/0/why/garden/spade"), 404)
    assert "zhiyin trace" in problem(shared.get(f"/v1/recommendations/{shown}/why/nowhere"), 404)
