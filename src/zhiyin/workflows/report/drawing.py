"""Plots as inline SVG, a few kinds only: a strip in a table's row, and curves over a few places.

A strip is stretched to the width of its column; strokes keep their width, and a dot is a stroke of no length with
a round end, so it stays round. Names come from anywhere: all text goes through the XML writer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from xml.etree.ElementTree import Element, SubElement, tostring

from markupsafe import Markup

from zhiyin.workflows.report.scales import Scale, digits_for

Tone = Literal["ours", "better", "worse", "even", "moved", "other"]
WIDTH, HEIGHT = 280.0, 165.0  # of curves, in their own units
LEFT, TOP, BOTTOM = 34.0, 10.0, 22.0  # around them
BARE, NAMED = 10.0, 84.0  # right of them, without and with names
APART = 12.0  # between two labels at the end of curves


@dataclass(frozen=True, slots=True)
class Mark:
    """A value on a strip, with its interval if it has one."""

    value: float
    tone: Tone
    low: float | None = None
    high: float | None = None
    title: str = ""


@dataclass(frozen=True, slots=True)
class Curve:
    """Values over the places of an axis."""

    name: str
    values: tuple[float, ...]
    style: str  # a class of the style sheet
    labelled: bool = True


def strip(scale: Scale, marks: Sequence[Mark], title: str, line: float | None = 0.0, most: int = 5) -> Markup:
    """Marks on an axis, the later above the earlier; `line`: where a dashed line stands; `most`: grid lines."""
    svg = Element("svg", {"class": "strip", "viewBox": "0 0 100 10", "preserveAspectRatio": "none", "role": "img"})
    SubElement(svg, "title").text = title
    for tick in scale.ticks(most) if most else ():
        _line(svg, "grid", (scale.at(tick), 0, scale.at(tick), 10))
    if line is not None and scale.low <= line <= scale.high:
        _line(svg, "zero", (scale.at(line), 0, scale.at(line), 10))
    for mark in marks:
        group = SubElement(svg, "g", {"class": f"mark {mark.tone}"})
        if mark.title:
            SubElement(group, "title").text = mark.title
        if mark.low is not None and mark.high is not None:
            _line(group, "whisker", (scale.at(mark.low), 5, scale.at(mark.high), 5))
        for layer in ("dot", "core"):
            SubElement(group, "path", {"class": layer, "d": f"M{scale.at(mark.value)} 5h.001"})
    return _markup(svg)


def shares(parts: Sequence[tuple[float, Tone]], title: str) -> Markup:
    """Parts of a whole side by side, as wide as they are large."""
    svg = Element(
        "svg", {"class": "shares", "viewBox": "0 0 100 10", "preserveAspectRatio": "none", "role": "img"}
    )
    SubElement(svg, "title").text = title
    total, done = sum(size for size, _ in parts) or 1.0, 0.0
    for size, tone in parts:
        place = {"x": f"{100 * done / total:g}", "y": "0", "width": f"{100 * size / total:g}", "height": "10"}
        SubElement(svg, "rect", {"class": f"mark {tone}", **place})
        done += size
    return _markup(svg)


def axis(scale: Scale, *, signed: bool, most: int = 5) -> Markup:
    """The numbers under strips."""
    ticks = scale.ticks(most)
    spans = (
        Markup('<span class="{}" style="left:{}%">{}</span>').format(
            "last" if scale.at(tick) > 90 else "", scale.at(tick), label(tick, digits_for(ticks), signed)
        )
        for tick in ticks
    )
    return Markup('<div class="axis" aria-hidden="true">{}</div>').format(Markup("").join(spans))


def curves(names: Sequence[str], drawn: Sequence[Curve], scale: Scale, title: str) -> Markup:
    """Curves over named places, the later above the earlier, with their names at the end."""
    svg = Element("svg", {"class": "curves", "viewBox": f"0 0 {WIDTH:g} {HEIGHT:g}", "role": "img"})
    SubElement(svg, "title").text = title
    right = WIDTH - (NAMED if any(curve.labelled for curve in drawn) else BARE)
    across = [LEFT + (right - LEFT) * n / max(len(names) - 1, 1) for n in range(len(names))]
    ticks = scale.ticks(4)
    for tick in ticks:
        y = _y(scale, tick)
        _line(svg, "grid", (LEFT, y, right, y))
        _text(svg, "tick end", LEFT - 6, y + 3.5, label(tick, digits_for(ticks)))
    for x, name in zip(across, names, strict=True):
        _text(svg, "tick middle", x, HEIGHT - 6, name)
    for curve in drawn:
        _curve(svg, curve, [(x, _y(scale, value)) for x, value in zip(across, curve.values, strict=True)])
    _end_labels(svg, [curve for curve in drawn if curve.labelled], scale, right + 8)
    return _markup(svg)


def label(value: float, digits: int, signed: bool = False) -> str:
    """A number for people to read, with a real minus; zero has no sign."""
    text = f"{value:+,.{digits}f}" if signed else f"{value:,.{digits}f}"
    if not any(figure in text for figure in "123456789"):
        text = text.lstrip("+-")
    return text.replace("-", "−")


def _curve(svg: Element, curve: Curve, points: Sequence[tuple[float, float]]) -> None:
    group = SubElement(svg, "g", {"class": f"curve {curve.style}"})
    SubElement(group, "title").text = curve.name
    SubElement(group, "polyline", {"points": " ".join(f"{x:.1f},{y:.1f}" for x, y in points)})
    for x, y in points:
        SubElement(group, "circle", {"cx": f"{x:.1f}", "cy": f"{y:.1f}", "r": "2.2"})


def _end_labels(svg: Element, drawn: Sequence[Curve], scale: Scale, x: float) -> None:
    """Beside the last point of each curve, pushed down where two would touch."""
    least = TOP
    for curve in sorted(drawn, key=lambda one: -one.values[-1]):
        least = max(_y(scale, curve.values[-1]) + 3.5, least)
        _text(svg, f"name {curve.style}", x, least, curve.name)
        least += APART


def _y(scale: Scale, value: float) -> float:
    return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * scale.at(value) / 100


def _line(parent: Element, style: str, ends: tuple[float, float, float, float]) -> None:
    places = {name: f"{end:g}" for name, end in zip(("x1", "y1", "x2", "y2"), ends, strict=True)}
    SubElement(parent, "line", {"class": style, **places})


def _text(parent: Element, style: str, x: float, y: float, text: str) -> None:
    SubElement(parent, "text", {"class": style, "x": f"{x:.1f}", "y": f"{y:.1f}"}).text = text


def _markup(svg: Element) -> Markup:
    return Markup(tostring(svg, encoding="unicode", short_empty_elements=False))
