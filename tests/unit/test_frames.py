"""Many expressions over a frame at once: their order, their failures, and the end of what takes too long."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

import storage.frames
from storage.expressions.terms import FilterError
from storage.frames import ExpressionFailed, Frames

ADULT = Path(__file__).parents[2] / "cockpit" / "demo" / "project" / "adult_test.parquet"


@pytest.fixture(scope="module")
def adult() -> pl.DataFrame:
    frame = pl.read_parquet(ADULT).with_row_index("row")
    right = pl.col("income") == ">50K"
    return frame.with_columns(
        y_true=right.cast(pl.Int8),
        y_pred=(pl.col("education_num") > 11).cast(pl.Int8),
        y_score=pl.when(pl.col("row") % 7 == 0).then(None).otherwise(pl.col("age") / 100),
    )


SLICES = {
    "age < 25 and sex = 'Female'": (pl.col("age") < 25) & (pl.col("sex") == "Female"),
    "occupation = '?'": pl.col("occupation") == "?",
    "y_pred and not y_true": (pl.col("y_pred") == 1) & (pl.col("y_true") == 0),
    "race in ('White', 'Other') or hours_per_week between 50 and 60": pl.col("race").is_in(
        ["White", "Other"]
    )
    | pl.col("hours_per_week").is_between(50, 60),
    "age > 1000": pl.lit(False),
    "y_score is null": pl.col("y_score").is_null(),
    "row % 2 = 1": pl.col("row") % 2 == 1,
}
KPIS = {
    "count(*)": pl.len(),
    "avg(y_score)": pl.col("y_score").mean(),
    "sum(case when y_pred and y_true then 120 when y_pred then -15 else 0 end)": (
        pl.when((pl.col("y_pred") == 1) & (pl.col("y_true") == 1))
        .then(120)
        .when(pl.col("y_pred") == 1)
        .then(-15)
        .otherwise(0)
        .sum()
    ),
    "sum(capital_gain * y_pred) / count(*)": (pl.col("capital_gain") * pl.col("y_pred")).mean(),
    "median(age)": pl.col("age").median(),
    "quantile(hours_per_week, 0.9)": pl.col("hours_per_week").quantile(0.9, "linear"),
    "avg(age) filter (where sex = 'Male')": pl.col("age").filter(pl.col("sex") == "Male").mean(),
}


def test_masks_are_in_the_order_of_the_rows_and_without_nulls(adult: pl.DataFrame) -> None:
    wanted = adult.select(
        held.fill_null(False).alias(str(i)) for i, held in enumerate(SLICES.values())
    )
    with Frames(adult) as frames:
        assert frames.masks([*SLICES]).equals(wanted)
        for i, text in enumerate(SLICES):
            assert frames.count(text) == wanted[str(i)].sum()


def test_rows_keep_their_order_in_a_frame_that_two_threads_read() -> None:
    frame = pl.select(x=(pl.int_range(600_000) * 7919) % 600_011)
    with Frames(frame) as frames:
        assert frames.masks(["x % 3 = 0"])["0"].equals((frame["x"] % 3 == 0).alias("0"))


def test_kpis_on_every_slice_are_what_polars_finds(adult: pl.DataFrame) -> None:
    with Frames(adult) as frames:
        masks = frames.masks([*SLICES])
        found = frames.aggregates([*KPIS], masks)
        [whole] = frames.aggregates([*KPIS])
    assert whole == pytest.approx([adult.select(one).item() for one in KPIS.values()])
    for values, held in zip(found, SLICES.values(), strict=True):
        rows = adult.filter(held)
        if rows.is_empty():
            wanted: list[float | None] = [0.0, *[None] * (len(KPIS) - 1)]
        else:
            wanted = [rows.select(one).item() for one in KPIS.values()]
        assert values == pytest.approx(wanted)


def test_more_masks_than_go_into_one_question_keep_their_order() -> None:
    frame = pl.DataFrame({"x": range(200)})
    with Frames(frame) as frames:
        masks = frames.masks([f"x < {i}" for i in range(150)])
        assert frames.aggregates(["count(*)"], masks) == [[float(i)] for i in range(150)]


def test_masks_may_come_from_elsewhere_and_a_missing_one_is_false() -> None:
    with Frames(pl.DataFrame({"x": [1, 2, 3]})) as frames:
        masks = pl.DataFrame({"r0": [True, None, True], "every": [False] * 3})
        assert frames.aggregates(["sum(x)", "count(*)"], masks) == [[4.0, 2.0], [None, 0.0]]
        with pytest.raises(ValueError, match="masks of 2 rows for 3 rows"):
            frames.aggregates(["sum(x)"], pl.DataFrame({"a": [True, True]}))


def test_nothing_asked_is_nothing_answered() -> None:
    with Frames(pl.DataFrame({"x": [1, 2]})) as frames:
        assert frames.masks([]).is_empty()
        assert frames.aggregates([]) == [[]]
        assert frames.aggregates([], frames.masks(["x = 1", "x = 2"])) == [[], []]
        assert frames.aggregates(["sum(x)"], pl.DataFrame()) == []


@pytest.mark.parametrize(
    "frame, rows", [(pl.DataFrame({"x": []}, schema={"x": pl.Int64}), 0), (pl.DataFrame(), 0)]
)
def test_a_frame_without_rows(frame: pl.DataFrame, rows: int) -> None:
    with Frames(frame) as frames:
        assert frames.count("1 = 1") == rows
        assert frames.masks(["1 = 1", "1 = 2"]).shape == (0, 2)
        assert frames.aggregates(["count(*)"]) == [[0.0]]


def test_a_frame_of_columns_that_cannot_be_used_still_has_rows() -> None:
    with Frames(pl.DataFrame({"x": [[1], [2]]})) as frames:
        assert frames.count("1 = 1") == 2
        assert frames.aggregates(["count(*)"], frames.masks(["1 = 1", "1 = 2"])) == [[2.0], [0.0]]
        assert frames.columns.names() == ()


def test_columns_may_have_any_name() -> None:
    names = ["rows", "every", "c1", "r0", "a0", 'a"b', "select", "größe", "x y", "taken", "i", "m0"]
    frame = pl.DataFrame({name: [place] for place, name in enumerate(names)})
    typed = ["rows", "every", "c1", "r0", "a0", '"a""b"', '"select"', "größe", '"x y"', "taken"]
    with Frames(frame) as frames:
        masks = frames.masks([f"{name} = {i}" for i, name in enumerate([*typed, "i", "m0"])])
        assert masks.row(0) == (True,) * len(names)
        sums = frames.aggregates([f"sum({name})" for name in [*typed, "i", "m0"]], masks)
    assert sums == [[float(i) for i in range(len(names))]] * len(names)


def test_of_several_expressions_the_wrong_one_is_named() -> None:
    with Frames(pl.DataFrame({"age": [1]})) as frames:
        with pytest.raises(FilterError) as caught:
            frames.masks(["age > 1", "agee > 1"])
        assert str(caught.value) == "'agee > 1': there is no 'agee'; did you mean age? (column 1)"
        assert (caught.value.which, caught.value.column) == (1, 1)
        with pytest.raises(FilterError) as caught:
            frames.aggregates(["count(*)", "sum(age) + " + "age + " * 30 + "1"])
        assert caught.value.which == 1
        assert str(caught.value).startswith("'sum(age) + age + age")
        assert "…': a KPI is an aggregate" in str(caught.value)


HEAVY = " + ".join(f"exp(sqrt(abs(ln(x + {i}))))" for i in range(40))


@pytest.mark.parametrize("masked", [False, True])
def test_what_takes_too_long_is_ended_and_the_next_question_answered(masked: bool) -> None:
    frame = pl.select(x=pl.int_range(2_000_000))
    masks = pl.DataFrame({"all": pl.repeat(True, frame.height, eager=True)})
    with Frames(frame, timeout=0.05) as frames:
        with pytest.raises(ExpressionFailed, match=r"was ended after 0\.05 s; ask for less"):
            frames.aggregates([f"sum({HEAVY})"], masks if masked else None)
        with pytest.raises(ExpressionFailed, match=r"was ended after 0\.05 s"):
            frames.masks([f"{HEAVY} > 3"])
        with pytest.raises(ExpressionFailed, match=r"was ended after 0\.05 s"):
            frames.count(f"{HEAVY} > 3")


def test_after_an_interruption_the_same_frame_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = pl.select(x=pl.int_range(2_000_000))
    with Frames(frame, timeout=0.5) as frames:
        with pytest.raises(ExpressionFailed):
            frames.masks([f"{HEAVY} > {i}" for i in range(20)])
        monkeypatch.setattr(frames, "_timeout", 60.0)
        assert frames.count("x < 5") == 5


def test_what_takes_too_much_memory_is_refused_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(storage.frames._SETTINGS, "memory_limit", "64MB")
    frame = pl.select(x=pl.int_range(400_000))
    kpis = [f"sum(x + {i})" for i in range(30)]
    masks = pl.DataFrame({"all": pl.repeat(True, frame.height, eager=True)})
    with Frames(frame) as frames:
        with pytest.raises(ExpressionFailed, match="more than the 1 GB of memory"):
            frames.aggregates(kpis, masks)
        assert frames.count("x < 5") == 5


def test_the_frame_sees_no_file_and_its_settings_stay(tmp_path: Path) -> None:
    # What the gate lets through cannot name these; should it ever, DuckDB itself refuses.
    file = tmp_path / "x.csv"
    file.write_text("a\n1\n", encoding="utf-8")
    with Frames(pl.DataFrame({"x": [1]})) as frames:
        for sql in (
            f"from read_csv('{file}')",
            f"from '{file}'",
            f"attach '{tmp_path / 'x.db'}'",
            f"copy (select 1) to '{tmp_path / 'y.csv'}'",
            "set memory_limit = '9GB'",
            "set enable_external_access = true",
            "install httpfs",
            "load httpfs",
            "from tmp_path",
        ):
            with pytest.raises(Exception, match=r"(?i)disabled|locked|does not exist|not allowed"):
                frames._connection.execute(sql)
    assert [found.name for found in tmp_path.iterdir()] == ["x.csv"]


def test_the_most_frequent_texts_of_a_column() -> None:
    texts = ["b", "a", "b", "?", None, "c", "a", "b"]
    frame = pl.DataFrame(
        {"t": texts, "c": pl.Series(texts, dtype=pl.Categorical), "n": range(8), "l": [[1]] * 8}
    )
    with Frames(frame) as frames:
        assert frames.frequent("t", 3) == ("b", "a", "?")
        assert frames.frequent("c") == ("b", "a", "?", "c")
        assert frames.frequent("n") == frames.frequent("l") == frames.frequent("zz") == ()
