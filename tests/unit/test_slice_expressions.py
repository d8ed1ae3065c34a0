"""What a slice and a KPI mean over a frame's columns, what they refuse, and how they say so."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import polars as pl
import pytest

from storage.expressions.terms import FilterError
from storage.frames import Frames

if TYPE_CHECKING:
    from collections.abc import Iterator

NAN = float("nan")
FRAME = pl.DataFrame(
    {
        "age": [17, 24, 25, 60, None],
        "sex": ["Female", "Male", "Female", "?", None],
        "y_true": [1, 0, 1, 0, 1],
        "y_pred": [1, 1, 0, 0, 1],
        "y_score": [0.9, 0.6, NAN, 0.1, 0.8],
        "member": [True, False, None, True, False],
        "born": [date(2001, 1, 1), date(1999, 12, 31), None, date(1950, 6, 1), date(2001, 1, 2)],
        "seen": [datetime(2026, 1, 1, hour, tzinfo=UTC) for hour in (0, 6, 12, 18, 23)],
        "waited": [timedelta(seconds=s) for s in (1, 2, 3, 4, 5)],
        "price": [Decimal("1.10"), Decimal("2.20"), Decimal("3.30"), Decimal(0), None],
        "city": pl.Series(["Rom", "Ulm", "Rom", None, "Bonn"], dtype=pl.Categorical),
        "grade": pl.Series(["a", "b", "b", "a", None], dtype=pl.Enum(["a", "b"])),
        "big": pl.Series([2**63, 1, 2, 3, 4], dtype=pl.UInt64),
        "huge": pl.Series([2**70, 1, 2, 3, 4], dtype=pl.Int128),
        "never": pl.Series([None] * 5, dtype=pl.Null),
        "tags": [["a"], [], ["b"], None, ["c"]],
        "at": [time(1)] * 5,
        "capital gain": [0, 10, 20, 30, 40],
        "model.depth": [1, 2, 3, 4, 5],
        "case": [1, 2, 3, 4, 5],
    }
).with_columns(pl.col("seen").dt.convert_time_zone("Europe/Berlin"))


@pytest.fixture(scope="module")
def frames() -> Iterator[Frames]:
    with Frames(FRAME) as opened:
        yield opened


def rows(frames: Frames, condition: str) -> list[int]:
    mask = frames.masks([condition])["0"]
    assert mask.null_count() == 0
    return mask.arg_true().to_list()


def worth(frames: Frames, expression: str) -> float | None:
    return frames.aggregates([expression])[0][0]


@pytest.mark.parametrize(
    "condition, held",
    [
        ("age < 25 and sex = 'Female'", [0]),
        ("not age < 25", [2, 3, 4]),
        ("age is null or sex is null", [4]),
        ("sex = '?'", [3]),
        ("sex in ('Female', '?')", [0, 2, 3]),
        ("sex not in ('Female')", [1, 3, 4]),
        ("y_pred and y_true", [0, 4]),
        ("not y_pred or not y_true", [1, 2, 3]),
        ("y_pred = y_true", [0, 3, 4]),
        ('"case"', [0, 1, 2, 3, 4]),
        ("age", [0, 1, 2, 3]),
        ("y_score > 0", [0, 1, 3, 4]),
        ("y_score is null", [2]),
        ("member", [0, 3]),
        ("member = false", [1, 4]),
        ("member is null", [2]),
        ("born < '2000-01-01'", [1, 3]),
        ("born = '2001-01-01'", [0]),
        ("seen >= '2026-01-01T12:00' and seen < '2026-01-01T20:00+01:00'", [2, 3]),
        ("waited > 3.5", [3, 4]),
        ("price > 1.1 and price < 3.4", [1, 2]),
        ("city = 'Rom' or city like 'B%'", [0, 2, 4]),
        ("grade = 'b'", [1, 2]),
        ("upper(grade) = 'A'", [0, 3]),
        ("big > 1e18", [0]),
        ("huge > 1e20", [0]),
        ("never is null", [0, 1, 2, 3, 4]),
        ("never > 3 or never = 'x' or never", []),
        ('"capital gain" >= 20', [2, 3, 4]),
        ("model.depth = 2", [1]),
        ('"model.depth" = 2', [1]),
        ('"case" = 3', [2]),
        ("1 = 1", [0, 1, 2, 3, 4]),
        ("case when age < 20 then sex = 'Female' when age < 30 then sex = 'Male' end", [0, 1]),
        ("case when age > 20 then 'old' else 'young' end = 'young'", [0, 4]),
        ("case sex when 'Female' then 1 when 'Male' then 2 else 0 end = 0", [3, 4]),
        ("case when age < 20 then null else age end > 1", [1, 2, 3]),
        ("case when sex = '?' then '1940-01-01' else '2020-01-01' end < born", [3]),
        ("(y_pred = 1) + (y_true = 1) = 2", [0, 4]),
        ("abs(y_true - y_score) > 0.5", [1]),
    ],
)
def test_the_rows_of_a_slice(frames: Frames, condition: str, held: list[int]) -> None:
    assert rows(frames, condition) == held
    assert frames.count(condition) == len(held)


@pytest.mark.parametrize(
    "expression, value",
    [
        ("sum(case when y_pred and y_true then 120 when y_pred then -15 else 0 end)", 225.0),
        ("avg(y_score)", 0.6),
        ("avg(y_score) filter (where sex = 'Female')", 0.9),
        ('sum("capital gain" * y_pred) / count(*)', 10.0),
        ("count(*)", 5.0),
        ("count()", 5.0),
        ("count(*) filter (where age > 20)", 3.0),
        ("count(age)", 4.0),
        ("count(y_score)", 4.0),
        ("count(city) + count(born) + count(member)", 12.0),
        ("count(distinct city)", 3.0),
        ("count(distinct age > 20)", 2.0),
        ("count_if(y_pred)", 3.0),
        ("count_if(age > 20) filter (where sex = 'Female')", 1.0),
        ("sum(y_pred = y_true)", 3.0),
        ("avg(member)", 0.5),
        ("min(age) + max(age)", 77.0),
        ("median(age)", 24.5),
        ("quantile(age, 0.25)", 22.25),
        ("quantile(age, 1)", 60.0),
        ("stddev(y_true)", 0.5477225575051661),
        ("stddev_pop(y_true)", 0.4898979485566356),
        ("round(avg(age), 1)", 31.5),
        ("sqrt(sum(y_pred) + 1)", 2.0),
        ("-sum(y_pred)", -3.0),
        ("case when count(*) > 3 then avg(age) else 0 end", 31.5),
        ("coalesce(avg(age) filter (where age > 99), -1)", -1.0),
        ("(count(*) > 3) * 2", 2.0),
        ("sum(huge) filter (where huge < 9) + sum(price)", 16.6),
        ("sum(waited)", 15.0),
        ("max(case when sex = 'Male' then age end)", 24.0),
    ],
)
def test_what_a_kpi_is_worth(frames: Frames, expression: str, value: float) -> None:
    assert worth(frames, expression) == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(
    "expression",
    [
        "avg(age) filter (where age > 99)",
        "sum(age) filter (where age > 99)",
        "sum(age) / count_if(age > 99)",
        "0 / count_if(age > 99)",
        "sqrt(-sum(age))",
        "ln(0 * count(*))",
        "stddev(age) filter (where age = 17)",
        "avg(never)",
        "max(exp(age * 100))",
        "case when count(*) > 99 then sum(age) end",
    ],
)
def test_what_has_no_result_is_no_value(frames: Frames, expression: str) -> None:
    assert worth(frames, expression) is None


def test_sums_do_not_lose_what_is_small_beside_what_is_large() -> None:
    with Frames(pl.DataFrame({"x": [1e16, 1.0, 1.0, -1e16]})) as frames:
        assert frames.aggregates(["sum(x)", "avg(x)"]) == [[2.0, 0.5]]


@pytest.mark.parametrize(
    "condition, sentence",
    [
        ("agee < 25", "there is no 'agee'; did you mean age? (column 1)"),
        ("age < 25 and Sex = 'x'", "there is no 'Sex'; did you mean sex? (column 14)"),
        ("capital_gain > 1", 'did you mean "capital gain"? (column 1)'),
        ("sex = Female", "a text stands in single quotes: 'Female' (column 7)"),
        ("age > 3 and sum(age) > 3", "an aggregate cannot stand in a slice (column 13)"),
        ("arg_max(age, y_score) > 1", "an aggregate cannot stand in a slice"),
        ("count(*) > 3", "an aggregate cannot stand in a slice"),
        ("count(*) filter (where age > 1) > 3", "an aggregate cannot stand in a slice"),
        ("y_score", "a number alone is no condition; compare it with something (column 1)"),
        ("age + 1", "a number alone is no condition"),
        ("sex", "a text alone is no condition"),
        ("sex > 3", "a text cannot be compared with a number (column 1)"),
        ("born > 'yesterday'", "a time cannot be compared with a text"),
        ("tags = 'a'", "an expression cannot use 'tags': it is List(String) (column 1)"),
        ("at = '01:00'", "an expression cannot use 'at': it is Time (column 1)"),
        ("case when age then 1 else 'x' end = 1", "a case gives values, all of one kind"),
        ("case when age then null end = 1", "a case gives values, all of one kind"),
        ("mean(age) > 3", "'mean' cannot be called here; there are: abs"),
        ("round(age, 1, 'x') > 1", "'round' is given more than it takes (column 1)"),
        ("", "there is no expression"),
        ("age < 25; drop table rows", "there can be one expression, without ';' (column 9)"),
    ],
)
def test_a_mistake_in_a_slice_is_said_with_its_place(
    frames: Frames, condition: str, sentence: str
) -> None:
    with pytest.raises(FilterError) as caught:
        frames.masks([condition])
    assert sentence in str(caught.value)
    with pytest.raises(FilterError):
        frames.count(condition)


@pytest.mark.parametrize(
    "expression, sentence",
    [
        ("age", "a KPI is an aggregate: sum(…), avg(…), count(*)…; 'age' stands alone (column 1)"),
        ("sum(y_pred) / age", "'age' stands alone (column 15)"),
        ("agee", "there is no 'agee'; did you mean age? (column 1)"),
        ("sum(agee)", "there is no 'agee'; did you mean age? (column 5)"),
        ("1 + 1", "a KPI is an aggregate: sum(…), avg(…), count(*)…; here is none"),
        ("sum(avg(age))", "an aggregate cannot stand in another aggregate (column 5)"),
        ("sum(age) filter (where avg(age) > 1)", "an aggregate cannot stand in a filter"),
        ("sum(age) > 3", "a number must stand here, not true or false"),
        ("sum(sex)", "a number must stand here, not a text (column 5)"),
        ("max(born)", "a number must stand here, not a time (column 5)"),
        ("quantile(age, 2)", "a quantile takes a share from 0 to 1: quantile(x, 0.9)"),
        ("quantile(age, y_true)", "a quantile takes a share from 0 to 1"),
        ("quantile(age)", "a quantile takes a share from 0 to 1"),
        ("sum()", "something is missing beside ')' (column 5)"),
        ("min()", "an aggregate takes a value: sum(x)"),
        ("quantile()", "a quantile takes a share"),
        ("count(age, sex)", "'count' is given more than it takes"),
        ("count(distinct age, sex)", "count(distinct …) takes one value"),
        ("sum(distinct age)", "this is no part of an expression: distinct"),
        ("sum(*)", "this is no part of an expression: star"),
        ("mean(age)", "'mean' cannot be called here; there are: abs"),
        ("arg_max(age, y_score)", "cannot be called here"),
        ("abs(age) filter (where age > 1)", "'abs' cannot be called here"),
    ],
)
def test_a_mistake_in_a_kpi_is_said_with_its_place(
    frames: Frames, expression: str, sentence: str
) -> None:
    with pytest.raises(FilterError) as caught:
        frames.aggregates([expression])
    assert sentence in str(caught.value)


REACHING = [
    "read_csv('/etc/passwd')",
    "read_text('/etc/passwd') = 'x'",
    "sex = (select content from read_text('/etc/passwd'))",
    "exists (select 1 from read_parquet('x'))",
    "age in (select 1)",
    "age > any (select 1)",
    "age in (from rows)",
    "'x.csv' = rows",
    "glob('*') = 'x'",
    "getenv('HOME') = 'x'",
    "current_setting('memory_limit') = 'x'",
    "attach 'x.db'",
    "install httpfs",
    "load httpfs",
    "set memory_limit = '9GB'",
    "pragma database_list",
    "copy rows to 'x.csv'",
    "create macro f(x) as x",
    "call pragma_version()",
    "duckdb_settings() is null",
    "range(1000000000) is null",
    "unnest(range(10)) > 1",
    "generate_series(1, 10) is null",
    "sum(age) over () > 1",
    "row_number() over () > 1",
    "columns(*) > 1",
    "columns('a.*') > 1",
    "* > 1",
    "rows.age > 1",
    "c0 > 1",
    "age > $f0",
    "age > ?",
    "list_transform(tags, x -> x) is null",
    "list_filter([1], lambda x: x > 0) is null",
    "[x for x in tags] is null",
    "{'a': age}.a > 1",
    "struct_pack(a := age) is null",
    "tags[1] = 'a'",
    "sex[1:2] = 'Fe'",
    "age::varchar = '1'",
    "cast(age as blob) is null",
    "random() > 0.5",
    "now() > '2020-01-01'",
    "current_date > '2020-01-01'",
    "regexp_matches(sex, '(a+)+$')",
    "repeat(sex, 1000000000) = 'x'",
    "if = 1",
    "age > 1 -- all",
]


@pytest.mark.parametrize("text", REACHING)
def test_what_reaches_beyond_the_rows_is_refused(
    frames: Frames, text: str, capfd: pytest.CaptureFixture[str]
) -> None:
    for attempt in (frames.count, lambda one: frames.masks([one])):
        with pytest.raises(FilterError):
            attempt(text)
    for kpi in (text, f"sum(case when {text} then 1 else 0 end)", f"count({text})"):
        with pytest.raises(FilterError):
            frames.aggregates([kpi])
    assert capfd.readouterr() == ("", "")  # nothing lands on the terminal by itself


def test_a_long_sum_is_answered_as_fast_as_a_short_one(frames: Frames) -> None:
    assert rows(frames, "+".join(["age"] * 40) + f" = {40 * 24}") == [1]
    assert rows(frames, "abs(" * 18 + "age" + " - 1)" * 18 + " = 6") == [1]
    assert worth(frames, "+".join(["sum(y_pred)"] * 40)) == 120
    assert worth(frames, "sum(" + "*".join(["y_pred"] * 40) + ")") == 3


def test_nesting_does_not_grow_without_end(frames: Frames) -> None:
    deep = "age"
    for _ in range(18):
        deep = f"abs({deep} between 1 and 2)"
    with pytest.raises(FilterError, match="the expression grows too large"):
        frames.count(f"{deep} = 1")
