"""Profiles in words over HTTP: read, edited, used in the next list; who may, and what the hostile send."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

import pytest
from asking import Caller, calling, ids, problem, with_service
from pydantic import SecretStr

from zhiyin.profile.edits import EDITS, LINES, TEXTS
from zhiyin.settings import ServiceSettings
from zhiyin.shop import Zhiyin

GARDENER = "user 3"
AT = f"/v1/users/{quote(GARDENER)}/profile"
KEY, PAGE = {"Authorization": "Bearer whole"}, {"Authorization": "Bearer public"}
KEYS = ServiceSettings(host="0.0.0.0", api_keys=(SecretStr("whole"),), events_keys=("public",))
BROWSER = "anon-0123456789abcdef0123456789abcdef"
OWN = f"/v1/users/{BROWSER}/profile"
STRIKE = {"field": "category", "value": "garden", "stance": "never"}
HOSTILE = "<script>alert(1)</script>\"'; DROP TABLE events; --"


@pytest.fixture
def keyed(shop: Zhiyin) -> Iterator[Caller]:
    with calling(with_service(shop, KEYS)) as caller:
        yield caller


def themes(api: Caller, user_id: str = GARDENER) -> set[str]:
    return {id_.partition("/")[0] for id_ in ids(api.post("/v1/recommend", {"user_id": user_id, "n": 8}))}


def test_a_line_is_told_with_its_evidence_in_the_language_of_the_reader(api: Caller) -> None:
    nouns = ["spade", "rake", "seed", "pot", "hose", "lamp", "bench", "fern"]
    api.post("/v1/events", [{"user_id": "eve", "item_id": f"garden/{noun}", "type": "like"} for noun in nouns])
    (line,) = [line for line in api.get("/v1/users/eve/profile").json()["lines"] if line["value"] == "garden"]
    assert (line["field"], line["source"], line["stance"], line["phrased_by"]) == (
        "category",
        "seen",
        None,
        "template",
    )
    assert line["sentence"] == "You keep coming back to “garden”."
    assert line["because"].startswith("8 of the 8 things that you took to, 100 %; of what people take, ")
    assert len(line["evidence"]["items"]) == 5
    profile = api.get("/v1/users/eve/profile?language=zh").json()
    assert any(line["sentence"] == "你一直喜欢“garden”。" for line in profile["lines"])
    assert profile["titles"][line["evidence"]["items"][0]].endswith("for the garden")
    problem(api.get("/v1/users/eve/profile?language=fr"), 422)


def test_an_edit_stands_in_the_profile_and_changes_the_next_list(api: Caller) -> None:
    assert "garden" in themes(api)
    (line, *_) = api.post(AT, STRIKE).json()["lines"]
    assert (line["source"], line["stance"], line["leaning"]) == ("said", "never", "dislikes")
    assert line["sentence"] == "You said: never “garden”."
    assert "garden" not in themes(api)
    assert "说过：不要" in api.post(f"{AT}?language=zh", STRIKE).json()["lines"][0]["sentence"]
    after = api.post(AT, STRIKE | {"stance": "unsaid"}).json()["lines"]
    assert all(line["source"] == "seen" for line in after)
    assert "garden" in themes(api)


def test_a_sentence_is_read_clause_by_clause_and_what_the_catalogue_knows_is_a_field(api: Caller) -> None:
    lines = api.post(AT, {"value": "I like slow songs, no Garden but I love acorn"}).json()["lines"]
    said = {(line["field"], line["value"], line["stance"]) for line in lines if line["source"] == "said"}
    assert said == {("text", "slow songs", "more"), ("category", "garden", "never"), ("brand", "Acorn", "more")}


@pytest.mark.slow
def test_reasons_and_the_sum_tell_what_was_said(api: Caller) -> None:
    api.post("/v1/users/newcomer/profile", {"edits": [{"value": "a flute for music"}, {"value": "less birch"}]})
    shown = api.post("/v1/recommend", {"user_id": "newcomer", "n": 5}).json()
    first = shown["items"][0]
    assert first["item_id"] == "music/flute"
    assert [r["words"] for r in first["reasons"] if r["channel"] == "profile"] == [["a flute for music"]]
    for place in shown["items"]:
        why = api.get(
            f"/v1/recommendations/{shown['recommendation_id']}/why/{quote(place['item_id'], safe='')}"
        ).json()
        assert sum(line["value"] for line in why["lines"]) == pytest.approx(place["parts"].get("profile", 0.0))
        assert why["reproduced"]


def test_what_was_said_already_is_not_stored_again(api: Caller) -> None:
    api.post(AT, [STRIKE, STRIKE])
    api.post(AT, STRIKE | {"value": "GARDEN"})
    assert len(api.shop.store.said(GARDENER, "edit", limit=99)) == 1


@pytest.mark.parametrize(
    ("body", "status", "why"),
    [
        ({"value": "x", "field": "colour", "stance": "more"}, 422, "unknown field"),
        ({"value": "x", "field": "brand"}, 422, "needs a stance"),
        ({"value": "x", "stance": "most"}, 422, "more"),
        ({"value": "字" * 301}, 422, "301"),
        ({"value": ", 。"}, 422, "says nothing"),
        ({"value": "x\0", "stance": "more"}, 422, "control"),
        ({"value": "x", "key": 1}, 422, "unknown field"),
        (b"{", 400, "JSON"),
    ],
)
def test_what_is_no_edit_is_refused_and_nothing_is_stored(
    shared: Caller, body: object, status: int, why: str
) -> None:
    assert why in problem(shared.post(AT, body), status)


def test_scripts_slashes_and_anything_else_come_back_as_they_were_said(api: Caller) -> None:
    at = f"/v1/users/{quote('a/b /profile', safe='')}/profile"
    (line, *_) = api.post(at, {"value": HOSTILE, "stance": "more", "field": "attributes.<b>{name}"}).json()[
        "lines"
    ]
    assert (line["field"], line["value"]) == ("attributes.<b>{name}", HOSTILE)
    assert HOSTILE in line["sentence"]
    assert api.get(at).json()["user_id"] == "a/b /profile"
    api.delete(f"/v1/users/{quote('a/b /profile', safe='')}")
    problem(api.get(at), 404)


@pytest.mark.slow
def test_lines_and_edits_are_bounded_and_what_stands_stays(api: Caller) -> None:
    def edits(n: int, field: str, stance: str = "more", start: int = 0) -> list[dict[str, str]]:
        return [{"field": field, "value": f"v {k}", "stance": stance} for k in range(start, start + n)]

    assert "take one back" in problem(api.post(AT, edits(LINES + 1, "brand")), 422)
    assert "take one back" in problem(api.post(AT, edits(TEXTS + 1, "text")), 422)
    assert api.shop.store.said(GARDENER, "edit", limit=9) == []
    assert api.post(AT, edits(LINES, "brand")).status_code == 200
    assert "take one back" in problem(api.post(AT, edits(1, "brand", start=LINES)), 422)
    for _ in range((EDITS - LINES) // (2 * LINES)):
        assert api.post(AT, [*edits(LINES, "brand", "less"), *edits(LINES, "brand")]).status_code == 200
    assert api.post(AT, edits(LINES, "brand", "less")).status_code == 200
    refused = problem(api.post(AT, edits(10_000, "brand", "more")), 422)
    assert "edits" in refused or "stand" in refused
    assert len(api.shop.store.said(GARDENER, "edit", limit=9_999)) == EDITS
    assert len(api.get(AT).json()["lines"]) >= LINES


def test_the_profile_of_a_name_needs_an_api_key_and_an_anonymous_one_its_id(keyed: Caller) -> None:
    problem(keyed.get(AT), 401)
    problem(keyed.get(AT, PAGE), 403)
    problem(keyed.post(AT, STRIKE), 401)
    problem(keyed.post(AT, STRIKE, PAGE), 403)
    assert keyed.post(AT, STRIKE, KEY).status_code == 200
    problem(keyed.post(OWN, STRIKE), 401)
    assert keyed.post(f"{OWN}?key=public", STRIKE).status_code == 200
    assert keyed.get(OWN).json()["lines"][0]["value"] == "garden"
    assert "garden" not in themes(keyed, BROWSER)


def test_an_anonymous_id_that_became_somebodys_is_theirs(keyed: Caller) -> None:
    keyed.post(OWN, STRIKE, PAGE)
    keyed.post("/v1/users/merge", {"alias": BROWSER, "user_id": GARDENER}, KEY)
    problem(keyed.get(OWN), 401)
    problem(keyed.post(OWN, STRIKE | {"stance": "more"}, PAGE), 401)
    assert keyed.get(AT, KEY).json()["lines"][0]["stance"] == "never"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["anon-1", BROWSER.upper(), f"{BROWSER}0", f"x/{BROWSER}", f"{BROWSER}/profile"])
def test_only_whole_anonymous_ids_are_open(keyed: Caller, name: str) -> None:
    problem(keyed.get(f"/v1/users/{name}/profile"), 401)
    assert keyed.post(f"/v1/users/{name}/profile", STRIKE, PAGE).status_code in (401, 403)


def test_an_events_key_adds_no_edit_of_anybody(keyed: Caller) -> None:
    context = {"field": "category", "stance": "never"}
    edit = {
        "event_id": "1",
        "user_id": GARDENER,
        "type": "edit",
        "text": "garden",
        "context": context,
        "item_id": None,
    }
    assert "profile" in problem(keyed.post("/v1/events", edit, PAGE), 422)
    assert keyed.post("/v1/events", edit, KEY).json()["stored"] == 1
    assert keyed.get(AT, KEY).json()["lines"][0]["stance"] == "never"


def test_a_page_of_another_site_edits_nothing(api: Caller) -> None:
    problem(api.post(AT, STRIKE, {"Origin": "https://elsewhere.example"}), 403)
    assert api.shop.store.said(GARDENER, "edit", limit=9) == []
