"""`cockpit import` and `cockpit dump` as they are typed."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import click
import polars as pl
import pytest
from click.testing import CliRunner

from cockpit.cli.main import cli
from cockpit.interop import mlflow
from cockpit.interop.following import follow
from cockpit.interop.landing import Landing, Source
from cockpit.interop.peers import guess
from cockpit.interop.table import CsvFile
from storage.errors import UserError
from storage.events import ParamSet, RunCreated
from storage.spool import SpoolWriter
from tests.unit.landed import told_of
from tests.unit.mlflow_stores import Database, Folder, Run

if TYPE_CHECKING:
    from pathlib import Path

    from storage.layout import Layout


def cockpit(layout: Layout, *arguments: str, code: int = 0) -> str:
    done = CliRunner().invoke(cli, [*arguments, "--store", str(layout.root)], standalone_mode=False)
    if isinstance(done.exception, UserError | click.UsageError):
        raise done.exception
    assert done.exception is None, done.exception
    assert (done.return_value or 0) == code, done.output
    return done.output


def loss(*values: float) -> dict[str, list[tuple[int, float]]]:
    return {"loss": list(enumerate(values))}


def test_what_lies_there_is_guessed_and_imported_once(layout: Layout, tmp_path: Path) -> None:
    Folder(tmp_path / "mlruns").add(Run("a" * 32, metrics=loss(1, 2)))
    Database(tmp_path / "mlflow.db").add(Run("b" * 32, metrics=loss(3)))
    assert "1 run: 1 new" in cockpit(layout, "import", str(tmp_path / "mlruns"))
    assert "1 run: 1 unchanged" in cockpit(layout, "import", "mlflow", str(tmp_path / "mlruns"))
    assert "1 new" in cockpit(layout, "import", f"sqlite:///{tmp_path}/mlflow.db")
    assert "mlflow.db: taken for mlflow" in cockpit(layout, "import", str(tmp_path / "mlflow.db"))
    told = json.loads(cockpit(layout, "import", "mlflow", str(tmp_path / "mlflow.db"), "--json"))
    assert (told["peer"], told["same"], told["new"], told["known_points"]) == ("mlflow", 1, 0, 1)
    assert len(told_of(layout)) == 2


def test_a_dry_run_says_what_would_be(layout: Layout, tmp_path: Path) -> None:
    Database(tmp_path / "mlflow.db").add(Run("b" * 32, params={"lr": "1"}, metrics=loss(3, 4)))
    said = cockpit(layout, "import", str(tmp_path / "mlflow.db"), "--dry-run")
    assert "1 run: 1 new (dry run: nothing is written)" in said
    assert "to add 1 param and 2 points" in said
    assert not layout.root.exists()


def test_damage_is_told_and_the_rest_imported(layout: Layout, tmp_path: Path) -> None:
    store = Folder(tmp_path / "mlruns")
    store.add(Run("a" * 32))
    store.add(Run("b" * 32))
    (store.file / "1" / ("a" * 32) / "meta.yaml").write_text("\x1b[31m: {")
    said = cockpit(layout, "import", str(tmp_path / "mlruns"), code=1)
    assert "1 run: 1 new" in said
    assert "\x1b" not in said
    assert f"{'a' * 32}: meta.yaml cannot be read" in said


def test_each_peers_things_are_told_from_the_others(tmp_path: Path) -> None:
    for name, file in {
        "mlflow": "a/mlruns/1/meta.yaml",
        "wandb": "b/offline-run-1/run-1.wandb",
        "tensorboard": "c/logs/x/events.out.tfevents.1.host",
        "csv": "d.csv",
    }.items():
        path = tmp_path / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
        top = tmp_path / file.partition("/")[0]
        assert guess(top).name == name
        assert name == "mlflow" or guess(path).name == name
    (tmp_path / "e").mkdir()
    (tmp_path / "e" / "x.csv").write_bytes(b"")
    with pytest.raises(UserError, match="nothing that is known here"):
        guess(tmp_path / "e")


@pytest.mark.parametrize("text", ["http://localhost:5000", "nowhere"])
def test_what_cannot_be_imported_is_said(layout: Layout, text: str) -> None:
    with pytest.raises(UserError):
        cockpit(layout, "import", text)
    assert not layout.root.exists()


def test_an_imported_run_says_where_it_is_from(layout: Layout, tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "m.bin").write_bytes(b"123")
    run = Run("a" * 32, tags={"mlflow.source.git.commit": "c" * 40}, artifacts=str(folder))
    Database(tmp_path / "mlflow.db").add(run)
    cockpit(layout, "import", str(tmp_path / "mlflow.db"))
    said = cockpit(layout, "show", "lauf")
    assert f"{tmp_path}/mlflow.db" in said
    assert f"m.bin  3 B  {folder}/m.bin" in said
    assert "not from here: it was made elsewhere and imported from mlflow" in said
    with pytest.raises(UserError, match="imported from mlflow"):
        cockpit(layout, "rerun", "lauf")
    cockpit(layout, "import", str(tmp_path / "mlflow.db"), "--copy")
    assert "files elsewhere" not in cockpit(layout, "show", "lauf")


def test_a_folder_is_followed_as_it_grows(layout: Layout, tmp_path: Path) -> None:
    file = tmp_path / "mlflow.db"
    stages: list[Any] = [
        lambda: Database(file),
        lambda: store().add(Run("a" * 32, status="RUNNING", metrics=loss(1))),
        lambda: None,
        lambda: store().add(Run("a" * 32, metrics=loss(1, 2))),
    ]
    made: list[Database] = []

    def store() -> Database:
        return made[0]

    seen: list[tuple[int, int]] = []
    states: list[str] = []
    with Landing(layout, Source("mlflow", str(file), unique=True), live=True) as landing:
        looks = follow(
            mlflow,
            file,
            landing,
            0.0,
            lambda at: seen.append((at.new, at.points)),
            sleep=lambda _: None,
        )
        next(looks)  # not there yet
        for stage in stages:
            database = stage()
            if isinstance(database, Database):
                made.append(database)
            next(looks)
            if seen and seen[-1][0] + seen[-1][1]:
                states += [told.state for told in told_of(layout).values()]
    assert seen == [(0, 0), (1, 1), (0, 1)]
    assert states == ["running", "running", "complete"]


CSV = """\ufeffrun,val_loss,lr,layers,opt,AUC,notes on it
a,0.5,0.01,3,adam,0.9,"x, y"
b,,1e-3,4,sgd,nan,
b,0.25,1e-3,4,sgd,0.8,zeile
short,1
"""


def test_rows_of_a_csv_file_are_runs(layout: Layout, tmp_path: Path) -> None:
    file = tmp_path / "runs.csv"
    file.write_text(CSV, "utf-8")
    said = cockpit(layout, "import", "csv", str(file), "--name", "run", "--dry-run", code=1)
    assert "metrics: val_loss, AUC; params: lr, layers, opt, notes on it" in said
    cockpit(layout, "import", "csv", str(file), "--name", "run", code=1)
    runs = {run.name: run for run in told_of(layout).values()}
    assert runs.keys() == {"a", "b", "b-2"}
    assert runs["a"].params == {"lr": 0.01, "layers": 3, "opt": "adam", "notes on it": "x, y"}
    assert runs["a"].metrics == {"val_loss": 0.5, "AUC": 0.9}
    assert [name for name, value in runs["b"].metrics.items() if math.isnan(value)] == ["AUC"]
    file.write_text(CSV + "c,0.1,1,1,sgd,0.1,\n", "utf-8")
    told = json.loads(
        cockpit(layout, "import", "csv", str(file), "--name", "run", "--json", code=1)
    )
    assert (told["new"], told["same"]) == (1, 3)


def test_columns_of_a_csv_file_are_what_is_said(layout: Layout, tmp_path: Path) -> None:
    file = tmp_path / "runs.csv"
    file.write_text("x;loss;speed\n1;2;3\n4;5;6\n", "utf-8")
    cockpit(layout, "import", str(file), "--dry-run")
    cockpit(
        *(
            layout,
            "import",
            "csv",
            str(file),
            "--metrics",
            "speed",
            "--params",
            "loss",
            "--key",
            "x",
        )
    )
    runs = told_of(layout)
    assert (runs["1"].metrics, runs["1"].params) == ({"speed": 3.0}, {"loss": 2})
    file.write_text("x;loss;speed\n1;2;9\n4;5;6\n", "utf-8")
    cockpit(
        *(
            layout,
            "import",
            "csv",
            str(file),
            "--metrics",
            "speed",
            "--params",
            "loss",
            "--key",
            "x",
        )
    )
    assert told_of(layout)["1"].metrics == {"speed": 9.0}
    with pytest.raises(UserError, match="no column 'nope'"):
        cockpit(layout, "import", "csv", str(file), "--key", "nope")


PARAMS = {"lr": 0.1, "big": 2**70, "odd": math.nan, "flag": True, "list": [1, "a"], "text": 'x,"\n'}


def test_what_is_dumped_can_be_read_and_imported(layout: Layout, tmp_path: Path) -> None:
    Database(tmp_path / "mlflow.db").add(
        Run(
            "a" * 32,
            params={"lr": "0.5"},
            tags={"k": "v"},
            metrics=loss(1, math.nan, math.inf, 0.125),
        )
    )
    cockpit(layout, "import", str(tmp_path / "mlflow.db"))
    writer = SpoolWriter(layout)
    one = writer.new_id()
    writer.append(
        RunCreated(one, None, None, "odd\n", "complete", 1e9),
        *(ParamSet(one, name, value, "") for name, value in PARAMS.items()),
    )
    writer.close()
    for form in ("csv", "json", "parquet"):
        for what in ("runs", "metrics"):
            cockpit(layout, "dump", what, "-o", str(tmp_path / f"{what}.{form}"))
    runs = pl.read_parquet(tmp_path / "runs.parquet").sort("name")
    assert runs["metrics.loss"].to_list() == [0.125, None]
    assert runs["params.lr"].to_list() == [0.5, 0.1]
    assert runs["params.flag"].to_list() == [None, True]
    assert math.isnan(runs["params.odd"][1])
    points = pl.read_parquet(tmp_path / "metrics.parquet")
    assert [repr(value) for value in points["value"]] == ["1.0", "nan", "inf", "0.125"]
    assert [row["value"] for row in json.loads((tmp_path / "metrics.json").read_text())] == [
        *(1.0, "NaN", "Infinity", 0.125)
    ]
    assert len(pl.read_csv(tmp_path / "metrics.csv")) == 4
    told = {run["name"]: run for run in json.loads((tmp_path / "runs.json").read_text())}
    assert told["odd\n"]["params"]["big"] == 2**70
    assert told["lauf"]["attrs"]["k"] == "v"
    again = type(layout)(tmp_path / "again" / ".cockpit")
    cockpit(again, "import", str(tmp_path / "runs.csv"))
    back = {run.name: run for run in told_of(again).values()}
    assert back["lauf"].params == {"lr": 0.5}
    assert back["lauf"].metrics == {"loss": 0.125}
    assert set(back["lauf"].tags) == {"income ünï", "k=v"}
    assert back["lauf"].started == told_of(layout)["a" * 32].started
    assert "lauf" in cockpit(layout, "dump", "runs", "-w", "loss < 1")
    assert "odd" not in cockpit(layout, "dump", "runs", "-w", "loss < 1")


def test_without_mlflow_the_dump_says_so(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "mlflow", None)
    writer = SpoolWriter(layout)
    writer.append(RunCreated(writer.new_id(), None, None, "x", "complete", 1e9))
    writer.close()
    with pytest.raises(UserError, match="MLflow is not installed here"):
        cockpit(layout, "dump", "mlflow", "sqlite:///x.db")


def test_a_table_is_read_as_other_programs_write_it(layout: Layout, tmp_path: Path) -> None:
    file = tmp_path / "runs.csv"
    text = "id,name,state,started,loss,größe\n1,ä,FINISHED,2026-01-01,0.5,1\n1,b,crashed,soon,N/A,2\n1-2,c,odd,,3,4\n"
    file.write_bytes(text.encode("utf-16"))
    said = cockpit(layout, "import", str(file), code=1)
    assert "3 runs: 3 new" in said
    assert "line 3: started is 'soon', no time" in said
    assert "line 4: state is 'odd'" in said
    runs = {run.name: run for run in told_of(layout).values()}
    assert [runs[name].state for name in ("ä", "b", "c")] == ["complete", "failed", "lost"]
    assert runs["ä"].metrics == {"loss": 0.5}
    assert (runs["b"].metrics, runs["b"].params) == ({}, {"größe": 2})
    assert "3 runs: 3 unchanged" in cockpit(layout, "import", str(file), code=1)
    file.write_bytes("name\nä\n".encode("latin-1"))
    with pytest.raises(UserError, match=r"not written in UTF-8 \(its byte 5\)"):
        cockpit(layout, "import", str(file))


def test_a_row_that_is_half_written_is_left_for_the_next_look(tmp_path: Path) -> None:
    file = tmp_path / "runs.csv"
    file.write_text("lr,loss\n1,0.5\n2,0.2")
    assert len(list(CsvFile(live=True).read(file))) == 1
    assert len(list(CsvFile().read(file))) == 2
    file.write_text("lr,loss\n1,0.5\n2,0.25\n")
    assert len(list(CsvFile(live=True).read(file))) == 2


def test_what_is_typed_wrong_is_said(layout: Layout, tmp_path: Path) -> None:
    with pytest.raises(click.UsageError, match='did you mean "mlflow"'):
        cockpit(layout, "import", "mlflwo", str(tmp_path))
    Database(tmp_path / "mlflow.db").add(Run("b" * 32))
    assert "1 new (dry run" in cockpit(layout, "import", "--dry-run", str(tmp_path))
    assert not layout.root.exists()


def test_a_second_peer_in_the_same_folder_is_named(layout: Layout, tmp_path: Path) -> None:
    Folder(tmp_path / "mlruns").add(Run("a" * 32))
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "events.out.tfevents.1.h").touch()
    said = cockpit(layout, "import", str(tmp_path))
    assert f"tensorboard has something there too: cockpit import tensorboard {tmp_path}" in said


def test_a_file_that_cannot_be_written_is_said_and_the_old_one_stays(
    layout: Layout, tmp_path: Path
) -> None:
    Database(tmp_path / "mlflow.db").add(Run("a" * 32))
    cockpit(layout, "import", str(tmp_path / "mlflow.db"))
    old = tmp_path / "old.csv"
    old.write_text("old")
    for place in ("/dev/full", tmp_path, "/", tmp_path / "nowhere" / "x.csv", old / "x.csv"):
        with pytest.raises(UserError, match=r"cannot be written|is a folder"):
            cockpit(layout, "dump", "runs", "-o", str(place))
    assert old.read_text() == "old"
    link = tmp_path / "link.csv"
    link.symlink_to(old)
    cockpit(layout, "dump", "runs", "-o", str(link))
    assert link.is_symlink()
    assert "lauf" in old.read_text()
    assert not list(tmp_path.glob(".*.csv-*"))
