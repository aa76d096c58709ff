"""The console and the snippet: what is shown is what the store and the bundle hold."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Error, Page, expect
from served_shop import KEY, Served, picture
from shop_pages import cards, ids, open_storefront

from zhiyin.types import Query

pytestmark = pytest.mark.browser

HOSTILE_USER = "<img src=x onerror='window.hacked = 1'>"


def open_console(page: Page, address: str) -> None:
    page.goto(f"{address}console")
    expect(page.locator("[data-count=items]")).not_to_be_empty()
    expect(page.locator("[data-channel=fused] li")).to_have_count(10)


def test_the_console_counts_the_data(page: Page, trained: Served) -> None:
    open_console(page, trained.address)
    counts = trained.shop.store.counts()
    shown = page.locator("[data-count=items]").inner_text()
    assert int(shown.replace(",", "")) == counts["items"] == 300
    assert "purchase" in page.locator("#health").inner_text()
    expect(page.locator("#health .spark")).to_be_visible()
    expect(page.locator("#health")).to_contain_text("Every event speaks of an item of the catalogue")
    picture(page, "console", full=True)


def test_the_console_shows_the_bundle_its_gates_and_its_evaluation(page: Page, trained: Served) -> None:
    open_console(page, trained.address)
    publication = trained.shop.publication()
    assert publication is not None
    expect(page.locator(".bundle-name")).to_have_text(publication.bundle[:12])
    expect(page.locator(".gates tbody tr")).to_have_count(len(trained.shop.live().snapshot().models))
    expect(page.locator(".gates tbody td").first).to_have_attribute(
        "title", re.compile("cold item: .+, without a text: .+")
    )
    expect(page.locator(".evaluation")).to_contain_text("ndcg@10")
    expect(page.locator(".evaluation thead")).to_contain_text("Popular in the last 7 days")
    expect(page.locator(".evaluation .ours small").first).to_contain_text("–")
    expect(page.locator(".publications li")).to_have_count(len(trained.shop.store.publications()))


def test_a_bundle_that_was_not_measured_says_so(page: Page, untaught: Served) -> None:
    page.goto(f"{untaught.address}console")
    expect(page.locator("#evaluation")).to_contain_text("was not measured")
    expect(page.locator("#bundle")).to_contain_text("zero-shot")
    expect(page.locator("#health")).to_contain_text("Nothing here yet")


def test_recent_recommendations_lead_to_the_person(page: Page, trained: Served) -> None:
    shown = trained.shop.answer(Query(user_id="person-007", text="a quiet evening", n=5))
    open_console(page, trained.address)
    row = page.locator(f"[data-recommendation='{shown.recommendation_id}']")
    expect(row).to_contain_text("a quiet evening")
    row.get_by_role("button", name="person-007").click()
    expect(page.locator("#person")).to_have_value("person-007")
    expect(page.locator("#explored .past")).to_contain_text(trained.shop.item(_newest(trained)).title)


def test_what_exploring_cost_is_shown_beside_what_it_bought(page: Page, trained: Served) -> None:
    trained.shop.answer(Query(user_id="person-007", n=5))
    open_console(page, trained.address)
    panel = page.locator("#exploration")
    expect(panel).to_contain_text("of the expected reward")
    expect(panel.locator("[data-spent]")).to_contain_text("%")
    expect(panel).to_contain_text("New items")
    page.locator("#language").click()
    expect(page.locator("#exploration-title")).to_have_text("探索")
    expect(panel).to_contain_text("新商品")


def test_one_person_is_seen_channel_by_channel(page: Page, trained: Served) -> None:
    open_console(page, trained.address)
    page.locator("#person").fill("person-021")
    page.locator("#person-form button").click()
    for channel in trained.shop.live().snapshot().models:
        column = page.locator(f"[data-channel={channel}]")
        expect(column.locator("h3")).to_contain_text(channel)
        expect(column.locator("li")).to_have_count(10)


def test_looking_at_a_person_is_not_logged(page: Page, trained: Served) -> None:
    open_console(page, trained.address)
    before = trained.shop.store.counts()["recommendations"]
    page.locator("#person").fill("person-033")
    with page.expect_response(re.compile("api/person")):
        page.locator("#person-form button").click()
    assert trained.shop.store.counts()["recommendations"] == before


def test_a_user_id_that_is_a_tag_stays_text(page: Page, untaught: Served) -> None:
    shown = untaught.shop.answer(Query(user_id=HOSTILE_USER, text=HOSTILE_USER, n=3))
    page.goto(f"{untaught.address}console")
    expect(page.locator(f"[data-recommendation='{shown.recommendation_id}'] q")).to_have_text(HOSTILE_USER)
    page.locator("#person").fill(HOSTILE_USER)
    page.locator("#person-form button").click()
    expect(page.locator("#explored")).to_contain_text("a new person")
    assert page.evaluate("window.hacked") is None


def test_where_keys_are_set_the_console_opens_with_one(
    browser: Browser, page: Page, locked: Served, errors: list[str]
) -> None:
    with pytest.raises(Error, match="INVALID_AUTH"):  # a person is asked by the browser; nobody answers here
        page.goto(f"{locked.address}console")
    keyed = browser.new_context(http_credentials={"username": "any", "password": KEY}).new_page()
    open_console(keyed, locked.address)
    keyed.context.close()
    errors.clear()


def test_the_console_speaks_chinese_and_is_dark(page: Page, trained: Served) -> None:
    page.emulate_media(color_scheme="dark")
    open_console(page, trained.address)
    page.locator("#language").click()
    expect(page.locator("#health-title")).to_have_text("数据")
    missing = "import('/static/console_words.js').then(m => Object.keys(m.EN).filter(k => !(k in m.ZH)))"
    assert page.evaluate(missing) == []
    picture(page, "console-dark-zh", full=True)


def test_the_snippet_page_names_this_address(page: Page, trained: Served) -> None:
    page.goto(f"{trained.address}snippet")
    expect(page.locator("main")).to_contain_text(f'src="{trained.address}static/zhiyin.js"')
    expect(page.locator("main")).to_contain_text(f"curl -s {trained.address}v1/recommend")
    picture(page, "snippet")


def test_the_curl_and_python_examples_of_the_page_run(page: Page, trained: Served) -> None:
    page.goto(f"{trained.address}snippet")
    code = page.locator("pre code").last.inner_text()
    before = trained.shop.store.counts()["events"]
    exec(compile(code, "snippet", "exec"), {})
    assert trained.shop.store.counts()["events"] == before + 1


def test_two_pasted_lines_fill_a_list_on_another_page(page: Page, trained: Served) -> None:
    """The list without a line of code, put into a page after the script ran."""
    page.goto(f"{trained.address}snippet")
    page.evaluate(
        "const slot = document.createElement('div'); slot.dataset.n = '4'; slot.dataset.zhiyinList = 'for_you';"
        "document.querySelector('main').prepend(slot)"
    )
    expect(page.locator(".zhiyin-list li")).to_have_count(4)
    expect(page.locator(".zhiyin-list a").first).not_to_be_empty()


def test_the_storefront_and_the_console_see_the_same_lists(page: Page, trained: Served) -> None:
    open_storefront(page, trained.address)
    shown = cards(page, "for_you").first.get_attribute("data-zhiyin-recommendation")
    assert len(ids(page, "for_you")) == 10
    page.goto(f"{trained.address}console")
    expect(page.locator(f"[data-recommendation='{shown}']")).to_be_visible()


def _newest(served: Served) -> str:
    events = served.shop.store.history("person-007", limit=1)
    return str(events[-1].item_id)
