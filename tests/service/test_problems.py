"""What goes wrong, as it is told: enough to mend it, nothing of how we are built."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

import pytest
from asking import HERE, NOW, Caller, calling, problem, with_service

from zhiyin.data.store.memory import MemoryStore
from zhiyin.errors import BrokenStore, StoreBusy
from zhiyin.settings import ServiceSettings, Settings
from zhiyin.shop import Zhiyin
from zhiyin.testing.encoders import HashEncoder
from zhiyin.testing.small import small_catalogue
from zhiyin.types import Event, Recommendation

SECRET = "/secret/place/zhiyin.db"


class FailingStore(MemoryStore):
    """Whose log of lists fails with a given error once it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.error: Exception | None = None

    def log(self, recommendations: Sequence[Recommendation]) -> None:
        if self.error is not None:
            raise self.error
        super().log(recommendations)


@pytest.fixture
def store() -> FailingStore:
    return FailingStore()


@pytest.fixture
def failing(tmp_path: Path, store: FailingStore) -> Iterator[Caller]:
    store.put_items(small_catalogue())
    with Zhiyin(Settings(folder=tmp_path), store, HashEncoder()) as shop, calling(shop) as caller:
        assert caller.post("/v1/recommend", {}).status_code == 200
        yield caller


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (RuntimeError(SECRET), 500),
        (BrokenStore(f"{SECRET} is damaged"), 500),
        (StoreBusy(f"{SECRET} is being written"), 503),
        (OSError(28, "no space left", SECRET), 500),
    ],
)
def test_a_list_that_cannot_be_logged_is_not_answered_and_nothing_leaks(
    failing: Caller, store: FailingStore, error: Exception, status: int
) -> None:
    store.error = error
    answer = failing.post("/v1/recommend", {"n": 1})
    problem(answer, status)
    assert SECRET not in answer.text
    assert ("retry-after" in answer.headers) is (status == 503)
    problem(failing.get("/readyz"), 503)
    assert failing.get("/healthz").json()["status"] == "alive"
    store.error = None
    assert failing.post("/v1/recommend", {"n": 1}).status_code == 200
    assert failing.get("/readyz").status_code == 200


@pytest.mark.slow
def test_a_service_without_a_sound_bundle_says_that_it_is_not_ready(tmp_path: Path, store: FailingStore) -> None:
    store.publish("0" * 64, at=NOW, reason="published")
    with Zhiyin(Settings(folder=tmp_path), store, HashEncoder()) as shop, calling(shop) as api:
        assert "cannot be loaded" in problem(api.post("/v1/recommend", {}), 503)
        problem(api.get("/readyz"), 503)
        stored = api.post("/v1/events", {"user_id": "ann", "item_id": "a", "type": "click"}).json()
        assert stored == {"stored": 1, "duplicates": 0, "unknown_items": ["a"]}


@pytest.fixture
def narrow(untrained_shop: Zhiyin) -> Iterator[Caller]:
    with calling(with_service(untrained_shop, ServiceSettings(max_body_bytes=1_000))) as caller:
        yield caller


def test_a_body_that_is_too_large_is_refused_before_it_is_read(narrow: Caller) -> None:
    assert "at most 1,000 bytes" in problem(narrow.post("/v1/events", b" " * 1_001), 413)
    problem(narrow.post("/v1/events", b"{}", {"Content-Length": "9" * 30}), 413)
    problem(narrow.post("/v1/events", b"{}", {"Content-Length": "-1"}), 413)


def test_a_body_of_unknown_length_is_refused_where_it_becomes_too_large(narrow: Caller) -> None:
    assert "got more" in problem(narrow.post_in_parts("/v1/events", [b" " * 400] * 3), 413)
    assert "body" in problem(narrow.post_in_parts("/v1/events", [b"[", b"7]"]), 422)


def test_what_is_no_address_and_no_method_of_it_are_told(shared_untrained: Caller) -> None:
    assert "/openapi.json" in problem(shared_untrained.get("/v1/recomend"), 404)
    assert "method" in problem(shared_untrained.get("/v1/recommend"), 405)


@pytest.mark.slow
def test_requests_lists_places_and_events_are_counted(untrained: Caller) -> None:
    event = {"user_id": "ann", "item_id": "garden/spade", "type": "click", "event_id": "1"}
    untrained.post("/v1/recommend", {"n": 4})
    untrained.post("/v1/events", [event, event])
    untrained.get("/no/such/place")
    page = untrained.get("/metrics").text.splitlines()
    for line in (
        'zhiyin_requests_total{method="POST",route="/v1/recommend",status="200"} 1.0',
        'zhiyin_requests_total{method="GET",route="unknown",status="404"} 1.0',
        'zhiyin_request_seconds_count{route="/v1/events"} 1.0',
        'zhiyin_recommendations_total{mode="zero_shot"} 1.0',
        'zhiyin_places_total{kind="all"} 4.0',
        'zhiyin_events_total{outcome="stored"} 1.0',
        'zhiyin_events_total{outcome="duplicate"} 1.0',
        "zhiyin_writes_waiting 0.0",
    ):
        assert line in page


@pytest.mark.slow
def test_two_applications_count_apart(untrained_shop: Zhiyin) -> None:
    with calling(untrained_shop) as first, calling(untrained_shop) as second:
        first.post("/v1/recommend", {})
        assert 'zhiyin_recommendations_total{mode="zero_shot"} 1.0' in first.get("/metrics").text
        assert "zhiyin_recommendations_total{" not in second.get("/metrics").text


@pytest.mark.slow
def test_the_clock_of_the_application_is_the_clock_of_its_lists(untrained_shop: Zhiyin) -> None:
    moment = datetime.fromisoformat("2030-01-01T00:00:00+00:00")
    with calling(untrained_shop, lambda: moment) as api:
        shown = api.post("/v1/recommend", {}).json()["recommendation_id"]
        assert api.get(f"/v1/recommendations/{shown}").json()["at"] == "2030-01-01T00:00:00Z"


def test_an_address_of_the_console_with_a_bad_parameter_is_a_problem(shared_untrained: Caller) -> None:
    assert "limit" in problem(shared_untrained.get(f"{HERE}/console/api/recommendations?limit=0"), 422)


def test_an_event_is_what_it_was(untrained: Caller, untrained_shop: Zhiyin) -> None:
    sent = Event("ann", "garden/spade", "rating", at=NOW, value=4.5, text="sharp", context={"page": 2})
    untrained.post(
        "/v1/events",
        {"user_id": "ann", "item_id": "garden/spade", "type": "rating", "at": "2026-02-01T13:00:00+01:00"}
        | {"value": 4.5, "text": "sharp", "context": {"page": 2}},
    )
    assert untrained_shop.store.history("ann", limit=1) == [sent]
