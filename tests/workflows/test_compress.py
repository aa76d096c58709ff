"""`zhiyin compress` from a shop to a tower that the shop can name, with a report that says what it costs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import orjson
import pytest

from zhiyin.data.store.memory import MemoryStore
from zhiyin.encoders.language import LanguageEncoder
from zhiyin.encoders.static import StaticEncoder
from zhiyin.errors import InvalidData, InvalidSettings, ZhiyinError
from zhiyin.settings import EncoderSettings, Settings
from zhiyin.shop import Zhiyin, encoder_of
from zhiyin.testing.small import small_catalogue, small_events
from zhiyin.testing.tiny_models import tiny_model
from zhiyin.training.distil.compressing import Smaller
from zhiyin.training.distil.recipe import Teaching
from zhiyin.types import Query
from zhiyin.workflows.compress import Wishes, compress

pytestmark = pytest.mark.slow

UNTAUGHT = Teaching(minutes=0)


def shop_in(folder: Path, *, model: str = "tiny", events: bool = True) -> Zhiyin:
    tiny_model(folder / "tiny")
    settings = Settings(folder=folder, encoder=EncoderSettings(model=model))
    shop = Zhiyin(settings, MemoryStore(), encoder_of(settings))
    shop.put_items(small_catalogue())
    if events:
        shop.add_events(small_events())
    return shop


def named(folder: Path, tower: str) -> Settings:
    return Settings(folder=folder, encoder=EncoderSettings(model=tower))


def test_a_table_is_made_named_and_serves(tmp_path: Path) -> None:
    shop = shop_in(tmp_path)
    found = compress(shop, Wishes("table", static=8))
    assert [step.name for step in found.steps] == ["teacher", "int8", "static"]
    teacher, _, table = found.steps
    assert (teacher.cosine, teacher.agreement) == (pytest.approx(1.0), 1.0)
    assert 0 < table.cosine <= 1
    assert table.megabytes < teacher.megabytes
    assert all(0 <= step.quality <= 1 for step in found.steps)
    reader = encoder_of(named(tmp_path, found.tower))
    assert isinstance(reader, StaticEncoder)
    with Zhiyin(named(tmp_path, found.tower), MemoryStore(), reader) as served:
        served.put_items(small_catalogue())
        assert len(served.compute(Query(text="tea", n=3)).items) == 3


def test_a_smaller_net_goes_step_by_step_without_torch(tmp_path: Path) -> None:
    shop = shop_in(tmp_path)
    smaller = Smaller(layers=1, common=0, sparsity=0.5, teaching=UNTAUGHT)
    found = compress(shop, Wishes("net", smaller=smaller))
    assert [step.name for step in found.steps] == ["teacher", "int8", "layers", "tokens", "zeros"]
    sizes = [step.megabytes for step in found.steps]
    assert sizes[2] < sizes[1]
    assert sizes[3] < sizes[2]
    assert any("divided otherwise" in note for note in found.notes)
    assert any("not a CPU faster" in note for note in found.notes)
    reader = encoder_of(named(tmp_path, found.tower))
    assert isinstance(reader, LanguageEncoder)
    assert np.isfinite(reader.encode(["the pot", "", "知音"])).all()
    kept = orjson.loads((tmp_path / found.tower / "report.json").read_bytes())
    assert [step["name"] for step in kept["steps"]] == [step.name for step in found.steps]
    assert kept["model"] == "tiny"
    assert not [path for path in (tmp_path / "towers").iterdir() if path.name.startswith(".")]


def test_without_events_nobody_can_be_asked_and_that_is_told(tmp_path: Path) -> None:
    found = compress(shop_in(tmp_path, events=False), Wishes("table", static=4))
    assert all(np.isnan(step.quality) for step in found.steps)
    assert found.task == "not asked: too few events"
    assert orjson.loads(found.to_json())["steps"][0]["quality"] is None


def test_a_smaller_net_is_taught_by_two(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    tiny_model(tmp_path / "other", seed=4)
    smaller = Smaller(layers=1, teaching=Teaching(minutes=1, steps=20, batch=16))
    found = compress(shop_in(tmp_path), Wishes("net", smaller=smaller, others=("other",)))
    names = [step.name for step in found.steps]
    assert names == ["teacher", "int8", "teacher 2", "ensemble", "layers", "taught"]
    one, _, two, both = found.steps[:4]
    assert np.isnan([two.cosine, both.cosine]).all(), "they are of other spaces"
    assert both.megabytes == pytest.approx(one.megabytes + two.megabytes)
    assert "taught by 2" in found.steps[-1].told
    assert not list((tmp_path / "cache").glob("unfinished/*")), "what a kill would have gone on from is gone"


def test_a_net_of_the_same_size_is_taught_by_several_and_what_cannot_be_is_told_by_its_own_options(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pytest.importorskip("torch")
    tiny_model(tmp_path / "other", seed=4)
    smaller = Smaller(teaching=Teaching(minutes=0.01, steps=10**6, batch=16))
    found = compress(shop_in(tmp_path), Wishes("net", smaller=smaller, others=("other", "tiny")))
    assert found.steps[-1].name == "taught"
    assert "taught by 3" in found.steps[-1].told
    assert "more --minutes" in caplog.text
    assert "tower." not in caplog.text


@pytest.mark.parametrize(
    ("wishes", "told"),
    [
        (Wishes("x"), "say how"),
        (Wishes("x", static=4, smaller=Smaller(layers=1)), "a table has no layers"),
        (Wishes("x", static=4, others=("tiny",)), "one teacher"),
        (Wishes("x", smaller=Smaller(teaching=UNTAUGHT), others=("tiny",)), "in 0 minutes nobody teaches"),
        (Wishes("x", static=-1), "one column or more"),
        (Wishes("../x", static=4), "plain name"),
        (Wishes("x", model="use", static=4), "of the BERT family a smaller one"),
        (Wishes("x", smaller=Smaller(layers=2)), "keep 1 to 1"),
        (Wishes("x", smaller=Smaller(sparsity=1.5, teaching=UNTAUGHT)), "share"),
        (Wishes("x", model="nothing", static=4), "no folder"),
    ],
)
def test_wishes_that_cannot_be_are_told_and_leave_nothing(wishes: Wishes, told: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings, match=told):
        compress(shop_in(tmp_path), wishes)
    assert not list(tmp_path.glob("towers/*"))


def test_a_taken_name_a_table_and_an_empty_shop_are_told(tmp_path: Path) -> None:
    shop = shop_in(tmp_path, events=False)
    compress(shop, Wishes("table", static=4))
    before = (tmp_path / "towers" / "table" / "model.safetensors").read_bytes()
    with pytest.raises(InvalidSettings, match="is there already"):
        compress(shop, Wishes("table", static=4))
    with pytest.raises(InvalidData, match="the smallest there is"):
        compress(shop, Wishes("again", model="towers/table", static=4))
    settings = named(tmp_path, "tiny")
    with pytest.raises(ZhiyinError, match="catalogue is empty"):
        compress(Zhiyin(settings, MemoryStore(), encoder_of(settings)), Wishes("none", static=4))
    assert (tmp_path / "towers" / "table" / "model.safetensors").read_bytes() == before
