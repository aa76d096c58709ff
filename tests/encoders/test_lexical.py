"""TF-IDF rows against scikit-learn where they are comparable, and what the tokens are."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer

from zhiyin.encoders.lexical import LexicalEncoder, column_of, item_tokens, tokens, words_of
from zhiyin.types import Item, Translation

TITLES = ["red garden lamp", "garden spade", "a red red wine", "lamp oil", "quiet music at night", ""]


def test_titles_of_distinct_words_are_weighted_like_scikit_learn() -> None:
    """With tf = 1 everywhere, log1p(tf) is one constant, so the unit rows are those of TfidfVectorizer with
    a smoothed idf."""
    titles = [" ".join(dict.fromkeys(title.split())) for title in TITLES if title]
    encoder, fitted = LexicalEncoder.fit([Item(f"{n}", title) for n, title in enumerate(titles)])
    rows = encoder.encode_items([Item(f"{n}", title) for n, title in enumerate(titles)])
    other = TfidfVectorizer(ngram_range=(1, 2), token_pattern=r"\w+", smooth_idf=True)
    wanted = other.fit_transform(titles).toarray()
    columns = [column_of(token) for token in other.get_feature_names_out()]
    assert len(set(columns)) == len(columns)
    np.testing.assert_allclose(rows[:, columns].toarray(), wanted, atol=1e-6)
    np.testing.assert_array_equal(fitted.toarray()[:, columns], rows.toarray()[:, columns])


def test_a_weight_is_the_log_of_the_count_times_the_idf() -> None:
    encoder, _ = LexicalEncoder.fit([Item("a", "red red lamp"), Item("b", "lamp")])
    row = encoder.encode_items([Item("a", "red red lamp")]).toarray()[0]
    rare, common = np.log(3 / 2) + 1, np.log(3 / 3) + 1
    wanted = {
        "red": np.log1p(2) * rare,
        "lamp": np.log1p(1) * common,
        "red red": np.log1p(1) * rare,
        "red lamp": np.log1p(1) * rare,
    }
    length = np.sqrt(sum(weight**2 for weight in wanted.values()))
    for token, weight in wanted.items():
        assert row[column_of(token)] == pytest.approx(weight / length, rel=1e-5)


def test_titles_weigh_more_than_labels_and_labels_more_than_text() -> None:
    bag = item_tokens(
        Item("a", "lamp", "garden", categories=("Light",), brand="Acorn", attributes={"colour": "red", "n": 4})
    )
    assert bag["lamp"] > bag["light"] == bag["acorn"] == bag["red"] > bag["garden"]
    assert bag["=light"] == bag["=acorn"] == 0.7
    assert "4" not in bag


def test_translations_are_read_too() -> None:
    bag = item_tokens(Item("a", "lamp", translations={"zh": Translation("红灯", "花园")}))
    assert {"红", "灯", "红 灯", "花", "园"} <= set(bag)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Red LAMP", {"red", "lamp", "red lamp"}),
        ("ＡＢＣ", {"abc"}),
        ("红灯abc", {"红", "灯", "abc", "红 灯", "灯 abc"}),
        ("don't", {"don't"}),
        ("a_b-c", {"a", "b", "c", "a b", "b c"}),
        ("!? …", set()),
        ("x90 🎈 y", {"x90", "y", "x90 y"}),
    ],
)
def test_tokens_are_words_characters_and_pairs(text: str, wanted: set[str]) -> None:
    assert set(tokens(text)) == wanted
    assert words_of(text) == {token for token in wanted if " " not in token}


@pytest.mark.slow
@given(st.lists(st.text(max_size=30), max_size=5))
def test_every_row_has_length_one_or_is_empty(texts: list[str]) -> None:
    encoder, _ = LexicalEncoder.fit([Item("a", "some words")])
    rows = encoder.encode_texts(texts)
    length = np.sqrt(np.asarray((rows * rows).sum(axis=1)))
    told = np.array([bool(words_of(text)) for text in texts], bool)
    np.testing.assert_allclose(length, told.astype(float), atol=1e-5)


def test_a_word_never_seen_has_a_weight_too() -> None:
    encoder, _ = LexicalEncoder.fit([Item("a", "lamp"), Item("b", "lamp")])
    rows = encoder.encode_texts(["lamp zanzibar"]).toarray()[0]
    assert rows[column_of("zanzibar")] > rows[column_of("lamp")] > 0
