"""A shop that an endpoint reads too: it pays once, says what it sends, and answers when nobody answers it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from small_shop import shop_in

from zhiyin.data.store.open import open_store
from zhiyin.encoders.pair import at_hand
from zhiyin.errors import BudgetSpent, EndpointFailed, InvalidSettings
from zhiyin.models.meaning import Meaning
from zhiyin.settings import Settings
from zhiyin.settings_file import load_settings
from zhiyin.shop import Zhiyin, encoder_of
from zhiyin.testing.embedding_server import EmbeddingServer, embedding_server
from zhiyin.testing.encoders import HashEncoder
from zhiyin.testing.faulty_server import KEY, Fault
from zhiyin.testing.small import small_catalogue, small_events
from zhiyin.types import FALLBACK, Item, Query
from zhiyin.workflows.doctor import doctor
from zhiyin.workflows.replay import replay
from zhiyin.workflows.train import train

pytestmark = pytest.mark.slow

WISH = Query(text="a knife for the kitchen", n=5)
Open = Callable[..., Zhiyin]


@pytest.fixture
def server() -> Iterator[EmbeddingServer]:
    with embedding_server() as running:
        yield running


@pytest.fixture
def opened(server: EmbeddingServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
    """Opens the shop of a folder as another process would; further settings go with it."""
    monkeypatch.setenv("ZHIYIN_ENCODER__HOSTED__KEY", KEY)
    monkeypatch.setattr("zhiyin.shop.SentenceEncoder", lambda threads: HashEncoder())
    shops = []

    def open_shop(**said: object) -> Zhiyin:
        told = {"url": server.url, "model": "m", "dim": 64, "queries": True, "attempts": 1, "batch": 8} | said
        lines = [
            f"{name} = {str(value).lower() if isinstance(value, bool) else repr(value)}"
            for name, value in told.items()
        ]
        (tmp_path / "zhiyin.toml").write_text("\n".join(['[encoder]\nmodel = "hosted"\n[encoder.hosted]', *lines]))
        shops.append(Zhiyin.open(tmp_path))
        return shops[-1]

    yield open_shop
    for shop in shops:
        shop.store.close()


def filled(shop: Zhiyin) -> Zhiyin:
    shop.put_items(small_catalogue())
    shop.add_events(small_events(60))
    return shop


def test_catalogue_and_wishes_are_read_by_both_and_a_list_comes_out_the_same(
    opened: Open, server: EmbeddingServer, tmp_path: Path
) -> None:
    shop = filled(opened())
    shop.publish(train(shop).bundle)
    meaning = shop.live().snapshot().models["meaning"]
    assert isinstance(meaning, Meaning)
    assert meaning.two
    assert len(meaning.centre) == 128
    sent = len(server.asked)
    shown = shop.answer(WISH)
    assert server.texts[-1] == WISH.text
    assert (shown.mode, bool(shown.reading)) == ("trained", True)
    assert shown.candidates[0][0] == "kitchen/knife"
    shop.answer(WISH)
    assert len(server.asked) == sent + 1, "who asks again is answered from memory"
    server.faults.extend([Fault(500)] * 9)
    again = opened()
    assert replay(again, shown.recommendation_id).differences == ()
    assert len(server.faults) == 9, "nobody was asked"
    manifest = shop.live().snapshot().bundle.manifest
    assert manifest.licences["sentence encoder"].startswith(f"hosted: {server.url}/embeddings m; ")
    for file in tmp_path.rglob("*"):
        assert file.is_dir() or KEY.encode() not in file.read_bytes(), file


@pytest.mark.parametrize("fault", [Fault(500), Fault(401), Fault(body=b"{"), Fault(cut=0)])
def test_a_wish_is_read_at_hand_where_the_endpoint_fails_and_the_answer_says_so(
    opened: Open, server: EmbeddingServer, fault: Fault
) -> None:
    shop = filled(opened())
    shop.publish(train(shop).bundle)
    heard = shop.compute(WISH)
    server.faults.append(fault)
    other = replace(WISH, text="the drum for the music")
    shown = shop.answer(other)
    assert (shown.mode, shown.reading) == (FALLBACK, "")
    assert shown.candidates[0][0] == "music/drum"
    assert replay(shop, shown.recommendation_id).differences == ()
    assert shop.compute(Query("user 3")).mode == "trained", "who types nothing waits for nobody"
    later = opened()
    whole = later.compute(other)
    assert whole.mode == "trained"
    assert whole.items[0].parts["wish_meaning"] != shown.items[0].parts["wish_meaning"]
    assert heard.reading
    assert replay(later, shown.recommendation_id).differences == (), "though it is read now"


def test_a_wish_does_not_wait_longer_than_it_may(opened: Open, server: EmbeddingServer) -> None:
    shop = filled(opened(query_timeout=0.05))
    shop.publish(train(shop).bundle)
    server.faults.append(Fault(silent=True))
    assert shop.compute(WISH).mode == FALLBACK


def test_what_people_type_stays_here_unless_somebody_says_otherwise(opened: Open, server: EmbeddingServer) -> None:
    assert Settings().encoder.hosted.queries is False
    shop = filled(opened(queries=False))
    shop.publish(train(shop).bundle)
    sent = len(server.asked)
    shown = shop.answer(WISH)
    assert (shown.mode, shown.reading) == ("trained", "")
    assert shown.candidates[0][0] == "kitchen/knife"
    assert len(server.asked) == sent


def test_before_a_training_nothing_is_sent_and_after_it_only_what_is_new(
    opened: Open, server: EmbeddingServer
) -> None:
    shop = filled(opened())
    assert shop.answer(WISH).mode == "zero_shot"
    assert not server.asked, "nobody pays for the first question"
    shop.publish(train(shop).bundle)
    sent = len(server.texts)
    shop.put_items([Item("late", "a harpsichord of oak")])
    train(opened())
    assert server.texts[sent:] == ["a harpsichord of oak"]


def test_an_item_that_comes_while_nobody_answers_is_found_and_lists_of_it_come_out_the_same(
    opened: Open, server: EmbeddingServer
) -> None:
    shop = filled(opened())
    shop.publish(train(shop).bundle)
    server.faults.extend([Fault(503)] * 9)
    shop.put_items([Item("late", "A harpsichord for the music", categories=("music",))])
    found = shop.answer(Query(text="harpsichord", n=3))
    assert (found.mode, found.candidates[0][0]) == (FALLBACK, "late")
    server.faults.clear()
    later = opened()
    again = later.answer(Query(text="harpsichord", n=3))
    assert (again.mode, again.candidates[0][0]) == ("trained", "late")
    later.publish(train(later).bundle)
    read = later.answer(Query(text="harpsichord", n=3))
    assert read.candidates[0][0] == "late"
    assert "A harpsichord for the music. music" in server.texts
    for shown in (found, again, read):
        assert replay(later, shown.recommendation_id).differences == ()


def test_a_training_that_the_budget_ends_goes_on_where_it_was(opened: Open, server: EmbeddingServer) -> None:
    texts = sum(len(text) for text in _documents())
    shop = filled(opened(budget_day=texts // 2))
    with pytest.raises(BudgetSpent, match="go on tomorrow"):
        train(shop)
    half = server.texts
    assert 0 < len(half) < len(_documents())
    shop = opened(budget_day=texts + 100)
    shop.publish(train(shop).bundle)
    assert sorted(server.texts) == sorted(_documents()), "each once"
    shop = opened(budget_day=texts)
    assert shop.compute(WISH).mode == FALLBACK
    found = {one.about: one for one in doctor(shop.settings.folder)}
    assert found["budget"].light == "amber"
    assert found["endpoint"].light == "amber"


def _documents() -> set[str]:
    from zhiyin.encoders.base import documents

    return {text for item in small_catalogue() for text in documents(item) if text}


def test_a_training_that_is_killed_pays_for_no_text_twice(
    opened: Open, server: EmbeddingServer, tmp_path: Path
) -> None:
    filled(opened(batch=4, timeout=600.0))
    server.faults.extend([Fault(), Fault(), Fault(silent=True)])
    said = (
        "import sys; from pathlib import Path; from zhiyin.shop import Zhiyin; "
        "from zhiyin.workflows.train import train; train(Zhiyin.open(Path(sys.argv[1])))"
    )
    child = subprocess.Popen([sys.executable, "-c", said, str(tmp_path)])
    server.wait_for(3)
    child.kill()
    child.wait()
    read = {text for body in server.asked[:2] for text in body["input"]}
    sent = len(server.texts)
    assert sent > len(read) > 4
    train(opened(batch=4))
    assert not read & set(server.texts[sent:])


def test_the_server_that_dies_while_a_catalogue_is_read_leaves_what_it_read(
    opened: Open, server: EmbeddingServer
) -> None:
    shop = filled(opened())
    server.faults.extend([Fault(), Fault(cut=20)])
    with pytest.raises(EndpointFailed, match="IncompleteRead"):
        train(shop)
    train(opened())
    assert len(server.texts) == len(_documents()) + 8, "only the batch that was under way went twice"


def test_a_bundle_of_the_encoder_at_hand_serves_until_the_endpoint_has_read(
    opened: Open, server: EmbeddingServer, tmp_path: Path
) -> None:
    alone = shop_in(tmp_path, open_store(f"sqlite:///{tmp_path / 'zhiyin.db'}"))
    with alone:
        filled(alone)
        alone.publish(train(alone).bundle)
    shop = opened()
    assert shop.compute(WISH).mode == "trained"
    assert not server.asked
    assert {one.about: one.light for one in doctor(tmp_path)}["reading"] == "amber"
    shop.publish(train(shop).bundle)
    found = {one.about: one for one in doctor(tmp_path)}
    assert (found["endpoint"].light, found["budget"].light) == ("green", "green")
    assert "64 numbers" in found["endpoint"].told
    assert not any(KEY in one.told for one in found.values())


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("", r"needs encoder\.hosted\.url, encoder\.hosted\.model, encoder\.hosted\.dim"),
        ('[encoder.hosted]\nurl = "ftp://x"\nmodel = "m"\ndim = 3\n', "an address that begins with"),
        ('[encoder.hosted]\nurl = "https://me:word@x"\nmodel = "m"\ndim = 3\n', "without a name"),
        ("[encoder.hosted]\ndim = -3\n", "greater than or equal to 0"),
    ],
)
def test_an_endpoint_that_is_not_one_is_told_before_anything_is_opened(
    written: str, told: str, tmp_path: Path
) -> None:
    (tmp_path / "zhiyin.toml").write_text(f'[encoder]\nmodel = "hosted"\n{written}')
    with pytest.raises(InvalidSettings, match=told):
        encoder_of(load_settings(tmp_path))


def test_rows_of_the_two_are_made_as_loud_as_each_other(opened: Open) -> None:
    shop = filled(opened())
    shop.publish(train(shop).bundle)
    meaning = shop.live().snapshot().models["meaning"]
    assert isinstance(meaning, Meaning)
    assert meaning.loudness == pytest.approx(1.0, abs=1e-4), "both are the same reader here"
    assert np.array_equal(meaning.joined(np.zeros((1, 64), np.float32)), np.zeros((1, 128)))
    assert at_hand(meaning.encoder) is meaning.encoder
