"""A real browser against a real server with the made-up shop: trained on simulated people, measured, published."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Thread

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, expect, sync_playwright
from pydantic import SecretStr

from zhiyin.data.shop.catalogue import Good, read_goods, read_wishes
from zhiyin.data.shop.simulation import simulate
from zhiyin.data.store.sqlite import SqliteStore
from zhiyin.encoders.sentence import SentenceEncoder
from zhiyin.service.app import create_app
from zhiyin.settings import ServiceSettings, Settings
from zhiyin.shop import Zhiyin
from zhiyin.types import Item, Translation
from zhiyin.workflows.evaluate import Terms, evaluate_bundle
from zhiyin.workflows.train import train

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
PICTURES = Path(__file__).parents[2] / "test-artifacts"
KEY = "a-key-of-the-tests"
HOSTILE = "<script>window.hacked = 1</script><img src=x onerror='window.hacked = 1'>"
expect.set_options(timeout=10_000)
PATIENCE = 10_000  # milliseconds until a page must show what is waited for


@dataclass(frozen=True, slots=True)
class Served:
    """A shop and where it is served."""

    shop: Zhiyin
    address: str


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The shop with some of its people and a measured bundle."""
    with open_shop(tmp_path_factory.mktemp("trained")) as shop:
        happened = simulate(read_goods(), read_wishes())
        shop.add_events([event for event in happened if event.user_id < "person-150"])
        name = train(shop).bundle
        evaluate_bundle(shop, name, Terms(max_users=100, resamples=200))
        shop.publish(name)
        with serving(shop) as address:
            yield Served(shop, address)


@pytest.fixture(scope="session")
def untaught(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The same catalogue before any event, with one item of an attacker."""
    with open_shop(tmp_path_factory.mktemp("untaught")) as shop:
        shop.put_items([Item("hostile", title=HOSTILE, text=HOSTILE, url="javascript:window.hacked=1")])
        shop.live()
        with serving(shop) as address:
            yield Served(shop, address)


@pytest.fixture(scope="session")
def locked(trained: Served) -> Iterator[Served]:
    """The trained shop as other machines reach it: with a key."""
    settings = trained.shop.settings.model_copy(update={"service": ServiceSettings(api_keys=(SecretStr(KEY),))})
    shop = Zhiyin(settings, trained.shop.store, SentenceEncoder())
    shop.live()
    with serving(shop) as address:
        yield Served(shop, address)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as play:
        started = play.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield started
        started.close()


@pytest.fixture
def errors() -> list[str]:
    """What the browser complained about. A test that provokes some clears them at its end."""
    return []


@pytest.fixture
def page(browser: Browser, errors: list[str]) -> Iterator[Page]:
    """A visitor of their own: nothing is remembered from another test, and no complaint is let pass."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-GB")
    context.set_default_timeout(PATIENCE)
    visited = context.new_page()
    visited.on("pageerror", lambda error: errors.append(str(error)))
    visited.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    yield visited
    context.close()
    assert errors == []


def picture(page: Page, name: str, *, full: bool = False) -> None:
    """Keep how it looks."""
    PICTURES.mkdir(exist_ok=True)
    page.screenshot(path=PICTURES / f"{name}.png", full_page=full, animations="disabled")


@contextmanager
def open_shop(folder: Path) -> Iterator[Zhiyin]:
    settings = Settings(folder=folder, name="Zhiyin")
    with Zhiyin(settings, SqliteStore(folder / "zhiyin.db"), SentenceEncoder()) as shop:
        shop.put_items([_item(good) for good in read_goods()])
        yield shop


@contextmanager
def serving(shop: Zhiyin) -> Iterator[str]:
    """The service in a thread; what knocks before it is up waits in the socket's queue."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        server = uvicorn.Server(uvicorn.Config(create_app(shop), log_level="warning", ws="none"))
        thread = Thread(target=server.run, kwargs={"sockets": [door]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{door.getsockname()[1]}/"
        finally:
            server.should_exit = True
            thread.join()


def _item(good: Good) -> Item:
    text = {name: str(good.row[name]) for name in ("title", "text", "title_zh", "text_zh", "brand")}
    return Item(
        good.item_id,
        text["title"],
        text["text"],
        categories=(good.department, good.aisle),
        brand=text["brand"],
        attributes=good.attributes,
        price=good.price,
        language="en",
        translations={"zh": Translation(text["title_zh"], text["text_zh"])},
        published_at=datetime.fromisoformat(good.published),
    )
