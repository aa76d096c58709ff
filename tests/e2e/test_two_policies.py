"""Two policies side by side, as a visitor sees and steers them; nothing of it reaches the log."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Error, Page, expect
from served_shop import KEY, Served, picture

from zhiyin.service.pages.policies import MADE_UP, PLACES

pytestmark = pytest.mark.browser


def open_policies(page: Page, address: str) -> None:
    page.goto(f"{address}console/policies")
    for side in ("left", "right"):
        expect(page.locator(f"[data-side={side}] .place")).to_have_count(PLACES)


def shown(page: Page, side: str) -> list[str]:
    found: list[str] = page.locator(f"[data-side={side}] .place").evaluate_all(
        "found => found.map(one => one.dataset.item)"
    )
    return found


def odds(page: Page, side: str) -> list[float]:
    found: list[str] = page.locator(f"[data-side={side}] .place").evaluate_all(
        "found => found.map(one => one.dataset.probability)"
    )
    return [float(one) for one in found]


def test_a_greedy_list_is_certain_and_a_softer_one_tries_something_new(page: Page, untaught: Served) -> None:
    before = untaught.shop.store.counts()
    open_policies(page, untaught.address)
    assert odds(page, "left") == [1.0] * PLACES
    assert page.locator("[data-side=left] .tries").count() == 0
    expect(page.locator("#left-temperature")).to_be_disabled()
    with page.expect_response("**/policies/pair?*"):  # by keyboard alone: hotter, and a third left to chance
        page.locator("#right-temperature").focus()
        page.keyboard.press("End")
    with page.expect_response("**/policies/pair?*"):
        page.locator("#right-floor").fill("0.3")
    expect(page.locator("[data-side=right] .tries").first).to_have_text("trying something new")
    assert max(odds(page, "right")) < 0.2
    assert shown(page, "right") != shown(page, "left")
    expect(page.locator("[data-side=right] output").first).to_have_text("10")
    assert untaught.shop.store.counts() == before, "nothing is logged"


def test_the_dials_at_the_coldest_make_the_soft_list_greedy(page: Page, untaught: Served) -> None:
    open_policies(page, untaught.address)
    page.locator("#right-floor").fill("0")
    page.locator("#right-temperature").fill("-2")
    page.locator("#person").select_option(index=1)
    expect(page.locator("#loved")).to_contain_text("stand in both")
    expect(page.locator("[data-side=right] .place").first).to_contain_text("wants it with")
    assert len(set(shown(page, "left")) & set(shown(page, "right"))) >= PLACES - 2
    expect(page.locator("#person option[data-made-up]")).to_have_count(MADE_UP)


def test_drawing_again_changes_what_chance_chose_alone(page: Page, untaught: Served) -> None:
    open_policies(page, untaught.address)
    page.locator("#right-floor").fill("0.9")
    expect(page.locator("[data-side=right] .tries").first).to_be_visible()
    left, right = shown(page, "left"), shown(page, "right")
    with page.expect_response("**/policies/pair?*draw=1"):
        page.locator("#draw").click()
    expect(page.locator("[data-side=right] .place").first).not_to_have_attribute("data-item", right[0])
    assert shown(page, "left") == left


def test_made_up_people_draw_two_curves_and_leave_no_trace(page: Page, untaught: Served) -> None:
    before = untaught.shop.store.counts(), untaught.shop.store.position()
    open_policies(page, untaught.address)
    page.locator("#people").fill("4")
    page.locator("#rounds").fill("3")
    page.locator("#run").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#status")).to_contain_text("Done: regret", timeout=60_000)
    for side in ("left", "right"):
        points = page.locator(f"#curves polyline.{side}").first.get_attribute("points") or ""
        assert len(points.split()) == 3
        assert float(page.locator(f"[data-race={side}] [data-regret]").get_attribute("data-regret") or 0) > 0
    expect(page.locator("#progress")).to_be_hidden()
    expect(page.locator("#curves svg").first).to_have_attribute(
        "aria-label", re.compile("Regret a person, added up: One policy")
    )
    picture(page, "policies", full=True)
    page.locator("#language").click()
    expect(page.locator("h1")).to_have_text("两种策略，并排来看")
    expect(page.locator("#numbers")).to_contain_text("实际发生")
    picture(page, "policies-zh", full=True)
    assert (untaught.shop.store.counts(), untaught.shop.store.position()) == before


def test_who_is_stopped_may_begin_again(page: Page, untaught: Served, errors: list[str]) -> None:
    open_policies(page, untaught.address)
    page.locator("#rounds").fill("30")
    page.locator("#run").click()
    expect(page.locator("#numbers tr[data-race=left]")).to_be_visible(timeout=60_000)
    expect(page.locator("#run")).to_have_text("Stop")
    page.locator("#run").click()
    expect(page.locator("#run")).to_have_text("Let them come")
    page.locator("#rounds").fill("2")
    page.locator("#run").click()
    expect(page.locator("#status")).to_contain_text("Done: regret", timeout=60_000)
    expect(page.locator("#run")).to_have_text("Let them come")
    expect(page.locator("#failed")).to_be_hidden()
    errors.clear()  # the first knock may have been too early


def test_every_word_is_there_in_chinese(page: Page, untaught: Served) -> None:
    open_policies(page, untaught.address)
    missing = "import('/static/policies_words.js').then(m => Object.keys(m.EN).filter(k => !(k in m.ZH)))"
    assert page.evaluate(missing) == []


def test_where_keys_are_set_it_is_for_who_holds_one(
    page: Page, browser: Browser, locked: Served, errors: list[str]
) -> None:
    with pytest.raises(Error, match="ERR_INVALID_AUTH_CREDENTIALS"):  # a person would be asked for the key
        page.goto(f"{locked.address}console/policies")
    keyed = browser.new_context(http_credentials={"username": "any", "password": KEY}).new_page()
    open_policies(keyed, locked.address)
    keyed.locator("#person").select_option("user:person-007")
    expect(keyed.locator("[data-side=left] .place")).to_have_count(PLACES)
    expect(keyed.locator("#failed")).to_be_hidden()
    keyed.context.close()
    errors.clear()
