"""Pages of a service with keys: visitors need none, and a key that stands in a page is enough for events."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect
from served_shop import EVENTS_KEY, SITE, Served
from shop_pages import cards, changed, logged, open_storefront, visitor

pytestmark = pytest.mark.browser

BECAUSE = """async item => (await zhiyin.recommend({ n: 3 })).items.some(
  place => place.reasons.some(reason => reason.items.includes(item)))"""


SECOND_ANSWER_LATE = """() => {
  const fetch = window.fetch;
  let asked = 0;
  window.fetch = async (...request) => {
    const late = String(request[0]).includes("v1/recommend") && ++asked === 2;
    const answer = await fetch(...request);
    if (late) await new Promise(resolve => setTimeout(resolve, 500));
    return answer;
  };
}"""


def test_a_visitors_clicks_are_stored_and_count(page: Page, locked: Served, errors: list[str]) -> None:
    open_storefront(page, locked.address)
    card = cards(page, "for_you").first
    liked = card.get_attribute("data-zhiyin-item")
    card.hover()
    changed(page, "for_you", card.locator(".heart").click)
    (like,) = logged(locked.shop, page, ["like"])
    assert like.item_id == liked
    expect(page.locator("#failed")).to_be_hidden()
    errors.clear()  # the refused console


def test_forgetting_says_that_it_needs_the_shop(page: Page, locked: Served, errors: list[str]) -> None:
    open_storefront(page, locked.address)
    page.locator("#forget").click()
    expect(page.locator("#failed")).to_contain_text("needs an API key")
    errors.clear()


def test_a_page_of_another_site_has_its_list_and_may_append(page: Page, locked: Served) -> None:
    open_site(page, locked, '<div data-zhiyin-list="for_you" data-n="4"></div>')
    expect(page.locator(".zhiyin-list li")).to_have_count(4)
    page.evaluate("zhiyin.track('share', 'coffee-moka-pot')")
    assert len(logged(locked.shop, page, ["share"])) == 1


def test_what_a_page_of_another_site_sends_as_it_closes_arrives(page: Page, locked: Served) -> None:
    open_site(page, locked)
    page.evaluate("() => { window.fetch = () => Promise.reject(new TypeError()) }")  # a beacon is all that is left
    page.evaluate("zhiyin.track('like', 'coffee-moka-pot')")
    page.evaluate("localStorage.removeItem('zhiyin.waiting')")  # else the next page would send it once more
    page.goto("about:blank")
    open_site(page, locked)
    page.wait_for_function(BECAUSE, arg="coffee-moka-pot", polling=100)
    assert [event.item_id for event in logged(locked.shop, page, ["like"])] == ["coffee-moka-pot"]


def test_an_anonymous_id_that_became_somebodys_makes_room_for_a_new_one(
    page: Page, locked: Served, errors: list[str]
) -> None:
    open_storefront(page, locked.address)
    before = visitor(page)
    locked.shop.store.merge(before, "person-007")
    page.reload()
    expect(cards(page, "for_you")).to_have_count(10)
    assert visitor(page) not in (before, "person-007")
    errors.clear()


def test_questions_refused_one_after_the_other_all_ask_again_as_one_new_visitor(
    page: Page, locked: Served, errors: list[str]
) -> None:
    open_storefront(page, locked.address)
    locked.shop.store.merge(visitor(page), "person-008")
    page.evaluate(SECOND_ANSWER_LATE)
    asked = page.evaluate(
        "Promise.all([1, 2].map(n => zhiyin.recommend({ n }))).then(all => all.map(l => l.items.length))"
    )
    assert asked == [1, 2]
    errors.clear()


def open_site(page: Page, served: Served, more: str = "") -> None:
    """A page of another site with the snippet."""
    script = f'<script src="{served.address}static/zhiyin.js" data-key="{EVENTS_KEY}"></script>'
    page.unroute_all()
    page.route(f"{SITE}/*", lambda route: route.fulfill(content_type="text/html", body=script + more))
    page.goto(SITE)
