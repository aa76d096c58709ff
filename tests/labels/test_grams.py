"""Words and pieces of words as sparse rows."""

import numpy as np
import pytest

from zhiyin.labels.grams import Grams, pieces


def likeness(one: str, other: str) -> float:
    rows = Grams.fit([one, other], 10_000).encode([one, other]).toarray()
    return float(rows[0] @ rows[1])


def test_a_misspelt_word_shares_pieces_with_the_right_one() -> None:
    assert (
        likeness("cancel my transfer", "cancle my transfr")
        > likeness("cancel my transfer", "please stop it") + 0.2
    )


def test_text_without_spaces_gives_one_to_three_characters() -> None:
    found = set(pieces("手机很好"))
    assert {"手", "手 机", "手机很", "机很好"} <= found
    assert not any(len(piece.replace(" ", "")) > 3 for piece in found)


def test_languages_may_be_mixed() -> None:
    assert {"iphone", "很", "<ip"} <= set(pieces("iPhone很好"))


def test_rows_have_length_one_and_unknown_text_none() -> None:
    grams = Grams.fit(["a blue cup", "a red pot"], 10_000)
    rows = grams.encode(["a blue pot", "", "zzz"]).toarray()
    assert np.linalg.norm(rows, axis=1) == pytest.approx([1.0, 0.0, 0.0])


def test_the_most_frequent_columns_are_kept() -> None:
    grams = Grams.fit(["cup"] * 3 + ["pot"], 3)
    assert len(grams.columns) == 3
    assert grams.encode(["cup"]).nnz > 0
    assert grams.encode(["pot"]).nnz == 0


def test_a_very_long_text_is_read_at_its_beginning() -> None:
    grams = Grams.fit(["cup", "pot"], 100)
    assert grams.encode(["cup " + "x " * 100_000 + " pot"]).nnz == grams.encode(["cup"]).nnz
