"""What the tests of the pages do again and again: open, look at shelves, wait for a change."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from playwright.sync_api import Locator, Page, expect

from zhiyin.shop import Zhiyin
from zhiyin.types import Event


def open_storefront(page: Page, address: str) -> None:
    page.goto(address)
    expect(cards(page, "for_you")).to_have_count(10)
    expect(page.locator("#mode")).not_to_be_empty()


def cards(page: Page, shelf: str) -> Locator:
    return page.locator(f"[data-shelf={shelf}]:not([hidden]) [data-zhiyin-item]")


def ids(page: Page, shelf: str) -> list[str]:
    found: list[str] = cards(page, shelf).evaluate_all("found => found.map(card => card.dataset.zhiyinItem)")
    return found


def list_id(page: Page, shelf: str) -> str:
    """The recommendation id of what a shelf shows."""
    return cards(page, shelf).first.get_attribute("data-zhiyin-recommendation") or ""


def changed(page: Page, shelf: str, act: Callable[[], None]) -> list[str]:
    """Do something, wait for the shelf's next list, and give its items."""
    before = list_id(page, shelf)
    act()
    expect(cards(page, shelf).first).not_to_have_attribute("data-zhiyin-recommendation", before)
    return ids(page, shelf)


def become(page: Page, user_id: str) -> None:
    """View as somebody whom the shop knows."""
    page.locator("#viewer").select_option(user_id)


def visitor(page: Page) -> str:
    found: str = page.evaluate("zhiyin.user")
    return found


def logged(shop: Zhiyin, page: Page, kinds: Sequence[str]) -> list[Event]:
    """The visitor's events of these types in the store, after everything that waits was sent."""
    assert page.evaluate("zhiyin.flush()")
    user = visitor(page)
    return [event for _, event in shop.store.events() if event.user_id == user and event.type in kinds]


def wish(page: Page, text: str) -> list[str]:
    """Type a sentence; the items that answer it."""
    with page.expect_response("**/v1/search") as answer:
        page.locator("#ask").fill(text)
    said = answer.value.json()
    expect(cards(page, "found").first).to_have_attribute("data-zhiyin-recommendation", said["recommendation_id"])
    return ids(page, "found")
