"""A shop whose texts are read by a model of its owner's: it trains, answers, and says when that has changed."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from shutil import rmtree

import pytest

from zhiyin import shop as shop_module
from zhiyin.errors import BrokenBundle, InvalidSettings, ZhiyinError
from zhiyin.shop import Zhiyin
from zhiyin.testing.small import small_catalogue, small_events
from zhiyin.testing.tiny_models import tiny_model
from zhiyin.types import Item, Query
from zhiyin.workflows.doctor import doctor
from zhiyin.workflows.evaluate import evaluate_bundle
from zhiyin.workflows.publish import rollback
from zhiyin.workflows.replay import replay
from zhiyin.workflows.train import train

pytestmark = pytest.mark.slow

WISH = Query(text="iron pot for the garden", n=5)


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


def test_what_is_live_goes_on_by_what_it_carries_when_the_model_is_another_one(folder: Path) -> None:
    with Zhiyin.open(folder) as shop:
        shop.put_items(small_catalogue())
        shop.add_events(small_events())
        before = shop.publish(train(shop).bundle).bundle
        shown = shop.answer(WISH)
    tiny_model(folder / "models" / "ours", seed=1)
    with Zhiyin.open(folder) as shop:
        assert replay(shop, shown.recommendation_id).same
    (reading,) = (one for one in doctor(folder) if one.about == "reading")
    assert reading.light == "amber"
    assert "which it carries" in reading.told
    with Zhiyin.open(folder) as shop:
        after = shop.publish(train(shop).bundle).bundle
        assert shop.encoder().fingerprint == shop.encoder(after).fingerprint != shop.encoder(before).fingerprint
        assert shop.compute(WISH).bundle == after


def test_lists_need_neither_the_models_folder_nor_the_graph_made_of_it(tmp_path: Path) -> None:
    folder = tmp_path
    tiny_model(folder / "towers" / "ours")
    (folder / "zhiyin.toml").write_text('[encoder]\nmodel = "towers/ours"\n')
    with Zhiyin.open(folder) as shop:
        shop.put_items(small_catalogue())
        shop.add_events(small_events())
        bundle = shop.publish(train(shop).bundle).bundle
        shown = shop.answer(WISH)
    rmtree(folder / "towers")
    rmtree(folder / "cache")
    with Zhiyin.open(folder) as shop:
        assert replay(shop, shown.recommendation_id).same
        shop.warm_up()
        shop.put_items([Item("late", "an iron saw")])
        assert "late" in {place.item_id for place in shop.recommend(text="iron saw", n=3).items}
        assert evaluate_bundle(shop, bundle).bundle == bundle, "a bundle is measured by its own encoder"
        with pytest.raises(InvalidSettings, match=r"encoder\.model = 'towers/ours' is no folder"):
            train(shop)
    found = {one.about: one for one in doctor(folder)}
    assert found["encoder"].light == "amber"
    assert "lists go on" in found["encoder"].told
    assert found["bundle"].light == "green"


def test_a_bundle_of_the_format_before_needs_the_model_that_it_names(folder: Path) -> None:
    with Zhiyin.open(folder) as shop:
        shop.put_items(small_catalogue())
        shop.add_events(small_events())
        made = folder / "bundles" / train(shop).bundle
    rmtree(made / "encoder")
    told = json.loads((made / "manifest.json").read_bytes())
    files = {name: digest for name, digest in told["files"].items() if "/" not in name}
    text = json.dumps(told | {"format": 2, "files": files}).encode()
    (made / "manifest.json").write_bytes(text)
    old = made.rename(made.with_name(hashlib.sha256(text).hexdigest())).name
    with Zhiyin.open(folder) as shop:
        shop.publish(old)
        assert shop.recommend(text="iron pot", n=3).bundle == old
    rmtree(folder / "models")
    (folder / "zhiyin.toml").write_text('[encoder]\nmodel = "towers/gone"\n')
    with Zhiyin.open(folder) as shop, pytest.raises(BrokenBundle, match=r"carries no encoder: .*no folder"):
        shop.live()
    assert {one.about: one.light for one in doctor(folder)}["bundle"] == "red"


def test_the_way_back_to_a_bundle_of_another_encoder_is_open_while_the_shop_is(folder: Path) -> None:
    """In turns: one that carries its encoder, the one that comes along, another that carries."""
    with Zhiyin.open(folder) as shop:
        shop.put_items(small_catalogue())
        shop.add_events(small_events())
        shop.publish(train(shop).bundle)
        first = shop.answer(WISH)
        for model in ("use", "models/other"):
            if model != "use":
                tiny_model(folder / model, seed=1)
            (folder / "zhiyin.toml").write_text(f'[encoder]\nmodel = "{model}"\n')
            with Zhiyin.open(folder) as beside:
                shop.publish(train(beside).bundle)
            rmtree(folder / "models")
        assert shop.live().folded.bundle.manifest.encoder.startswith("other:")
        rollback(shop)
        assert shop.live().folded.bundle.manifest.encoder.startswith("use-")
        assert shop.recommend(text="iron pot", n=3).items
        rollback(shop)
        assert shop.live().folded.bundle.manifest.encoder.startswith("ours:")
        assert shop.compute(WISH).bundle == first.bundle
        assert replay(shop, first.recommendation_id).same


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
