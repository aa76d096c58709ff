"""People over HTTP: attributes, merging, profiles, forgetting."""

from urllib.parse import quote

from asking import Caller, problem

from zhiyin.shop import Zhiyin


def test_attributes_are_put_and_seen_in_the_profile(api: Caller) -> None:
    person = {"user_id": "ann/知 😀", "attributes": {"country": "CN", "age": 30}}
    assert api.post("/v1/users", [person]).json() == {"changed": 1, "unchanged": 0}
    assert api.post("/v1/users", {"users": [person]}).json() == {"changed": 0, "unchanged": 1}
    profile = api.get(f"/v1/users/{quote('ann/知 😀', safe='')}/profile").json()
    assert profile["attributes"] == person["attributes"]
    assert profile["history"] == []


def test_a_profile_tells_what_was_done_newest_first_and_what_that_speaks_for(api: Caller) -> None:
    for item_id, kind in (("music/flute", "like"), ("music/harp", "purchase"), ("garden/hose", "dislike")):
        api.post("/v1/events", {"user_id": "eve", "item_id": item_id, "type": kind, "order": len(item_id)})
    profile = api.get("/v1/users/eve/profile").json()
    assert [did["item_id"] for did in profile["history"]] == ["garden/hose", "music/flute", "music/harp"]
    assert profile["history"][1]["metadata"]["title"] == "flute for the music"
    assert profile["categories"] == [{"name": "music", "weight": 2.0}]


def test_nothing_is_told_of_somebody_unknown(shared: Caller) -> None:
    assert "nothing is known" in problem(shared.get("/v1/users/nobody/profile"), 404)


def test_a_session_becomes_the_persons(api: Caller) -> None:
    api.post("/v1/events", {"user_id": "anon-1", "item_id": "music/flute", "type": "click"})
    merge = api.post("/v1/users/merge", {"alias": "anon-1", "user_id": "eve"})
    assert merge.json() == {"alias": "anon-1", "user_id": "eve"}
    assert api.get("/v1/users/anon-1/profile").json()["user_id"] == "eve"
    assert [did["item_id"] for did in api.get("/v1/users/eve/profile").json()["history"]] == ["music/flute"]
    assert "swap the two" in problem(api.post("/v1/users/merge", {"alias": "eve", "user_id": "anon-1"}), 422)


def test_erasing_a_person_gives_a_receipt_that_names_the_bundles_that_saw_them(api: Caller, shop: Zhiyin) -> None:
    shown = api.post("/v1/recommend", {"user_id": "user 1"}).json()["recommendation_id"]
    live = shop.publication()
    assert live is not None
    receipt = api.delete("/v1/users/user%201").json()
    assert receipt["user_ids"] == ["user 1"]
    assert receipt["rows"]["events"] > 0
    assert receipt["rows"]["recommendations"] == 1
    assert receipt["bundles"] == [live.bundle]
    assert shop.store.history("user 1", limit=9) == []
    problem(api.get("/v1/users/user%201/profile"), 404)
    problem(api.get(f"/v1/recommendations/{shown}"), 404)


def test_erasing_somebody_unknown_gives_a_receipt_of_zeros(api: Caller) -> None:
    assert set(api.delete("/v1/users/nobody").json()["rows"].values()) == {0}


def test_similar_people_like_the_same_theme_and_whoever_is_erased_is_gone(api: Caller) -> None:
    found = api.get("/v1/users/user%203/similar?n=4").json()
    assert found["user_id"] == "user 3"
    ids = [one["user_id"] for one in found["people"]]
    assert len(ids) == 4
    assert {int(id_.removeprefix("user ")) % 3 for id_ in ids} == {0}, "people love one theme of three"
    api.delete(f"/v1/users/{quote(ids[0])}")
    again = [one["user_id"] for one in api.get("/v1/users/user%203/similar?n=200").json()["people"]]
    assert ids[0] not in again
    assert set(ids[1:]) <= set(again)
    problem(api.get("/v1/users/user%203/similar?n=0"), 422)
    assert "nobody" in problem(api.get("/v1/users/stranger/similar"), 404)
