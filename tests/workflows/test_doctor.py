from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest
from small_shop import small_shop

from zhiyin.data.store.open import open_store
from zhiyin.evaluation.posing import Terms
from zhiyin.settings import FILE
from zhiyin.shop import Zhiyin
from zhiyin.testing.small import SILENT, small_events
from zhiyin.types import Event, Item
from zhiyin.workflows.doctor import Finding, doctor, examine, worst
from zhiyin.workflows.evaluate import evaluate_bundle
from zhiyin.workflows.ingest import ingest
from zhiyin.workflows.train import train


def about(findings: list[Finding]) -> dict[str, Finding]:
    found = {finding.about: finding for finding in findings}
    assert len(found) == len(findings)
    for finding in findings:
        assert (finding.light == "green") == (finding.cure == "")
    return found


def well_shop(folder: Path) -> Zhiyin:
    """Nothing to complain about, except for its evaluation."""
    shop = small_shop(folder)
    shop.store.delete_items([SILENT])
    shop.publish(train(shop).bundle)
    return shop


@pytest.mark.slow
def test_a_shop_without_a_complaint_is_green(tmp_path: Path) -> None:
    found = about(examine(well_shop(tmp_path)))
    assert {name for name, finding in found.items() if finding.light != "green"} == {"evaluation"}
    assert "was never measured" in found["evaluation"].told
    assert found["evaluation"].cure.startswith("zhiyin evaluate ")


def test_an_empty_shop_is_red_and_says_how_to_begin(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("")
    found = doctor(tmp_path)
    assert worst(found) == "red"
    assert (about(found)["items"].light, about(found)["items"].cure) == ("red", "zhiyin import")
    assert about(found)["events"].light == "amber"


def without_a_title(shop: Zhiyin) -> None:
    shop.put_items([Item("bare")])


def with_a_twin(shop: Zhiyin) -> None:
    shop.put_items([replace(shop.item("garden/rake"), item_id="garden/rake 2")])


def with_an_unknown_item(shop: Zhiyin) -> None:
    shop.add_events([Event("ann", "nowhere", "click", at=small_events(1)[0].at)])


def with_an_event_without_time(shop: Zhiyin) -> None:
    shop.store.append([Event("ann", "garden/rake", "click")])  # as of a file


def with_news(shop: Zhiyin) -> None:
    shop.add_events(small_events(90, seed=9))


def without_its_bundle(shop: Zhiyin) -> None:
    shutil.rmtree(shop.bundles)


class Case(NamedTuple):
    harm: Callable[[Zhiyin], None]
    about: str
    light: str
    told: str


CASES = (
    Case(without_a_title, "texts", "amber", "1 of 25 items"),
    Case(with_a_twin, "titles", "amber", "'rake for the garden' × 2"),
    Case(with_an_unknown_item, "known items", "amber", "nowhere"),
    Case(with_an_event_without_time, "times", "amber", "have no time"),
    Case(with_news, "bundle", "amber", "has not seen the last"),
    Case(without_its_bundle, "bundle", "red", "no bundle begins"),
)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.harm.__name__)
def test_what_is_wrong_is_told_with_its_cure(tmp_path: Path, case: Case) -> None:
    shop = well_shop(tmp_path)
    before = about(examine(shop))
    assert before[case.about].light == "green"
    case.harm(shop)
    found = about(examine(shop))[case.about]
    assert (found.light, case.told in found.told) == (case.light, True), found
    assert "zhiyin" in found.cure


def test_most_events_about_unknown_items_are_red(tmp_path: Path) -> None:
    shop = small_shop(tmp_path, [])
    shop.add_events([Event("ann", f"nowhere {n}", "click") for n in range(5)])
    assert about(examine(shop))["known items"].light == "red"


def test_a_zero_shot_bundle_beside_events_wants_training(tmp_path: Path) -> None:
    shop = small_shop(tmp_path)
    assert "nothing is published yet" in about(examine(shop))["bundle"].told
    shop.live()
    found = about(examine(shop))
    assert "zero-shot" in found["bundle"].told
    assert "evaluation" not in found


@pytest.mark.slow
def test_who_wins_is_said(tmp_path: Path) -> None:
    shop = well_shop(tmp_path)
    evaluation = evaluate_bundle(shop, terms=Terms(resamples=50))
    found = about(examine(shop))["evaluation"]
    ours = evaluation.whole.ours[evaluation.main]
    best = evaluation.whole.best_peer(evaluation.main)
    assert found.light == ("green" if ours >= evaluation.whole.peers[best][evaluation.main] else "amber")
    assert best in found.told


def test_a_rule_of_the_house_on_a_field_that_no_item_has_is_amber(tmp_path: Path) -> None:
    rules = "".join(
        f"[ranking.rules.{name}]\nwhen = 'brand = \"Acorn\"'\navoid = '{field} = \"drum\"'\n"
        for name, field in (("kept", "noun"), ("mistyped", "nown"))
    )
    (tmp_path / FILE).write_text(rules)
    with Zhiyin.open(tmp_path) as shop:
        shop.put_items([Item("a", "A drum", attributes={"noun": "drum"})])
        found = about(examine(shop))
    assert [name for name in found if name.startswith("rule")] == ["rule mistyped"]
    assert (found["rule mistyped"].light, "did you mean 'noun'" in found["rule mistyped"].told) == ("amber", True)


def test_refused_rows_are_pointed_at(tmp_path: Path) -> None:
    (tmp_path / "items.csv").write_text("item_id,title\na,Tea\na,Cup\n")
    (tmp_path / FILE).write_text('[data.items]\npath = "items.csv"\nitem_id = "item_id"\ntitle = "title"\n')
    with Zhiyin.open(tmp_path) as shop:
        ingest(shop.settings, shop.store)
        found = about(examine(shop))["quarantine"]
    assert (found.light, "1 rows could not be used" in found.told) == ("amber", True)
    assert "quarantine" in found.cure


def test_a_folder_without_settings_says_how_to_make_them(tmp_path: Path) -> None:
    (only,) = doctor(tmp_path)
    assert (only.light, only.about) == ("red", "settings")
    assert only.cure.startswith("zhiyin init")


def test_a_damaged_store_is_found_and_not_touched(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("")
    with Zhiyin.open(tmp_path) as shop:
        shop.put_items([Item(f"item {n}", "A title" * 20) for n in range(500)])
    path = tmp_path / "zhiyin.db"
    content = path.read_bytes()
    harmed = content[:4096] + b"\xff" * 40_000 + content[44_096:]
    path.write_bytes(harmed)
    found = doctor(tmp_path)
    assert (found[-1].about, found[-1].light) == ("store", "red")
    assert "zhiyin restore" in found[-1].cure
    assert path.read_bytes() == harmed


def test_looking_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("")
    with Zhiyin.open(tmp_path) as shop:
        shop.put_items([Item("a", "Tea")])
    doctor(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir() if not path.name.startswith("zhiyin.db-")) == [
        "zhiyin.db",
        FILE,
    ]
    store = open_store(str(tmp_path / "zhiyin.db"))
    assert store.publications() == []
    store.close()
