"""Contracts: each kind of rule is kept by good data and broken by bad, with counts and rows to look at."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from cockpit.data import row_rules
from cockpit.data.contract import check, features_of
from cockpit.project.model import ColumnRule, Contract, DataTable, Fresh
from cockpit.project.rules import ContractError

if TYPE_CHECKING:
    from pathlib import Path

    from cockpit.data.contract import Report, RuleResult

NOW = datetime(2024, 6, 1, tzinfo=UTC)


def at(*parts: int) -> datetime:
    """A time without a zone, as most files have them."""
    return datetime(*parts, tzinfo=UTC).replace(tzinfo=None)  # type: ignore[misc, arg-type]


def table(key: tuple[str, ...] = (), target: str | None = None, **contract: Any) -> DataTable:
    columns = {name: ColumnRule(**rule) for name, rule in contract.pop("columns", {}).items()}
    return DataTable(
        path="x.csv", key=key, target=target, contract=Contract(columns=columns, **contract)
    )


def checked(values: dict[str, Any] | pl.DataFrame, asked: DataTable) -> Report:
    frame = values if isinstance(values, pl.DataFrame) else pl.DataFrame(values)
    return check(frame.lazy(), asked, now=NOW)


def only(report: Report) -> RuleResult:
    (broken,) = report.broken
    return broken


@pytest.mark.parametrize(
    ("values", "rule", "failed", "first"),
    [
        ([17, 18, 90, 91, None, 12], {"min": 18.0}, 2, 1),
        ([17, 18, 90, 91, None, 12], {"max": 90.0}, 1, 4),
        ([1.5, float("nan"), None], {"nulls": False}, 2, 2),
        ([float("inf"), 1.0], {"max": 5.0}, 1, 1),
        ([float("nan"), 1.0, 9.0], {"max": 5.0}, 1, 3),
        (["a", "b", "c", None], {"allowed": ("a", "b")}, 1, 3),
        ([1, 2, 3], {"allowed": (1, 2)}, 1, 3),
        ([1.0, 2.0, 2.5], {"allowed": (1, 2)}, 1, 3),
        ([True, False], {"allowed": (True,)}, 1, 2),
        (["AB1", "AB", "xAB1"], {"pattern": "[A-Z]+[0-9]"}, 2, 2),
        (["a|b", "a"], {"pattern": "a|b"}, 1, 1),
        ([1.0, 2.5, None], {"type": "int"}, 1, 2),
        (["2024-01-31", "31.1.2024"], {"type": "date"}, 1, 2),
        (["2024-01-31T10:00:00Z", "2024-01-31 10:00", "noon"], {"type": "time"}, 1, 3),
        (["2024-01-31", "2024-02-01"], {"min": "2024-02-01"}, 1, 1),
        ([date(2024, 1, 31), date(2024, 2, 1)], {"max": "2024-01-31"}, 1, 2),
        (["2024-01-31T23:30:00-02:00", None], {"max": "2024-02-01T01:00:00+00:00"}, 1, 1),
        ([1, 1, 2, None, None], {"unique": True}, 2, 1),
    ],
)  # fmt: skip
def test_a_rule_counts_the_rows_that_break_it_and_shows_the_first(
    values: list[Any], rule: dict[str, Any], failed: int, first: int
) -> None:
    report = checked({"x": values}, table(columns={"x": rule}))
    broken = only(report)
    assert (broken.failed, broken.of, broken.column) == (failed, len(values), "x")
    assert broken.examples[0]["row"] == first
    assert str(broken.examples[0]["x"]) == str(values[first - 1])
    assert f"row {first}" in broken.sentence


@pytest.mark.parametrize(
    ("values", "rule"),
    [
        ([18, 90, None], {"type": "int", "min": 18.0, "max": 90.0}),
        ([1, 2], {"type": "float", "max": 2.5}),
        ([1.0, None, 3.0], {"type": "int", "allowed": (1, 3)}),
        ([None, None], {"type": "int", "min": 3.0, "allowed": (3,)}),
        (["ab", None], {"type": "text", "pattern": "a."}),
        ([at(2024, 1, 1, 5), None], {"type": "time", "min": "2024-01-01"}),
        ([True, None], {"type": "bool"}),
        ([1, None, None, 4], {"nulls": 0.5}),
        ([[1], [2]], {"nulls": False}),
        ([None, None, 3], {"unique": True}),
    ],
)  # fmt: skip
def test_good_data_keep_it(values: list[Any], rule: dict[str, Any]) -> None:
    report = checked({"x": values}, table(columns={"x": rule}))
    assert report.passed, [one.sentence for one in report.broken]
    assert report.rows == len(values)


def test_categories_are_texts() -> None:
    frame = pl.DataFrame({"x": pl.Series(["a", "b"], dtype=pl.Categorical)})
    assert only(checked(frame, table(columns={"x": {"allowed": ("a",)}}))).failed == 1


@pytest.mark.parametrize("dtype", [pl.UInt8, pl.UInt64, pl.Float32, pl.Decimal(10, 2)])
def test_every_kind_of_number_can_be_bounded(dtype: Any) -> None:
    frame = pl.DataFrame({"x": pl.Series([1, 2, 3]).cast(dtype)})
    report = checked(frame, table(columns={"x": {"min": 2.0, "allowed": (2, 3)}}))
    assert [one.failed for one in report.broken] == [1, 1]


def test_more_missing_than_their_share() -> None:
    broken = only(checked({"x": [1, None, None, None]}, table(columns={"x": {"nulls": 0.5}})))
    assert (broken.failed, broken.of, broken.share) == (3, 4, 0.5)


def test_a_column_of_another_type_is_broken_whether_or_not_its_texts_read_as_numbers() -> None:
    asked = table(columns={"x": {"type": "int"}})
    some = only(checked({"x": ["1", "two", None]}, asked))
    assert some.failed == 1
    assert "of text" in some.sentence
    assert "row 2" in some.sentence
    every = only(checked({"x": ["1", "2"]}, asked))
    assert every.failed == 2
    assert "of text" in every.sentence


def test_columns_that_are_missing_and_columns_nobody_named() -> None:
    asked = table(columns={"age": {"min": 0.0}}, others=False, target="income")
    report = checked({"Age": [1], "income": [0]}, asked)
    missing, others = report.broken
    assert (missing.column, missing.kind) == ("age", "column")
    assert "did you mean 'Age'" in missing.sentence
    assert (others.kind, others.failed) == ("others", 1)
    assert "Age" in others.sentence


def test_a_key_twice_and_a_key_missing() -> None:
    asked = table(key=("a", "b"))
    report = checked({"a": [1, 1, 1, None, 2], "b": ["x", "y", "x", "x", "x"]}, asked)
    broken = only(report)
    assert (broken.kind, broken.failed, broken.of) == ("key", 3, 5)
    assert [row["row"] for row in broken.examples] == [1, 3]
    assert broken.examples[0] == {"row": 1, "a": 1, "b": "x"}
    assert checked({"a": [1, 1], "b": ["x", "y"]}, asked).passed


def test_examples_name_the_key_and_are_few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_rules, "BATCH", 7)
    asked = table(key=("id",), columns={"x": {"max": 3.0}})
    broken = only(checked({"id": list(range(100, 150)), "x": list(range(50))}, asked))
    assert (broken.failed, broken.of) == (46, 50)
    assert list(broken.examples) == [{"row": n + 1, "id": n + 100, "x": n} for n in range(4, 9)]


def test_rules_over_several_columns() -> None:
    asked = table(rules={"gains are not losses": "gain = 0 or loss = 0", "there": "gain >= 0"})
    report = checked({"gain": [0, 5, 5, None], "loss": [3, 0, 2, 0], "z": [1, 2, 3, 4]}, asked)
    several, there = report.broken
    assert (several.name, several.failed, several.of) == ("gains are not losses", 1, 4)
    assert list(several.examples) == [{"row": 3, "gain": 5, "loss": 2}]
    assert (there.failed, there.examples[0]["row"]) == (1, 4)


def test_a_rule_about_no_column_is_a_rule_too() -> None:
    assert only(checked({"x": [1, 2]}, table(rules={"never": "1 = 2"}))).failed == 2


def test_a_rule_that_cannot_be() -> None:
    with pytest.raises(ContractError, match=r"rule 'r'.*agee"):
        checked({"age": [1]}, table(rules={"r": "agee > 3"}))


def test_a_rule_whose_column_the_data_lost_is_broken() -> None:
    asked = table(columns={"age": {"type": "int"}}, rules={"r": "age > 3"})
    report = checked({"x": [1]}, asked)
    assert [one.kind for one in report.broken] == ["column", "rule"]


def test_rules_that_are_no_expressions_over_a_row_are_refused() -> None:
    for text in ("sum(x) > 3", "x > (select 1)", "read_text('/etc/passwd') = 'a'"):
        with pytest.raises(ContractError, match="rule 'r'"):
            checked({"x": [1]}, table(rules={"r": text}))


@pytest.mark.parametrize(
    ("times", "passed"),
    [
        ([at(2024, 5, 30), at(2024, 5, 1)], True),
        ([at(2024, 5, 20)], False),
        (["2024-05-31T10:00:00Z", "2024-01-01"], True),
        ([date(2024, 5, 20)], False),
        ([None], False),
    ],
)  # fmt: skip
def test_freshness(times: list[Any], passed: bool) -> None:
    asked = table(fresh=Fresh(column="seen", within="7d"))
    report = checked(pl.DataFrame({"seen": times}), asked)
    assert report.passed is passed
    if not passed and times != [None]:
        assert "2024-05-20" in only(report).sentence


def test_contracts_that_contradict_themselves_are_mistakes() -> None:
    for rule in (
        {"type": "text", "min": 3.0},
        {"type": "int", "pattern": "a"},
        {"allowed": ("a", 3)},
        {"type": "int", "min": "2024-01-01"},
        {"min": "soon"},
        {"type": "date", "min": "2024-01-01T10:00:00"},
        {"pattern": "("},
    ):
        with pytest.raises(ContractError, match="'x'"):
            checked({"x": [1] if "pattern" not in rule else ["a"]}, table(columns={"x": rule}))


def test_columns_named_like_anything(tmp_path: Path) -> None:
    names = ["rule 0", "place", "row", "a|b", "", "len", "k0", "\x1frule0"]
    frame = pl.DataFrame({name: [1, 1] for name in names})
    asked = table(key=("row",), columns={name: {"max": 0.0, "unique": True} for name in names[:-1]})
    report = checked(frame, asked)
    assert len(report.broken) == 2 * (len(names) - 1) + 1
    assert {one.failed for one in report.broken} == {2}


def test_files_are_read_lazily(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("id,age\n1,17\n2,\n3,200\n", encoding="utf-8")
    report = check(pl.scan_csv(path), table(key=("id",), columns={"age": {"max": 90.0}}), now=NOW)
    assert list(only(report).examples) == [{"row": 3, "id": 3, "age": 200}]


def test_no_rows_and_no_rules() -> None:
    asked = table(key=("x",), columns={"x": {"type": "int", "nulls": False, "unique": True}})
    assert checked(pl.DataFrame(schema={"x": pl.Int64}), asked).passed
    report = checked({"x": [1, 2]}, DataTable(path="x.csv"))
    assert report.passed
    assert report.rows == 2


def test_features_are_what_is_left() -> None:
    asked = DataTable(path="x.csv", key=("id",), target="income", ignore=("fnlwgt",))
    assert features_of(asked, ["id", "age", "fnlwgt", "sex", "income"]) == ("age", "sex")
