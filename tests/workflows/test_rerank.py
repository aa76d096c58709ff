"""`zhiyin train reranker`: it learns nothing of what is asked, and reads only where it is shown to be better."""

from __future__ import annotations

from pathlib import Path

import pytest

from zhiyin.data.dataset import build_dataset
from zhiyin.encoders.cross import STORY, Measured, sha256_of
from zhiyin.encoders.sentence import SentenceEncoder
from zhiyin.errors import InvalidData, MissingExtra, NotPublishable
from zhiyin.evaluation.rereading import Told
from zhiyin.metrics.intervals import Interval
from zhiyin.shop import Zhiyin
from zhiyin.testing.small import small_catalogue, small_events
from zhiyin.testing.tiny_models import tiny_cross, tiny_model
from zhiyin.types import Event, Item
from zhiyin.workflows.rerank import _adopt, reviews_in, story_of_kinds, train_reranker

SETTINGS = """
[cross]
base = "models/tiny"
steps = {steps}
groups = 4
longest = 24
learning_rate = 1e-3
judged = 12
judgements = 1
lists = 100
"""


def shop_in(folder: Path, monkeypatch: pytest.MonkeyPatch, encoder: SentenceEncoder, steps: int = 3) -> Zhiyin:
    monkeypatch.setattr("zhiyin.shop.encoder_of", lambda *_: encoder)
    tiny_model(folder / "models" / "tiny")
    (folder / "zhiyin.toml").write_text(SETTINGS.format(steps=steps))
    shop = Zhiyin.open(folder)
    shop.put_items(small_catalogue())
    return shop


def told(low: float, kind: str = "typed") -> Told:
    gain = Interval(low + 0.01, low, low + 0.02)
    return Told(kind, 60, 0.3, 0.1, 0.1 + gain.value, gain, 0.5)  # type: ignore[arg-type]


def test_only_what_is_shown_to_be_better_has_a_gate() -> None:
    story = story_of_kinds([told(0.01), told(-0.001, "past")], 20, "int8")
    assert story["gates"] == {"typed": 0.3, "past": 0.0}
    assert (story["n"], story["precision"]) == (20, "int8")


def test_reviews_are_found_by_who_wrote_them_and_of_what() -> None:
    events = [
        Event("ann", "a", "review", text="old", order=0),
        Event("ann", "a", "review", text="new", order=1),
        Event("ann", None, "search", text="no review", order=2),
        Event("bob", "b", "click", order=3),
        Event("bob", "gone", "review", text="of nothing", order=4),
    ]
    data = build_dataset([Item("a", title="A"), Item("b", title="B")], events)
    assert reviews_in(events, data) == {(data.users.row("ann"), data.items.row("a")): "new"}


@pytest.mark.slow
def test_setting_and_a_word_to_servers_go_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sentence_encoder: SentenceEncoder
) -> None:
    pytest.importorskip("onnxruntime")
    with shop_in(tmp_path, monkeypatch, sentence_encoder) as shop:
        shown = shop.recommend(text="tea")
        digest = tiny_cross(tmp_path / "rerankers" / "ours", n=20)
        _adopt(shop, {"reranker.model": "rerankers/ours", "reranker.sha256": digest})
        live = shop.publication()
        assert live is not None
        assert (live.bundle, live.reason) == (shown.bundle, "another reranker")
    with Zhiyin.open(tmp_path) as again:
        assert any("cross" in place.parts for place in again.recommend(text="tea").items)
        before = (tmp_path / "zhiyin.toml").read_text()
        monkeypatch.setattr(Zhiyin, "publish", lambda *_: (_ for _ in ()).throw(RuntimeError("no room")))
        with pytest.raises(RuntimeError):
            _adopt(again, {"reranker.model": ""})
        assert (tmp_path / "zhiyin.toml").read_text() == before


@pytest.mark.slow
def test_a_catalogue_without_a_text_teaches_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sentence_encoder: SentenceEncoder
) -> None:
    """Without torch that is missed first."""
    with shop_in(tmp_path, monkeypatch, sentence_encoder) as shop:
        shop.store.delete_items([item.item_id for item in small_catalogue()])
        with pytest.raises((InvalidData, MissingExtra), match=r"catalogue is empty|torch"):
            train_reranker(shop)
        shop.put_items([Item("bare")])
        with pytest.raises((InvalidData, MissingExtra), match=r"title or a text|torch"):
            train_reranker(shop)


def test_without_torch_it_says_what_brings_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sentence_encoder: SentenceEncoder
) -> None:
    def missing(module: str, *, extra: str, also: str = "") -> None:
        raise MissingExtra(f"{module} is not installed: pip install 'zhiyin[{extra}]'")

    with shop_in(tmp_path, monkeypatch, sentence_encoder) as shop:
        monkeypatch.setattr("zhiyin.workflows.adapt.need", missing)
        with pytest.raises(MissingExtra, match="torch is not installed"):
            train_reranker(shop)


@pytest.mark.slow
@pytest.mark.parametrize("n_users", [0, 60], ids=["no event", "events"])
def test_a_reranker_that_is_not_better_leaves_all_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sentence_encoder: SentenceEncoder, n_users: int
) -> None:
    with shop_in(tmp_path, monkeypatch, sentence_encoder) as shop:
        shop.add_events(small_events(n_users))
        before = (tmp_path / "zhiyin.toml").read_text()
        for name in ("ours", "ours-2"):
            with pytest.raises(NotPublishable, match=f"rerankers/{name} stays unused"):
                train_reranker(shop)
            assert set(Measured.of(tmp_path / "rerankers" / name).gates.values()) == {0.0}
        assert (tmp_path / "zhiyin.toml").read_text() == before
        assert shop.publication() is None


@pytest.mark.slow
def test_a_reranker_that_is_better_reads_from_then_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sentence_encoder: SentenceEncoder
) -> None:
    """What is learned is of no matter here: it is said to be better at typed wishes."""
    with shop_in(tmp_path, monkeypatch, sentence_encoder) as shop:
        shop.add_events(small_events(60))
        monkeypatch.setattr("zhiyin.workflows.rerank.tell", _better_at_wishes)
        with_it = train_reranker(shop)
        assert with_it.adopted
        assert with_it.sha256 == sha256_of(tmp_path / "rerankers" / "ours" / STORY)
        assert any("better" in sentence for sentence in with_it.sentences())
    with Zhiyin.open(tmp_path) as again:
        assert again.settings.reranker.model == "rerankers/ours"
        assert any("cross" in place.parts for place in again.recommend(text="seed garden").items)
        assert all("cross" not in place.parts for place in again.recommend(user_id="user 1").items)


def _better_at_wishes(*_: object) -> tuple[Told, ...]:
    return told(0.01), told(-0.02, "past")
