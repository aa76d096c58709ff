"""What the shop knows of a visitor: opened, struck and said, with mouse and keyboard, and the list follows."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect
from served_shop import Served, picture
from shop_pages import cards, changed, ids, open_storefront, visitor

from zhiyin.types import Item

pytestmark = pytest.mark.browser

FITNESS = "person-001"  # came back to it again and again
HOSTILE = "<img src=x onerror='window.hacked = 1'><script>window.hacked = 1</script>"


def view_as(page: Page, served: Served, user_id: str) -> None:
    """Somebody whom the shop knows, whether or not they are among those to choose from."""
    open_storefront(page, served.address)
    page.evaluate("user => zhiyin.identify(user)", user_id)
    page.reload()
    expect(cards(page, "for_you")).to_have_count(10)


def opened(page: Page) -> Locator:
    page.locator("#portrait summary").click()
    return page.locator("#portrait [data-line]")


def categories(served: Served, item_ids: list[str]) -> list[str]:
    items = [served.shop.store.item(item_id) or Item(item_id) for item_id in item_ids]
    return [name for item in items for name in item.categories]


def forget_what_was_said(served: Served, user_id: str) -> None:
    """Other tests look at the same people."""
    from datetime import UTC, datetime

    from zhiyin.profile.edits import EDITS, Edit, standing
    from zhiyin.workflows.profile import edit_profile

    said = standing(served.shop.store.said(user_id, "edit", limit=EDITS))
    back = [Edit(one.trait.value, one.trait.field, "unsaid") for one in said]
    edit_profile(served.shop, served.shop.live(), user_id, back, datetime.now(UTC))


def test_a_line_that_is_struck_changes_the_list_and_comes_back_when_it_is_taken_back(
    page: Page, trained: Served
) -> None:
    view_as(page, trained, FITNESS)
    lines = opened(page)
    expect(lines.first).to_be_visible()
    picture(page, "portrait-light")
    fitness = page.locator("[data-line='category=Fitness']")
    expect(fitness).to_contain_text("Fitness")
    before = categories(trained, ids(page, "for_you")).count("Fitness")
    assert before > 0
    after = changed(page, "for_you", fitness.get_by_role("button", name="Not me: Fitness").click)
    assert categories(trained, after).count("Fitness") < before
    expect(page.locator("#status")).to_contain_text("Heard")
    struck = page.locator("[data-line='category=Fitness'] [data-stance=less]")
    expect(struck).to_have_attribute("aria-pressed", "true")
    expect(page.locator("[data-line='category=Fitness']")).to_contain_text("You said: less of")
    picture(page, "portrait-struck")
    gone = changed(page, "for_you", page.locator("[data-line='category=Fitness'] [data-stance=never]").click)
    assert "Fitness" not in categories(trained, gone)
    back = changed(page, "for_you", page.locator("[data-line='category=Fitness'] [data-stance=never]").click)
    assert categories(trained, back).count("Fitness") > 0
    forget_what_was_said(trained, FITNESS)


def test_the_evidence_of_a_line_opens_and_closes_by_keyboard(page: Page, trained: Served) -> None:
    view_as(page, trained, FITNESS)
    page.locator("#portrait summary").focus()
    page.keyboard.press("Enter")
    why = page.locator("[data-line='category=Fitness'] .line-why")
    expect(why).to_have_attribute("aria-expanded", "false")
    why.focus()
    page.keyboard.press("Enter")
    expect(why).to_have_attribute("aria-expanded", "true")
    evidence = page.locator(f"#{why.get_attribute('aria-controls')}")
    expect(evidence).to_contain_text("things that you took to")
    assert evidence.locator("li").count() >= 2
    page.keyboard.press("Tab")
    more = page.locator("[data-line='category=Fitness'] [data-stance=more]")
    expect(more).to_be_focused()
    changed(page, "for_you", lambda: page.keyboard.press("Space"))
    expect(page.locator("[data-line='category=Fitness'] .line-why")).to_be_focused()
    forget_what_was_said(trained, FITNESS)


@pytest.mark.parametrize(
    ("language", "sentence", "told"),
    [
        ("en", "I like brewing better coffee at home", "because you said: “brewing better coffee at home”"),
        ("zh", "我喜欢在家自己冲出更好喝的咖啡", "因为你说过：“在家自己冲出更好喝的咖啡”"),
    ],
)
def test_a_newcomer_says_one_sentence_and_has_a_list(
    page: Page, trained: Served, language: str, sentence: str, told: str
) -> None:
    open_storefront(page, trained.address)
    if language == "zh":
        page.locator("#language").click()
    opened(page)
    expect(page.locator("#portrait .note")).not_to_be_empty()
    page.locator("#portrait-say").fill(sentence)
    found = changed(page, "for_you", lambda: page.locator("#portrait-say").press("Enter"))
    assert sum("Coffee" in name for name in categories(trained, found)) >= 5
    expect(cards(page, "for_you").first.locator(".card-why")).to_contain_text(told)
    expect(page.locator("#portrait [data-line]")).to_have_count(1)
    expect(page.locator("#portrait-say")).to_be_focused()
    page.locator("#portrait .line-why").click()
    picture(page, f"portrait-said-{language}", full=True)
    cards(page, "for_you").first.locator(".card-open").click()
    part = "what you said of yourself" if language == "en" else "你自己说的"
    expect(page.locator("#detail .parts")).to_contain_text(part)
    picture(page, f"portrait-why-{language}")


def test_what_was_said_is_there_on_the_next_visit_and_gone_when_forgotten(page: Page, trained: Served) -> None:
    open_storefront(page, trained.address)
    opened(page)
    page.locator("#portrait-say").fill("no Coffee")
    changed(page, "for_you", page.locator("#portrait form button").click)
    page.reload()
    expect(cards(page, "for_you")).to_have_count(10)
    expect(opened(page)).to_have_count(1)
    user = visitor(page)
    changed(page, "for_you", page.locator("#forget").click)
    page.locator("#receipt button").click()
    expect(page.locator("#portrait [data-line]")).to_have_count(0)
    assert trained.shop.store.said(user, "edit", limit=9) == []


def test_scripts_in_a_line_are_text(page: Page, trained: Served) -> None:
    open_storefront(page, trained.address)
    opened(page)
    page.locator("#portrait-say").fill(HOSTILE)
    changed(page, "for_you", page.locator("#portrait form button").click)
    expect(page.locator("#portrait [data-line]").first).to_contain_text("<img src=x")
    assert page.evaluate("window.hacked") is None


def test_a_visitor_of_a_service_with_keys_says_what_they_like(
    page: Page, locked: Served, errors: list[str]
) -> None:
    open_storefront(page, locked.address)
    opened(page)
    page.locator("#portrait-say").fill("better coffee at home")
    found = changed(page, "for_you", page.locator("#portrait form button").click)
    assert sum("Coffee" in name for name in categories(locked, found)) >= 5
    expect(page.locator("#portrait [data-line]")).to_have_count(1)
    errors.clear()  # the refused console


def test_the_panel_fits_a_phone_and_the_dark(page: Page, trained: Served) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.emulate_media(color_scheme="dark")
    view_as(page, trained, FITNESS)
    expect(opened(page).first).to_be_visible()
    wide = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    assert not wide
    picture(page, "portrait-phone-dark")
