from __future__ import annotations

import io
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread

import numpy as np
import orjson
import pytest

from zhiyin.encoders.sentence import SentenceEncoder
from zhiyin.encoders.workers import WORTHWHILE, spread, work
from zhiyin.testing.encoders import HashEncoder

pytestmark = pytest.mark.slow

CHUNKS = [[f"a small thing, number {n}", "", '茶壶 "in quotes"\nand two lines'] for n in range(WORTHWHILE + 1)]


def test_processes_beside_each_other_read_the_same_to_the_last_bit_and_in_order() -> None:
    encoder = SentenceEncoder()
    alone, together = spread(encoder, CHUNKS, cores=1), spread(encoder, CHUNKS, cores=2)
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one, other)


def test_workers_that_are_stopped_and_go_on_lose_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A signal cuts a long write short; without buffers, as containers often run Python, nobody finished it."""
    monkeypatch.setenv("PYTHONUNBUFFERED", "1")
    chunks = [[f"{n} small things" for n in range(80)]] * WORTHWHILE  # rows of 160 kB: more than a pipe holds
    done = Event()
    pester = Thread(target=_stop_and_go_on, args=[done])
    pester.start()
    try:
        found = list(spread(SentenceEncoder(), chunks, cores=2))
    finally:
        done.set()
        pester.join()
    assert [rows.shape[0] for rows in found] == [80] * WORTHWHILE


def _stop_and_go_on(done: Event) -> None:
    """All children of this process, again and again."""
    mine = Path(f"/proc/self/task/{os.getpid()}/children")
    while not done.wait(0.002):
        for child in mine.read_text(encoding="ascii").split():
            with suppress(ProcessLookupError):
                os.kill(int(child), signal.SIGSTOP)
                os.kill(int(child), signal.SIGCONT)


def test_nobody_is_hired_for_a_few_chunks_or_for_another_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nobody")
    assert len(list(spread(SentenceEncoder(), CHUNKS[:1], cores=4))) == 1
    assert len(list(spread(HashEncoder(), CHUNKS, cores=4))) == len(CHUNKS)


def test_a_process_that_ends_too_soon_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(ChildProcessError, match="ended with 1: run it again"):
        list(spread(SentenceEncoder(), CHUNKS, cores=2))


def test_a_worker_answers_each_line_and_ends_with_its_input() -> None:
    given = io.BytesIO(b"".join(orjson.dumps(chunk) + b"\n" for chunk in CHUNKS[:2]))
    taken = io.BytesIO()
    work(given, taken)
    found = np.frombuffer(taken.getvalue(), np.float32).reshape(6, SentenceEncoder.dim)
    np.testing.assert_array_equal(found[3:], SentenceEncoder().encode(CHUNKS[1]))
