"""Lists over HTTP: for a person, like an item, for a wish, and given items in order."""

import pytest
from asking import Caller, ids, problem

ANSWER = {"recommendation_id", "items", "mode", "bundle", "variant", "missing_ids", "titles", "took_ms"}
PLACE = {"item_id", "score", "reasons", "parts", "explored", "metadata"}


def test_a_list_is_answered_as_it_stands_in_the_log(shared: Caller) -> None:
    answer = shared.post("/v1/recommend", {"user_id": "user 1", "n": 5, "like": ["gone"]})
    said = answer.json()
    logged = shared.shop.store.recommendation(said["recommendation_id"])
    assert logged is not None
    assert ids(answer) == [place.item_id for place in logged.items]
    assert [place["parts"] for place in said["items"]] == [place.parts for place in logged.items]
    assert said["bundle"] == logged.bundle
    assert said["missing_ids"] == ["gone"]
    assert said["took_ms"] > 0


def test_an_answer_has_what_the_contract_names_and_the_words_of_the_catalogue(shared: Caller) -> None:
    said = shared.post("/v1/recommend", {"user_id": "user 1", "n": 3}).json()
    assert said.keys() == ANSWER
    for place in said["items"]:
        assert place.keys() == PLACE
        assert place["score"] == pytest.approx(sum(place["parts"].values()))
        assert place["metadata"]["title"] == shared.shop.item(place["item_id"]).title
        assert all(item_id in said["titles"] for reason in place["reasons"] for item_id in reason["items"])


@pytest.mark.parametrize("asked", [{"user_id": "nobody knows"}, {}, {"user_id": "知音 😀/.."}])
def test_somebody_unknown_is_answered(shared: Caller, shared_untrained: Caller, asked: dict[str, str]) -> None:
    for caller in (shared, shared_untrained):
        assert len(ids(caller.post("/v1/recommend", asked))) == 10


def test_an_untrained_shop_says_that_it_only_reads(shared_untrained: Caller) -> None:
    assert shared_untrained.post("/v1/recommend", {"text": "a violin"}).json()["mode"] == "zero_shot"


@pytest.mark.slow
def test_a_click_counts_in_the_next_answer(untrained: Caller) -> None:
    asked = {"user_id": "new", "n": 4}
    untrained.post("/v1/events", {"user_id": "new", "item_id": "music/piano", "type": "click"})
    first = ids(untrained.post("/v1/recommend", asked))
    assert sum(item_id.startswith("music/") for item_id in first) >= 3
    assert "music/piano" not in first


def test_items_like_an_item_leave_it_out_and_do_not_depend_on_who_asks(shared: Caller) -> None:
    asked = {"item_id": "garden/spade", "n": 5, "exclude": ["garden/rake"]}
    first, second = (shared.post("/v1/similar", asked | who).json() for who in ({}, {"user_id": "user 1"}))
    assert {"garden/spade", "garden/rake"}.isdisjoint(place["item_id"] for place in first["items"])
    sources = [reason["items"] for said in (first, second) for p in said["items"] for reason in p["reasons"]]
    assert {item_id for items in sources for item_id in items} == {"garden/spade"}


def test_nothing_is_like_an_item_that_is_not_there(shared: Caller) -> None:
    assert "no item 'a/b'" in problem(shared.post("/v1/similar", {"item_id": "a/b"}), 404)


def test_a_wish_finds_what_it_names(shared_untrained: Caller) -> None:
    assert "kitchen/kettle" in ids(
        shared_untrained.post("/v1/search", {"text": "a kettle for the kitchen", "n": 3})
    )


@pytest.mark.parametrize(
    ("path", "body"), [("recommend", {}), ("similar", {"item_id": "music/drum"}), ("search", {"text": "a drum"})]
)
def test_a_filter_on_a_field_that_no_item_has_is_told_and_one_that_none_passes_is_answered(
    shared: Caller, path: str, body: dict[str, str]
) -> None:
    told = problem(shared.post(f"/v1/{path}", body | {"filter": "nown = 'drum'"}), 422)
    assert "attributes are noun, number" in told
    assert ids(shared.post(f"/v1/{path}", body | {"filter": "noun = 'dream'"})) == []


def test_given_items_come_back_ordered_by_their_scores_whatever_the_rules_say(shared: Caller) -> None:
    had = [str(event.item_id) for event in shared.shop.store.history("user 1", limit=2)]
    given = ["music/song", *had, "kitchen/spoon", "nowhere", "garden/fern"]
    answer = shared.post("/v1/rank", {"query": {"user_id": "user 1", "n": 1}, "item_ids": given})
    said = answer.json()
    assert sorted(ids(answer)) == sorted({*given} - {"nowhere"})
    assert said["missing_ids"] == ["nowhere"]
    scores = [place["score"] for place in said["items"]]
    assert scores == sorted(scores, reverse=True)
    logged = shared.shop.store.recommendation(said["recommendation_id"])
    assert logged is not None
    assert logged.policy == "greedy"
    assert [place.log_propensity for place in logged.items] == [0.0] * len(scores)


def test_the_same_item_has_the_same_score_given_or_found(shared: Caller) -> None:
    found = shared.post("/v1/recommend", {"user_id": "user 2", "n": 1}).json()["items"][0]
    asked = {"query": {"user_id": "user 2"}, "item_ids": [found["item_id"]]}
    parts = shared.post("/v1/rank", asked).json()["items"][0]["parts"]
    assert parts == pytest.approx(found["parts"], rel=1e-6)  # products of one row and of many round differently


def test_many_at_once_each_get_a_list_of_their_own(shared: Caller) -> None:
    answers = shared.post_at_once("/v1/recommend", [{"user_id": f"user {n % 30}", "n": 3} for n in range(40)])
    names = {answer.json()["recommendation_id"] for answer in answers}
    assert len(names) == 40
    for n, answer in enumerate(answers):
        logged = shared.shop.store.recommendation(answer.json()["recommendation_id"])
        assert logged is not None
        assert logged.query.user_id == f"user {n % 30}"


BAD = [
    (b"", 400, "not JSON"),
    (b"[" * 100_000, 400, "depth"),
    (b"[" * 500 + b"]" * 500, 422, "nested deeper"),
    (b'{"user_id": "\xff"}', 400, "UTF-8"),
    (b'{"user_id": "\\ud800"}', 400, "surrogate"),
    (b'{"n": NaN}', 400, "NaN"),
    (b'{"context": {"a": Infinity}}', 400, "not JSON"),
    (b"null", 422, "got None"),
    ({"n": 0}, 422, "from 1 to"),
    ({"n": -1}, 422, "from 1 to"),
    ({"n": 10**9}, 422, "from 1 to"),
    ({"n": 10**400}, 400, "not JSON"),
    ({"n": "many"}, 422, "body.n"),
    ({"n": "5"}, 422, "body.n: Input should be a valid integer, got '5'"),
    ({"n": None}, 422, "body.n"),
    ({"user_id": 5}, 422, "body.user_id"),
    ({"user_id": ""}, 422, "non-empty"),
    ({"user_id": "a\0b"}, 422, "control character"),
    ({"user_id": "x" * 10_000}, 422, "at most 512"),
    ({"session": "abc"}, 422, "body.session"),
    ({"session": ["a"] * 1_001}, 422, "at most 1000"),
    ({"text": "x" * 100_000}, 422, "at most"),
    ({"context": {"a": {"b": 1}}}, 422, "body.context.a"),
    ({"filter": "__import__('os')"}, 422, "cannot read the filter"),
    ({"filter": "price < " * 500}, 422, "filter"),
    ({"usr_id": "ann"}, 422, "did you mean 'user_id'"),
    ({"filter": "nown = 'drum'"}, 422, "compares 'nown', which no item has (did you mean 'noun'?)"),
]


@pytest.mark.parametrize(("body", "status", "told"), BAD, ids=[str(body)[:30] for body, _, _ in BAD])
def test_what_cannot_be_answered_is_told_what_was_got(
    shared_untrained: Caller, body: object, status: int, told: str
) -> None:
    assert told in problem(shared_untrained.post("/v1/recommend", body), status)


@pytest.mark.parametrize("count", [0, 1_001])
def test_too_few_or_too_many_given_items_are_refused(shared_untrained: Caller, count: int) -> None:
    assert "1 to 1000 ids" in problem(shared_untrained.post("/v1/rank", {"item_ids": ["a"] * count}), 422)


def test_a_misspelt_field_inside_a_query_is_refused(shared_untrained: Caller) -> None:
    body = {"query": {"user": "ann"}, "item_ids": ["a"]}
    assert "'user' in body.query: did you mean 'user_id'" in problem(shared_untrained.post("/v1/rank", body), 422)
