"""A shop in which a cross-encoder reads: its part is in the sum, the list can be replayed, and only what was
measured is served."""

from __future__ import annotations

from pathlib import Path

import pytest

from zhiyin.encoders.cross import STORY
from zhiyin.encoders.sentence import SentenceEncoder
from zhiyin.errors import BrokenBundle, InvalidSettings
from zhiyin.recommender import Recommender
from zhiyin.service.why import why
from zhiyin.shop import Zhiyin
from zhiyin.testing.small import small_catalogue, small_events
from zhiyin.testing.tiny_models import tiny_cross
from zhiyin.types import Event, Query, Recommendation
from zhiyin.workflows.replay import replay
from zhiyin.workflows.trace import trace

pytestmark = pytest.mark.slow

pytest.importorskip("onnxruntime")
N = 6
SETTINGS = """
[policy]
name = "greedy"
[ranking]
diversity = 0.0
[reranker]
model = "{model}"
sha256 = "{sha256}"
n = {n}
"""


def shop_in(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    encoder: SentenceEncoder,
    gates: tuple[float, float] = (0.5, 0.5),
) -> Zhiyin:
    monkeypatch.setattr("zhiyin.shop.encoder_of", lambda *_: encoder)
    digest = tiny_cross(folder / "rerankers" / "ours", *gates, n=N)
    (folder / "zhiyin.toml").write_text(SETTINGS.format(model="rerankers/ours", sha256=digest, n=N))
    return opened(folder)


def opened(folder: Path) -> Zhiyin:
    shop = Zhiyin.open(folder)
    shop.put_items(small_catalogue())
    shop.add_events(small_events())
    return shop


def off(folder: Path) -> None:
    (folder / "zhiyin.toml").write_text(SETTINGS.format(model="", sha256="", n=N))


def answers(shop: Zhiyin, *queries: Query) -> list[Recommendation]:
    return [shop.answer(query) for query in queries]


ASKED = (Query(text="warm tea", n=12), Query(user_id="user 3", n=12))


@pytest.mark.parametrize("query", ASKED, ids=["typed", "past"])
def test_the_first_candidates_are_lifted_and_no_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sentence_encoder: SentenceEncoder, query: Query
) -> None:
    with shop_in(tmp_path, monkeypatch, sentence_encoder) as shop:
        with_it = shop.answer(query)
        heard = shop.recommender()
    off(tmp_path)
    with opened(tmp_path) as shop:
        without = shop.answer(query)
    assert heard._shape.reranker is not None
    first, rest = with_it.items[:N], with_it.items[N:]
    assert {place.item_id for place in first} == {place.item_id for place in without.items[:N]}
    assert [place.item_id for place in rest] == [place.item_id for place in without.items[N:]]
    parts = [place.parts.get("cross", 0.0) for place in with_it.items]
    assert sorted(parts)[: -N + 1] == [0.0] * (len(parts) - N + 1)
    assert max(parts) > 0
    for place in with_it.items:
        assert place.score == pytest.approx(sum(place.parts.values()))
    removed = {place.item_id: place.score - place.parts.get("cross", 0.0) for place in with_it.items}
    assert removed == pytest.approx({place.item_id: place.score for place in without.items}), (
        "a part can be left out"
    )
    assert any(reason.channel == "cross" for place in with_it.items for reason in place.reasons)
    assert with_it.settings != without.settings


def test_a_list_that_was_read_is_replayed_bit_for_bit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sentence_encoder: SentenceEncoder
) -> None:
    with shop_in(tmp_path, monkeypatch, sentence_encoder) as shop:
        shown = answers(shop, *ASKED, ASKED[0])
        shop.add_events([Event("user 3", "music/drum", "review", text="loud", event_id="later")])
        assert why(shop, shop.live(), shown[1], shown[1].items[0].item_id).reproduced
        again = shop.settings.model_copy(
            update={"reranker": shop.settings.reranker.model_copy(update={"threads": 3})}
        )
        threaded = Zhiyin(again, shop.store, sentence_encoder)
        for one in shown:
            for reader in (shop, threaded):
                assert replay(reader, one.recommendation_id).differences == ()
    off(tmp_path)
    with Zhiyin.open(tmp_path) as shop, pytest.raises(InvalidSettings, match="put"):
        replay(shop, shown[0].recommendation_id)


def test_what_was_written_about_a_thing_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sentence_encoder: SentenceEncoder
) -> None:
    with shop_in(tmp_path, monkeypatch, sentence_encoder) as shop:
        asked = []
        real = Recommender._asked

        def noted(self: Recommender, *given: object) -> object:
            asked.append(real(self, *given))
            return asked[-1]

        monkeypatch.setattr(Recommender, "_asked", noted)
        shop.add_events([Event("ann", "garden/spade", "review", value=5.0, text="warm wood")])
        shop.add_events([Event("ann", "kitchen/pan", "click")])
        shop.recommend(user_id="ann")
        assert asked[-1].text == "pan for the kitchen; spade for the garden: warm wood"


@pytest.mark.parametrize("scenario", ["similar", "trending", "latest"])
def test_other_scenarios_are_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sentence_encoder: SentenceEncoder, scenario: str
) -> None:
    with shop_in(tmp_path, monkeypatch, sentence_encoder) as shop:
        (shown,) = answers(shop, Query(like=("music/drum",), text="tea", scenario=scenario, n=12))
        assert all("cross" not in place.parts for place in shown.items)


def test_pasts_are_not_even_worded_where_they_gained_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sentence_encoder: SentenceEncoder
) -> None:
    with shop_in(tmp_path, monkeypatch, sentence_encoder, gates=(0.5, 0.0)) as shop:
        typed, past = answers(shop, *ASKED)
        assert any("cross" in place.parts for place in typed.items)
        assert all("cross" not in place.parts for place in past.items)


def test_a_trace_tells_the_same_as_the_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sentence_encoder: SentenceEncoder
) -> None:
    with shop_in(tmp_path, monkeypatch, sentence_encoder) as shop:
        (shown,) = answers(shop, ASKED[0])
        for place in shown.items:
            assert trace(shop, ASKED[0], place.item_id).parts == pytest.approx(place.parts)


def test_a_folder_that_was_not_measured_or_was_changed_is_not_served(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sentence_encoder: SentenceEncoder
) -> None:
    shop_in(tmp_path, monkeypatch, sentence_encoder).store.close()
    toml = (tmp_path / "zhiyin.toml").read_text()
    (tmp_path / "zhiyin.toml").write_text(toml.replace(f"n = {N}", "n = 40"))
    with Zhiyin.open(tmp_path) as shop, pytest.raises(InvalidSettings, match=f"measured were {N}"):
        shop.warm_up()
    (tmp_path / "zhiyin.toml").write_text(toml)
    story = tmp_path / "rerankers" / "ours" / STORY
    story.write_bytes(story.read_bytes().replace(b"0.5", b"5.0"))
    with Zhiyin.open(tmp_path) as shop, pytest.raises(BrokenBundle, match=r"reranker\.sha256"):
        shop.recommend(text="tea")


def test_a_server_takes_up_another_reranker_with_the_next_publication(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sentence_encoder: SentenceEncoder
) -> None:
    monkeypatch.setattr("zhiyin.shop.LOOK_AGAIN", 0.0)
    with shop_in(tmp_path, monkeypatch, sentence_encoder) as shop:
        before = shop.recommend(text="tea")
        off(tmp_path)
        assert shop.recommend(text="tea").settings == before.settings
        with Zhiyin.open(tmp_path) as other:
            other.publish(before.bundle, "another reranker")
        after = shop.recommend(text="tea")
        assert after.settings != before.settings
        assert all("cross" not in place.parts for place in after.items)


def test_a_backup_takes_along_who_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sentence_encoder: SentenceEncoder
) -> None:
    from zhiyin.workflows.backup import backup, restore

    with shop_in(tmp_path / "shop", monkeypatch, sentence_encoder) as shop:
        before = shop.answer(ASKED[0])
        backup(shop, tmp_path / "kept.tar.gz")
    restore(tmp_path / "kept.tar.gz", tmp_path / "again")
    with Zhiyin.open(tmp_path / "again") as shop:
        assert replay(shop, before.recommendation_id).differences == ()
