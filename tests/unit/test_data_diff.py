"""The difference of two tables: against what was done to one of them, and against a plain comparison in Python."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cockpit.data import by_columns
from cockpit.data.diff import Cell, Difference, DiffError, Duplicates, diff


def at(*parts: int) -> datetime:
    """A time without a zone, as most files have them."""
    return datetime(*parts, tzinfo=UTC).replace(tzinfo=None)  # type: ignore[misc, arg-type]


def between(old: Any, new: Any, key: tuple[str, ...] = ()) -> Difference:
    frames = [one if isinstance(one, pl.DataFrame) else pl.DataFrame(one) for one in (old, new)]
    return diff(frames[0].lazy(), frames[1].lazy(), key)


def changes(found: Difference) -> dict[str, int]:
    return {one.name: one.changed for one in found.columns if one.changed}


OLD = {"id": [1, 2, 3, 4], "age": [20, 30, 40, 50], "sex": ["F", "M", None, "F"]}


def test_rows_and_cells_by_key_whatever_their_order() -> None:
    new = {"id": [5, 4, 3, 1], "age": [60, 51, 40, 20], "sex": ["M", "M", "F", "F"]}
    found = between(OLD, new, ("id",))
    assert (found.added, found.removed, found.changed, found.same) == (1, 1, 2, 1)
    assert changes(found) == {"age": 1, "sex": 2}
    assert found.cells == 3
    assert found.columns[0].examples == (Cell({"id": 4}, 50, 51),)
    assert found.columns[1].examples == (Cell({"id": 3}, None, "F"), Cell({"id": 4}, "F", "M"))
    assert found.added_examples == ({"id": 5},)
    assert found.removed_examples == ({"id": 2},)
    assert found.differs


def test_the_same_rows_in_another_order_do_not_differ() -> None:
    frame = pl.DataFrame(OLD)
    found = between(frame, frame.reverse().select("sex", "id", "age"), ("id",))
    assert not found.differs
    assert found.same == 4


def test_without_a_key_places_count() -> None:
    found = between(OLD, pl.DataFrame(OLD).head(3).with_columns(age=pl.lit(20)))
    assert found.key == ()
    assert (found.added, found.removed, found.changed, found.same) == (0, 1, 2, 1)
    assert found.columns[1].examples == (Cell({"row": 2}, 30, 20), Cell({"row": 3}, 40, 20))
    assert found.removed_examples == ({"row": 4},)


def test_keys_that_stand_twice_are_counted_and_left_out() -> None:
    old = {"id": [1, 1, 2, 3], "x": [1, 2, 3, 4]}
    new = {"id": [1, 2, 3, 3, 3, 9], "x": [9, 3, 4, 4, 4, 0]}
    found = between(old, new, ("id",))
    assert found.duplicates == (Duplicates(1, 2, ({"id": 1},)), Duplicates(1, 3, ({"id": 3},)))
    assert (found.added, found.removed, found.changed, found.same) == (1, 0, 0, 1)
    assert found.skipped == 2 + 1 + 1 + 3
    assert found.differs


def test_columns_that_came_and_went_and_changed_their_type() -> None:
    old = pl.DataFrame({"id": [1, 2], "a": [1, 2], "gone": [0, 0], "t": ["1", "x"]})
    new = pl.DataFrame({"id": [1, 2], "a": [1.0, 2.5], "come": [0, 0], "t": [1, 2]})
    found = between(old, new, ("id",))
    assert (found.columns_added, found.columns_removed) == (("come",), ("gone",))
    assert [(one.name, one.old_type, one.new_type) for one in found.types] == [
        ("a", "Int64", "Float64"),
        ("t", "String", "Int64"),
    ]
    assert changes(found) == {"a": 1, "t": 1}


@pytest.mark.parametrize(
    ("old", "new", "changed"),
    [
        (pl.Series([1, 2], dtype=pl.Int8), pl.Series([1, 3], dtype=pl.UInt64), 1),
        (pl.Series([float("nan"), None]), pl.Series([float("nan"), None]), 0),
        (pl.Series([float("nan"), None]), pl.Series([None, float("nan")]), 2),
        (pl.Series(["a", "b"], dtype=pl.Categorical), pl.Series(["a", "c"]), 1),
        (pl.Series([date(2024, 1, 2)] * 2), pl.Series([at(2024, 1, 2), at(2024, 1, 2, 1)]), 1),
        (
            pl.Series([datetime(2024, 1, 2, tzinfo=UTC)] * 2),
            pl.Series([at(2024, 1, 2)] * 2, dtype=pl.Datetime("ms")),
            0,
        ),
        (pl.Series([[1], [2]]), pl.Series([[1], [3]]), 1),
        (pl.Series([[1], [2]]), pl.Series(["[1]", "x"]), 1),
        (pl.Series([None, None]), pl.Series([None, 3]), 1),
        (pl.Series([True, False]), pl.Series([True, True]), 1),
        (pl.Series([2**53 + 1, 1]), pl.Series([2**53, 1]), 1),
    ],
)  # fmt: skip
def test_cells_are_compared_by_what_they_mean(old: pl.Series, new: pl.Series, changed: int) -> None:
    found = between(pl.DataFrame({"x": old}), pl.DataFrame({"x": new}))
    assert found.changed == changed


def test_keys_of_other_widths_are_the_same_key_and_missing_ones_are_one() -> None:
    old = pl.DataFrame({"a": pl.Series([1, None], dtype=pl.Int32), "b": ["x", "y"], "v": [1, 2]})
    new = pl.DataFrame({"a": pl.Series([None, 1], dtype=pl.Int64), "b": ["y", "x"], "v": [2, 3]})
    found = between(old, new, ("a", "b"))
    assert (found.added, found.removed, changes(found)) == (0, 0, {"v": 1})
    assert found.columns[0].examples == (Cell({"a": 1, "b": "x"}, 1, 3),)


def test_a_key_that_cannot_be() -> None:
    with pytest.raises(DiffError, match="new data have no column 'id'"):
        between(OLD, {"ID": [1]}, ("id",))
    with pytest.raises(DiffError, match="'id' is Int64 in the old data and String in the new"):
        between(OLD, {"id": ["1"]}, ("id",))


def test_empty_tables() -> None:
    empty = pl.DataFrame(OLD).clear()
    assert not between(empty, empty, ("id",)).differs
    assert between(empty, OLD, ("id",)).added == 4
    assert between(OLD, empty, ()).removed == 4


def test_columns_are_looked_at_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(by_columns, "CELLS", 8)
    new = pl.DataFrame(OLD).with_columns(age=pl.col("age") + 1, sex=pl.lit("F"), more=pl.lit(1))
    found = between(OLD, new, ("id",))
    assert changes(found) == {"age": 4, "sex": 2}
    assert found.changed == 4


def test_a_flipped_block_of_labels_is_found() -> None:
    rows = 2_000
    old = pl.DataFrame({"id": range(rows), "y": [n % 3 == 0 for n in range(rows)]})
    block = pl.col("id").is_between(700, 899)
    new = old.with_columns(y=pl.col("y") ^ block)
    found = between(old, new, ("id",))
    assert changes(found) == {"y": 200}
    assert found.columns[0].examples[0] == Cell({"id": 700}, False, True)


ROWS = st.lists(st.tuples(st.integers(0, 6), st.sampled_from(["a", "b", None])), max_size=12)


@settings(max_examples=60)
@given(ROWS, ROWS)
def test_any_two_tables_as_plain_python_compares_them(
    old: list[tuple[int, str | None]], new: list[tuple[int, str | None]]
) -> None:
    schema = {"id": pl.Int64, "x": pl.String}
    found = between(
        pl.DataFrame(old, schema, orient="row"), pl.DataFrame(new, schema, orient="row"), ("id",)
    )
    sides = [{k: [x for i, x in rows if i == k] for k, _ in rows} for rows in (old, new)]
    fine = {k for k in sides[0] | sides[1] if all(len(s.get(k, [])) < 2 for s in sides)}
    both = [k for k in fine if k in sides[0] and k in sides[1]]
    assert found.added == sum(k not in sides[0] for k in fine)
    assert found.removed == sum(k not in sides[1] for k in fine)
    assert found.changed == sum(sides[0][k] != sides[1][k] for k in both)
    assert found.changed + found.same == len(both)
    assert found.skipped == sum(k not in fine for k, _ in old + new)
