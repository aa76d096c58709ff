"""What policies earned before made-up people, as curves over the rounds."""

from __future__ import annotations

from collections.abc import Callable
from itertools import accumulate

from markupsafe import Markup

from zhiyin.workflows.courses import Course, Simulated, Turn
from zhiyin.workflows.report.drawing import Curve, curves
from zhiyin.workflows.report.figures import Table
from zhiyin.workflows.report.scales import Scale
from zhiyin.workflows.report.wording import number, sentence

STYLES = ("ours", "best", "k0", "k1")  # of the style sheet, one a policy
WRITTEN = 6  # numbers of rounds that stand under a plot, at most


def headline(found: Simulated) -> str:
    """What the whole comes to."""
    if len(found.courses) == 1:
        return f"What {found.courses[0].name} earns"
    gain = found.gain(1)
    if not gain.excludes_zero:
        return "No difference can be told"
    return f"{sentence(found.courses[gain.value > 0].name).rstrip('.')} earns more"


def regret(found: Simulated) -> Markup:
    """Clicks that the best lists would have earned beyond those shown, added up."""
    return _drawn(found, lambda turn: turn.best - turn.worth, "Regret, added up", summed=True)


def earned(found: Simulated) -> Markup:
    """Expected clicks a list, round by round."""
    return _drawn(found, lambda turn: turn.worth / turn.lists, "Clicks a list")


def key(found: Simulated) -> tuple[tuple[str, str], ...]:
    """The style and the name of each policy."""
    return tuple((STYLES[n % len(STYLES)], course.name) for n, course in enumerate(found.courses))


def table(found: Simulated) -> Table:
    """The same as numbers."""
    heads = ("", "clicks a list", "of the best lists", "by chance", "regret a list", "happened")
    return Table("What each policy earned", heads, tuple(_row(course) for course in found.courses))


def _row(course: Course) -> tuple[str, ...]:
    lists = course.total("lists")
    values = [course.total(what) for what in ("worth", "best", "chance")]
    values += [course.regret, course.total("clicks")]
    return (course.name, *(number(value / lists) for value in values))


def _drawn(found: Simulated, value: Callable[[Turn], float], title: str, *, summed: bool = False) -> Markup:
    drawn = []
    for (style, name), course in zip(key(found), found.courses, strict=True):
        values = [value(turn) for turn in course.turns]
        drawn.append(Curve(name, tuple(accumulate(values) if summed else values), style, labelled=False))
    rounds = found.scene.rounds
    every = -(-rounds // WRITTEN)
    names = [str(one) if one % every == 0 or one == 1 else "" for one in range(1, rounds + 1)]
    return curves(names, drawn, Scale.around(height for curve in drawn for height in curve.values), title)
