"""Runs side by side: what differs is told, what is alike is not, and what cannot be compared is said."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from cockpit.code_diff import code_diff
from cockpit.compare import (
    ABSENT,
    MOST,
    Comparison,
    NotToCompare,
    Row,
    clashes,
    compare,
    counted,
    same,
    shown,
)
from storage.runs import Run, RunDetail
from storage.sweeps import Sweep

if TYPE_CHECKING:
    from storage.layout import Layout

SINCE = datetime(2026, 3, 14, tzinfo=UTC)


def run(number: int, **fields: Any) -> Run:
    made = Run(
        *(f"r{number:011d}", f"income#{number}", "income", number, "complete", None),
        {"lr": 0.1, "depth": 6},
        {"auc": 0.9},
        *(200, SINCE, 4.0),
    )
    return replace(made, **fields)


def detail(number: int, known: dict[str, Any] | None = None, **fields: Any) -> RunDetail:
    used = {"cpu_seconds": 4.0, "max_rss": 200_000_000}
    return RunDetail(run(number, **fields), None, {}, used, known or {}, None)


def sweep(direction: str = "maximize") -> Sweep:
    return Sweep(
        *("s1", "income", "complete", None, ("auc",), (direction,), 3, {}, None),
        baseline=None, workers=1, sampler=None, pruner=None, seed=None,
        started=SINCE, seconds=1.0, driver={},
    )  # fmt: skip


def row(found: Comparison, name: str) -> Row:
    return next(each for each in found.rows if each.name == name)


def data(digest: str) -> dict[str, Any]:
    return {"data": {"train": {"digest": f"blake3:{digest}", "bytes": 10, "path": "/d"}}}


def test_only_what_differs_is_told_and_counted() -> None:
    found = compare([detail(1), detail(2, params={"lr": 0.2, "depth": 6})])
    assert [each.name for each in found.differing] == ["lr"]
    assert counted(found, False, "a") == f"showing 1 that differs of {len(found.rows)} (a: all)"
    assert counted(found, True, "a") == f"showing all {len(found.rows)}, of which 1 differ"


def test_what_one_run_lacks_differs_and_is_shown_as_missing() -> None:
    found = compare([detail(1, params={"lr": 0.1}), detail(2, params={"lr": 0.1, "l2": None})])
    assert row(found, "l2").values == (ABSENT, None)
    assert [shown(row(found, "l2"), place) for place in (0, 1)] == ["·", "null"]
    assert row(found, "l2").differs


def test_values_are_alike_as_people_would_say() -> None:
    assert same(1, 1.0)
    assert same(math.nan, math.nan)
    assert not same(True, 1)
    assert not same("1", 1)


@pytest.mark.parametrize("direction, best", [("maximize", {1}), ("minimize", {0})])
def test_the_best_is_marked_whichever_way_is_better(direction: str, best: set[int]) -> None:
    runs = [detail(1, metrics={"auc": 0.91}), detail(2, metrics={"auc": 0.93})]
    found = compare([*runs, detail(3, metrics={"auc": math.nan})], [sweep(direction)])
    assert found.best(row(found, "auc"), 0) == best
    assert found.difference(row(found, "auc"), 1, 0) == "+0.02"
    assert found.difference(row(found, "auc"), 0, 1) == "-0.02"
    assert found.difference(row(found, "auc"), 2, 0) == ""


def test_a_metric_of_no_objective_has_no_best() -> None:
    runs = [detail(1, metrics={"loss": 0.3}), detail(2, metrics={"loss": 0.2})]
    found = compare(runs, [sweep()])
    assert not found.best(row(found, "loss"), 0)
    alike = compare([detail(1), detail(2)], [sweep()])
    assert not alike.best(row(alike, "auc"), 0)


def test_differences_speak_in_the_units_of_people() -> None:
    other = replace(detail(2), resources={"cpu_seconds": 9.5, "max_rss": 190_000_000})
    found = compare([detail(1), other])
    assert found.difference(row(found, "cpu time"), 1, 0) == "+5.5s"
    assert found.difference(row(found, "peak memory"), 1, 0) == "-10.0 MB"


def test_runs_on_other_data_are_not_comparable_and_not_ranked() -> None:
    runs = [
        detail(1, data("aa"), metrics={"auc": 0.91}),
        detail(2, data("bb"), metrics={"auc": 0.99}),
        detail(3, data("aa"), metrics={"auc": 0.92}),
    ]
    found = compare(runs, [sweep()])
    assert clashes(found, 0) == ["income#2 is not comparable with income#1: other data (train)"]
    assert clashes(found, 1) == [
        "income#1 and income#3 are not comparable with income#2: other data (train)"
    ]
    assert found.best(row(found, "auc"), 0) == {2}
    assert found.difference(row(found, "auc"), 1, 0) == "≠ data"
    assert row(found, "train").differs


def test_data_that_only_one_run_knows_of_says_nothing_on_comparability() -> None:
    assert not clashes(compare([detail(1, data("aa")), detail(2)]), 0)


def test_packages_are_named_where_they_differ_and_counted_where_not() -> None:
    def packages(numpy: str) -> dict[str, Any]:
        return {"environment": {"packages": {"numpy": numpy, "polars": "2"}}}

    names = [
        each.name for each in compare([detail(1, packages("1")), detail(2, packages("2"))]).rows
    ]
    assert "numpy" in names
    assert "polars" not in names
    alike = compare([detail(1, packages("1")), detail(2, packages("1"))])
    assert row(alike, "all").values == (2, 2)


def test_one_run_and_thirteen_are_no_comparison() -> None:
    with pytest.raises(NotToCompare, match="takes two runs or more"):
        compare([detail(1)])
    with pytest.raises(NotToCompare, match="13 runs are more than can be compared"):
        compare([detail(number) for number in range(MOST + 1)])


def test_what_nobody_has_is_no_row() -> None:
    names = [each.name for each in compare([detail(1), detail(2)]).rows]
    assert "note" not in names
    assert "git commit" not in names


def git(commit: str, diff: str = "") -> dict[str, Any]:
    kept = {"digest": f"blake3:{diff}", "bytes": 9, "truncated": False, "cap": 99} if diff else None
    return {"git": {"commit": commit, "branch": "main", "dirty": bool(diff), "diff": kept}}


def test_the_code_of_two_runs_is_told_apart(layout: Layout) -> None:
    layout.diffs.mkdir(parents=True)
    (layout.diffs / "ff.patch").write_text("-lr = 0.1\n+lr = 0.2\n")
    one, other = detail(1, git("aaa")), detail(2, git("aaa", "ff"))
    assert code_diff(layout, one, other) == (
        "# both at commit aaa",
        "# income#1 has no changes kept besides its commit",
        "# what income#2 has besides its commit",
        "-lr = 0.1",
        "+lr = 0.2",
    )
    gone = code_diff(layout, one, detail(3, git("bbb", "00")))
    assert gone[0] == "# from commit aaa of income#1 to bbb of income#3"
    assert "has not got both commits" in gone[1]
    assert gone[-1] == "# its diff is gone"
    unknown = code_diff(layout, one, detail(4))
    assert unknown[0] == "# no git repository is known of income#4"
