"""What every store refuses in the same words."""

from __future__ import annotations

from zhiyin.errors import InvalidData
from zhiyin.types import Recommendation


def check_limit(limit: int) -> None:
    if limit < 0:
        raise InvalidData(f"limit is a number of rows from 0 up, got {limit}")


def check_no_cycle(alias: str, chain: list[str]) -> None:
    """`chain`: the id to merge into, and what that was merged into, and so on."""
    if alias in chain:
        raise InvalidData(
            f"{alias!r} cannot be merged into {chain[0]!r}, which is already merged into it: swap the two"
        )


def check_same(logged: Recommendation, again: Recommendation) -> None:
    """Logging a list twice is harmless; another list under the same id is not."""
    if logged != again:
        raise InvalidData(
            f"recommendation {again.recommendation_id!r} is logged already with other content: use a new id"
        )
