from __future__ import annotations

from io import StringIO

from rich.console import Console

from zhiyin.cli.progress import Bar, Lines


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_log_gets_a_line_now_and_then_with_the_remaining_time() -> None:
    out, clock = StringIO(), Clock()
    lines = Lines(out, clock)
    lines.start("reading", 100)
    for second in range(1, 11):
        clock.now = 100 + second
        lines.advance(second * 10, f"{second * 10} rows")
    lines.done()
    assert out.getvalue().splitlines() == [
        "reading: 20%, about 8 s left; 20 rows",
        "reading: 70%, about 3 s left; 70 rows",
        "reading: done in 10.0 s",
    ]


def test_what_is_quick_leaves_no_trace() -> None:
    out, clock = StringIO(), Clock()
    for shown in (Lines(out, clock), Bar(Console(file=out, force_terminal=False), clock)):
        shown.start("reading", 100)
        clock.now += 1
        shown.advance(50)
        shown.done()
    assert "reading" not in out.getvalue().replace("reading  ", "")


def test_an_unknown_length_tells_the_time_that_passed() -> None:
    out, clock = StringIO(), Clock()
    lines = Lines(out, clock)
    lines.start("fitting", 0)
    clock.now += 3
    lines.advance(7, "item 7")
    assert out.getvalue() == "fitting: 3 s so far; item 7\n"


def test_a_terminal_gets_a_bar_and_keeps_a_line_of_what_took_long() -> None:
    out, clock = StringIO(), Clock()
    bar = Bar(Console(file=out, force_terminal=True, width=100), clock)
    bar.start("reading texts", 10)
    bar.advance(5, "half")
    clock.now += 4
    bar.done()
    assert "50%" in out.getvalue()
    assert out.getvalue().rstrip().endswith("4.0 s\x1b[0m")


def test_a_task_that_begins_ends_the_one_before() -> None:
    out, clock = StringIO(), Clock()
    lines = Lines(out, clock)
    lines.start("one", 1)
    clock.now += 3
    lines.start("two", 1)
    lines.done()
    lines.done()
    lines.advance(1)
    assert out.getvalue() == "one: done in 3.0 s\n"


def test_a_bar_can_end_before_it_began() -> None:
    bar = Bar(Console(file=StringIO()))
    bar.advance(1)
    bar.done()
