"""One sentence is enough: the made shop before any event, and a person of whom nothing is known but that sentence.

Nothing is typed: the sentence stands in their profile, and the usual list follows it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from zhiyin.data.demo import write_demo
from zhiyin.data.shop.catalogue import Wish, read_wishes
from zhiyin.profile.edits import Edit
from zhiyin.settings_lists import PolicySettings
from zhiyin.shop import Zhiyin
from zhiyin.types import Event, Recommendation
from zhiyin.workflows.ingest import ingest
from zhiyin.workflows.init import Files, init_project
from zhiyin.workflows.profile import edit_profile

pytestmark = pytest.mark.slow  # the real encoder

NOON = datetime(2026, 2, 1, 12, tzinfo=UTC)
RIGHT, OF = 6, 10


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zhiyin]:
    """The catalogue alone, by the way of everybody's files."""
    folder = tmp_path_factory.mktemp("said")
    init_project(folder, Files(items=write_demo("shop", folder).items))
    with Zhiyin.open(folder) as opened:
        ingest(opened.settings, opened.store)
        opened.settings = opened.settings.model_copy(update={"policy": PolicySettings(name="greedy")})
        yield opened


def after_saying(shop: Zhiyin, user_id: str, sentence: str) -> Recommendation:
    edit_profile(shop, shop.live(), user_id, [Edit(sentence)], NOON)
    return shop.recommend(user_id=user_id, n=OF)


def shown(answer: Recommendation) -> list[str]:
    return [place.item_id for place in answer.items]


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("wish", read_wishes(), ids=lambda wish: wish.wish_id)
def test_six_of_the_first_ten_are_right_for_who_said_one_sentence(shop: Zhiyin, wish: Wish, language: str) -> None:
    sentence = wish.en if language == "en" else wish.zh
    answer = after_saying(shop, f"{language} {wish.wish_id}", sentence)
    assert answer.mode == "zero_shot"
    wrong = [item_id for item_id in shown(answer) if item_id not in wish.answers]
    assert OF - len(wrong) >= RIGHT, f"{sentence!r}: not among the answers: {wrong}"
    assert answer.items[0].parts["profile"] > 0
    assert any(reason.channel == "profile" for reason in answer.items[0].reasons)


@pytest.mark.parametrize(
    ("sentence", "never"),
    [("I like good coffee at home, no decaf", "decaf"), ("喜欢在家冲咖啡，不要低因", "低因")],
)
def test_what_a_sentence_never_wants_is_not_there(shop: Zhiyin, sentence: str, never: str) -> None:
    user, told = f"never {never}", after_saying(shop, f"never {never}", sentence)
    items = [shop.item(item_id) for item_id in shown(told)]
    assert sum("coffee" in item.item_id for item in items) >= RIGHT
    texts = [" ".join((i.title, i.text, *(f"{t.title} {t.text}" for t in i.translations.values()))) for i in items]
    assert not any(never in text.lower() for text in texts)
    assert any(
        "decaf" in item_id for item_id in shown(after_saying(shop, f"{user} no more", "good coffee at home"))
    )


def test_a_sentence_still_counts_beside_the_first_things_that_were_liked(shop: Zhiyin) -> None:
    shop.add_events([Event("few", "garden-kids-tool-set", "like", at=NOON)])
    before = shown(shop.recommend(user_id="few", n=OF))
    after = shown(after_saying(shop, "few", "better coffee at home"))
    assert sum("coffee" in item_id for item_id in before) < sum("coffee" in item_id for item_id in after) < OF
