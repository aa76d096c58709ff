"""Titles that say nearly the same are found, whatever the language, and no others."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zhiyin.encoders.twins import SIMILAR, twins

TITLES = ["The Lord of the Rings: The Two Towers", "三体全集（珍藏版）典藏纪念", "Garden hose 20 m", "", "!!"]


def test_other_spellings_of_a_title_are_its_twins() -> None:
    some = ["the lord of the rings - the two towers", "三体全集珍藏版典藏纪念", "Piano lamp", "Garden hose, 20m!"]
    assert twins(some, TITLES) == [(0, 0), (1, 1), (3, 2)]


def test_a_title_without_words_is_like_none() -> None:
    assert twins(["", "?!", "  "], TITLES) == []
    assert twins(TITLES, []) == []
    assert twins([], TITLES) == []


def test_of_many_slightly_changed_titles_none_is_missed() -> None:
    rng = np.random.default_rng(6)
    titles = ["".join(rng.choice(list("abcdefghijklmnop"), 60)) for _ in range(400)]
    changed = [title[:30] + "z" + title[31:] for title in titles]  # 55 of 61 pieces stay
    assert twins(changed, titles) == [(n, n) for n in range(400)]


def pieces(title: str) -> set[str]:
    said = "".join(c for c in title.casefold() if c.isalnum())
    return {said[at : at + 3] for at in range(max(len(said) - 2, 1))} if said else set()


@pytest.mark.slow
@settings(derandomize=True)  # MinHash may miss, once in 100,000 pairs
@given(
    st.lists(st.text("ab c", max_size=12), max_size=6),
    st.lists(st.text("ab c", max_size=12), max_size=6),
)
def test_what_is_found_is_what_comparing_all_pairs_finds(some: list[str], others: list[str]) -> None:
    alike = np.zeros((len(some), len(others)), bool)
    for a, one in enumerate(some):
        for b, other in enumerate(others):
            both, either = pieces(one) & pieces(other), pieces(one) | pieces(other)
            alike[a, b] = bool(both) and len(both) >= SIMILAR * len(either)
    found = twins(some, others)
    assert all(alike[pair] for pair in found)
    assert {a for a, _ in found} == set(np.flatnonzero(alike.any(axis=1)).tolist())
