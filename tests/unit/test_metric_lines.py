"""What of a program's output becomes metrics."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cockpit.sweep.executors.metric_lines import (
    LINE_BYTES,
    NAMES,
    MetricReader,
    Note,
    PatternError,
    Point,
    Said,
    Tally,
    compile_patterns,
)


def read(data: bytes | str, *patterns: str, **options: Any) -> list[Said]:
    reader = MetricReader(Tally(), patterns=compile_patterns(patterns), **options)
    return reader.feed(data.encode() if isinstance(data, str) else data) + reader.end()


@pytest.mark.parametrize(
    "line, points",
    [
        ('{"loss": 0.5, "step": 3}', [Point({"loss": 0.5}, 3)]),
        ('  {"loss": 1}\r', [Point({"loss": 1.0}, 0)]),
        ('{"loss": 1, "epoch": 2}', [Point({"loss": 1.0}, 2)]),
        ('{"loss": 1, "epoch": 2, "step": 40}', [Point({"loss": 1.0, "epoch": 2.0}, 40)]),
        ('{"loss": 1, "epoch": 0.25}', [Point({"loss": 1.0, "epoch": 0.25}, 0)]),
        ('{"loss": 1, "step": 3.0}', [Point({"loss": 1.0}, 3)]),
        (
            '{"val": {"auc": 0.9, "by": {"sex": 1}}}',
            [Point({"val.auc": 0.9, "val.by.sex": 1.0}, 0)],
        ),
        ('{"done": true, "model": "m", "sizes": [1, 2], "none": null}', []),
        ('{"a": Infinity, "b": -Infinity}', [Point({"a": math.inf, "b": -math.inf}, 0)]),
        ('{"a": 1e999, "b": -1' + "0" * 400 + "}", [Point({"a": math.inf, "b": -math.inf}, 0)]),
        ('{"größe·μ": 1}', [Point({"größe·μ": 1.0}, 0)]),
        ('{"a\\ud800": 1}', [Point({"a\\ud800": 1.0}, 0)]),
        ('{"step": 4}', []),
        ('{"": 4}', []),
        ("[1, 2]", []),
        ("loss 0.5", []),
        ('{"loss": 0.5', []),
        ('{"loss": 0.5} and more', []),
        ("{not json}", []),
        ('{"a":' * 5000 + "1" + "}" * 5000, []),
    ],
)
def test_a_line_that_is_an_object_gives_its_numbers(line: str, points: list[Point]) -> None:
    assert read(line) == points


def test_nan_is_a_value() -> None:
    (point,) = read('{"loss": NaN}')
    assert isinstance(point, Point)
    assert math.isnan(point.metrics["loss"])


def test_a_step_beyond_what_the_store_holds_is_no_step() -> None:
    assert read('{"loss": 1, "step": 9223372036854775808}') == [
        Point({"loss": 1.0, "step": float(1 << 63)}, 0)
    ]


def test_points_without_a_step_are_counted_metric_by_metric() -> None:
    lines = ['{"loss": 3}', '{"loss": 2, "auc": 0.5}', '{"loss": 1, "step": 9}', '{"loss": 0}']
    assert read("\n".join(lines)) == [
        Point({"loss": 3.0}, 0),
        Point({"loss": 2.0}, 1),
        Point({"auc": 0.5}, 0),
        Point({"loss": 1.0}, 9),
        Point({"loss": 0.0}, 10),
    ]


def test_the_last_value_of_each_metric_is_known() -> None:
    tally = Tally()
    one, other = MetricReader(tally), MetricReader(tally)
    one.feed(b'{"loss": 3, "auc": 0.5}\n')
    assert other.feed(b'{"loss": 2}\n') == [Point({"loss": 2.0}, 1)]
    assert tally.last == {"loss": 2.0, "auc": 0.5}


@pytest.mark.parametrize(
    "line, points",
    [
        ("AUC: 0.93", [Point({"auc": 0.93}, 0)]),
        ("epoch AUC: 93%, good", [Point({"auc": 93.0}, 0)]),
        ("AUC: (0.93),", [Point({"auc": 0.93}, 0)]),
        ("AUC: none", []),
        ("AUC:", []),
        ("[12] loss=1e-3", [Point({"loss": 0.001}, 12)]),
        ("[x] AUC: nan? loss=2", [Point({"loss": 2.0}, 0)]),
        ('{"auc": 0.1, "text": "AUC: 0.9"}', [Point({"auc": 0.1}, 0)]),
    ],
)
def test_a_pattern_names_what_it_catches(line: str, points: list[Point]) -> None:
    assert read(line, r"AUC: (?P<auc>\S+)", r"\[(?P<step>\w+)\].*loss=(?P<loss>\S+)") == points


def test_only_what_was_asked_for_is_read() -> None:
    assert read('{"loss": 1}', json=False) == []
    assert read('{"loss": 1}', r"loss.: (?P<l>\d)", json=False) == [Point({"l": 1.0}, 0)]


def test_a_progress_bar_before_a_metric_does_not_hide_it() -> None:
    assert read('\r 10%|#\r 20%|##\r{"loss": 1}\n') == [Point({"loss": 1.0}, 0)]


def test_what_track_tells_besides_metrics_is_a_note_only_where_it_is_looked_for() -> None:
    line = '{"cockpit": {"attrs": {"rows": 3}}, "loss": 1}'
    assert read(line, notes=True) == [Note({"attrs": {"rows": 3}}), Point({"loss": 1.0}, 0)]
    assert read(line) == [Point({"cockpit.attrs.rows": 3.0, "loss": 1.0}, 0)]


@pytest.mark.parametrize(
    "pattern, problem",
    [
        ("(", "is no regular expression: missing )"),
        ("auc", "names no metric"),
        (r"(?P<step>\d+)", "names no metric"),
    ],
)
def test_a_pattern_that_can_find_nothing_is_refused(pattern: str, problem: str) -> None:
    with pytest.raises(PatternError, match=problem.replace("(", r"\(").replace(")", r"\)")):
        compile_patterns([pattern])


def test_a_line_without_end_takes_no_memory_and_the_next_one_is_read() -> None:
    reader = MetricReader(Tally())
    for _ in range(100):
        assert reader.feed(b"{" + b"x" * LINE_BYTES) == []
    assert len(reader._lines._rest) <= LINE_BYTES + 1
    assert reader.feed(b'\n{"loss": 1}\n') == [Point({"loss": 1.0}, 0)]


def test_a_flood_of_names_is_cut_off_and_known_ones_go_on() -> None:
    reader = MetricReader(Tally())
    found = reader.feed(b"".join(b'{"n%d": 1}\n' % n for n in range(NAMES + 50)))
    assert len(found) == NAMES
    assert reader.feed(b'{"n0": 2, "new": 1}\n') == [Point({"n0": 2.0}, 1)]


_NUMBERS = st.one_of(st.integers(-9, 9), st.floats(-9, 9), st.booleans(), st.text(max_size=3))
_OBJECTS = st.recursive(
    st.dictionaries(st.sampled_from(["loss", "auc", "step", "epoch", "é"]), _NUMBERS, max_size=3),
    lambda inner: st.dictionaries(st.sampled_from(["val", "x"]), inner, max_size=2),
    max_leaves=4,
).map(lambda value: json.dumps(value).encode())
_LINES = st.one_of(
    _OBJECTS,
    st.binary(max_size=30),
    st.just(b"{" + b" " * LINE_BYTES + b"}"),
    st.just("AUC: 0.9 é".encode()),
)


@given(
    st.lists(_LINES, max_size=12),
    st.sampled_from([b"\n", b"\r\n", b"\r"]),
    st.lists(st.integers(0, 400), max_size=30),
)
def test_wherever_the_output_is_cut_the_points_are_the_same(
    lines: list[bytes], ending: bytes, cuts: list[int]
) -> None:
    data = ending.join(lines)
    patterns = compile_patterns([r"AUC: (?P<auc>\S+)"])
    reader = MetricReader(Tally(), patterns=patterns)
    pieces: list[Said] = []
    for cut in cuts:
        pieces += reader.feed(data[:cut])
        data = data[cut:]
    pieces += reader.feed(data) + reader.end()
    assert pieces == read(ending.join(lines), r"AUC: (?P<auc>\S+)")


@given(st.binary())
def test_no_garbage_breaks_the_reader(data: bytes) -> None:
    for said in read(data, r"(?P<x>.+)"):
        assert isinstance(said, Point)
        assert all(isinstance(value, float) for value in said.metrics.values())
