"""How many characters an endpoint may be sent: counted on disk, so that no restart forgets what a day cost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

import orjson

from zhiyin.endpoints.named import Named
from zhiyin.errors import BudgetSpent
from zhiyin.files import alone, appearing


def today_in_utc() -> date:
    """Days of a budget begin at midnight, UTC."""
    return datetime.now(UTC).date()


@dataclass(frozen=True, slots=True)
class Spent:
    """What was sent on a day, or in a run."""

    day: str
    characters: int = 0
    requests: int = 0

    def and_one_of(self, characters: int) -> Spent:
        """With another request."""
        return replace(self, characters=self.characters + characters, requests=self.requests + 1)


class Budget:
    """One a shop; processes that share the file share the day."""

    def __init__(
        self,
        file: Path,
        named: Named,
        per_day: int,
        per_run: int | None = None,
        today: Callable[[], date] = today_in_utc,
    ) -> None:
        """`per_day`, `per_run`: characters; a run is the life of this object."""
        self._file, self._named, self._per_day, self._per_run, self._today = file, named, per_day, per_run, today
        self._run = Spent("")

    def take(self, characters: int) -> None:
        """Count a request before it is sent, for who fails to answer may still charge.

        Raises BudgetSpent, counting nothing, where it would be more than is left.
        """
        with self._alone():
            if self._per_run is not None and self._run.characters + characters > self._per_run:
                raise BudgetSpent(
                    f"this run may send {self._per_run:,} characters and has sent {self._run.characters:,}: run "
                    f"it again to go on, or raise {self._named.setting('budget_run')}"
                )
            spent = self.spent()
            if spent.characters + characters > self._per_day:
                raise BudgetSpent(
                    f"{self._per_day:,} characters may be sent a day and {spent.characters:,} were: go on "
                    f"tomorrow (UTC), or raise {self._named.setting('budget_day')}"
                )
            with appearing(self._file) as draft:
                draft.write_bytes(orjson.dumps(spent.and_one_of(characters)))
            self._run = self._run.and_one_of(characters)

    def spent(self) -> Spent:
        """Today. Raises BudgetSpent for a file that cannot be read: it is safer to ask."""
        day = self._today().isoformat()
        if not self._file.exists():
            return Spent(day)
        try:
            found = Spent(**orjson.loads(self._file.read_bytes()))
        except (orjson.JSONDecodeError, TypeError) as error:
            raise BudgetSpent(f"{self._file} cannot be read ({error}): delete it to begin the day anew") from error
        return found if found.day == day else Spent(day)

    @property
    def left(self) -> int:
        """Characters that may still be sent, today and in this run."""
        day = self._per_day - self.spent().characters
        return max(0, day if self._per_run is None else min(day, self._per_run - self._run.characters))

    @property
    def run(self) -> Spent:
        """What was sent since this object is."""
        return self._run

    @property
    def per_day(self) -> int:
        return self._per_day

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One process and one thread at a time; the lock goes when its file is closed, also by a kill."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with alone(self._file.with_suffix(".lock")):
            yield
