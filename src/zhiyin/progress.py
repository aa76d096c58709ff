"""How long it takes: a seam between the verbs, which know what is done, and what shows it."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """One task after another: `start`, many `advance`, `done`. The unit of `total` is the caller's."""

    def start(self, title: str, total: float) -> None:
        """A task begins; `total` is 0 when its length is unknown."""
        ...

    def advance(self, done: float, note: str = "") -> None:
        """`done` of `total` lie behind (not a difference); `note` says it in the task's own words."""
        ...

    def done(self) -> None: ...


class Silent:
    """Says nothing: for libraries, servers and tests."""

    def start(self, title: str, total: float) -> None:
        pass

    def advance(self, done: float, note: str = "") -> None:
        pass

    def done(self) -> None:
        pass
