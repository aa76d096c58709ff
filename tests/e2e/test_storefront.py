"""What a newcomer sees and does: shelves, wishes in two languages, clicks that count at once, and reasons."""

from __future__ import annotations

import pytest
from playwright.sync_api import APIResponse, Page, Route, expect
from served_shop import Served, picture
from shop_pages import become, cards, changed, ids, logged, open_storefront, visitor, wish

from zhiyin.data.shop.catalogue import read_wishes
from zhiyin.types import Event

pytestmark = pytest.mark.browser


def test_the_storefront_shows_shelves_with_prices_and_reasons(page: Page, trained: Served) -> None:
    open_storefront(page, trained.address)
    expect(cards(page, "trending")).to_have_count(12)
    expect(cards(page, "latest")).to_have_count(12)
    expect(page.locator("#mode")).to_contain_text("It knows the shop, not you")
    for card in cards(page, "for_you").all():
        expect(card.locator(".card-title")).not_to_be_empty()
        expect(card.locator(".card-why")).not_to_be_empty()
    picture(page, "storefront-light")


def test_before_any_event_it_says_that_it_only_reads(page: Page, untaught: Served) -> None:
    open_storefront(page, untaught.address)
    expect(page.locator("#mode")).to_contain_text("Reading only")
    expect(cards(page, "for_you").first.locator(".card-why")).not_to_be_empty()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_typed_sentence_finds_what_was_meant_before_any_event(
    page: Page, untaught: Served, language: str
) -> None:
    open_storefront(page, untaught.address)
    before = ids(page, "for_you")
    asked = read_wishes()[0]
    found = wish(page, asked.en if language == "en" else asked.zh)
    assert set(found) != set(before)
    assert len(set(found) & asked.answers) >= 6
    expect(page.locator("[data-shelf=found] h2")).to_contain_text(asked.en if language == "en" else asked.zh)
    expect(cards(page, "for_you")).to_have_count(0)
    picture(page, f"wish-{language}")
    page.locator("#ask-clear").click()
    expect(cards(page, "for_you")).to_have_count(10)
    expect(cards(page, "found")).to_have_count(0)


def test_a_settled_wish_is_logged_once_as_a_search(page: Page, untaught: Served) -> None:
    open_storefront(page, untaught.address)
    wish(page, "something for tea")
    page.locator("#ask").press("Enter")
    page.locator("#ask").press("Enter")
    assert [event.text for event in logged(untaught.shop, page, ["search"])] == ["something for tea"]


def test_three_clicks_change_at_least_half_of_the_list_and_say_because(page: Page, trained: Served) -> None:
    open_storefront(page, trained.address)
    first = ids(page, "for_you")
    for place in (0, 2, 4):
        card = cards(page, "for_you").nth(place)
        changed(page, "for_you", card.locator(".card-open").click)
        page.keyboard.press("Escape")
    now = ids(page, "for_you")
    assert len(set(now) - set(first)) >= 5
    expect(page.locator("[data-shelf=because] h2")).to_contain_text("Because you chose")
    expect(page.locator("#mode")).to_contain_text("Listening")
    whys = cards(page, "for_you").locator(".card-why").all_inner_texts()
    assert len(whys) == 10
    assert all(whys)
    assert any("“" in why for why in whys)  # some of them name what was clicked
    picture(page, "storefront-after-three-clicks", full=True)


def test_clicks_and_impressions_arrive_with_their_list_and_place(page: Page, trained: Served) -> None:
    with page.expect_request(lambda sent: "impression" in (sent.post_data or "")):
        open_storefront(page, trained.address)
    shown = ids(page, "for_you")
    changed(page, "for_you", cards(page, "for_you").nth(2).locator(".card-open").click)
    (click,) = logged(trained.shop, page, ["click"])
    assert (click.item_id, click.position) == (shown[2], 2)
    seen = {(event.item_id, event.position) for event in logged(trained.shop, page, ["impression"])}
    assert (shown[0], 0) in seen
    assert click.recommendation_id is not None
    shown_list = trained.shop.store.recommendation(click.recommendation_id)
    assert shown_list is not None
    assert [place.item_id for place in shown_list.items] == shown
    assert shown_list.query.user_id == visitor(page)


def test_what_was_far_below_is_no_impression(page: Page, trained: Served) -> None:
    page.set_viewport_size({"width": 900, "height": 700})
    with page.expect_request(lambda sent: "impression" in (sent.post_data or "")):
        open_storefront(page, trained.address)
    below = set(ids(page, "latest")) - set(ids(page, "for_you"))
    assert not below & {event.item_id for event in logged(trained.shop, page, ["impression"])}


def test_looking_at_an_item_is_logged_with_its_seconds(page: Page, trained: Served) -> None:
    page.clock.install()
    open_storefront(page, trained.address)
    first = ids(page, "for_you")[0]
    cards(page, "for_you").first.locator(".card-open").click()
    expect(page.locator("#detail-title")).to_be_visible()
    page.clock.run_for(12_000)
    page.keyboard.press("Escape")
    (view,) = logged(trained.shop, page, ["view"])
    assert view.item_id == first
    assert view.value is not None
    assert 12 <= view.value < 20
    assert view.position == 0


def test_hide_takes_the_card_away_for_good(page: Page, trained: Served) -> None:
    open_storefront(page, trained.address)
    card = cards(page, "for_you").first
    gone = card.get_attribute("data-zhiyin-item") or ""
    card.hover()
    assert gone not in changed(page, "for_you", card.locator(".hide").click)
    expect(page.locator(f".card[data-zhiyin-item='{gone}']")).to_have_count(0)
    (event,) = logged(trained.shop, page, ["hide"])
    assert (event.item_id, event.position) == (gone, 0)
    page.reload()
    expect(cards(page, "for_you")).to_have_count(10)
    assert gone not in ids(page, "for_you")


def test_a_like_is_there_after_a_reload(page: Page, trained: Served) -> None:
    open_storefront(page, trained.address)
    liked = ids(page, "for_you")[1]
    card = cards(page, "for_you").nth(1)
    card.hover()
    changed(page, "for_you", card.locator(".heart").click)
    expect(page.locator(f"[data-liked='{liked}']")).to_be_visible()
    page.reload()
    expect(page.locator(f"[data-liked='{liked}']")).to_be_visible()
    (event,) = logged(trained.shop, page, ["like"])
    assert (event.item_id, event.position) == (liked, 1)


def test_an_opened_item_explains_itself_with_parts_that_sum_to_the_score(page: Page, trained: Served) -> None:
    open_storefront(page, trained.address)
    changed(page, "for_you", cards(page, "for_you").first.locator(".card-open").click)
    page.keyboard.press("Escape")
    card = cards(page, "for_you").nth(1)
    item, shown = card.get_attribute("data-zhiyin-item"), card.get_attribute("data-zhiyin-recommendation")
    with page.expect_response(f"**/v1/recommendations/{shown}/why/**"):
        card.locator(".card-open").click()
    recommendation = trained.shop.store.recommendation(shown or "")
    assert recommendation is not None
    place = next(place for place in recommendation.items if place.item_id == item)
    rows = page.locator("#detail .parts tbody tr")
    expect(rows).to_have_count(len(place.parts))
    values = [float(value or "nan") for value in rows.evaluate_all("r => r.map(e => e.dataset.partValue)")]
    total = page.locator("#detail .parts tfoot tr").get_attribute("data-part-value")
    assert sum(values) == pytest.approx(place.score)
    assert float(total or "nan") == pytest.approx(place.score)
    expect(page.locator("#detail .detail-similar .card")).to_have_count(6)
    picture(page, "detail")


def test_somebody_known_is_seen_with_their_own_eyes(page: Page, trained: Served) -> None:
    open_storefront(page, trained.address)
    mine = ids(page, "for_you")
    known = page.locator("#viewer option").nth(1).get_attribute("value") or ""
    theirs = changed(page, "for_you", lambda: become(page, known))
    assert visitor(page) == known
    assert theirs != mine
    expect(page.locator("#mode")).to_contain_text("Listening")


def test_forget_me_removes_all_and_shows_the_receipt(page: Page, trained: Served) -> None:
    open_storefront(page, trained.address)
    me = visitor(page)
    changed(page, "for_you", cards(page, "for_you").first.locator(".card-open").click)
    page.keyboard.press("Escape")
    logged(trained.shop, page, ["click"])
    with page.expect_response("**/v1/events"):  # what is seen from now on is another person's
        page.locator("#forget").click()
        expect(page.locator("#receipt")).to_contain_text("You are forgotten")
        expect(page.locator("#receipt")).to_contain_text("No trained bundle ever saw you")
    assert visitor(page) != me
    assert trained.shop.store.history(me, limit=10) == []
    assert trained.shop.store.recent(limit=10, user_id=me) == []
    picture(page, "receipt")


def test_the_theme_follows_the_system_and_the_switch(page: Page, trained: Served) -> None:
    paper = "getComputedStyle(document.documentElement).backgroundColor"
    page.emulate_media(color_scheme="dark")
    open_storefront(page, trained.address)
    dark = page.evaluate(paper)
    picture(page, "storefront-dark")
    page.locator("#theme").click()
    light = page.evaluate(paper)
    assert dark != light
    page.reload()
    assert page.evaluate(paper) == light


def test_everything_is_said_in_chinese_too(page: Page, trained: Served) -> None:
    open_storefront(page, trained.address)
    page.locator("#language").click()
    expect(page.locator("h1")).to_have_text("说说你想找什么")
    expect(page.locator("[data-shelf=for_you] h2")).to_have_text("为你而选")
    words = page.evaluate("import('/static/words.js').then(m => Object.keys(m.EN).filter(k => !(k in m.ZH)))")
    assert words == []
    item = trained.shop.item(ids(page, "for_you")[0])
    expect(cards(page, "for_you").first.locator(".card-title")).to_have_text(item.translations["zh"].title)
    picture(page, "storefront-zh")
    page.reload()
    expect(page.locator("h1")).to_have_text("说说你想找什么")


def test_a_telephone_shows_no_sideways_page(page: Page, trained: Served) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    open_storefront(page, trained.address)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    picture(page, "storefront-mobile")
    cards(page, "for_you").first.locator(".card-open").click()
    expect(page.locator("#detail-title")).to_be_visible()
    picture(page, "detail-mobile")


def test_the_keyboard_is_enough(page: Page, trained: Served) -> None:
    open_storefront(page, trained.address)
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(cards(page, "for_you").first.locator(".card-open")).to_be_focused()
    page.keyboard.press("ArrowRight")
    second = cards(page, "for_you").nth(1)
    expect(second.locator(".card-open")).to_be_focused()
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Tab")
    expect(second.locator(".heart")).to_be_focused()
    liked = second.get_attribute("data-zhiyin-item")
    changed(page, "for_you", lambda: page.keyboard.press("Enter"))
    expect(page.locator(f"[data-liked='{liked}']")).to_be_visible()
    assert page.evaluate("document.activeElement.matches('[data-shelf=for_you] .card-open')")
    page.keyboard.press("Enter")
    expect(page.locator("#detail")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#detail")).to_be_hidden()
    assert page.evaluate("document.activeElement.matches('.card-open')")


def test_a_change_of_the_list_is_told_to_screen_readers(page: Page, trained: Served) -> None:
    open_storefront(page, trained.address)
    card = cards(page, "for_you").first
    card.hover()
    changed(page, "for_you", card.locator(".heart").click)
    expect(page.locator("[role=status][aria-live=polite]")).to_contain_text("new in the list")


def test_a_title_that_is_a_script_stays_a_title(page: Page, untaught: Served) -> None:
    open_storefront(page, untaught.address)
    assert "hostile" in wish(page, "script window hacked img src onerror")
    card = page.locator("[data-shelf=found] .card[data-zhiyin-item=hostile]")
    expect(card.locator(".card-title")).to_contain_text("<script>window.hacked = 1</script>")
    card.locator(".card-open").click()
    expect(page.locator("#detail .detail-text")).to_contain_text("onerror=")
    expect(page.locator("#detail a[href^=javascript]")).to_have_count(0)
    assert page.evaluate("window.hacked") is None


def test_a_shop_that_is_just_being_opened_is_waited_for(page: Page, trained: Served, errors: list[str]) -> None:
    page.clock.install()
    page.route("**/v1/recommend", lambda route: route.fulfill(status=503, json={"detail": "not yet"}))
    page.goto(trained.address)
    expect(page.locator("#failed")).to_contain_text("just being opened")
    page.unroute("**/v1/recommend")
    page.clock.run_for(1_500)
    expect(cards(page, "for_you")).to_have_count(10)
    expect(page.locator("#failed")).to_be_hidden()
    errors.clear()


def test_events_wait_until_the_service_is_back(page: Page, trained: Served, errors: list[str]) -> None:
    open_storefront(page, trained.address)
    user = visitor(page)
    page.route("**/v1/events", lambda route: route.fulfill(status=503, body="{}"))
    event_id = page.evaluate("zhiyin.track('share', 'coffee-moka-pot')")
    assert page.evaluate("zhiyin.flush()") is False
    page.unroute("**/v1/events")
    page.reload()
    expect(cards(page, "for_you")).to_have_count(10)
    (share,) = logged(trained.shop, page, ["share"])
    assert event_id
    assert (share.event_id, share.user_id) == (event_id, user)
    errors.clear()


def test_an_event_sent_twice_is_stored_once(page: Page, trained: Served, errors: list[str]) -> None:
    open_storefront(page, trained.address)
    answered: list[APIResponse] = []

    def lose(route: Route) -> None:
        """The service stores it, the answer is lost on the way."""
        if not answered:
            answered.append(route.fetch())
            route.abort()
        else:
            route.continue_()

    page.route("**/v1/events", lose)
    page.evaluate("zhiyin.track('share', 'coffee-moka-pot')")
    assert page.evaluate("zhiyin.flush()") is False
    assert len(logged(trained.shop, page, ["share"])) == 1
    assert answered
    errors.clear()


def test_numbers_that_attributes_of_a_page_say_as_text_arrive_as_numbers(page: Page, trained: Served) -> None:
    open_storefront(page, trained.address)
    for position in ("'3'", "-1", "'here'", "1.5"):
        page.evaluate(f"zhiyin.track('share', 'coffee-moka-pot', {{position: {position}, value: '2.5'}})")
    assert page.evaluate("zhiyin.flush()") is True
    told = [(event.position, event.value) for event in logged(trained.shop, page, ["share"])]
    assert told == [(3, 2.5), (None, 2.5), (None, 2.5), (None, 2.5)]


def test_nothing_but_our_own_scripts_may_run(page: Page, trained: Served) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    answer = page.goto(trained.address)
    assert answer is not None
    policy = answer.headers["content-security-policy"]
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    expect(cards(page, "for_you")).to_have_count(10)
    assert all(url.startswith(trained.address) for url in asked)
    inline = "[...document.querySelectorAll('*')].flatMap(e => [...e.attributes]).filter(a => /^on/.test(a.name))"
    assert page.evaluate(f"{inline}.length") == 0


def test_where_keys_are_set_lists_are_shown_and_nobody_is_asked_for_one(
    page: Page, locked: Served, errors: list[str]
) -> None:
    open_storefront(page, locked.address)
    expect(page.locator(".viewer")).to_be_hidden()
    expect(page.locator("#failed")).to_be_hidden()
    errors.clear()  # the refused console


def test_events_of_the_log_are_what_the_storefront_is_made_of(page: Page, trained: Served) -> None:
    """Known people bring their past with them: what they had is not shown again."""
    open_storefront(page, trained.address)
    known = page.locator("#viewer option").nth(2).get_attribute("value") or ""
    theirs = changed(page, "for_you", lambda: become(page, known))
    had: list[Event] = trained.shop.store.history(known, limit=200)
    assert not set(theirs) & {event.item_id for event in had}
