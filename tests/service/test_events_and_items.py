"""What happens and what there is, over HTTP: counted, idempotent, effective in the next answer."""

from urllib.parse import quote

import pytest
from asking import NOW, Caller, ids, problem

from zhiyin.shop import Zhiyin

ODD = ["a/b/c", "a b", "😀", "知音?x=1#y", "../x", "%2F", "'; DROP TABLE items; --", "profile"]


def click(item_id: str, **more: object) -> dict[str, object]:
    return {"user_id": "ann", "item_id": item_id, "type": "click", **more}


def test_one_event_many_events_and_a_named_list_are_all_stored(api: Caller) -> None:
    one = click("garden/spade", event_id="1")
    stored = [
        api.post("/v1/events", body).json()
        for body in (one, [one, click("garden/rake", event_id="2")], {"events": [click("nowhere", event_id="3")]})
    ]
    assert stored == [
        {"stored": 1, "duplicates": 0, "unknown_items": []},
        {"stored": 1, "duplicates": 1, "unknown_items": []},
        {"stored": 1, "duplicates": 0, "unknown_items": ["nowhere"]},
    ]


def test_an_event_that_does_not_say_when_happens_now(api: Caller, shop: Zhiyin) -> None:
    api.post("/v1/events", [click("garden/spade"), click("garden/rake", at="2026-01-01T08:00:00+08:00")])
    early, late = shop.store.history("ann", limit=5)
    assert (early.item_id, str(early.at)) == ("garden/rake", "2026-01-01 00:00:00+00:00")
    assert (late.item_id, late.at) == ("garden/spade", NOW)


def test_a_batch_with_one_bad_event_stores_nothing_and_names_it(api: Caller, shop: Zhiyin) -> None:
    before = shop.store.last_event()
    told = problem(api.post("/v1/events", [click("a"), click("b", type="clik"), click("c", at="2026-01-01")]), 422)
    assert told.startswith("body[1].type")
    assert shop.store.last_event() == before


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        ({"user_id": "ann", "type": "click"}, "body[0].item_id"),
        (click("a", at="2026-01-01T00:00:00"), "has no zone"),
        (click("a", vlue=3), "did you mean 'value'"),
        (click("a", context={"deep": [1]}), "context.deep"),
        (click("a", order=2**70), "order"),
        (7, "body[0]"),
    ],
)
def test_an_event_that_is_none_is_refused(shared_untrained: Caller, bad: object, told: str) -> None:
    assert told in problem(shared_untrained.post("/v1/events", [bad]), 422)


def test_more_events_than_fit_are_refused_whole(shared_untrained: Caller) -> None:
    assert "at most 10,000" in problem(shared_untrained.post("/v1/events", [0] * 10_001), 422)


def test_events_of_many_senders_share_a_commit_and_are_counted_for_each(api: Caller) -> None:
    bodies: list[object] = [
        [click("garden/spade", event_id=str(n // 2)), click("x", event_id="x")] for n in range(40)
    ]
    answers = [answer.json() for answer in api.post_at_once("/v1/events", bodies)]
    assert sum(said["stored"] for said in answers) == 21
    assert all(said["stored"] + said["duplicates"] == 2 for said in answers)


def test_what_the_store_refuses_is_heard_by_its_sender_alone(api: Caller) -> None:
    bodies: list[object] = [click("a", event_id=str(n), position=2**63 if n == 3 else n) for n in range(10)]
    answers = api.post_at_once("/v1/events", bodies)
    assert [answer.status_code for answer in answers] == [200] * 3 + [422] + [200] * 6
    assert all(answer.json()["stored"] == 1 for answer in answers if answer.status_code == 200)


def test_a_new_item_is_recommendable_in_the_next_answer(api: Caller) -> None:
    item = {"item_id": "new/😀 one", "title": "theremin for the music", "categories": ["music"]}
    assert api.post("/v1/items", item).json() == {"changed": 1, "unchanged": 0}
    assert api.post("/v1/items", {"items": [item]}).json() == {"changed": 0, "unchanged": 1}
    assert ids(api.post("/v1/search", {"text": "theremin for the music", "n": 1})) == ["new/😀 one"]
    assert api.post("/v1/events", click("new/😀 one")).json()["unknown_items"] == []


def test_a_deleted_item_is_not_shown_again(api: Caller) -> None:
    asked = {"text": "piano for the music", "n": 3}
    assert "music/piano" in ids(api.post("/v1/search", asked))
    assert api.delete("/v1/items/music/piano").status_code == 204
    assert "music/piano" not in ids(api.post("/v1/search", asked))
    assert "nothing was deleted" in problem(api.delete("/v1/items/music/piano"), 404)
    problem(api.post("/v1/similar", {"item_id": "music/piano"}), 404)


@pytest.mark.slow
@pytest.mark.parametrize("item_id", ODD)
def test_any_id_works_in_an_address(api: Caller, item_id: str) -> None:
    api.post("/v1/items", {"item_id": item_id, "title": "odd"})
    path = f"/v1/items/{quote(item_id, safe='')}"
    assert api.get(path).json()["title"] == "odd"
    assert api.delete(path).status_code == 204
    problem(api.get(path), 404)


@pytest.mark.parametrize("path", ["/v1/items/", "/v1/items/%00", "/v1/items/%ff%fe", f"/v1/items/{'x' * 600}"])
def test_an_address_that_names_no_item_is_not_found(shared_untrained: Caller, path: str) -> None:
    problem(shared_untrained.get(path), 404)


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        ({"title": "no id"}, "item_id"),
        ({"item_id": "a", "title": "x" * 1_000_000}, "at most"),
        ({"item_id": "a", "title": "a\0b"}, "control characters"),
        ({"item_id": "a", "price": -1}, "price"),
        ({"item_id": "a", "categories": "Garden"}, "categories"),
        ({"item_id": "a", "attributes": {"size": [1, 2]}}, "attributes.size"),
        ({"item_id": "a", "titel": "x"}, "did you mean 'title'"),
    ],
)
def test_an_item_that_is_none_is_refused(shared_untrained: Caller, bad: object, told: str) -> None:
    assert told in problem(shared_untrained.post("/v1/items", bad), 422)
