from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from small_shop import shop_on_disk, small_shop

from zhiyin.ranking.learned import learned_of
from zhiyin.testing.small import START, small_catalogue, small_events
from zhiyin.types import Event, Query, User
from zhiyin.workflows.erase import erase
from zhiyin.workflows.labels.reviewing import add_example
from zhiyin.workflows.train import train


@pytest.mark.slow
def test_the_receipt_counts_what_is_gone_under_all_merged_ids(tmp_path: Path) -> None:
    with shop_on_disk(tmp_path) as shop:
        shop.put_items(small_catalogue())
        shop.add_events([*small_events(6), Event("session", "music/drum", "click")])
        shop.store.put_users([User("user 2", {"age": 30})])
        shop.store.merge("session", "user 2")
        shop.answer(Query("user 2"))
        mine = len(shop.store.history("user 2", limit=99))
        receipt = erase(shop, "session")
        assert receipt.user_ids == ("user 2", "session")
        assert receipt.rows == {
            "events": mine,
            "recommendations": 1,
            "users": 1,
            "aliases": 1,
            "label examples": 0,
        }
        assert shop.store.history("user 2", limit=99) == []
        assert shop.store.user("user 2") is None
        assert shop.store.recent(limit=9, user_id="user 2") == []


@pytest.mark.slow
def test_it_names_every_bundle_that_saw_the_person_and_no_other(tmp_path: Path) -> None:
    shop = small_shop(tmp_path, small_events(6))
    before = train(shop).bundle
    shop.add_events([Event("late", "music/drum", "purchase"), Event("session", "music/harp", "click")])
    saw = train(shop).bundle
    shop.store.merge("session", "late")
    after = train(shop).bundle  # the same person under one id
    receipt = erase(shop, "late")
    assert set(receipt.bundles) == {saw, after}
    assert before not in receipt.bundles
    told = " ".join(receipt.sentences())
    assert saw[:12] in told
    assert "forget at the next fit" in told
    assert train(shop).bundle not in erase(shop, "late").bundles


def test_a_session_that_was_fitted_before_it_was_merged_is_found(tmp_path: Path) -> None:
    shop = small_shop(tmp_path, [*small_events(6), Event("session", "music/harp", "click")])
    saw = train(shop).bundle
    shop.store.merge("session", "account")
    assert erase(shop, "account").bundles == (saw,)


def test_a_bundle_that_cannot_be_read_is_named_apart(tmp_path: Path) -> None:
    shop = small_shop(tmp_path, small_events(6))
    name = train(shop).bundle
    (shop.bundles / name / "fusion.safetensors").write_bytes(b"cut")
    receipt = erase(shop, "nobody")
    assert (receipt.bundles, receipt.unreadable) == ((), (name,))
    assert "may have" in " ".join(receipt.sentences())


def test_somebody_unknown_gives_a_receipt_of_zeros(tmp_path: Path) -> None:
    receipt = erase(small_shop(tmp_path, []), "nobody")
    assert set(receipt.rows.values()) == {0}
    assert receipt.bundles == ()
    assert "No bundle" in " ".join(receipt.sentences())


@pytest.mark.slow
def test_the_trends_of_a_running_process_forget_too(tmp_path: Path) -> None:
    """Two hundred events of one person make an item trend; without them the list is that of before."""
    shop = small_shop(tmp_path)
    shop.publish(train(shop).bundle)
    query = Query(scenario="trending", n=5)
    before = [score for _, score in shop.compute(query).candidates]
    late = START + timedelta(days=8)
    shop.add_events([Event("loud", "garden/fern", "purchase", at=late, event_id=f"{n}") for n in range(200)])
    loud = shop.compute(query)
    assert loud.candidates[0][0] == "garden/fern"
    erase(shop, "loud")
    assert [score for _, score in shop.compute(query).candidates] == before


def test_words_that_a_label_model_learned_from_go_and_the_model_is_named(tmp_path: Path) -> None:
    with shop_on_disk(tmp_path) as shop:
        shop.add_events([Event("ann", "music/drum", "review", text="Far too loud.")])
        for name, text in (("mood", "Far too loud."), ("topic", "a drum")):
            add_example(shop, name, text, "bad", START)
        receipt = erase(shop, "ann")
        assert (receipt.rows["label examples"], receipt.labels) == (1, ("mood",))
        assert "zhiyin label train" in " ".join(receipt.sentences())
        assert shop.store.labels.counts() == {"topic": 1}
        assert erase(shop, "ann").labels == ()


def test_what_their_lists_may_have_taught_is_named(tmp_path: Path) -> None:
    with shop_on_disk(tmp_path) as shop:
        shop.put_items(small_catalogue())
        part = learned_of("an encoder", 0.1, np.zeros(2), (np.zeros(3), np.ones(3)), "a test")
        part.save(tmp_path / "policies")
        shop.answer(Query("ann"))
        receipt = erase(shop, "ann")
        assert receipt.policies == (part.name,)
        assert "zhiyin train policy" in " ".join(receipt.sentences())
        assert erase(shop, "ann").policies == (), "who was shown nothing taught nothing"
