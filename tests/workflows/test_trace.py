from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from small_shop import small_shop

from zhiyin.errors import InvalidQuery
from zhiyin.profile.edits import Said, edit_event
from zhiyin.profile.traits import Trait
from zhiyin.settings_lists import PolicySettings, RankingSettings, RuleSettings
from zhiyin.shop import Zhiyin
from zhiyin.testing.small import SILENT
from zhiyin.types import Event, Query
from zhiyin.workflows.trace import Traced, trace
from zhiyin.workflows.train import train

pytestmark = pytest.mark.slow

NOW = datetime(2026, 2, 1, tzinfo=UTC)


def shop_of(folder: Path, *, retrieve: int = 500, candidates: int = 200, policy: str = "greedy") -> Zhiyin:
    """A trained one whose list is shaped like this."""
    made = small_shop(folder)
    made.settings = made.settings.model_copy(
        update={
            "ranking": RankingSettings(retrieve=retrieve, candidates=candidates),
            "policy": PolicySettings.model_validate({"name": policy}),
        }
    )
    made.publish(train(made).bundle)
    return made


def traced(shop: Zhiyin, query: Query, item_id: str) -> Traced:
    """By the same draw at the same time."""
    return trace(shop, query, item_id, recommendation_id="r", at=NOW)


def stages(shop: Zhiyin, query: Query) -> dict[str, str]:
    return {item.item_id: traced(shop, query, item.item_id).stage for item in shop.store.items()}


def test_an_item_that_was_never_there_is_unknown_and_one_that_was_is_deleted(tmp_path: Path) -> None:
    shop = shop_of(tmp_path)
    shop.put_items([replace(shop.item(SILENT), item_id="late")])
    assert trace(shop, Query(), "late").stage != "unknown"
    shop.store.delete_items(["late", "garden/spade"])
    assert trace(shop, Query(), "nowhere").stage == "unknown"
    assert "zhiyin import" in trace(shop, Query(), "nowhere").sentence
    assert trace(shop, Query(), "late").stage == "deleted"
    assert trace(shop, Query(), "garden/spade").stage == "deleted"


def test_a_rule_that_takes_an_item_away_is_named(tmp_path: Path) -> None:
    shop = shop_of(tmp_path)
    shop.put_items([replace(shop.item("garden/rake"), available=False)])
    assert trace(shop, Query(), "garden/rake").stage == "unavailable"
    assert trace(shop, Query(exclude=("garden/seed",)), "garden/seed").stage == "excluded"
    dear = trace(shop, Query(filter="price > 50"), "garden/seed")
    assert (dear.stage, "price > 50" in dear.sentence) == ("filtered", True)
    with pytest.raises(InvalidQuery, match="'prise', which no item has"):
        trace(shop, Query(filter="prise > 50"), "garden/seed")


def test_what_a_person_never_wants_is_traced_to_their_line(tmp_path: Path) -> None:
    shop = shop_of(tmp_path)
    shop.add_events([edit_event("user 3", Said(Trait("category", "music"), "never", NOW))])
    found = trace(shop, Query("user 3"), "music/song")
    assert found.stage == "never"
    assert "'user 3' said never to the line 'category: music'" in found.sentence
    assert trace(shop, Query("user 3"), "kitchen/spoon").stage != "never"


def test_a_rule_of_the_house_is_named_with_the_item_that_set_it_off(tmp_path: Path) -> None:
    shop = shop_of(tmp_path)
    quiet = RuleSettings(when='category = "garden"', avoid='category = "music"', last=2)
    ranking = shop.settings.ranking.model_copy(update={"rules": {"quiet": quiet}})
    shop.settings = shop.settings.model_copy(update={"ranking": ranking})
    query = Query("ann", session=("garden/spade", "kitchen/pan"))
    found = trace(shop, query, "music/violin")
    assert found.stage == "ruled_out"
    assert "the rule 'quiet' leaves out category = \"music\"" in found.sentence
    assert "'garden/spade' is among the last 2 items and meets category = \"garden\"" in found.sentence
    assert trace(shop, query, "garden/rake").stage != "ruled_out"
    moved_on = Query(session=("garden/spade", "kitchen/pan", "kitchen/oven"))
    assert trace(shop, moved_on, "music/violin").stage != "ruled_out"
    assert trace(shop, Query(session=("garden/spade",)), "garden/spade").stage == "seen"
    ruled = {item_id for item_id, stage in stages(shop, query).items() if stage == "ruled_out"}
    assert ruled == {item.item_id for item in shop.store.items() if "music" in item.categories}
    mild = shop.settings.ranking.model_copy(update={"rules": {"quiet": quiet.model_copy(update={"cost": 50.0})}})
    shop.settings = shop.settings.model_copy(update={"ranking": mild})
    lowered = traced(shop, replace(query, n=3), "music/violin")
    assert (lowered.stage, lowered.parts["rule:quiet"]) == ("not_chosen", -50.0)
    assert ("rule:quiet", "", "", "-50.0000") in lowered.rows()


def test_what_a_person_had_is_said_with_the_last_event(tmp_path: Path) -> None:
    shop = shop_of(tmp_path)
    shop.add_events([Event("ann", "music/drum", "click"), Event("ann", "music/drum", "purchase")])
    found = trace(shop, Query("ann"), "music/drum")
    assert found.stage == "seen"
    assert "2 events, the last a purchase" in found.sentence
    assert "ranking.repeats" in found.sentence
    shop.add_events([Event("ann", "music/harp", "dislike")])
    assert "ranking.repeats" not in trace(shop, Query("ann"), "music/harp").sentence
    assert "example" in trace(shop, Query(like=("music/cello",)), "music/cello").sentence


def test_an_item_that_no_channel_proposes_is_said_with_their_ranks(tmp_path: Path) -> None:
    shop = shop_of(tmp_path, retrieve=2)
    shop.add_events([Event("ann", "music/piano", "purchase")])
    found = trace(shop, Query("ann", n=1), "kitchen/spoon")
    assert found.stage == "not_retrieved"
    for channel in found.channels:
        assert f"{channel.channel}: " in found.sentence
        assert channel.proposes <= 2


def test_below_the_cut_the_rank_is_that_of_the_whole_pool(tmp_path: Path) -> None:
    wide, narrow = shop_of(tmp_path / "wide"), shop_of(tmp_path / "narrow", candidates=3)
    query = Query("user 4", n=2)
    everything = [item_id for item_id, _ in wide.recommender().recommend(query, "r", NOW).candidates]
    assert len(everything) > 10
    for place, item_id in enumerate(everything, start=1):
        found = traced(narrow, query, item_id)
        assert found.rank == place
        assert (found.stage == "below_cut") == (place > 3)
        assert found.cut is not None
        assert found.score is not None
        assert (found.score <= found.cut) == (place >= 3)
        assert found.score == pytest.approx(sum(found.parts.values()))


def test_a_trace_ends_where_the_answer_does(tmp_path: Path) -> None:
    """The same draw: what is traced as shown is what is shown, and nothing else."""
    shop = shop_of(tmp_path, candidates=12, policy="softmax")
    query = Query("user 7", text="a spade", n=4)
    answer = shop.recommender().recommend(query, "r", NOW)
    shown = {place.item_id for place in answer.items}
    assert {item_id for item_id, stage in stages(shop, query).items() if stage == "shown"} == shown
    candidates = {item_id for item_id, _ in answer.candidates}
    competed = {item_id for item_id, stage in stages(shop, query).items() if stage in ("shown", "not_chosen")}
    assert competed == candidates
    for place in answer.items:
        assert f"{np.exp(place.log_propensity):.4f}" in traced(shop, query, place.item_id).sentence


def test_the_probability_is_how_often_it_happens(tmp_path: Path) -> None:
    shop = shop_of(tmp_path, policy="softmax")
    query = Query("user 7", n=1)
    recommender, draws = shop.recommender(), 500
    item_id = recommender.recommend(query, "r", NOW).candidates[1][0]
    probability = traced(shop, query, item_id).probability
    assert probability is not None
    shown = sum(recommender.recommend(query, f"r{n}", NOW).items[0].item_id == item_id for n in range(draws))
    sigma = (probability * (1 - probability) / draws) ** 0.5
    assert abs(shown / draws - probability) < 4 * sigma


def test_the_latest_are_traced_without_channels(tmp_path: Path) -> None:
    shop = shop_of(tmp_path)
    found = trace(shop, Query(scenario="latest"), SILENT)
    assert (found.stage, found.channels) == ("not_retrieved", ())
    assert "no date of publication" in found.sentence


def test_the_rows_name_every_channel_and_every_other_part_once(tmp_path: Path) -> None:
    shop = shop_of(tmp_path)
    found = trace(shop, Query("user 4", text="lamp"), shop.compute(Query("user 4", text="lamp")).items[0].item_id)
    names = [row[0] for row in found.rows()]
    assert len(names) == len(set(names))
    assert set(found.parts) <= set(names)
