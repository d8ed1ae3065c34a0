"""What a KPI is worth on a slice: as the sandbox says, and the same number wherever it is shown."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cockpit.evaluate.answers import Answers
from cockpit.evaluate.evaluation import EvaluationSet
from cockpit.evaluate.handed import Sums
from cockpit.evaluate.kpi_values import hand_over, kpi_values
from cockpit.evaluate.kpis import compare_kpi
from cockpit.evaluate.slices import table
from cockpit.evaluate.truth import truth_of
from cockpit.project.model import EvaluationTable, Kpi
from storage.datasets import Version
from storage.frames import Frames

if TYPE_CHECKING:
    from collections.abc import Iterator

EXPRESSIONS = (
    "sum(case when flag and n then 120 when flag then -15 else 0 end)",
    "sum(x) - 3 * avg(x) + count(x)",
    "count(*) - count_if(flag) + count(n)",
    "sum(x) filter (where flag) / count(*) filter (where n > 0)",
    "avg(x) filter (where n > 0) * 2",
    "stddev(x) + stddev_pop(n)",
    "sum(x) / sum(n) filter (where flag and n < 0)",
    "case when count(*) > 5 then sum(n) end",
    "coalesce(sum(x), -1)",
)
ASKED = ("median(x)", "max(n) - min(x)", "count(distinct n)", "quantile(x, 0.9) + sum(n)")
ROWS = 40
NUMBERS = st.lists(
    st.none() | st.floats(0.01, 1e6) | st.integers(0, 9), min_size=ROWS, max_size=ROWS
)


@pytest.fixture(scope="module")
def shared() -> Iterator[Frames]:
    with Frames(pl.DataFrame({"x": [1.0]})) as frames:
        yield frames


@given(
    x=NUMBERS,
    n=st.lists(st.none() | st.integers(-3, 9), min_size=ROWS, max_size=ROWS),
    flag=st.lists(st.none() | st.booleans(), min_size=ROWS, max_size=ROWS),
    seed=st.integers(0, 9),
)
@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_it_is_what_the_sandbox_says_of_the_slice(
    shared: Frames, x: list[float | None], n: list[int | None], flag: list[bool | None], seed: int
) -> None:
    schema = {"x": pl.Float64, "n": pl.Int64, "flag": pl.Boolean}
    frame = pl.DataFrame({"x": x, "n": n, "flag": flag}, schema=schema, strict=False)
    share = np.array([[1.1], [0.5], [0.2], [0.05], [0.0]])
    masks = np.random.default_rng(seed).random((5, ROWS)) < share
    columns = pl.DataFrame({str(place): mask for place, mask in enumerate(masks)})
    shared.turn_to(frame)
    handed = [hand_over(expression, shared) for expression in (*EXPRESSIONS, *ASKED)]
    assert [one.summed for one in handed] == [True] * len(EXPRESSIONS) + [False] * len(ASKED)
    found = kpi_values(handed, shared, Sums(masks))
    asked = shared.aggregates([*EXPRESSIONS, *ASKED], columns)
    for place, line in enumerate(asked):
        for expression, mine, theirs in zip(
            (*EXPRESSIONS, *ASKED), [one[place] for one in found], line, strict=True
        ):
            # Of rows that are alike the spread is 0, and rounding is what is left of it.
            assert mine == pytest.approx(theirs, rel=1e-9, abs=1e-9), (place, expression)


def test_where_a_row_hands_over_no_finite_number_the_sandbox_is_asked() -> None:
    frame = pl.DataFrame({"x": [1.0, 2.0, np.inf, 4.0]})
    masks = np.array([[True] * 4, [True, True, False, True], [False] * 4])
    with Frames(frame) as frames:
        handed = hand_over("sum(x)", frames)
        assert not handed.summed
        assert kpi_values([handed], frames, Sums(masks)) == [[None, 7.0, None]]
        frames.turn_to(frame.with_columns(x=pl.Series([1.0, 2.0, np.nan, 4.0])))
        handed = hand_over("sum(x)", frames)
        assert handed.summed, "what is NaN is missing"
        assert kpi_values([handed], frames, Sums(masks)) == [[7.0, 7.0, None]]


def test_it_is_the_same_number_wherever_it_is_shown() -> None:
    """To the last digit: of sums that rounding makes different when they are made in another order."""
    rng, rows = np.random.default_rng(4), 5_000
    frame = pl.DataFrame({"age": rng.integers(18, 80, rows), "y": rng.integers(0, 2, rows)})
    version = Version("eval", 1, "blake3:00", "eval.csv", 1, datetime.now(UTC))
    on = EvaluationSet(version, frame, (), truth_of("eval@v1", frame, "y", None))
    truth = frame["y"].to_numpy()
    a, b = (
        Answers("binary", truth, rng.integers(0, 2, rows), rng.random(rows), (0, 1))
        for _ in range(2)
    )
    kpi = Kpi(expression="sum(y_score / 3) + 1e5 * stddev(y_score) filter (where y_pred = 1)")
    young = {"young": "age < 40"}

    def shown(runs: dict[str, Answers], slices: dict[str, str], base: str | None) -> Any:
        found = table(on, runs, slices, [], {"kpi": kpi}, base, EvaluationTable())
        return {row.name: row.cells["a"].figures["kpi"].value for row in found.rows}

    alone = shown({"a": a}, {}, None)["all rows"]
    many = young | {f"from {age}": f"age >= {age}" for age in range(18, 70)}
    with_many = shown({"b": b, "a": a}, many, "b")
    assert with_many["all rows"] == with_many["from 18"] == alone
    assert with_many["young"] == shown({"a": a}, young, None)["young"]
    other = shown({"a": b}, {}, None)["all rows"]
    assert compare_kpi(kpi, frame, a, b).value == alone - other
