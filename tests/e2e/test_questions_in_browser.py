"""Somebody new answers a few questions, in either language, or skips them."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect
from served_shop import Served, picture
from shop_pages import cards, changed, ids, logged, open_storefront

pytestmark = pytest.mark.browser


def test_five_questions_then_five_more_change_what_is_shown(page: Page, trained: Served) -> None:
    open_storefront(page, trained.address)
    page.locator(".questions summary").click()
    expect(cards(page, "questions")).to_have_count(5)
    picture(page, "questions")
    first = ids(page, "questions")
    changed(page, "for_you", cards(page, "questions").first.locator(".heart").click)
    expect(cards(page, "questions")).to_have_count(4)
    changed(page, "for_you", cards(page, "questions").first.locator(".hide").click)
    page.get_by_role("button", name="Others, please").click()
    expect(cards(page, "questions")).to_have_count(5)
    assert not set(first) & set(ids(page, "questions"))
    expect(page.get_by_role("button", name="Others, please")).to_be_hidden()
    liked, disliked = logged(trained.shop, page, ["like", "dislike"])
    assert [liked.item_id, disliked.item_id] == first[:2]
    asked = trained.shop.store.recommendation(liked.recommendation_id or "")
    assert asked is not None
    assert asked.query.scenario == "questions"
    assert disliked.item_id not in ids(page, "for_you")


def test_questions_can_be_skipped_for_good(page: Page, trained: Served) -> None:
    open_storefront(page, trained.address)
    page.locator(".questions summary").click()
    page.get_by_role("button", name="Skip the questions").click()
    expect(page.locator(".questions")).to_be_hidden()
    page.reload()
    expect(cards(page, "for_you")).to_have_count(10)
    expect(page.locator(".questions")).to_be_hidden()


def test_whoever_did_something_is_not_asked(page: Page, trained: Served) -> None:
    open_storefront(page, trained.address)
    expect(page.locator(".questions")).to_be_visible()
    changed(page, "for_you", cards(page, "for_you").first.locator(".heart").click)
    page.reload()
    expect(cards(page, "for_you")).to_have_count(10)
    expect(page.locator(".questions")).to_be_hidden()
