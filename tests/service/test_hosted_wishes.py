"""Wishes that an endpoint reads: nobody else waits for it, and who waited in vain is told."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import pytest
from asking import Caller, calling

from zhiyin.data.store.memory import MemoryStore
from zhiyin.encoders.pair import TwoReaders
from zhiyin.settings import EncoderSettings, HostedSettings, Settings
from zhiyin.shop import Zhiyin, hosted_of
from zhiyin.testing.embedding_server import EmbeddingServer, embedding_server
from zhiyin.testing.encoders import HashEncoder
from zhiyin.testing.faulty_server import Fault
from zhiyin.testing.small import small_catalogue, small_events
from zhiyin.workflows.train import train

pytestmark = pytest.mark.slow

WISH = {"text": "a knife for the kitchen", "n": 3}


def hosted_shop(server: EmbeddingServer, folder: Path) -> Zhiyin:
    said = HostedSettings(url=server.url, model="m", dim=64, queries=True, query_timeout=60.0)
    settings = Settings(folder=folder, encoder=EncoderSettings(model="hosted", hosted=said))
    shop = Zhiyin(settings, MemoryStore(), TwoReaders(HashEncoder(), hosted_of(settings)))
    shop.put_items(small_catalogue())
    shop.add_events(small_events())
    shop.publish(train(shop).bundle)
    return shop


def test_no_other_list_waits_for_the_endpoint(tmp_path: Path) -> None:
    with embedding_server() as server, calling(hosted_shop(server, tmp_path)) as caller:
        sent = len(server.asked)
        server.faults.append(Fault(silent=True))
        wished, other = caller._runner.run(asked_beside(caller, server, sent + 1))
        assert (wished.status_code, other.status_code) == (200, 200)


async def asked_beside(
    caller: Caller, server: EmbeddingServer, requests: int
) -> tuple[httpx.Response, httpx.Response]:
    """A wish that waits, and a list without one, which comes first."""
    waiting = asyncio.create_task(caller._post("/v1/search", WISH))
    await asyncio.to_thread(server.wait_for, requests)
    other = await caller._post("/v1/recommend", {"user_id": "user 1"})
    assert not waiting.done()
    server.ended.set()
    return await waiting, other


def test_the_mode_says_that_the_endpoint_did_not_answer(tmp_path: Path) -> None:
    with embedding_server() as server, calling(hosted_shop(server, tmp_path)) as caller:
        assert caller.post("/v1/search", WISH).json()["mode"] == "trained"
        server.faults.append(Fault(500))
        failed = caller.post("/v1/search", {**WISH, "text": "a drum"}).json()
        assert failed["mode"] == "fallback"
        logged = caller.get(f"/v1/recommendations/{failed['recommendation_id']}").json()
        assert logged["mode"] == "fallback"
        assert caller.post("/v1/recommend", {"user_id": "user 1"}).json()["mode"] == "trained"
        contract = caller.get("/openapi.json").json()["components"]["schemas"]
        assert "fallback" in contract["Answer"]["properties"]["mode"]["enum"]
