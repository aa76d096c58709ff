"""Ids outside, rows inside."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from zhiyin.data.vocabulary import PAD, Vocabulary, key_of
from zhiyin.testing.strategies import ids

id_lists = st.lists(ids, max_size=20)


@given(id_lists)
def test_rows_and_ids_are_each_others_inverse(names: list[str]) -> None:
    vocabulary = Vocabulary.hashed(names)
    assert set(vocabulary) == set(names)
    assert len(vocabulary) == len(set(names))
    assert [vocabulary[row] for row in vocabulary.rows(names)] == names
    assert vocabulary.rows(vocabulary).tolist() == list(range(len(vocabulary)))
    assert all(vocabulary.row(name) == row for row, name in enumerate(vocabulary))
    assert vocabulary.keys.tolist() == [key_of(name) for name in vocabulary]


@given(id_lists, st.randoms())
def test_hashed_rows_do_not_depend_on_the_order_of_arrival(names: list[str], random: object) -> None:
    shuffled = sorted(names, key=lambda _: random.random())  # type: ignore[attr-defined]
    assert list(Vocabulary.hashed(shuffled)) == list(Vocabulary.hashed(names))
    keys = Vocabulary.hashed(names).keys
    assert (keys[:-1] <= keys[1:]).all()


@given(id_lists, id_lists)
def test_extending_keeps_the_rows_and_appends_what_is_new_once(names: list[str], more: list[str]) -> None:
    vocabulary = Vocabulary.hashed(names)
    longer = vocabulary.extended([*more, *more])
    assert list(longer)[: len(vocabulary)] == list(vocabulary)
    assert list(longer)[len(vocabulary) :] == [name for name in dict.fromkeys(more) if name not in vocabulary]


def test_an_unknown_id_has_no_row() -> None:
    vocabulary = Vocabulary(["b", "a"])
    assert vocabulary.row("c") == PAD
    assert vocabulary.rows(["a", "c", "b"]).tolist() == [1, PAD, 0]
    assert "c" not in vocabulary
    assert vocabulary.rows([]).shape == (0,)
    assert vocabulary.rows([]).dtype == np.int32


def test_the_key_of_an_id_never_changes() -> None:
    assert key_of("知音") == 10614091765158713800
    assert key_of("a") != key_of("b")


def test_row_numbers_do_not_follow_the_ids() -> None:
    names = [f"{n:05d}" for n in range(2_000)]
    rows = Vocabulary.hashed(names).rows(names)
    assert abs(np.corrcoef(rows, np.arange(2_000))[0, 1]) < 0.1
