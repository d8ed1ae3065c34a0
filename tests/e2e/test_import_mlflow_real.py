"""What the real MLflow wrote is all there after the import, value by value as its own client answers.

Runs where COCKPIT_PEERS_MLFLOW names a Python that has mlflow; COCKPIT_PEERS_RUNS may ask for more runs.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from cockpit.interop.landing import Landing, Source
from cockpit.interop.mlflow import read
from cockpit.interop.mlflow_facts import LARGEST
from cockpit.interop.values import as_stored, typed
from storage.care.check import check
from storage.layout import Layout
from storage.store import Store
from tests.unit.landed import told_of

PEER = os.environ.get("COCKPIT_PEERS_MLFLOW", "")
RUNS = int(os.environ.get("COCKPIT_PEERS_RUNS", "8"))
POINTS = 1000
WRITER = Path(__file__).parent / "peers" / "mlflow_writer.py"
STATES = {"FINISHED": "complete", "FAILED": "failed", "KILLED": "stopped", "RUNNING": "stopped"}
FAMILIES = ("sqlite", "files")

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not PEER, reason="COCKPIT_PEERS_MLFLOW names no Python that has mlflow"),
]


def asked(folder: Path, uri: str, runs: int) -> dict[str, Any]:
    """What MLflow's client answers, after it wrote so many runs."""
    into = folder / "answers.json"
    subprocess.run(
        [PEER, str(WRITER), uri, str(folder / "art"), str(into), str(runs), str(POINTS)],
        check=True,
        capture_output=True,
        timeout=900,
        env={**os.environ, "MLFLOW_ALLOW_FILE_STORE": "true"},
        cwd=folder,
    )
    found: dict[str, Any] = json.loads(into.read_text("utf-8"))["runs"]
    return found


def number(text: str) -> str:
    """MLflow's database has no infinities; it writes the largest number there is for them."""
    value = float(text)
    return repr(float("inf") if value >= LARGEST else float("-inf") if value <= -LARGEST else value)


def ours(name: str) -> str:
    return name.replace("system/", "system.") if name.startswith("system/") else name


@pytest.mark.parametrize("family", FAMILIES)
def test_every_value_of_the_real_mlflow_arrives(tmp_path: Path, family: str) -> None:
    place = tmp_path / ("mlflow.db" if family == "sqlite" else "mlruns")
    theirs = asked(tmp_path, f"sqlite:///{place}" if family == "sqlite" else str(place), RUNS)
    layout = Layout(tmp_path / ".cockpit")
    with Landing(layout, Source("mlflow", str(place), unique=True)) as landing:
        landed = landing.take(read(place))
    assert (landed.new, landed.damaged, landed.skipped["deleted run"]) == (RUNS, (), 1)
    assert landed.points == sum(len(m) for run in theirs.values() for m in run["metrics"].values())
    found = told_of(layout)
    assert found.keys() == theirs.keys()
    for key, run in theirs.items():
        mine = found[key]
        assert mine.name.startswith(run["name"].replace("#", "-"))
        assert (mine.state, mine.started) == (STATES[run["status"]], run["start"] / 1000)
        if run["end"] is not None:
            assert mine.ended == run["end"] / 1000
        assert mine.params == {n: as_stored(typed(v)) for n, v in run["params"].items()}
        assert mine.note == run["tags"]["mlflow.note.content"]
        assert mine.attrs["team"] == "übersee"
        assert {run["experiment"], "team=übersee"} <= set(mine.tags)
        assert mine.curves == {
            ours(name): sorted((step, at * 1000, number(value)) for step, at, value in points)
            for name, points in run["metrics"].items()
        }
        last = {n: number(v) for n, v in run["last"].items() if not n.startswith("system/")}
        assert {n: repr(v) for n, v in mine.metrics.items()} == last
    assert sum("income@champion" in run.tags for run in found.values()) == 1
    assert check(Store(layout)).passed
    with Landing(layout, Source("mlflow", str(place), unique=True)) as landing:
        again = landing.take(read(place))
    assert (again.new, again.changed, again.points, again.same) == (0, 0, 0, RUNS)


def test_what_cockpit_dumps_into_mlflow_comes_back_the_same(tmp_path: Path) -> None:
    first = tmp_path / "mlflow.db"
    asked(tmp_path, f"sqlite:///{first}", 6)
    layout = Layout(tmp_path / ".cockpit")
    with Landing(layout, Source("mlflow", str(first), unique=True)) as landing:
        landing.take(read(first))
    second = tmp_path / "second.db"
    code = f"""
import sys; sys.path[:0] = {[str(Path(__file__).parents[2])]!r}
from cockpit.interop.mlflow_dump import dump
import json, datetime
runs, points = json.load(open("dumped.json"))
for run in runs:
    for name in ("started", "ended"):
        run[name] = run[name] and datetime.datetime.fromisoformat(run[name])
def told(key):
    return [(m, s, datetime.datetime.fromisoformat(t), float(v)) for r, m, s, t, v in points if r == key]
print(dump("sqlite:///{second}", "x", runs, told)); print(dump("sqlite:///{second}", "x", runs, told))
"""
    from storage.export import points, runs
    from storage.runs import RunQuery

    with Store(layout).session() as session:
        rows = runs(session, RunQuery(limit=None))
        every = points(session, RunQuery(limit=None)).drop("run_name").rows()
    (tmp_path / "dumped.json").write_text(
        json.dumps(
            [rows, [[r, m, s, t.isoformat(), repr(v)] for r, m, s, t, v in every]], default=str
        )
    )
    done = subprocess.run(
        [PEER, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False
    )
    assert "runs=6, known=0" in done.stdout, done.stderr
    assert "runs=0, known=6" in done.stdout
    again = Layout(tmp_path / "again" / ".cockpit")
    with Landing(again, Source("mlflow", str(second), unique=True)) as landing:
        landing.take(read(second))
    mine = {run.started: run for run in told_of(layout).values()}
    back = told_of(again)
    assert len(back) == 6
    for run in back.values():
        then = mine[run.started]
        assert (run.curves, run.note, run.params) == (then.curves, then.note, then.params)
