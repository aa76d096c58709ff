"""Lines over rounds as one SVG file that stands alone: panels side by side, a logarithmic axis, a legend below."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element, SubElement, tostring

import numpy as np

COLOURS = ("#0b6e99", "#7fb6cc", "#b3541e", "#d9a066", "#777777", "#aaaaaa")  # ours first
WIDTH, HEIGHT, LEFT, TOP, GAP = 400.0, 260.0, 56.0, 34.0, 24.0
LEGEND = 18.0  # a line of it
TICKS = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)
FONT = {"font-family": "system-ui, sans-serif", "font-size": "12", "fill": "#222222"}


@dataclass(frozen=True, slots=True)
class Line:
    name: str
    values: np.ndarray  # (n,) above 0


def plotted(panels: Mapping[str, Sequence[Line]], across: str, up: str) -> str:
    """An SVG document; the same name has the same colour in every panel."""
    names = list(dict.fromkeys(line.name for lines in panels.values() for line in lines))
    colours = dict(zip(names, COLOURS, strict=False))
    whole = LEFT + len(panels) * (WIDTH + GAP)
    bottom = TOP + HEIGHT + 44.0
    high = bottom + LEGEND * ((len(names) + 1) // 2) + 6.0
    size = {"width": f"{whole:g}", "height": f"{high:g}", "viewBox": f"0 0 {whole:g} {high:g}"}
    svg = Element("svg", {"xmlns": "http://www.w3.org/2000/svg", "role": "img", **size})
    SubElement(svg, "title").text = f"{up}, by {across}"
    SubElement(svg, "rect", {"width": "100%", "height": "100%", "fill": "#ffffff"})
    values = np.concatenate([line.values for lines in panels.values() for line in lines])
    low, top = 10 ** np.floor(np.log10(values.min())), values.max() * 1.1
    for at, (title, lines) in enumerate(panels.items()):
        _panel(svg, LEFT + at * (WIDTH + GAP), title, lines, _Axis(low, top, colours, across, named=at == 0))
    _text(svg, 8.0, 18.0, up)
    for at, name in enumerate(names):
        x, y = LEFT + (at % 2) * (WIDTH + GAP), bottom + LEGEND * (at // 2)
        _line(svg, (x, y, x + 24, y), colours[name], 2.5)
        _text(svg, x + 32, y + 4, name)
    return tostring(svg, encoding="unicode") + "\n"


@dataclass(frozen=True, slots=True)
class _Axis:
    low: float
    high: float
    colours: Mapping[str, str]
    across: str
    named: bool  # with numbers beside

    def y(self, value: np.ndarray | float) -> np.ndarray:
        share = np.log(np.maximum(value, self.low) / self.low) / np.log(self.high / self.low)
        return TOP + HEIGHT * (1.0 - share)


def _panel(svg: Element, x: float, title: str, lines: Sequence[Line], axis: _Axis) -> None:
    for tick in TICKS:
        if axis.low <= tick <= axis.high:
            y = float(axis.y(tick))
            _line(svg, (x, y, x + WIDTH, y), "#e4e4e4", 1.0)
            if axis.named:
                _text(svg, x - 8, y + 4, f"{tick:g}", "end")
    n = max(len(line.values) for line in lines)
    for tick in (1, *range(n // 4, n + 1, n // 4)):
        _text(svg, x + WIDTH * (tick - 1) / (n - 1), TOP + HEIGHT + 18, str(tick), "middle")
    _text(svg, x + WIDTH, TOP - 6, title, "end")
    _text(svg, x + WIDTH / 2, TOP + HEIGHT + 34, axis.across, "middle")
    for line in reversed(lines):  # ours above the rest
        points = zip(x + WIDTH * np.arange(len(line.values)) / (n - 1), axis.y(line.values), strict=True)
        drawn = " ".join(f"{a:.1f},{b:.1f}" for a, b in points)
        style = {"fill": "none", "stroke": axis.colours[line.name], "stroke-width": "1.8"}
        SubElement(SubElement(svg, "polyline", {"points": drawn, **style}), "title").text = line.name


def _line(svg: Element, ends: tuple[float, float, float, float], colour: str, width: float) -> None:
    places = {name: f"{end:.1f}" for name, end in zip(("x1", "y1", "x2", "y2"), ends, strict=True)}
    SubElement(svg, "line", {**places, "stroke": colour, "stroke-width": f"{width:g}"})


def _text(svg: Element, x: float, y: float, text: str, anchor: str = "start") -> None:
    SubElement(svg, "text", {"x": f"{x:.1f}", "y": f"{y:.1f}", "text-anchor": anchor, **FONT}).text = text
