"""Label models on the console, and a person who decides what is harmful."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, Page, expect
from served_shop import KEY, Served, picture

from zhiyin.settings import LabelSettings
from zhiyin.types import PERSON, Event, ItemLabel
from zhiyin.workflows.erase import erase
from zhiyin.workflows.labels.reading import examples_of_harm
from zhiyin.workflows.labels.training import Asked, train_labels

pytestmark = pytest.mark.browser

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
HARM = LabelSettings(harmful=("scam", "insult", "dangerous", "adult"))


@pytest.fixture
def guarded(trained: Served) -> Iterator[Served]:
    """A shop with a label model of harm that is unsure of two items."""
    shop, settings = trained.shop, trained.shop.settings
    shop.settings = settings.model_copy(update={"labels": {"harmful": HARM}})
    train_labels(shop, "harmful", Asked(examples_of_harm()), NOON)
    items = [item.item_id for item in shop.store.items()][:2]
    for n, item_id in enumerate(items):
        unsure = ItemLabel(("scam",), {"scam": 0.55 + n / 10, "fine": 0.45 - n / 10}, "model", NOON)
        shop.store.put_labels("harmful", {item_id: unsure})
    yield trained
    shop.store.put_labels("harmful", dict.fromkeys(items))
    shop.settings = settings


def test_a_person_decides_and_the_queue_gets_shorter(page: Page, guarded: Served) -> None:
    page.goto(f"{guarded.address}console")
    expect(page.locator("[data-label-model=harmful]")).to_contain_text("132")
    queue = page.locator("[data-review]")
    expect(queue).to_have_count(2)
    picture(page, "console-labels", full=True)
    item_id = str(queue.first.get_attribute("data-review"))
    queue.first.get_by_role("button", name="It is: fine").click()
    expect(queue).to_have_count(1)
    label = guarded.shop.item(item_id).labels["harmful"]
    assert (label.labels, label.by) == (("fine",), PERSON)


def test_shares_are_looked_at_over_time_in_both_languages(page: Page, guarded: Served) -> None:
    told = [(one["text"], one["label"]) for one in map(json.loads, examples_of_harm().read_text().splitlines())]
    calm = [text for text, label in told if label == "fine"][:40]
    loud = [text for text, label in told if label == "scam"]
    weeks = [*((n // 10, text) for n, text in enumerate(calm)), *((4, text) for text in loud)]
    guarded.shop.add_events([written(week, text) for week, text in weeks])
    page.goto(f"{guarded.address}console")
    form = page.locator("[data-watch-form]")
    form.locator("select[name=period]").select_option("week")
    form.locator("button").click()
    expect(page.locator("[data-watched=scam]")).to_contain_text("%")
    expect(page.locator("[data-alert=scam]")).to_contain_text("expected")
    page.locator("#language").click()
    expect(page.locator("[data-alert=scam]")).to_contain_text("预期")
    expect(page.locator("[data-watch-form]")).to_contain_text("步长")
    picture(page, "console-watch", full=True)
    page.locator("[data-watch-form] select[name=period]").select_option("month")
    page.locator("[data-watch-form] button").click()
    expect(page.locator("[data-watched]").first).to_be_visible()
    erase(guarded.shop, "critic")


def written(week: int, text: str) -> Event:
    """What somebody wrote about a thing."""
    return Event("critic", "coffee-moka-pot", "review", at=NOON + timedelta(weeks=week), text=text)


def test_behind_keys_the_console_decides_and_watches_with_the_key_of_the_browser(
    browser: Browser, guarded: Served, locked: Served
) -> None:
    guarded.shop.add_events([written(0, "a good pot")])
    context = browser.new_context(http_credentials={"username": "any", "password": KEY})
    page = context.new_page()
    page.goto(f"{locked.address}console")
    page.locator("[data-watch-form] button").click()
    expect(page.locator("#watched")).to_contain_text("No share leaves its interval")
    expect(page.locator("#failed")).to_be_hidden()
    context.close()
    erase(guarded.shop, "critic")


def test_a_shop_without_label_models_shows_no_panel(page: Page, untaught: Served) -> None:
    page.goto(f"{untaught.address}console")
    expect(page.locator("[data-count=items]")).not_to_be_empty()
    expect(page.locator("#labels-panel")).to_be_hidden()
