"""An endpoint over real sockets: what is sent, what is made of each kind of bad answer, and what it may cost."""

from __future__ import annotations

import logging
import math
import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from zhiyin.encoders.cache import CachedEncoder
from zhiyin.encoders.hosted import HostedEncoder, HostedModel
from zhiyin.encoders.pair import REST, Ear, Reading, TwoReaders, beside
from zhiyin.endpoints.budget import Budget
from zhiyin.endpoints.endpoint import LONGEST_WAIT, Endpoint, Patience, seconds_of
from zhiyin.endpoints.named import EMBEDDINGS
from zhiyin.endpoints.portions import tokens_of
from zhiyin.errors import BudgetSpent, EndpointFailed
from zhiyin.testing.embedding_server import EmbeddingServer, embedding_server
from zhiyin.testing.encoders import HashEncoder
from zhiyin.testing.faulty_server import KEY, Fault

TEXTS = ["a blue cup", "an iron pot", "warm tea", "茶杯"]
MODEL = HostedModel("m", HashEncoder.dim)
WANTED = HashEncoder().encode(TEXTS)
ROWS = b'{"data": [{"index": 0, "embedding": [1.0, '


class Clock:
    """Time that passes only where it is slept."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def server() -> Iterator[EmbeddingServer]:
    with embedding_server() as running:
        yield running


@pytest.fixture
def clock() -> Clock:
    return Clock()


def hosted(
    server: EmbeddingServer,
    folder: Path,
    clock: Clock,
    model: HostedModel = MODEL,
    budget: Budget | None = None,
    attempts: int = 4,
) -> HostedEncoder:
    endpoint = Endpoint(f"{server.url}/embeddings", KEY, EMBEDDINGS, clock.sleep, clock, np.random.default_rng(0))
    budget = budget or Budget(folder / "budget.json", EMBEDDINGS, 10**6)
    return HostedEncoder(endpoint, model, budget, Patience(30.0, attempts))


def test_rows_come_as_asked_for_and_connections_are_kept(
    server: EmbeddingServer, tmp_path: Path, clock: Clock
) -> None:
    encoder = hosted(server, tmp_path, clock, replace(MODEL, shortened=True))
    for _ in range(3):
        np.testing.assert_allclose(encoder.encode([*TEXTS, " "])[:-1], WANTED, atol=1e-6)
    assert not encoder.encode(["", " "]).any()
    assert (
        server.asked == [{"model": "m", "input": TEXTS, "encoding_format": "float", "dimensions": MODEL.dim}] * 3
    ), "an empty text is not sent"
    assert server.keys == [f"Bearer {KEY}"] * 3
    assert len(server.connections) == 1
    assert encoder.licence == f"hosted: {server.url}/embeddings m"


@pytest.mark.slow
def test_many_texts_go_in_batches_of_so_many_texts_and_characters(
    server: EmbeddingServer, tmp_path: Path, clock: Clock
) -> None:
    encoder = hosted(server, tmp_path, clock, replace(MODEL, batch=3, batch_characters=20))
    np.testing.assert_allclose(encoder.encode([*TEXTS, *TEXTS]), np.tile(WANTED, (2, 1)), atol=1e-6)
    assert [len(body["input"]) for body in server.asked] == [1, 2, 2, 2, 1]
    server.asked.clear()
    encoder.encode(["x" * 5_000])
    assert [len(text) for text in server.texts] == [1_000], "no more than any encoder reads"


@pytest.mark.parametrize("order", [reversed, lambda rows: rows[2:] + rows[:2]])
def test_rows_out_of_order_are_put_where_their_index_says(
    server: EmbeddingServer, tmp_path: Path, clock: Clock, order: object
) -> None:
    server.faults.append(Fault(rows=lambda rows: list(order(rows))))  # type: ignore[operator]
    np.testing.assert_allclose(hosted(server, tmp_path, clock).encode(TEXTS), WANTED, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize(
    "fault",
    [
        Fault(429),
        Fault(500, body=b"Internal Server Error"),
        Fault(503),
        Fault(body=ROWS),
        Fault(cut=100),
        Fault(cut=0),
    ],
    ids=["429", "500", "503", "half a JSON", "cut", "nothing"],
)
def test_what_may_pass_is_asked_again_after_longer_and_longer_waits(
    server: EmbeddingServer, tmp_path: Path, clock: Clock, fault: Fault
) -> None:
    server.faults.extend([fault] * 3)
    np.testing.assert_allclose(hosted(server, tmp_path, clock).encode(TEXTS), WANTED, atol=1e-6)
    assert len(clock.slept) == 3
    for slept, usual in zip(clock.slept, (0.5, 1.0, 2.0), strict=True):
        assert usual / 2 <= slept <= usual
    server.faults.extend([fault] * 4)
    with pytest.raises(EndpointFailed, match=r"4 attempts"):
        hosted(server, tmp_path, clock).encode(TEXTS)


def test_who_asks_for_a_pause_gets_it_unless_it_is_too_long(
    server: EmbeddingServer, tmp_path: Path, clock: Clock
) -> None:
    server.faults.append(Fault(429, {"Retry-After": "17"}))
    hosted(server, tmp_path, clock).encode(TEXTS)
    assert clock.slept == [17.0]
    server.faults.append(Fault(429, {"Retry-After": f"{LONGEST_WAIT + 1}"}))
    with pytest.raises(EndpointFailed, match="used up"):
        hosted(server, tmp_path, clock).encode(TEXTS)
    assert len(clock.slept) == 1
    assert seconds_of("Wed, 21 Oct 2015 07:28:00 GMT", lambda: 1_445_412_470.0) == 10.0
    assert seconds_of("soon") is None


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (400, r"encoder\.hosted"),
        (401, "ZHIYIN_ENCODER__HOSTED__KEY"),
        (403, "another key"),
        (404, "ends before /embeddings"),
        (413, "lower encoder.hosted.batch"),
        (302, "address that it is moved to"),
    ],
)
def test_what_will_not_pass_is_told_at_once_and_without_the_key(
    server: EmbeddingServer, tmp_path: Path, clock: Clock, status: int, told: str
) -> None:
    server.faults.append(
        Fault(status, {"Location": "http://127.0.0.1:1/"}, f"wrong key: {KEY}\n{'x' * 999}".encode())
    )
    with pytest.raises(EndpointFailed, match=told) as failed:
        hosted(server, tmp_path, clock).encode(TEXTS)
    assert len(server.asked) == 1
    assert KEY not in str(failed.value)
    assert len(str(failed.value)) < 500


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (Fault(rows=lambda rows: rows[1:]), "3 rows for 4 texts"),
        (Fault(rows=lambda rows: [{**row, "index": 0} for row in rows]), "which row is of which text"),
        (Fault(rows=lambda rows: [{"embedding": row["embedding"]} for row in rows]), "which row is of which"),
        (Fault(rows=lambda rows: [{**row, "embedding": row["embedding"][:9]} for row in rows]), "9 numbers"),
        (Fault(rows=lambda rows: [{**row, "embedding": [math.nan] * 64} for row in rows]), "no JSON"),
        (Fault(rows=lambda rows: [{**row, "embedding": [1e300] * 64} for row in rows]), "not finite"),
        (Fault(rows=lambda rows: [{**row, "embedding": [0.0] * 64} for row in rows]), "or zero"),
        (Fault(rows=lambda rows: [{**row, "embedding": ["x"] * 64} for row in rows]), "no number"),
        (Fault(rows=lambda rows: [{**row, "embedding": "AAAA"} for row in rows]), "a str for a text"),
        (Fault(body=b"[]"), "no JSON object"),
        (Fault(body=b'{"object": "list"}'), "no rows for 4 texts"),
    ],
)
def test_an_answer_that_is_none_is_refused_with_the_cure(
    server: EmbeddingServer, tmp_path: Path, clock: Clock, fault: Fault, told: str
) -> None:
    server.faults.append(fault)
    with pytest.raises(EndpointFailed, match=told):
        hosted(server, tmp_path, clock, attempts=1).encode(TEXTS)


def test_nobody_there_and_nobody_who_answers_are_told(
    server: EmbeddingServer, tmp_path: Path, clock: Clock
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nobody = replace(server, url=f"http://127.0.0.1:{free.getsockname()[1]}/v1")
    with pytest.raises(EndpointFailed, match=r"ConnectionRefusedError.*4 attempts"):
        hosted(nobody, tmp_path, clock).encode(TEXTS)
    server.faults.append(Fault(silent=True))
    with pytest.raises(EndpointFailed, match="TimeoutError"):
        hosted(server, tmp_path, clock).encode_with(TEXTS, Patience(0.05))


def test_a_connection_that_was_closed_meanwhile_is_no_failure(
    server: EmbeddingServer, tmp_path: Path, clock: Clock
) -> None:
    encoder = hosted(server, tmp_path, clock, attempts=1)
    encoder.encode(TEXTS)
    (connection,) = encoder._endpoint._idle
    assert connection.sock is not None
    connection.sock.shutdown(socket.SHUT_RDWR)
    np.testing.assert_allclose(encoder.encode(TEXTS), WANTED, atol=1e-6)


def test_a_budget_ends_a_day_is_not_forgotten_by_a_restart_and_begins_anew_tomorrow(
    server: EmbeddingServer, tmp_path: Path, clock: Clock
) -> None:
    days = [date(2026, 1, 31)]

    def budget(per_run: int | None = None) -> Budget:
        return Budget(tmp_path / "budget.json", EMBEDDINGS, 25, per_run, lambda: days[0])

    model = replace(MODEL, batch=1)
    with pytest.raises(BudgetSpent, match=r"25 characters .* 21 were"):
        hosted(server, tmp_path, clock, model, budget()).encode([*TEXTS[:2], "never"])
    assert budget().spent().requests == 2
    with pytest.raises(BudgetSpent, match="tomorrow"):
        hosted(server, tmp_path, clock, model, budget()).encode(["never"])
    days[0] = date(2026, 2, 1)
    assert budget().left == 25
    with pytest.raises(BudgetSpent, match="this run"):
        hosted(server, tmp_path, clock, model, budget(9)).encode(["again", "never"])
    assert server.texts == [*TEXTS[:2], "again"]
    (tmp_path / "budget.json").write_text("{")
    with pytest.raises(BudgetSpent, match="delete it"):
        budget().take(1)


def test_what_is_to_be_read_is_told_before_it_is_sent(
    server: EmbeddingServer, tmp_path: Path, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    encoder = hosted(
        server, tmp_path, clock, replace(MODEL, price=2.0), Budget(tmp_path / "b.json", EMBEDDINGS, 20)
    )
    with caplog.at_level(logging.WARNING), pytest.raises(BudgetSpent):
        CachedEncoder(encoder, tmp_path).encode([*TEXTS, ""])
    (told, *_) = caplog.messages
    assert "4 texts, 31 characters (about 10 tokens" in told
    assert "20 characters may be sent today; the budget ends before that" in told
    assert KEY not in caplog.text
    assert not server.asked
    assert [tokens_of(text) for text in ("a blue cup", "茶杯", "")] == [3, 2, 0]


@pytest.mark.slow
def test_what_was_read_before_a_failure_is_kept_and_not_sent_again(
    server: EmbeddingServer, tmp_path: Path, clock: Clock
) -> None:
    model = replace(MODEL, batch=2)
    server.faults.extend([Fault(), Fault(), Fault(401)])
    texts = [f"text {n}" for n in range(9)]
    first = CachedEncoder(hosted(server, tmp_path, clock, model), tmp_path)
    with pytest.raises(EndpointFailed):
        first.encode(texts)
    server.faults.append(Fault(500, cut=0))
    again = CachedEncoder(hosted(server, tmp_path, clock, model, attempts=1), tmp_path)
    with pytest.raises(EndpointFailed):
        again.encode(texts)
    for encoder in (first, CachedEncoder(hosted(server, tmp_path, clock, model), tmp_path)):
        np.testing.assert_allclose(encoder.encode(texts), HashEncoder().encode(texts), atol=1e-6)
    assert server.texts[:4] == texts[:4]
    assert not set(texts[:4]) & set(server.texts[4:]), "paid for once"


def test_a_fingerprint_is_of_address_model_and_dim_and_never_of_the_key(
    server: EmbeddingServer, tmp_path: Path, clock: Clock
) -> None:
    first = hosted(server, tmp_path, clock)
    assert first.fingerprint == hosted(server, tmp_path, clock, replace(MODEL, batch=9)).fingerprint
    assert first.fingerprint != hosted(server, tmp_path, clock, replace(MODEL, name="n")).fingerprint
    other = HostedEncoder(replace(first._endpoint, key="other"), MODEL, first.budget, Patience(1.0))
    assert first.fingerprint == other.fingerprint
    assert KEY not in repr(first._endpoint)


def test_an_ear_remembers_and_lets_an_endpoint_that_failed_alone_for_a_while(
    server: EmbeddingServer, tmp_path: Path, clock: Clock
) -> None:
    ear = Ear(hosted(server, tmp_path, clock), Patience(5.0), clock)
    heard = ear("warm tea")
    np.testing.assert_allclose(heard.row, WANTED[2], atol=1e-3)
    assert Reading(heard.code).row.tobytes() == heard.row.tobytes()
    server.faults.append(Fault(500))
    assert ear("an iron pot") == Reading(failed=True)
    assert ear("warm tea") == heard
    assert ear("a blue cup").failed, "it is not asked"
    assert len(server.asked) == 2
    clock.now += REST
    assert ear("a blue cup").code
    assert server.texts == ["warm tea", "an iron pot", "a blue cup"]


def test_two_readers_stand_side_by_side(server: EmbeddingServer, tmp_path: Path, clock: Clock) -> None:
    class Wide(HashEncoder):
        fingerprint = "wide"

    both = TwoReaders(Wide(), hosted(server, tmp_path, clock))
    rows = both.encode([*TEXTS, ""])
    np.testing.assert_allclose(rows[:-1, :64], WANTED * np.sqrt(0.5), atol=1e-6)
    np.testing.assert_allclose((rows[:-1] ** 2).sum(axis=1), 1.0, atol=1e-6)
    assert not rows[-1].any()
    assert both.fingerprint.startswith("hosted:")
    assert both.fingerprint.endswith("+wide")
    np.testing.assert_allclose(beside(WANTED, WANTED * np.float32(np.sqrt(0.5))), rows[:-1], atol=1e-6)
    assert not beside(np.zeros((1, 64), np.float32), WANTED[:1]).any()
