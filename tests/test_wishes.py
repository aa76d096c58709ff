"""The made shop before any event: a wish typed in either language finds what a good shop assistant would show."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from zhiyin.data.demo import write_demo
from zhiyin.data.shop.catalogue import Wish, read_wishes
from zhiyin.settings_lists import PolicySettings
from zhiyin.shop import Zhiyin
from zhiyin.workflows.ingest import ingest
from zhiyin.workflows.init import Files, init_project

pytestmark = pytest.mark.slow  # real sockets and models: not in the fast loop

RIGHT, OF = 6, 10


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zhiyin]:
    """The catalogue alone, by the way of everybody's files."""
    folder = tmp_path_factory.mktemp("wishes")
    init_project(folder, Files(items=write_demo("shop", folder).items))
    with Zhiyin.open(folder) as opened:
        ingest(opened.settings, opened.store)
        opened.settings = opened.settings.model_copy(update={"policy": PolicySettings(name="greedy")})
        yield opened


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("wish", read_wishes(), ids=lambda wish: wish.wish_id)
def test_six_of_the_first_ten_are_right(shop: Zhiyin, wish: Wish, language: str) -> None:
    text = wish.en if language == "en" else wish.zh
    answer = shop.recommend(text=text, n=OF)
    assert answer.mode == "zero_shot"
    shown = [place.item_id for place in answer.items]
    wrong = [item_id for item_id in shown if item_id not in wish.answers]
    assert len(shown) - len(wrong) >= RIGHT, f"{text!r}: not among the answers: {wrong}"
