"""The made-up shop, and a real server for it."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Thread

import uvicorn
from playwright.sync_api import Page

from zhiyin.data.shop.catalogue import Good, read_goods
from zhiyin.data.store.sqlite import SqliteStore
from zhiyin.encoders.sentence import SentenceEncoder
from zhiyin.service.app import create_app
from zhiyin.settings import Settings
from zhiyin.shop import Zhiyin
from zhiyin.types import Item, Translation

PICTURES = Path(__file__).parents[2] / "test-artifacts"
KEY, EVENTS_KEY = "a-key-of-the-tests", "a-key-of-pages"
SITE = "https://shop.example"  # another site, whose pages hold the snippet


@dataclass(frozen=True, slots=True)
class Served:
    """A shop and where it is served."""

    shop: Zhiyin
    address: str


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
