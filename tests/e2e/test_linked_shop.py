"""What links an item to the past of a visitor is said on its card, in both languages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect
from served_shop import Served, serving
from shop_pages import cards, changed, open_storefront

from zhiyin.data.store.memory import MemoryStore
from zhiyin.encoders.sentence import SentenceEncoder
from zhiyin.settings import Settings
from zhiyin.settings_lists import PolicySettings, RankingSettings, RuleSettings
from zhiyin.shop import Zhiyin
from zhiyin.types import Item, Relation

pytestmark = pytest.mark.browser

NOUNS = ("Lamp", "Kettle", "Violin", "Rake", "Novel", "Scarf", "Bicycle", "Pepper", "Candle", "Puzzle", "Mirror")
QUIET = RuleSettings(when='item_id = "Lamp"', avoid='item_id = "Scarf"', cost=0.5)


@pytest.fixture(scope="module")
def linked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Things that have nothing in common but what the relations say."""
    settings = Settings(
        folder=tmp_path_factory.mktemp("linked"),
        policy=PolicySettings(name="greedy"),
        ranking=RankingSettings(rules={"no scarf by lamplight": QUIET}),
    )
    with Zhiyin(settings, MemoryStore(), SentenceEncoder()) as shop:
        shop.put_items([Item(noun, noun) for noun in NOUNS])
        shop.store.put_relations(
            [
                Relation("Lamp", "made.by_hand_of", "m.7"),
                Relation("Kettle", "made.by_hand_of", "m.7"),
                Relation("m.7", "name", "<b>Anna</b>"),
                Relation("Rake", "goes_with", "Lamp"),
                Relation("Lamp", "goes_with", "Novel"),
            ]
        )
        shop.live()
        with serving(shop) as address:
            yield Served(shop, address)


def test_a_card_says_how_the_item_is_linked_to_what_was_opened(page: Page, linked: Served) -> None:
    open_storefront(page, linked.address)
    lamp = page.locator("[data-shelf=for_you] [data-zhiyin-item=Lamp]")
    changed(page, "for_you", lambda: lamp.locator(".heart").click())
    why = {
        noun: page.locator(f"[data-shelf=for_you] [data-zhiyin-item={noun}] .card-why").first
        for noun in ("Kettle", "Rake", "Novel")
    }
    expect(why["Kettle"]).to_contain_text("same by hand of as “Lamp”: <b>Anna</b>")
    expect(why["Rake"]).to_contain_text("this → goes with → “Lamp”")
    expect(why["Novel"]).to_contain_text("“Lamp” → goes with → this")
    page.locator("#language").click()
    expect(why["Kettle"]).to_contain_text("与“Lamp”by hand of相同：<b>Anna</b>")
    expect(why["Novel"]).to_contain_text("“Lamp” → goes with → 它")


def test_an_opened_item_names_the_rule_that_lowered_it(page: Page, linked: Served) -> None:
    open_storefront(page, linked.address)
    lamp = page.locator("[data-shelf=for_you] [data-zhiyin-item=Lamp]")
    changed(page, "for_you", lambda: lamp.locator(".heart").click())
    cards(page, "for_you").and_(page.locator("[data-zhiyin-item=Scarf]")).locator(".card-open").click()
    expect(page.locator("dialog .why")).to_contain_text("rule of the house “no scarf by lamplight”")
