"""How much goes into one request, and about what it costs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

LETTERS_PER_TOKEN = 4  # of text in Latin letters; of others each is about one


def portions(sizes: Sequence[int], most: int, most_characters: int) -> Iterator[list[int]]:
    """Places of texts of these sizes, in order, in groups of at most so many texts and characters; a text is never
    cut in two, so one that is longer than that goes alone."""
    group, held = list[int](), 0
    for place, size in enumerate(sizes):
        if group and (len(group) == most or held + size > most_characters):
            yield group
            group, held = [], 0
        group.append(place)
        held += size
    if group:
        yield group


def tokens_of(text: str) -> int:
    """About how many a model sees."""
    plain = sum(letter < "\u2e80" for letter in text)  # before the scripts of East Asia
    return -(-plain // LETTERS_PER_TOKEN) + len(text) - plain
