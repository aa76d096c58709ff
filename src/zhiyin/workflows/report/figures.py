"""A plot that is a table: names, strips on one scale, and the numbers that they show."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from markupsafe import Markup

from zhiyin.evaluation.record import Gain, Gap, Section
from zhiyin.workflows.report.drawing import Mark, Tone, axis, strip
from zhiyin.workflows.report.scales import Scale
from zhiyin.workflows.report.wording import between, bounds_of, number, peer_title, tone_of

GROUPS = (
    ("How often others had taken what was wanted", ("warm items", "cold items", "support ")),
    ("How much the person had done before", ("history ",)),
)
REST = "What is known of the person"
NEW = "New items and new people, hidden on purpose and fitted apart"
Part = TypeVar("Part")


@dataclass(frozen=True, slots=True)
class Cell:
    """What a strip shows, as text."""

    text: str
    note: str = ""  # smaller, below


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a figure."""

    name: str
    plots: tuple[Markup, ...]
    numbers: tuple[Cell, ...]
    note: str = ""
    style: str = ""


@dataclass(frozen=True, slots=True)
class Figure:
    """Plots and numbers side by side; `title` is what a screen reader says first."""

    title: str
    plot_heads: tuple[str, ...]
    number_heads: tuple[str, ...]
    rows: tuple[Row, ...]
    axes: tuple[Markup, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Numbers alone."""

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Headline:
    """What a reader who has a minute should know."""

    tone: Tone
    words: str
    value: str
    value_note: str
    gain: str
    gain_note: str


def grouped(parts: Mapping[str, Part]) -> Iterator[tuple[str, dict[str, Part]]]:
    """Buckets by what they divide, with a title; groups without any are left out."""
    left = dict(parts)
    for title, prefixes in (*GROUPS, (REST, ("",))):
        if chosen := {name: left.pop(name) for name in list(left) if name.startswith(prefixes)}:
            yield title, chosen


def forest(title: str, head: str, gains: Mapping[str, Gain], *, more_is_better: bool = True) -> Figure:
    """Differences with their intervals by name, largest first, around a dashed zero."""
    scale = Scale.around(value for gain in gains.values() for value in (gain.low, gain.high))
    ordered = sorted(gains.items(), key=lambda pair: -pair[1].value)
    return Figure(
        title,
        (head,),
        ("difference, 95 % interval",),
        tuple(forest_row(name, gain, scale, more_is_better=more_is_better) for name, gain in ordered),
        (axis(scale, signed=True),),
    )


def forest_row(
    name: str, gain: Gain, scale: Scale, *, more_is_better: bool = True, note: str = "", most: int = 5
) -> Row:
    tone = tone_of(gain, more_is_better=more_is_better)
    told = f"{name}: {number(gain.value, signed=True)} {between(bounds_of(gain), signed=True)}"
    return Row(
        name,
        (strip(scale, [Mark(gain.value, tone, gain.low, gain.high)], told, most=most),),
        (difference_cell(gain),),
        note,
        tone,
    )


def difference_cell(gain: Gain | Gap) -> Cell:
    """A difference above its interval."""
    return Cell(number(gain.value, signed=True), between(bounds_of(gain), signed=True))


def levels_scale(sections: Iterable[Section], metric: str) -> Scale:
    """One axis for our numbers and those of the best baselines."""
    values: list[float] = []
    for part in sections:
        if metric in part.ours:
            values += [*part.interval[metric], part.peers[part.best_peer(metric)][metric]]
    return Scale.around(values)


def level_strip(name: str, part: Section, metric: str, scale: Scale) -> Markup:
    """Ours with its interval, and the best baseline."""
    best = part.best_peer(metric)
    low, high = part.interval[metric]
    theirs = part.peers[best][metric]
    told = (
        f"{name}: zhiyin {number(part.ours[metric])} {between((low, high))}, {peer_title(best)} {number(theirs)}"
    )
    marks = [
        Mark(theirs, "other", title=f"{peer_title(best)} {number(theirs)}"),
        Mark(part.ours[metric], "ours", low, high, f"zhiyin {number(part.ours[metric])} {between((low, high))}"),
    ]
    return strip(scale, marks, told)
