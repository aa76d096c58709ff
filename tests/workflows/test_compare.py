"""Champion against challenger: the same people, the same question, and no more said than is shown."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import orjson
import pytest
from small_shop import HOSTILE, small_shop

from zhiyin.errors import BrokenBundle, InvalidData, NotFound
from zhiyin.evaluation.comparing import Bootstrap
from zhiyin.evaluation.comparison import Comparison, People, versus
from zhiyin.evaluation.posing import Terms
from zhiyin.evaluation.record import Evaluation, Gain, attached
from zhiyin.evaluation.standings import WHOLE, load_standings, save_standings
from zhiyin.settings import Settings
from zhiyin.shop import Zhiyin
from zhiyin.testing.small import small_events
from zhiyin.workflows.compare import compare, people_of, verdict_of
from zhiyin.workflows.evaluate import evaluate_bundle
from zhiyin.workflows.report import page_of
from zhiyin.workflows.train import train

pytestmark = pytest.mark.slow

QUICK = Terms(resamples=100)


@pytest.fixture(scope="module")
def found(measured_shop: Zhiyin) -> Comparison:
    """The live bundle against the newest."""
    return compare(measured_shop)


def test_what_is_live_is_compared_with_the_newest_as_both_were_measured(
    found: Comparison, evaluation: Evaluation, measured_shop: Zhiyin
) -> None:
    newest = attached(measured_shop.bundles, found.challenger.bundle)
    assert newest is not None
    assert (found.champion.live, found.challenger.live) == (True, False)
    assert (found.champion.seed, found.challenger.seed) == (1, 2)
    for name in (*evaluation.reported, "novelty@10"):
        one = found.metrics[name]
        assert one.champion == pytest.approx(evaluation.whole.ours[name], rel=1e-6), name
        assert one.challenger == pytest.approx(newest.whole.ours[name], rel=1e-6), name
        assert one.gain.value == pytest.approx(one.challenger - one.champion)
        assert one.gain.low <= one.gain.value <= one.gain.high
    assert set(found.buckets) == set(evaluation.buckets)
    for name, one in found.buckets.items():
        assert one.champion == pytest.approx(evaluation.buckets[name].ours[found.main]), name
    assert found.question == evaluation.question
    people = found.people
    assert people.better + people.equal + people.worse == found.question.n_users


def test_a_pair_is_counted_person_by_person() -> None:
    champion = np.array([0.0, 0.5, 1.0, np.nan, 0.2])
    challenger = np.array([0.1, 0.5, 0.9, 0.3, np.nan])
    one = versus(champion, challenger, Bootstrap(500, 0))
    assert one is not None
    assert (one.n_users, one.champion, one.challenger) == (3, 0.5, 0.5)
    assert one.gain.value == pytest.approx(0)
    assert -0.1 <= one.gain.low < 0 < one.gain.high <= 0.1
    assert people_of(champion, challenger) == People(better=1, equal=1, worse=1)
    assert people_of(champion[:2], challenger[:2]) == People(better=1, equal=1, worse=0)
    assert versus(champion, np.full(5, np.nan), Bootstrap(9, 0)) is None


def test_a_pair_is_surer_than_the_two_alone() -> None:
    """Both vary much between people, and little between each other."""
    rng = np.random.default_rng(0)
    champion = rng.random(400)
    one = versus(champion, champion + 0.01 + 0.01 * rng.standard_normal(400), Bootstrap(500, 0))
    assert one is not None
    assert one.gain.low > 0


def test_to_be_compared_both_must_be_measured_on_the_same_data_and_again_cures_it(tmp_path: Path) -> None:
    with small_shop(tmp_path) as shop:
        old, new = train(shop, 1).bundle, train(shop, 2).bundle
        with pytest.raises(InvalidData, match="nothing is live"):
            compare(shop)
        with pytest.raises(InvalidData, match=f"{old[:12]} was not measured: zhiyin compare .* --again"):
            compare(shop, old, new)
        evaluate_bundle(shop, old, QUICK)
        shop.add_events([replace(event, event_id=f"late {event.event_id}") for event in small_events(9, seed=9)])
        evaluate_bundle(shop, new, QUICK)
        with pytest.raises(InvalidData, match=r"different questions, .* --again measures both on the same data"):
            compare(shop, old, new)
        again = compare(shop, old, new, QUICK, again=True)
        kept = compare(shop, old, new)
        assert kept.metrics == again.metrics, "both were kept"
        assert [list(one.buckets) for one in (kept, again)] == [list(attached(shop.bundles, old).buckets)] * 2  # type: ignore[union-attr]


def test_another_question_is_asked_of_both_and_kept_with_neither(tmp_path: Path) -> None:
    with small_shop(tmp_path) as shop:
        old = train(shop, 1).bundle
        shop.publish(old)
        other = Settings(folder=tmp_path).recipe.model_copy(update={"off": ("taste",)})
        shop.settings = shop.settings.model_copy(update={"recipe": other})
        new = train(shop, 1).bundle
        found = compare(shop, terms=replace(QUICK, split="last", part="validation"))
        assert found.question.rule == "leave_one_out"
        assert [attached(shop.bundles, name) for name in (old, new)] == [None, None]
        assert [(one.name, one.champion, one.challenger) for one in found.settings] == [("off", "[]", '["taste"]')]


def test_two_names_of_one_bundle_and_of_none_are_refused(measured_shop: Zhiyin, found: Comparison) -> None:
    champion = found.champion.bundle
    with pytest.raises(InvalidData, match="both the champion and the challenger"):
        compare(measured_shop, champion, champion[:8])
    with pytest.raises(NotFound, match="no bundle begins"):
        compare(measured_shop, champion, "abc0")


def test_only_standings_of_one_question_are_compared(tmp_path: Path) -> None:
    with small_shop(tmp_path) as shop:
        old, new = train(shop, 1).bundle, train(shop, 2).bundle
        for name in (old, new):
            evaluate_bundle(shop, name, QUICK)
            whole = load_standings(shop.bundles, name)[WHOLE]
            apart = {"cold_items": replace(whole, split="one"), "newcomers_1": replace(whole, split=name)}
            save_standings(shop.bundles, name, {WHOLE: whole, **apart})
        assert set(compare(shop, old, new).cold) == {"cold_items"}
        whole = load_standings(shop.bundles, new)[WHOLE]
        save_standings(shop.bundles, new, {WHOLE: replace(whole, split="another")})
        with pytest.raises(BrokenBundle, match="belongs to another evaluation"):
            compare(shop, old, new)


@pytest.mark.parametrize(
    ("gain", "said", "heading"),
    [
        (Gain(0.1, 0.05, 0.2), "the challenger is better on ndcg@10", "The challenger is better"),
        (Gain(-0.1, -0.2, -0.05), "the challenger is worse on ndcg@10", "The champion stays better"),
        (Gain(-0.1, -0.2, 0.05), "no difference is shown on ndcg@10", "No difference is shown"),
    ],
)
def test_the_page_and_the_verdict_claim_what_the_interval_shows(
    found: Comparison, gain: Gain, said: str, heading: str
) -> None:
    whole = replace(found.metrics[found.main], gain=gain)
    parts = {"history 5-9": replace(whole, n_users=40), "history 1": replace(whole, n_users=4)}
    verdict = tuple(verdict_of(found.main, whole, parts))
    assert verdict[0].startswith(said)
    assert len(verdict) == (1 if "no difference" in said else 2), "a part of too few people is passed over"
    page = page_of(replace(found, metrics={**found.metrics, found.main: whole}, verdict=verdict))
    assert re.findall(r"<h1[^>]*>(.*?)</h1>", page) == [heading]
    assert f"{said[:1].upper()}{said[1:]}" in page


def test_the_page_shows_both_and_no_name_breaks_out(found: Comparison) -> None:
    assert f"{HOSTILE} left" in found.buckets
    page = page_of(replace(found, shop=HOSTILE, doubts=(HOSTILE,), verdict=(HOSTILE,)))
    assert "<script" not in page
    assert not re.search(r"url\(|@import|https?:", page)
    for told in (found.champion.bundle, found.challenger.bundle, found.question.split, "(live now)"):
        assert told in page
    assert f"{found.people.equal:,}</b> as much" in page
    assert page.count("<svg") == len(re.findall(r"<svg[^>]*role=\"img\"[^>]*><title>[^<]+</title>", page))


def test_its_json_holds_all_of_it(found: Comparison) -> None:
    raw = orjson.loads(found.to_json())
    assert raw["champion"]["bundle"] == found.champion.bundle
    assert raw["metrics"]["ndcg@10"]["gain"]["low"] == found.metrics["ndcg@10"].gain.low
