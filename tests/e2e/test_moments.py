"""That an item is taken more often at such a moment is said on its card, in both languages."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page
from served_shop import Served
from shop_pages import open_storefront

pytestmark = pytest.mark.browser

LINE = """async (words) => {
  const { whyLine } = await import("/static/reasons.js");
  return whyLine({ explored: false, reasons: [{ channel: "context", share: 1, items: [], words, path: null }] });
}"""
SAID = {
    ("evening", "friday"): ("taken more often on Fridays, in the evening", "人们周五、晚上更常选它"),
    ("place: A", "noon"): ("taken more often around noon, with place: A", "人们中午、place: A时更常选它"),
    ("<b>odd</b>",): ("taken more often with <b>odd</b>", "人们<b>odd</b>时更常选它"),
}  # fmt: skip


def test_a_moment_is_said_in_both_languages(page: Page, untaught: Served) -> None:
    open_storefront(page, untaught.address)
    for words, (english, _) in SAID.items():
        assert page.evaluate(LINE, list(words)) == english
    page.locator("#language").click()
    for words, (_, chinese) in SAID.items():
        assert page.evaluate(LINE, list(words)) == chinese
