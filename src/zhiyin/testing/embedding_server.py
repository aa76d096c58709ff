"""A server of this machine that speaks as OpenAI's endpoint for embeddings does, and misbehaves when told to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from zhiyin.testing.encoders import HashEncoder
from zhiyin.testing.faulty_server import Fault, FaultyServer, Rows, running


@dataclass
class EmbeddingServer(FaultyServer):
    """Answers with the rows of HashEncoder."""

    encoder: HashEncoder = field(default_factory=HashEncoder)

    @property
    def path(self) -> str:
        return "/embeddings"

    @property
    def texts(self) -> list[str]:
        """All that were sent, in order."""
        return [text for body in self.asked for text in body["input"]]

    def answer(self, body: dict[str, Any], fault: Fault) -> bytes:
        rows: Rows = [
            {"object": "embedding", "index": n, "embedding": row}
            for n, row in enumerate(self.encoder.encode(body["input"]).tolist())
        ]
        rows = fault.rows(rows) if fault.rows else rows
        return json.dumps({"object": "list", "data": rows, "model": body["model"], "usage": {}}).encode()


@contextmanager
def embedding_server() -> Iterator[EmbeddingServer]:
    """It runs in a thread, and ends with the block."""
    with running(EmbeddingServer()) as server:
        yield server
