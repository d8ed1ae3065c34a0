"""MLflow's stores are read without MLflow, and nothing of them is lost."""

from __future__ import annotations

import math
import os
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from cockpit.interop.errors import NothingToImport
from cockpit.interop.foreign import Damaged, ForeignRun, Skipped
from cockpit.interop.landing import Landing, Source
from cockpit.interop.mlflow import count, newest, read
from cockpit.interop.mlflow_dump import _named
from tests.unit.mlflow_stores import BEGAN, Database, Folder, Run

if TYPE_CHECKING:
    from pathlib import Path

    from storage.layout import Layout

ODD = [(0, 0.5), (1, math.nan), (2, math.inf), (-3, -math.inf), (2**40, 1e-300)]


@pytest.fixture(params=[Database, Folder])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    return request.param(tmp_path / ("mlflow.db" if request.param is Database else "mlruns"))


def runs_of(place: Path) -> dict[str, ForeignRun]:
    return {run.key: run for run in read(place) if isinstance(run, ForeignRun)}


def test_params_tags_note_times_and_states(store: Any) -> None:
    store.add(
        Run(
            "a" * 32,
            "lauf 🚀",
            "FAILED",
            params={
                "lr": "0.01",
                "n": "3",
                "amp": "True",
                "none": "None",
                "zip": "007",
                "text": "a\nb",
            },
            tags={
                "team": "übersee",
                "flag": "",
                "mlflow.note.content": "erste\nzweite",
                "mlflow.source.git.commit": "c" * 40,
                "mlflow.source.name": "train.py",
                "mlflow.parentRunId": "b" * 32,
            },
        )
    )
    (run,) = runs_of(store.file).values()
    assert (run.name, run.state, run.group) == ("lauf 🚀", "failed", "income ünï")
    assert (run.started, run.ended) == (BEGAN / 1000, BEGAN / 1000 + 5)
    assert run.params == {
        "lr": 0.01,
        "n": 3,
        "amp": True,
        "none": None,
        "zip": "007",
        "text": "a\nb",
    }
    assert (run.note, set(run.tags)) == ("erste\nzweite", {"team=übersee", "flag"})
    assert run.attrs["team"] == "übersee"
    assert run.attrs["mlflow.parentRunId"] == "b" * 32
    assert run.provenance == {"git": {"commit": "c" * 40, "branch": None}, "command": ["train.py"]}


def test_a_curve_is_whole_with_what_is_not_finite(store: Any) -> None:
    store.add(Run("a" * 32, metrics={"loss": ODD, "val/auc": [(0, 0.9)], "system/cpu": [(0, 3.0)]}))
    (run,) = runs_of(store.file).values()
    curves = {curve.name: curve for curve in run.curves}
    assert set(curves) == {"loss", "val/auc", "system.cpu"}
    loss = curves["loss"]
    points = sorted(zip(loss.steps.tolist(), map(repr, loss.values.tolist()), strict=True))
    assert points == sorted((step, repr(value)) for step, value in ODD)
    assert sorted(loss.times.tolist()) == [(BEGAN + i) / 1000 for i in range(len(ODD))]


def test_the_last_value_is_that_of_the_highest_step(store: Any) -> None:
    store.add(Run("a" * 32, metrics={"loss": [(5, 0.5), (1, 0.1), (5, 0.7), (2, 0.2)]}))
    (run,) = runs_of(store.file).values()
    (curve,) = run.curves
    assert run.summary.get("loss", curve.values[-1]) == 0.7


def test_the_deleted_are_passed_over_and_counted(store: Any) -> None:
    for number in range(3):
        store.add(Run(f"{number:032x}", stage="deleted" if number else "active"))
    found = list(read(store.file))
    assert [one.key for one in found if isinstance(one, ForeignRun)] == [f"{0:032x}"]
    assert Skipped("deleted run", 2) in found
    assert not [one for one in found if isinstance(one, Damaged)]


def test_files_are_named_where_they_lie(store: Any, tmp_path: Path) -> None:
    folder = tmp_path / "kept" / "artifacts"
    (folder / "plots").mkdir(parents=True)
    (folder / "plots" / "ä.png").write_bytes(b"123")
    (folder / "loop").symlink_to(folder)
    store.add(Run("a" * 32, artifacts=folder.as_uri()))
    store.add(Run("b" * 32, artifacts="s3://bucket/b"))
    runs = runs_of(store.file)
    (file,) = runs["a" * 32].artifacts
    assert (file.name, file.source, file.bytes) == (
        "plots/ä.png",
        str(folder / "plots" / "ä.png"),
        3,
    )
    (away,) = runs["b" * 32].artifacts
    assert (away.source, away.bytes) == ("s3://bucket/b", None)


def test_registered_models_and_datasets_stand_with_their_run(tmp_path: Path) -> None:
    store = Database(tmp_path / "mlflow.db")
    store.add(Run("a" * 32))
    for version, stage, key in ((2, "Production", "a" * 32), (1, "None", "e" * 32)):
        store.base.execute(
            "insert into model_versions values ('income', ?, 0, 0, null, null, ?, 'runs:/x', ?, 'READY')",
            (version, stage, key),
        )
    store.base.executescript(f"""
        insert into registered_model_aliases values ('champion', 2, 'income');
        insert into datasets values ('d1', 1, 'train', 'abc123', 'local', 'train.csv');
        insert into inputs values ('i1', 'DATASET', 'd1', 'RUN', '{"a" * 32}');
        insert into input_tags values ('i1', 'mlflow.data.context', 'training');
    """)
    found = list(read(tmp_path))
    (run,) = (one for one in found if isinstance(one, ForeignRun))
    assert set(run.tags) == {"income@2", "income@champion"}
    assert run.attrs["registered_models"][0]["stage"] == "Production"
    (data,) = run.attrs["datasets"]
    assert (data["name"], data["digest"], data["context"]) == ("train", "abc123", "training")
    assert Skipped("version of a model whose run is not there", 1) in found


def test_registered_models_in_folders(tmp_path: Path) -> None:
    store = Folder(tmp_path / "mlruns")
    store.add(Run("a" * 32))
    models = store.file / "models" / "income"
    (models / "version-1").mkdir(parents=True)
    (models / "version-1" / "meta.yaml").write_text(
        f"name: income\nversion: 1\nrun_id: {'a' * 32}\ncurrent_stage: None\n"
    )
    (models / "aliases").mkdir()
    (models / "aliases" / "champion").write_text("1")
    assert set(runs_of(store.file)["a" * 32].tags) == {"income@1", "income@champion"}


def test_damage_in_a_folder_leaves_the_rest(tmp_path: Path) -> None:
    store = Folder(tmp_path / "mlruns")
    for number in range(3):
        store.add(Run(f"{number:032x}", metrics={"loss": ODD}))
    (store.file / "1" / f"{0:032x}" / "meta.yaml").write_text("{: no yaml")
    loss = store.file / "1" / f"{1:032x}" / "metrics" / "loss"
    loss.write_text("1 0.5 0\nwhat\n3 0.25 1\n4 0.1")
    found = list(read(store.file))
    (damaged,) = (one for one in found if isinstance(one, Damaged))
    assert f"{0:032x}" in damaged.where
    runs = runs_of(store.file)
    assert runs[f"{1:032x}"].curves[0].values.tolist() == [0.5, 0.25]
    assert [text.partition(":")[2] for text in runs[f"{1:032x}"].damage] == [
        " line 2 is no point",
        " line 4 is cut off",
    ]
    assert not runs[f"{2:032x}"].damage


def test_damage_in_a_database_leaves_the_rest(tmp_path: Path) -> None:
    store = Database(tmp_path / "mlflow.db")
    store.add(Run("a" * 32, metrics={"loss": ODD, "auc": ODD}))
    store.base.execute("update metrics set step = 'three' where \"key\" = 'auc' and step = 1")
    (run,) = runs_of(store.file).values()
    assert [curve.name for curve in run.curves] == ["loss"]
    assert len(run.damage) == 1
    assert "auc" in run.damage[0]


def test_the_stamp_moves_with_what_is_written(store: Any) -> None:
    store.add(Run("a" * 32, metrics={"loss": ODD[:1]}))
    before = newest(store.file)
    assert newest(store.file) == before
    store.add(Run("a" * 32, metrics={"loss": ODD}))
    assert newest(store.file) != before
    assert count(store.file) == 1


def test_what_is_no_store_is_told(tmp_path: Path) -> None:
    with pytest.raises(NothingToImport, match="not there"):
        read(tmp_path / "nowhere")
    with pytest.raises(NothingToImport, match=r"neither mlflow\.db nor runs"):
        read(tmp_path)
    (tmp_path / "mlflow.db").write_bytes(b"SQLite format 3\0" + b"\7" * 4000)
    with pytest.raises(NothingToImport, match="cannot be read as a database"):
        list(read(tmp_path))


def test_who_writes_to_the_database_never_waits_for_the_import(tmp_path: Path) -> None:
    store = Database(tmp_path / "mlflow.db")
    for number in range(3):
        store.add(Run(f"{number:032x}", metrics={"loss": ODD}))
    with closing(sqlite3.connect(store.file, timeout=0, isolation_level=None)) as writer:
        for one in read(store.file):  # each is landed before the next is read
            writer.execute("update runs set name = name || '!'")
            assert one
    assert {run.name[:7] for run in runs_of(store.file).values()} == {"lauf!!!"}


ODD_CELLS = (
    "runs set name = x'ff00', start_time = 'soon', end_time = x'01', user_id = 7, artifact_uri = 5",
    "runs set status = 9, name = null",
    "params set value = x'fffe', \"key\" = 5",
    "tags set value = 3.5",
    'metrics set "key" = 7',
)


def test_cells_of_another_kind_than_mlflow_writes_stop_nothing(
    tmp_path: Path, layout: Layout
) -> None:
    store = Database(tmp_path / "mlflow.db")
    for number, change in enumerate(ODD_CELLS):
        key = f"{number:032x}"
        store.add(Run(key, params={"lr": "1"}, tags={"t": "x"}, metrics={"loss": ODD}))
        store.base.execute(f"update {change} where run_uuid = '{key}'")
    store.base.executescript(f"""
        update experiments set name = x'00ff';
        insert into model_versions values (x'ff', 'one', 0, 0, x'ff', null, 3, 4, '{0:032x}', 'READY');
    """)
    with Landing(layout, Source("mlflow", str(store.file), unique=True)) as landing:
        landed = landing.take(read(store.file))
    assert (landed.new, landed.points) == (len(ODD_CELLS), len(ODD_CELLS) * len(ODD))
    assert landed.damaged == ()


def test_a_view_is_not_asked(tmp_path: Path) -> None:
    store = Database(tmp_path / "mlflow.db")
    store.base.executescript("""
        drop table runs;
        create view runs as with recursive n(x) as (select 1 union all select x + 1 from n) select x from n;
    """)
    with pytest.raises(NothingToImport, match="no table runs"):
        list(read(store.file))


HOSTILE_META = [
    "start_time: soon\nend_time: [1]\nrun_name: {a: 1}\nartifact_uri: 3\nuser_id: 1.5\nstatus: x",
    f"start_time: 1{'0' * 400}\nrun_name: 2026-01-01\n3: 4",
    "x: &a [1, 1]\n"
    + "\n".join(f"x{n}: &a{n} [*a{n - 1 or ''}, *a{n - 1 or ''}]" for n in range(1, 60))
    + "\nrun_name: *a59\nstatus: *a59\nstart_time: *a59",
]


@pytest.mark.parametrize("text", HOSTILE_META)
def test_a_meta_file_that_lies_stops_nothing(tmp_path: Path, text: str) -> None:
    store = Folder(tmp_path / "mlruns")
    store.add(Run("a" * 32, metrics={"loss": ODD}))
    meta = store.file / "1" / ("a" * 32) / "meta.yaml"
    meta.write_text(f"run_id: {'a' * 32}\n{text}\n")
    (run,) = runs_of(store.file).values()
    assert len(run.curves[0].steps) == len(ODD)


def test_a_pipe_among_the_files_is_told_and_not_waited_for(tmp_path: Path) -> None:
    store = Folder(tmp_path / "mlruns")
    store.add(Run("a" * 32, params={"lr": "1"}, metrics={"loss": ODD}))
    for part in ("params", "metrics"):
        os.mkfifo(store.file / "1" / ("a" * 32) / part / "pipe")
    (run,) = runs_of(store.file).values()
    assert (run.params, len(run.curves)) == ({"lr": 1}, 1)
    assert sorted(run.damage) == [
        "metric 'pipe' cannot be read: it is no plain file",
        "params/pipe cannot be read: it is no plain file",
    ]


def test_names_that_mlflow_would_make_one_stay_two() -> None:
    assert _named(["a?b", "a*b", "a_b", "ok"]) == {
        "a?b": "a_b",
        "a*b": "a_b_2",
        "a_b": "a_b_3",
        "ok": "ok",
    }
