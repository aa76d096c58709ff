"""Tokens of many texts: looked up word by word, they are what the tokenizer says of the whole text."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhiyin.encoders import tokens
from zhiyin.encoders.tokens import TokenReader, load_tokenizer
from zhiyin.testing.tables import PIECES, word_pieces

SAID = st.lists(
    st.one_of(
        st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
        st.text("teapots  cup\t\n\r\x0b\x1c\x85\u2028\u3000\ufffd\u0301知音é[SEP]ＴＥＡ 'ſ", max_size=30),
    ),
    max_size=6,
)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("tokens") / "tokenizer.json"
    made.write_bytes(orjson.dumps(word_pieces()))
    return made


@given(texts=SAID)
def test_word_by_word_is_what_the_tokenizer_says_of_the_whole(texts: list[str], path: Path) -> None:
    whole = load_tokenizer(path)
    read = TokenReader(path).read(texts)
    assert len(read) == len(texts)
    for text, found in zip(texts, map(read.__getitem__, range(len(texts))), strict=True):
        assert found.tolist() == whole.encode(text, add_special_tokens=False).ids


def test_words_are_forgotten_when_they_are_too_many_and_read_again(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "MOST_WORDS", 3)
    reader = TokenReader(path)
    for text in ("tea cup", "iron pot", "garden saw", "tea pots", "tea cup"):
        (read,) = (reader.read([text])[0],)
        assert [PIECES[token] for token in read] == text.replace("pots", "pot ##s").split()


def test_nothing_is_cut_although_the_file_asks_for_it(path: Path) -> None:
    assert len(TokenReader(path).read(["tea " * 5_000])[0]) == 5_000


def test_what_looks_beyond_a_space_is_read_whole(tmp_path: Path) -> None:
    """Two words that are one token: lost if each word were asked for by itself."""
    pieces = {"[UNK]": 0, "tea cup": 1, "tea": 2, "cup": 3}
    told = {
        "version": "1.0",
        "added_tokens": [],
        "normalizer": None,
        "pre_tokenizer": None,
        "post_processor": None,
    }
    told |= {"model": {"type": "WordLevel", "vocab": pieces, "unk_token": "[UNK]"}}
    told |= {"truncation": None, "padding": None, "decoder": None}
    (tmp_path / "tokenizer.json").write_bytes(orjson.dumps(told))
    assert TokenReader(tmp_path / "tokenizer.json").read(["tea cup", "cup"]).rows.tolist() == [1, 3]
