"""The store from a notebook: `storage.open_store()` and the frames it gives."""

from __future__ import annotations

import math
import subprocess
import sys
from typing import TYPE_CHECKING

import polars as pl
import pytest

import storage
from storage.events import (
    MetricLogged,
    ParamSet,
    RunChanged,
    RunCreated,
    SweepChanged,
    SweepCreated,
)
from storage.expressions.terms import FilterError, NothingToSortBy
from storage.reader import NoSuchMetric, Reader
from storage.runs import RunNotFound
from storage.sandbox import QueryError
from storage.store import StoreMissing
from storage.sweeps import SweepNotFound

if TYPE_CHECKING:
    from pathlib import Path

    from storage.layout import Layout
    from storage.spool import SpoolWriter

AUC = [0.5, 0.9, math.nan, None]
PARAMS = [
    {"lr": 1e-3, "depth": 3, "opt": "adam", "amp": True, "auc": 1, "name": "inner", "big": 2**70},
    {"lr": 1, "depth": 4, "opt": "1", "amp": False, "mixed": 1},
    {"lr": math.nan, "depth": -5, "opt": "sgd", "mixed": True},
    {"lr": -math.inf, "opt": None},
]


@pytest.fixture
def store(layout: Layout, writer: SpoolWriter) -> Reader:
    sweep = writer.new_id()
    writer.append(
        SweepCreated(sweep, "income", ["maximize"], 10.0),
        SweepChanged(sweep, {"metrics": ["auc"], "trials": 9, "sampler": "tpe", "seed": 7}),
    )
    for number, (auc, params) in enumerate(zip(AUC, PARAMS, strict=True)):
        run = writer.new_id()
        writer.append(RunCreated(run, sweep, number, f"income#{number}", "running", 20.0 + number))
        writer.append(*(ParamSet(run, name, value, "") for name, value in params.items()))
        writer.append(*(MetricLogged(run, "loss", s, 30.0 + s, 1.0 / (s + 1)) for s in (0, 1, 2)))
        values = {} if auc is None else {"metrics": {"auc": auc}, "values": [auc]}
        writer.append(RunChanged(run, {"state": "complete", "ended": 50.0, "tag": "old", **values}))
    return storage.open_store(layout.root)


def test_runs_have_a_column_for_every_param_and_metric(store: Reader) -> None:
    frame = store.runs()
    assert frame["name"].to_list() == [f"income#{n}" for n in (3, 2, 1, 0)]
    fixed = ["id", "name", "sweep", "number", "state", "started", "seconds", "tags", "note"]
    assert frame.columns[:9] == fixed
    assert set(frame.columns[9:]) == {
        *("loss", "auc", "lr", "depth", "opt", "amp", "params.auc", "params.name", "big", "mixed"),
    }
    assert frame.schema["started"] == pl.Datetime("us", "UTC")
    assert frame["seconds"].to_list() == [27.0, 28.0, 29.0, 30.0]
    assert frame["tags"].to_list() == [["old"]] * 4


def test_a_param_has_the_type_that_all_its_values_have(store: Reader) -> None:
    frame = store.runs(sort="number")
    assert frame["number"].to_list() == [0, 1, 2, 3]
    assert frame["depth"].to_list() == [3, 4, -5, None]
    assert frame["depth"].dtype == pl.Int64
    assert frame["amp"].to_list() == [True, False, None, None]
    assert frame["opt"].to_list() == ["adam", "1", "sgd", None]
    assert frame["mixed"].to_list() == [None, "1", "true", None]
    assert frame["big"].to_list() == [float(2**70), None, None, None]
    first, second, third, fourth = frame["lr"].to_list()
    assert (first, second, fourth) == (1e-3, 1.0, -math.inf)
    assert math.isnan(third)


def test_a_metric_keeps_its_nan(store: Reader) -> None:
    first, second, third, fourth = store.runs(sort="number")["auc"].to_list()
    assert (first, second, fourth) == (0.5, 0.9, None)
    assert math.isnan(third)


def test_an_objective_is_sorted_best_first_and_what_has_none_last(store: Reader) -> None:
    assert store.runs(sort="auc")["number"].to_list() == [1, 0, 3, 2]
    assert store.runs(sort="auc", descending=False)["number"].to_list() == [0, 1, 3, 2]
    assert store.runs(sort="params.depth", limit=2)["number"].to_list() == [1, 0]


def test_conditions_choose(store: Reader) -> None:
    assert store.runs(where="auc > 0.6 and lr >= 1")["number"].to_list() == [1]
    assert store.runs(where="#2")["number"].to_list() == [2]
    assert store.runs(sweep="income", limit=1).height == 1


def test_without_a_run_there_is_a_frame_without_rows(store: Reader) -> None:
    frame = store.runs(where="number > 99")
    assert frame.height == 0
    assert frame.columns[:3] == ["id", "name", "sweep"]
    assert store.metrics("number > 99", "loss").columns == ["run", "step", "time", "value"]


def test_the_points_of_a_metric(store: Reader) -> None:
    frame = store.metrics("income#1", "loss")
    assert frame["step"].to_list() == [0, 1, 2]
    assert frame["value"].to_list() == pytest.approx([1.0, 1 / 2, 1 / 3])
    assert frame.schema["time"] == pl.Datetime("us", "UTC")
    assert frame["run"].unique().to_list() == store.runs(where="number = 1")["id"].to_list()
    assert store.metrics("auc > 0", "loss").height == 6
    assert store.metrics(store.runs(limit=3)["id"], "loss").height == 9
    assert store.metrics("@latest", "loss").height == 3


def test_sweeps_are_rows(store: Reader) -> None:
    [row] = store.sweeps().to_dicts()
    assert (row["name"], row["metrics"], row["trials"], row["seed"]) == ("income", ["auc"], 9, 7)
    assert row["settled"] == 4
    assert [row["best"]] == store.runs(where="number = 1")["id"].to_list()


def test_sql_reads(store: Reader) -> None:
    assert store.sql("select count(*) as n from runs")["n"].item() == 4
    with pytest.raises(QueryError):
        store.sql("drop view runs")


def test_what_cannot_be_is_said(store: Reader, tmp_path: Path) -> None:
    with pytest.raises(FilterError, match="did you mean auc"):
        store.runs(where="acu > 1")
    with pytest.raises(NothingToSortBy, match="'acu'"):
        store.runs(sort="acu")
    with pytest.raises(NoSuchMetric, match="did you mean 'loss'"):
        store.metrics("@latest", "los")
    with pytest.raises(RunNotFound):
        store.metrics("income#99", "loss")
    with pytest.raises(SweepNotFound):
        store.runs(sweep="outcome")
    with pytest.raises(StoreMissing):
        storage.open_store(tmp_path / "nothing")


def test_the_store_is_found_as_the_commands_find_it(
    store: Reader, layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COCKPIT_STORE", raising=False)
    below = layout.project / "notebooks"
    below.mkdir()
    monkeypatch.chdir(below)
    assert storage.open_store().runs().height == 4


def test_importing_storage_imports_nothing_heavy() -> None:
    code = (
        "import sys, storage; storage.open_store;"
        " print([n for n in ('duckdb', 'polars', 'sqlglot', 'optuna') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
