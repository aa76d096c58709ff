"""A real process on a real socket: served, stopped, killed; what was acknowledged is there."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

import httpx
import pytest

from zhiyin.data.store.open import check_store
from zhiyin.data.store.sqlite import SqliteStore
from zhiyin.errors import InvalidSettings
from zhiyin.service.run import serve
from zhiyin.settings import FILE
from zhiyin.shop import Zhiyin
from zhiyin.testing.small import small_catalogue

pytestmark = pytest.mark.slow
SERVER = Path(__file__).with_name("serve_shop.py")
ASKERS = 6


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with closing(SqliteStore(tmp_path / "zhiyin.db")) as store:
        store.put_items(small_catalogue())
    return tmp_path


@contextmanager
def served(folder: Path) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """The process and its address; killed on leaving if it still runs."""
    command = [sys.executable, str(SERVER), str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        try:
            assert child.stdout is not None
            yield child, child.stdout.readline().split()[-1]
        finally:
            child.kill()


@dataclass
class Acknowledged:
    """What the service said that it has."""

    lists: list[str] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    enough: Event = field(default_factory=Event)

    def ask(self, address: str, asker: int, most: int) -> None:
        """Ask for a list and send an event, again and again, until there is nobody to ask."""
        with httpx.Client(base_url=address) as client:
            for turn in range(10_000):
                try:
                    shown = client.post("/v1/recommend", json={"user_id": f"u{asker}", "n": 5})
                    event = {"user_id": f"u{asker}", "item_id": "garden/spade", "type": "click"}
                    sent = client.post("/v1/events", json=event | {"event_id": f"{asker}-{turn}"})
                except httpx.HTTPError:
                    return
                self.lists.append(shown.raise_for_status().json()["recommendation_id"])
                if sent.raise_for_status().json()["stored"]:
                    self.events.append(f"{asker}-{turn}")
                if len(self.lists) >= most:
                    self.enough.set()


def ask_until(child: "subprocess.Popen[str]", address: str, number: int) -> Acknowledged:
    """Many askers at once; when enough was acknowledged, the process gets the signal."""
    told = Acknowledged()
    with ThreadPoolExecutor(ASKERS) as askers:
        asking = [askers.submit(told.ask, address, asker, 60) for asker in range(ASKERS)]
        assert told.enough.wait(timeout=60)
        child.send_signal(number)
        for one in asking:
            one.result()
    return told


def check_all_there(folder: Path, told: Acknowledged) -> None:
    check_store(str(folder / "zhiyin.db"))
    with closing(SqliteStore(folder / "zhiyin.db")) as store:
        assert [name for name in told.lists if store.recommendation(name) is None] == []
        assert {*told.events} <= {event.event_id for _, event in store.events()}


def test_what_was_acknowledged_survives_a_killed_service_which_then_starts_again(folder: Path) -> None:
    with served(folder) as (child, address):
        told = ask_until(child, address, signal.SIGKILL)
        assert child.wait() == -signal.SIGKILL
    assert len(told.lists) >= 60
    check_all_there(folder, told)
    with served(folder) as (_, address):
        assert httpx.get(f"{address}/readyz").json()["status"] == "ready"
        shown = told.lists[0]
        assert httpx.get(f"{address}/v1/recommendations/{shown}").json()["recommendation_id"] == shown


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stopped_service_finishes_what_it_began_and_ends_in_peace(folder: Path, number: signal.Signals) -> None:
    with served(folder) as (child, address):
        told = ask_until(child, address, number)
        assert child.stdout is not None
        assert child.stdout.read() == "closed\n"
        assert child.wait() == 0
    check_all_there(folder, told)


def test_a_service_of_this_machine_is_not_reached_by_another_name(folder: Path) -> None:
    with served(folder) as (_, address):
        assert httpx.get(f"{address}/healthz").status_code == 200
        assert httpx.get(f"{address}/healthz", headers={"Host": "evil.example"}).status_code == 421


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_second_service_at_the_same_address_is_told_so(folder: Path, host: str) -> None:
    with served(folder) as (child, address), Zhiyin.open(settled(folder)) as shop:
        port = int(address.rpartition(":")[2])
        with pytest.raises(InvalidSettings, match=f"port {port}: it is taken, perhaps by another zhiyin up; set"):
            serve(shop, host, port)
        assert child.poll() is None
        assert httpx.get(f"{address}/healthz").status_code == 200


def test_an_address_that_is_none_of_ours_is_told(folder: Path) -> None:
    told = r"nobody can listen at 203\.0\.113\.7, port 0: .*; set service.host"
    settled(folder, '[service]\napi_keys = ["k"]\n')
    with Zhiyin.open(folder) as shop, pytest.raises(InvalidSettings, match=told):
        serve(shop, "203.0.113.7", 0)


def settled(folder: Path, toml: str = "") -> Path:
    """With settings."""
    (folder / FILE).write_text(toml)
    return folder


def test_odd_ids_go_through_a_real_socket(folder: Path) -> None:
    with served(folder) as (_, address):
        path = f"{address}/v1/items/a%2Fb%20%F0%9F%98%80"
        assert httpx.get(path).status_code == 404
        httpx.post(f"{address}/v1/items", json={"item_id": "a/b 😀", "title": "odd"}).raise_for_status()
        assert httpx.get(path).json()["title"] == "odd"
