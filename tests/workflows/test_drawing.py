"""Plots: every value is in its place, round numbers stand on the axis, and no name breaks out."""

from __future__ import annotations

from itertools import pairwise
from xml.etree.ElementTree import fromstring

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhiyin.workflows.report.drawing import Curve, Mark, axis, curves, label, strip
from zhiyin.workflows.report.scales import Scale, digits_for

HOSTILE = "</title><script>alert(1)</script>&\"'"
VALUES = st.floats(-1e6, 1e6, allow_nan=False)


@given(st.lists(VALUES, min_size=1, max_size=9), st.booleans())
def test_every_value_has_room_and_zero_where_it_is_compared_with(values: list[float], zero: bool) -> None:
    scale = Scale.around([*values, float("nan"), float("inf")], zero=zero)
    for value in [*values, *([0.0] if zero else [])]:
        assert scale.low < value < scale.high
        assert 0 < scale.at(value) < 100


@given(VALUES, st.floats(1e-6, 1e6), st.integers(2, 6))
def test_ticks_are_few_round_and_evenly_spaced_within_the_axis(low: float, span: float, most: int) -> None:
    scale = Scale(low, low + span)
    ticks = scale.ticks(most)
    assert 1 <= len(ticks) <= most
    assert all(scale.low - 1e-6 * span <= tick <= scale.high + 1e-6 * span for tick in ticks)
    steps = [b - a for a, b in pairwise(ticks)]
    assert all(step == pytest.approx(steps[0], rel=1e-3) for step in steps)


def test_ticks_by_hand() -> None:
    assert Scale(0, 1).ticks(5) == (0.0, 0.25, 0.5, 0.75, 1.0)
    assert Scale(0, 1).ticks(4) == (0.0, 0.5, 1.0)
    assert Scale(-0.004, 0.0045).ticks(5) == (-0.004, -0.002, 0.0, 0.002, 0.004)
    assert (digits_for((0.0, 0.25)), digits_for((0.0, 0.5)), digits_for((10.0, 20.0)), digits_for((3.0,))) == (
        2,
        1,
        0,
        0,
    )


def test_numbers_have_a_real_minus_and_zero_has_no_sign() -> None:
    assert label(-0.5, 2, signed=True) == "−0.50"
    assert label(0.5, 2, signed=True) == "+0.50"
    assert label(-0.001, 2, signed=True) == label(0.0, 2, signed=True) == "0.00"
    assert label(12345.0, 0) == "12,345"


def test_a_strip_shows_the_interval_and_the_value_where_they_are() -> None:
    svg = fromstring(strip(Scale(-1, 1), [Mark(0.5, "better", 0.0, 1.0, "told")], "title"))
    assert svg.find("title").text == "title"  # type: ignore[union-attr]
    group = svg.find("g[@class='mark better']")
    assert group is not None
    whisker = group.find("line")
    assert whisker is not None
    assert (whisker.get("x1"), whisker.get("x2")) == ("50", "100")
    assert [path.get("d") for path in group.findall("path")] == ["M75.0 5h.001"] * 2
    assert svg.find("line[@class='zero']").get("x1") == "50"  # type: ignore[union-attr]


def test_curves_go_through_their_values_and_names_do_not_touch() -> None:
    drawn = [
        Curve("one", (0.0, 1.0), "ours"),
        Curve("two", (0.0, 0.99), "best"),
        Curve("three", (1.0, 0.0), "rest"),
    ]
    svg = fromstring(curves(["5", "10"], drawn, Scale(0, 1), "title"))
    y = {g.find("title").text: [float(c.get("cy", 0)) for c in g.findall("circle")] for g in svg.findall("g")}  # type: ignore[union-attr]
    assert y["one"] == [143.0, 10.0]
    assert y["three"] == [10.0, 143.0]
    names = sorted(float(t.get("y", 0)) for t in svg.findall("text") if str(t.get("class")).startswith("name"))
    assert all(b - a >= 11.9 for a, b in pairwise(names))


def test_no_name_breaks_out_of_a_plot() -> None:
    for drawn in (
        strip(Scale(0, 1), [Mark(0.5, "other", title=HOSTILE)], HOSTILE),
        curves([HOSTILE, "b"], [Curve(HOSTILE, (0.0, 1.0), "rest")], Scale(0, 1), HOSTILE),
    ):
        assert "<script" not in drawn
        assert HOSTILE in "".join(fromstring(drawn).itertext())


def test_an_axis_names_its_ticks() -> None:
    assert axis(Scale(-0.1, 0.1), signed=True).count("<span") == 5
    assert "−0.1" in axis(Scale(-0.1, 0.1), signed=True)
