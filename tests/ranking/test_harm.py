"""Harm costs score under a name of its own, or keeps an item out of every list."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from zhiyin.ranking.fusion import Parts
from zhiyin.ranking.harm import PART, HarmRule, harmless, penalised
from zhiyin.ranking.rules import compile_filter
from zhiyin.settings import LabelSettings, Settings
from zhiyin.shop import Zhiyin
from zhiyin.types import PERSON, Item, ItemLabel, Query
from zhiyin.workflows.trace import trace

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
RULE = HarmRule("harmful", frozenset({"scam", "dangerous"}), penalty=2.0, block=0.9)


def label(**probabilities: float) -> ItemLabel:
    return ItemLabel((max(probabilities, key=lambda name: probabilities[name]),), probabilities, "model", NOON)


ITEMS = [
    Item("good", labels={"harmful": label(fine=0.9, scam=0.1)}),
    Item("doubtful", labels={"harmful": label(fine=0.4, scam=0.35, dangerous=0.25)}),
    Item("bad", labels={"harmful": label(scam=0.95, fine=0.05)}),
    Item("silent"),
    None,
]
ROWS = np.arange(5, dtype=np.int32)


def test_harm_is_the_probability_of_harmful_labels_together() -> None:
    assert RULE.harms(ROWS, ITEMS).tolist() == pytest.approx([0.1, 0.6, 0.95, 0.0, 0.0])


def test_what_is_certainly_harmful_is_left_out() -> None:
    assert harmless([RULE], ROWS, ITEMS).tolist() == [0, 1, 3, 4]


def test_harm_is_a_part_of_the_sum_and_none_where_nothing_costs() -> None:
    parts = Parts(("popular",), np.ones((1, 5)), {"popular": 1.0})
    after = penalised(parts, [RULE], ROWS, ITEMS)
    assert after.names == ("popular", PART)
    assert after.scores.tolist() == pytest.approx([0.8, -0.2, -0.9, 1.0, 1.0])
    spared = penalised(parts, [replace(RULE, least=0.2)], ROWS, ITEMS)
    assert spared.scores.tolist() == pytest.approx([1.0, -0.2, -0.9, 1.0, 1.0])
    assert penalised(parts, [replace(RULE, penalty=0.0)], ROWS, ITEMS) is parts
    assert penalised(parts, [RULE], ROWS[3:], ITEMS).names == ("popular",)


def test_labels_are_read_in_filters_unless_the_owner_said_otherwise() -> None:
    test = compile_filter('harmful = "scam"')
    assert [test(item) for item in ITEMS if item is not None] == [False, False, True, False]
    assert not test(replace(ITEMS[2], attributes={"harmful": "no"}))
    sure = compile_filter("harmful.probability > 0.9")
    assert [sure(item) for item in ITEMS if item is not None] == [False, False, True, False]


def test_a_penalty_shows_in_the_list_and_a_block_in_the_trace(shop: Zhiyin) -> None:
    first = shop.compute(Query("user 1", n=5)).items
    hit, out = first[0].item_id, first[1].item_id
    shop.store.put_labels(
        "harmful", {hit: label(scam=0.5, fine=0.5), out: ItemLabel(("scam",), {"scam": 1.0}, PERSON, NOON)}
    )
    settings = LabelSettings(harmful=("scam",), penalty=3.0, block=0.9)
    guarded = Zhiyin(
        Settings(folder=shop.settings.folder, labels={"harmful": settings}), shop.store, shop.reader("use")
    )
    after = {place.item_id: place for place in guarded.compute(Query("user 1", n=24)).items}
    assert after[hit].parts[PART] == pytest.approx(-1.5)
    assert after[hit].score == pytest.approx(sum(after[hit].parts.values()))
    assert out not in after
    found = trace(guarded, Query("user 1"), out)
    assert found.stage == "harmful"
    assert "a person of the labels 'harmful'" in found.sentence
    assert "1.00, blocked from 0.90" in found.sentence


def test_settings_of_harm_shape_a_list_and_others_do_not() -> None:
    plain = Settings().digest()
    assert Settings(labels={"topic": LabelSettings(missed=0.1)}).digest() == plain
    assert Settings(labels={"harm": LabelSettings(harmful=("scam",))}).digest() != plain
