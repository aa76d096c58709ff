"""Progress where people look: a bar with the remaining time on a terminal, plain lines in a log.

On the standard error, so that results can be piped. What takes under two seconds leaves no trace.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING, TextIO

from zhiyin.progress import Progress

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

WORTH_TELLING = 2.0  # seconds
EVERY = 5.0  # seconds between two plain lines


def terminal_progress() -> Progress:
    """For this process's standard error."""
    if not sys.stderr.isatty():
        return Lines(sys.stderr)
    from rich.console import Console

    return Bar(Console(stderr=True))


class Bar:
    """A bar, the share, the remaining time, and a note; gone when the task is done."""

    def __init__(self, console: Console, clock: Callable[[], float] = monotonic) -> None:
        self._console, self._clock = console, clock
        self._shown: tuple[RichProgress, TaskID] | None = None
        self._title, self._began = "", 0.0

    def start(self, title: str, total: float) -> None:
        self.done()
        from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as RichProgress

        bar = RichProgress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}", style="dim"),
            console=self._console,
            transient=True,
        )
        self._title, self._began = title, self._clock()
        self._shown = bar, bar.add_task(title, total=total or None, note="")
        bar.start()

    def advance(self, done: float, note: str = "") -> None:
        if self._shown is not None:
            bar, task = self._shown
            bar.update(task, completed=done, note=note)

    def done(self) -> None:
        if self._shown is None:
            return
        self._shown[0].stop()
        self._shown = None
        seconds = self._clock() - self._began
        if seconds >= WORTH_TELLING:
            self._console.print(f"[green]✓[/] {self._title} [dim]{seconds:.1f} s[/]", highlight=False)


class Lines:
    """A line now and then, with the share that is done and the remaining time."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = monotonic) -> None:
        self._stream, self._clock = stream, clock
        self._title, self._total, self._began = "", 0.0, 0.0
        self._told = 0.0  # when the last line was written

    def start(self, title: str, total: float) -> None:
        self.done()
        self._title, self._total = title, total
        self._began = self._clock()
        self._told = self._began + WORTH_TELLING - EVERY

    def advance(self, done: float, note: str = "") -> None:
        now = self._clock()
        if self._title and now - self._told >= EVERY:
            self._told = now
            self._say("; ".join(part for part in (self._share(done, now), note) if part))

    def done(self) -> None:
        seconds = self._clock() - self._began
        if self._title and seconds >= WORTH_TELLING:
            self._say(f"done in {seconds:.1f} s")
        self._title = ""

    def _share(self, done: float, now: float) -> str:
        if not self._total or done <= 0:
            return f"{now - self._began:.0f} s so far"
        left = (now - self._began) * max(self._total / done - 1.0, 0.0)
        return f"{min(done / self._total, 1.0):.0%}, about {left:.0f} s left"

    def _say(self, what: str) -> None:
        self._stream.write(f"{self._title}: {what}\n")
        self._stream.flush()
