"""A report's charts: whole SVG whatever the names, and text that stays in its frame."""

from __future__ import annotations

import math
import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cockpit.report import svg, text_plot
from cockpit.report.charts import Bars, Chart, Kind, Picture, Series, spread, stairs
from cockpit.report.markdown import width
from tests.unit.gfm import HOSTILE, drawn

SVG = "{http://www.w3.org/2000/svg}"
names = st.lists(st.sampled_from(HOSTILE), max_size=6).map("".join)
numbers = st.floats(-1e12, 1e12, allow_nan=False) | st.floats(0, 1)


KINDS: tuple[Kind, ...] = ("line", "dots", "faint")


@st.composite
def charts(draw: st.DrawFn) -> Chart:
    """Charts of any points."""
    series = []
    for kind in draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=5)):
        ys = draw(st.lists(numbers, min_size=1, max_size=12))
        xs = tuple(float(step * step) for step in range(len(ys)))
        series.append(Series(draw(names), xs, tuple(ys), kind))
    rules = tuple((draw(numbers), draw(names)) for _ in range(draw(st.integers(0, 1))))
    return Chart("c", draw(names), draw(names), draw(names), draw(names), tuple(series), rules)


bars = st.builds(
    Bars,
    st.just("b"),
    names,
    names,
    st.lists(st.tuples(names, st.floats(0, 1e9)), min_size=1, max_size=6).map(tuple),
)


@given(charts() | bars)
def test_an_svg_is_whole_and_within_its_frame(picture: Picture) -> None:
    text = svg.draw(picture, svg.LIGHT)
    assert text == svg.draw(picture, svg.LIGHT)
    root = drawn(text)
    assert [one.tag for one in root][:2] == [f"{SVG}title", f"{SVG}desc"]
    assert {one.tag.removeprefix(SVG) for one in root} <= {"title", "desc", "text", "path", "rect"}
    assert not re.search(r"=\"[^\"]*nan", text)
    for path in root.iter(f"{SVG}path"):
        for x, y in re.findall(r"[ML]?(-?[\d.]+) (-?[\d.]+)", path.get("d", "")):
            assert -1 <= float(x) <= svg.WIDE + 1
            assert -1 <= float(y) <= svg.HIGH + 1
    for rect in root.iter(f"{SVG}rect"):
        assert float(rect.get("x", 0)) + float(rect.get("width", 0)) <= svg.WIDE


@given(charts())
def test_a_text_plot_keeps_its_frame(chart: Chart) -> None:
    lines = text_plot.draw(chart)
    framed = [line for line in lines if re.search(r"^ *[^ ]* ?[┤│]", line)][: text_plot.HIGH]
    assert len(framed) == text_plot.HIGH
    assert lines == text_plot.draw(chart)
    assert not any("\n" in line for line in lines)


def test_a_line_is_where_its_values_are() -> None:
    chart = Chart("c", "t", "a", "step", "auc", (Series("", (0.0, 10.0), (0.0, 1.0)),))
    path = next(one for one in drawn(svg.draw(chart, svg.DARK)) if one.get("stroke-width") == "2")
    found = re.findall(r"([\d.]+) ([\d.]+)", path.get("d", ""))
    assert [float(y) for _, y in found] == [svg.HIGH - svg.BOTTOM, svg.TOP]
    assert [float(x) for x, _ in found] == [svg.LEFT, svg.WIDE - 16]
    lines = text_plot.draw(chart)
    assert lines[1].rstrip()[-1] in "╭─"
    assert lines[text_plot.HIGH].lstrip("0.│┤ ")[0] in "╯─"


def test_lines_are_told_apart_without_colours() -> None:
    chart = Chart(
        "c",
        "t",
        "a",
        "x",
        "y",
        tuple(Series(f"run {n}", (0.0, 1.0), (0.0, float(n))) for n in range(1, 4)),
    )
    paths = [one for one in drawn(svg.draw(chart, svg.LIGHT)) if one.get("stroke-width") == "2"]
    assert len({one.get("stroke-dasharray") for one in paths}) == 3
    assert [line.split() for line in text_plot.draw(chart)[-3:]] == [
        ["a", "run", "1"],
        ["b", "run", "2"],
        ["c", "run", "3"],
    ]


def test_a_bad_start_does_not_flatten_the_rest() -> None:
    chart = Chart(
        "c", "t", "a", "x", "y", (Series("", (0.0, 1.0, 2.0), (-1e9, 0.8, 0.9), "dots"),), low=0.5
    )
    assert [one.low for one in chart.spans() or ()] == [1.0, 0.8]


def test_no_points_no_picture() -> None:
    chart = Chart("c", "t", "a", "x", "y", (Series("", (), ()),))
    assert text_plot.draw(chart) == []
    assert "<path" not in svg.draw(chart, svg.LIGHT)


def test_stairs_keep_their_height_until_the_next_step() -> None:
    assert stairs([(0, 1.0), (3, 2.0)], 5) == ((0, 3, 3, 5), (1.0, 1.0, 2.0, 2.0))
    assert stairs([], 5) == ((), ())


@given(st.lists(st.floats(0, 100), max_size=12))
def test_names_never_lie_on_each_other(places: list[float]) -> None:
    found = spread(places, 14, 0, 100)
    order = sorted(found)
    least = min(14.0, 100 / max(1, len(places) - 1))
    assert all(b - a >= least - 1e-6 for a, b in pairwise(order))
    assert all(-1e-6 <= one <= 100 + 1e-6 for one in found)


@pytest.mark.parametrize(("values", "cells"), [((0.5, 0.25), (40, 20)), ((math.pi, 0.0), (40, 1))])
def test_a_bar_is_as_long_as_its_value(values: tuple[float, float], cells: tuple[int, int]) -> None:
    lines = text_plot.draw(Bars("b", "t", "a", (("one", values[0]), ("two", values[1]))))
    assert tuple(line.count("█") for line in lines) == cells
    assert len({width(line) for line in lines}) == 1
