"""A shop whose texts are read by a model of its owner's: it trains, answers, and says when that has changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from zhiyin import shop as shop_module
from zhiyin.errors import BrokenBundle, ZhiyinError
from zhiyin.shop import Zhiyin
from zhiyin.testing.small import small_catalogue, small_events
from zhiyin.testing.tiny_models import tiny_model
from zhiyin.types import Query
from zhiyin.workflows.doctor import doctor
from zhiyin.workflows.train import train


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tiny_model(tmp_path / "models" / "ours")
    (tmp_path / "zhiyin.toml").write_text('[encoder]\nmodel = "models/ours"\n')
    return tmp_path


def test_a_model_in_a_folder_reads_the_catalogue_and_what_is_typed(folder: Path) -> None:
    with Zhiyin.open(folder) as shop:
        shop.put_items(small_catalogue())
        shop.add_events(small_events())
        trained = train(shop)
        shop.publish(trained.bundle)
        manifest = shop.live().snapshot().bundle.manifest
        assert manifest.encoder.startswith("ours:")
        assert manifest.licences["sentence encoder"].startswith("unknown")
        shown = shop.recommend(text="iron pot for the garden", n=5)
        assert any("wish_meaning" in place.parts for place in shown.items)
    with Zhiyin.open(folder) as again:  # the graph is there, and the vectors
        assert [place.item_id for place in again.answer(Query(text="iron pot for the garden", n=5)).items]
    assert doctor(folder)[1].light == "green"


def test_another_model_asks_for_another_training(folder: Path) -> None:
    with Zhiyin.open(folder) as shop:
        shop.put_items(small_catalogue())
        shop.add_events(small_events())
        shop.publish(train(shop).bundle)
    tiny_model(folder / "models" / "ours", seed=1)
    with (
        Zhiyin.open(folder) as shop,
        pytest.raises(BrokenBundle, match=r"encoder ours:.*train, evaluate and publish"),
    ):
        shop.live()
    (bundle,) = (one for one in doctor(folder) if one.about == "bundle")
    assert bundle.light == "red"
    assert "no list can be made" in bundle.told
    with Zhiyin.open(folder) as shop:
        shop.publish(train(shop).bundle)
        assert shop.recommend(user_id="user 1", n=3).items


def test_a_service_that_runs_reads_by_what_a_new_bundle_was_made_with(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shop_module, "LOOK_AGAIN", 0.0)
    tiny_model(folder / "models" / "other", seed=1)
    with Zhiyin.open(folder) as running:
        running.put_items(small_catalogue())
        running.add_events(small_events())
        before = running.publish(train(running).bundle)
        assert running.recommend(user_id="user 1", n=3).bundle == before.bundle
        (folder / "zhiyin.toml").write_text('[encoder]\nmodel = "models/other"\n')
        with Zhiyin.open(folder) as beside:
            after = beside.publish(train(beside).bundle)
        shown = running.recommend(text="iron pot for the garden", n=3)
        assert (shown.bundle, len(shown.items)) == (after.bundle, 3)
        assert running.live().snapshot().bundle.manifest.encoder.startswith("other:")


def test_a_model_that_is_not_there_is_told_by_the_doctor_and_by_opening(folder: Path) -> None:
    (folder / "models" / "ours" / "tokenizer.json").unlink()
    with pytest.raises(ZhiyinError, match=r"tokenizer\.json not there"):
        Zhiyin.open(folder)
    found = doctor(folder)
    assert [one.light for one in found] == ["green", "red"]
    assert "tokenizer.json" in found[1].told
