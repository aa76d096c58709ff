"""Label models on the console, and a person who decides what is harmful."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page, expect
from served_shop import Served, picture

from zhiyin.settings import LabelSettings
from zhiyin.types import PERSON, ItemLabel
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


def test_a_shop_without_label_models_shows_no_panel(page: Page, untaught: Served) -> None:
    page.goto(f"{untaught.address}console")
    expect(page.locator("[data-count=items]")).not_to_be_empty()
    expect(page.locator("#labels-panel")).to_be_hidden()
