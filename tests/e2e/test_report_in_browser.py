"""The evaluation's page in a real browser: readable on a phone and in the dark, with scripts forbidden."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from served_shop import Served, picture

from zhiyin.evaluation.record import attached
from zhiyin.workflows.report import report_in

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def report(trained: Served) -> Path:
    publication = trained.shop.publication()
    assert publication is not None
    return report_in(trained.shop.bundles, publication.bundle)


def test_the_report_shows_every_bucket_and_channel_and_asks_for_nothing(
    page: Page, trained: Served, report: Path
) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(report.as_uri())
    evaluation = attached(trained.shop.bundles, report.parent.name)
    assert evaluation is not None
    expect(page.locator("#whom tbody tr")).to_have_count(len(evaluation.buckets) + len(evaluation.cold))
    expect(page.locator("#channels tbody tr")).to_have_count(len(evaluation.channels))
    expect(page.locator("#gates svg")).to_have_count(len(evaluation.channels))
    expect(page.locator("#baselines .figure tbody tr")).to_have_count(len(evaluation.whole.peers))
    assert asked == [report.as_uri()]
    picture(page, "report", full=True)


def test_a_dot_stands_where_its_number_says(page: Page, trained: Served, report: Path) -> None:
    """Dots of two baselines are as far apart as their numbers, on the scale of the axis below."""
    page.goto(report.as_uri())
    figure = page.locator("#baselines .figure")
    ticks = {
        float(tick.inner_text().replace("−", "-")): middle(tick.bounding_box())
        for tick in figure.locator(".axis span").all()
    }
    (low, at_low), (high, at_high) = min(ticks.items()), max(ticks.items())
    for row in figure.locator("tbody tr").all():
        value = float(row.locator(".number").inner_text().split()[0].replace("−", "-"))
        expected = at_low + (value - low) / (high - low) * (at_high - at_low)
        assert middle(row.locator(".dot").bounding_box()) == pytest.approx(expected, abs=2.5), "pixels"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_report_fits_a_phone_without_scripts(browser: Browser, report: Path, scheme: str) -> None:
    context = browser.new_context(
        viewport={"width": 360, "height": 740},
        color_scheme=scheme,
        java_script_enabled=False,  # type: ignore[arg-type]
    )
    page = context.new_page()
    page.goto(report.as_uri())
    for panel in page.locator(".panel").all():
        box = panel.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 360
    name, plot = page.locator("#baselines tbody th").first, page.locator("#baselines .strip").first
    expect(name).to_be_visible()
    expect(plot).to_be_visible()
    picture(page, f"report-phone-{scheme}", full=True)
    context.close()


def middle(box: dict[str, float] | None) -> float:  # type: ignore[type-arg]
    assert box is not None
    return box["x"] + box["width"] / 2
