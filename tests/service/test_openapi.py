"""The contract: whole, true, and safe to be played with."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from asking import Caller, calling
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zhiyin.data.store.memory import MemoryStore
from zhiyin.settings import Settings
from zhiyin.shop import Zhiyin
from zhiyin.testing.encoders import HashEncoder
from zhiyin.testing.small import small_catalogue
from zhiyin.workflows.labels.training import Asked, train_labels

pytestmark = pytest.mark.slow

Json = Any  # a piece of the contract, or of a body: JSON by nature
ROUTES = {
    "/v1/recommend": {"post"},
    "/v1/similar": {"post"},
    "/v1/search": {"post"},
    "/v1/rank": {"post"},
    "/v1/events": {"post"},
    "/v1/items": {"post"},
    "/v1/items/{item_id}": {"get", "delete"},
    "/v1/users": {"post"},
    "/v1/users/merge": {"post"},
    "/v1/users/{user_id}/profile": {"get", "post"},
    "/v1/users/{user_id}/similar": {"get"},
    "/v1/users/{user_id}": {"delete"},
    "/v1/recommendations/{recommendation_id}": {"get"},
    "/v1/recommendations/{recommendation_id}/why/{item_id}": {"get"},
    "/v1/labels/{name}": {"post"},
    "/v1/labels/{name}/watch": {"get"},
    "/v1/labels/{name}/decisions": {"post"},
    "/healthz": {"get"},
    "/readyz": {"get"},
    "/metrics": {"get"},
}
POSTS = sorted(path for path, methods in ROUTES.items() if "post" in methods)

_texts = st.one_of(
    st.text(max_size=20), st.sampled_from(["garden/spade", "ann", "", "知音", "x" * 3_000, "\0", "/"])
)
_numbers = st.one_of(st.integers(-(2**70), 2**70), st.floats(allow_nan=False, allow_infinity=False))
_anything: st.SearchStrategy[Json] = st.recursive(
    st.one_of(st.none(), st.booleans(), _numbers, _texts),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_texts, inner, max_size=3)),
    max_leaves=6,
)


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Caller]:
    """A shop that everybody may spoil."""
    store = MemoryStore()
    store.put_items(small_catalogue())
    folder = tmp_path_factory.mktemp("toy")
    with Zhiyin(Settings(folder=folder), store, HashEncoder()) as shop, calling(shop) as caller:
        train_labels(shop, "kind", Asked(attribute="category"), datetime(2026, 1, 1, tzinfo=UTC))
        yield caller


def address(path: str) -> str:
    """With the one label model there is."""
    return path.replace("{name}", "kind")


@pytest.fixture(scope="module")
def contract(toy: Caller) -> Json:
    return toy.get("/openapi.json").json()


def test_every_route_is_in_the_contract_and_nothing_else(contract: Json) -> None:
    paths = {path.replace(":path", ""): set(methods) for path, methods in contract["paths"].items()}
    assert paths == ROUTES


def test_every_route_says_what_it_does_and_every_body_and_answer_has_a_schema(contract: Json) -> None:
    for path, methods in contract["paths"].items():
        for method, operation in methods.items():
            assert operation["description"], path
            if method == "post":
                assert "$ref" in str(operation["requestBody"]["content"]["application/json"]["schema"])
                assert "$ref" in str(operation["responses"]["200"]["content"]["application/json"]["schema"])
                assert "application/problem+json" in operation["responses"]["422"]["content"]


def test_the_contract_names_the_key_where_one_is_needed(contract: Json) -> None:
    def keys(path: str, method: str) -> list[str]:
        return [next(iter(one), "none") for one in contract["paths"][path][method].get("security", [])]

    assert keys("/v1/events", "post") == ["key", "events_key"]
    assert keys("/v1/items", "post") == keys("/v1/users/{user_id}/similar", "get") == ["key"]
    assert keys("/v1/users/{user_id}/profile", "get") == ["none", "key"]
    assert keys("/v1/users/{user_id}/profile", "post") == ["key", "events_key"]
    assert keys("/v1/recommend", "post") == ["none", "key"]
    assert keys("/v1/recommendations/{recommendation_id}/why/{item_id}", "get") == ["none", "key"]
    assert keys("/v1/items/{item_id}", "get") == keys("/healthz", "get") == []


def test_every_reference_of_the_contract_leads_somewhere(contract: Json) -> None:
    for reference in references(contract):
        assert reference.removeprefix("#/components/schemas/") in contract["components"]["schemas"], reference


@pytest.mark.parametrize("path", POSTS)
def test_every_example_of_the_contract_is_accepted(toy: Caller, contract: Json, path: str) -> None:
    toy.post("/v1/items", {"item_id": "12", "title": "spade"})
    examples = contract["paths"][path]["post"]["requestBody"]["content"]["application/json"]["examples"]
    for name, example in examples.items():
        answer = toy.post(address(path), example["value"])
        assert answer.status_code == 200, (name, answer.text)


@pytest.mark.parametrize("path", POSTS)
def test_whatever_is_sent_is_answered_or_refused_in_order(toy: Caller, contract: Json, path: str) -> None:
    schema = contract["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]

    @settings(suppress_health_check=list(HealthCheck))
    @given(body=bodies(schema, contract["components"]["schemas"]))
    def sent(body: Json) -> None:
        answer = toy.post(address(path), body)
        assert answer.status_code in (200, 400, 404, 422), answer.text
        if answer.status_code != 200:
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.json()["detail"]

    sent()


@given(body=st.binary(max_size=60))
def test_whatever_bytes_are_sent_are_answered_or_refused_in_order(toy: Caller, body: bytes) -> None:
    assert toy.post("/v1/recommend", body).status_code in (200, 400, 422)


def references(piece: Json) -> Iterator[str]:
    if isinstance(piece, dict):
        yield from (value for name, value in piece.items() if name == "$ref")
        for value in piece.values():
            yield from references(value)
    elif isinstance(piece, list):
        for value in piece:
            yield from references(value)


def bodies(schema: Json, known: Mapping[str, Json]) -> st.SearchStrategy[Json]:
    """What the schema allows, and one time in eight, anywhere in it, something else."""
    return st.integers(0, 7).flatmap(lambda n: _anything if n == 0 else allowed(schema, known))


def allowed(schema: Json, known: Mapping[str, Json]) -> st.SearchStrategy[Json]:
    if "$ref" in schema:
        return bodies(known[schema["$ref"].rsplit("/", 1)[1]], known)
    if "anyOf" in schema:
        return st.one_of(*(bodies(one, known) for one in schema["anyOf"]))
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    kinds: dict[str, st.SearchStrategy[Json]] = {
        "string": st.datetimes().map(str) if schema.get("format") == "date-time" else _texts,
        "integer": st.integers(-3, 50),
        "number": _numbers,
        "boolean": st.booleans(),
        "null": st.none(),
    }
    match schema.get("type"):
        case "array":
            return st.lists(bodies(schema.get("items", {}), known), max_size=3)
        case "object":
            return objects(schema, known)
        case str() as kind:
            return kinds[kind]
    return _anything


def objects(schema: Json, known: Mapping[str, Json]) -> st.SearchStrategy[Json]:
    required = set(schema.get("required", ()))
    fields = {name: bodies(inner, known) for name, inner in schema.get("properties", {}).items()}
    more = schema.get("additionalProperties")
    if not fields and isinstance(more, dict):
        return st.dictionaries(_texts, bodies(more, known), max_size=3)
    return st.fixed_dictionaries(
        {name: field for name, field in fields.items() if name in required},
        optional={name: field for name, field in fields.items() if name not in required},
    )
