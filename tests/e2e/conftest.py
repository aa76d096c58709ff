"""A real browser against a real server with the made-up shop: trained on simulated people, measured, published."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from pydantic import SecretStr
from served_shop import EVENTS_KEY, KEY, SITE, Served, open_shop, serving

from zhiyin.data.shop.catalogue import read_goods, read_wishes
from zhiyin.data.shop.simulation import simulate
from zhiyin.encoders.sentence import SentenceEncoder
from zhiyin.evaluation.posing import Terms
from zhiyin.settings import ServiceSettings
from zhiyin.shop import Zhiyin
from zhiyin.types import Item
from zhiyin.workflows.evaluate import evaluate_bundle
from zhiyin.workflows.train import train

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
ARGUMENTS.append("--disable-features=LocalNetworkAccessChecks")  # a page of another site may ask this machine
HOSTILE = "<script>window.hacked = 1</script><img src=x onerror='window.hacked = 1'>"
PATIENCE = 10_000  # milliseconds until a page must show what is waited for
expect.set_options(timeout=PATIENCE)


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


@pytest.fixture(scope="module")
def untaught(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The same catalogue before any event, with one item of an attacker."""
    with open_shop(tmp_path_factory.mktemp("untaught")) as shop:
        shop.put_items([Item("hostile", title=HOSTILE, text=HOSTILE, url="javascript:window.hacked=1")])
        shop.live()
        with serving(shop) as address:
            yield Served(shop, address)


@pytest.fixture(scope="session")
def locked(trained: Served) -> Iterator[Served]:
    """The trained shop as other machines reach it: with a key, one for pages, and another site."""
    service = ServiceSettings(api_keys=(SecretStr(KEY),), events_keys=(EVENTS_KEY,), cors=(SITE,))
    settings = trained.shop.settings.model_copy(update={"service": service})
    shop = Zhiyin(settings, trained.shop.store, SentenceEncoder())
    shop.live()
    with serving(shop) as address:
        yield Served(shop, address)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Of one module only: while it is open an event loop runs in this thread, where others want their own."""
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
