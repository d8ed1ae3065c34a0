"""Slices × runs in cells: at any width every column is where it says, and the numbers say what they mean."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from cockpit.evaluate.metrics import Figure
from cockpit.evaluate.search import WeakSlice
from cockpit.evaluate.significance import Difference, Verdict
from cockpit.evaluate.slices import ALL, Cell, SliceRow, SliceTable
from cockpit.tui.judged import Judged
from cockpit.tui.slice_book import Found, book, signed
from cockpit.tui.slice_cells import COUNT, EDGE, GAP, confirmed, name_parts, parts, plan, title
from tests.tui.fake import HOSTILE

BLOCKS = ("#", ".")
names = st.sampled_from(["young women", "漢字🧪" * 9, HOSTILE, "x", "a long name " * 9])
values = st.one_of(
    st.none(), st.floats(-1e7, 1e7), st.sampled_from([0.0, 1.0, 0.9312, 1e-9, 289170.0])
)

verdicts: st.SearchStrategy[Verdict] = st.sampled_from(
    ["better", "worse", "equivalent", "unclear", "not judged"]
)


def figure(value: float | None, n: int) -> Figure:
    return Figure(value, None if value is not None else "one class only", n, value, value)


@st.composite
def tables(draw: st.DrawFn) -> Judged:
    runs = [f"run{n}" for n in range(draw(st.integers(1, 8)))]
    base = runs[0] if len(runs) > 1 else None
    rows = []
    found = draw(st.lists(names, max_size=4, unique=True))
    for name in [ALL, *found]:
        n = draw(st.integers(0, 2_000_000))
        cells = {}
        for run in runs:
            value = draw(values)
            apart = draw(values)
            verdict = draw(verdicts)
            difference = Difference(apart, apart, apart, 0.5, "delong", None, verdict)
            cells[run] = Cell({"auc": figure(value, n)}, {} if run == base else {"auc": difference})
        rows.append(SliceRow(name, None if name == ALL else f"{name} > 3", n, cells))
    table = SliceTable("set@v1", tuple(runs), base, ("auc",), (), 0.95, 30, tuple(rows))
    return Judged(
        set="set@v1",
        metric="auc",
        metrics=("auc",),
        table=table,
        names={run: draw(names) for run in runs},
        slices={name: f"{name} > 3" for name in found[:2]},
    )


def weak(judged: Judged) -> Found:
    """What stands in the table and not in cockpit.toml was found."""
    assert judged.table is not None
    slices = tuple(
        WeakSlice(row.expression or "", (), 1.0, row.n, 10, 0.4, 0.2, 0.2, confirmed=row.n % 2 == 0)
        for row in judged.table.rows[1:]
        if row.name not in judged.slices
    )
    return Found("run1", "set@v1", "log loss", 99, 1000, slices)


@settings(max_examples=60)
@given(tables(), st.integers(30, 220), st.integers(0, 7))
def test_every_column_is_as_wide_as_planned_at_any_width(
    judged: Judged, width: int, first: int
) -> None:
    shown = book(judged, weak(judged), "worst", judged.table.runs[-1])  # type: ignore[union-attr]
    made = plan(shown, width, min(first, len(shown.runs) - 1))
    x = EDGE + made.name + GAP + COUNT
    for column in made.columns:
        assert column.x == x + GAP
        x = column.x + column.width
        assert cell_len(title(shown, column, made.detail)) == column.width
        for entry in shown.entries:
            if entry.row:
                texts = [text for text, _ in parts(shown, entry, column, made.detail, BLOCKS)]
                assert cell_len("".join(texts)) == column.width, texts
    for entry in shown.entries:
        if entry.row:
            assert cell_len("".join(text for text, _ in name_parts(entry, made))) == made.name
            assert len(confirmed(entry, made.words)[0]) <= 16
    assert x <= width or len(made.columns) <= 2, "more runs than have room"


def test_one_run_always_has_room() -> None:
    cell = Cell({"auc": figure(0.5, 100)})
    row = SliceRow(ALL, None, 100, {"r": cell})
    table = SliceTable("set@v1", ("r",), None, ("auc",), (), 0.95, 30, (row,))
    judged = Judged(set="set@v1", metric="auc", metrics=("auc",), table=table, names={"r": "r"})
    made = plan(book(judged, None, "worst", "r"), 60, 0)
    assert [column.place for column in made.columns] == [0]


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (0.0121, 4, "+0.0121"),
        (-0.00003, 4, "-0.0000"),
        (0.0, 4, "±0.0000"),
        (-2265.0, None, "-2260"),
        (math.nan, 4, "NaN"),
    ],
)
def test_a_difference_keeps_its_sign(value: float, digits: int | None, text: str) -> None:
    assert signed(value, digits) == text
