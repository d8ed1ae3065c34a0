"""What others do with the same run: files by hand (the floor), sqlite by hand, MLflow's sqlite store."""

from __future__ import annotations

import importlib.util
import json
import sqlite3
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from pathlib import Path

Values = dict[str, float]


class Peer(Protocol):
    """A place for runs."""

    @property
    def name(self) -> str: ...

    def log_run(self, params: Values, metrics: Values) -> None: ...
    def log_points(self, values: list[float]) -> None: ...
    def read_points(self) -> int: ...
    def top(self, metric: str, limit: int) -> list[Any]: ...
    def disk(self) -> int:
        """Bytes."""
        ...


class Jsonl:
    """A line an event in one file, flushed after each."""

    name = "plain jsonl"

    def __init__(self, folder: Path) -> None:
        self._path = folder / "runs.jsonl"
        self._file = self._path.open("a", encoding="utf-8")
        self._runs = 0

    def _say(self, **event: Any) -> None:
        self._file.write(json.dumps(event) + "\n")
        self._file.flush()

    def log_run(self, params: Values, metrics: Values) -> None:
        self._runs += 1
        self._say(run=self._runs, state="running")
        self._say(run=self._runs, params=params)
        self._say(run=self._runs, metrics=metrics)
        self._say(run=self._runs, state="complete")

    def log_points(self, values: list[float]) -> None:
        for step, value in enumerate(values):
            self._say(run=0, name="loss", step=step, value=value)

    def read_points(self) -> int:
        with self._path.open(encoding="utf-8") as file:
            return sum(json.loads(line).get("name") == "loss" for line in file)

    def top(self, metric: str, limit: int) -> list[Any]:
        with self._path.open(encoding="utf-8") as file:
            rows = [e for line in file if "metrics" in (e := json.loads(line))]
        return sorted(rows, key=lambda row: -row["metrics"][metric])[:limit]

    def disk(self) -> int:
        return self._path.stat().st_size


class Sqlite:
    """Three tables, WAL, synchronous normal, an index where it is asked."""

    name = "sqlite WAL"

    def __init__(self, folder: Path) -> None:
        self._path = folder / "runs.sqlite"
        self._base = sqlite3.connect(self._path, isolation_level=None)
        self._base.executescript(
            "pragma journal_mode=wal; pragma synchronous=normal;"
            "create table runs(id integer primary key, state text, params text);"
            "create table last(run int, name text, value real, primary key(name, run)) without rowid;"
            "create index best on last(name, value);"
            "create table points(run int, name text, step int, value real)"
        )

    def log_run(self, params: Values, metrics: Values) -> None:
        base = self._base
        run = base.execute("insert into runs(state) values ('running')").lastrowid
        base.execute("update runs set params = ? where id = ?", (json.dumps(params), run))
        base.execute("begin")
        base.executemany(
            "insert into last values (?, ?, ?)", [(run, k, v) for k, v in metrics.items()]
        )
        base.execute("commit")
        base.execute("update runs set state = 'complete' where id = ?", (run,))

    def log_points(self, values: list[float]) -> None:
        rows = [(0, "loss", step, value) for step, value in enumerate(values)]
        for start in range(0, len(rows), 1000):
            self._base.execute("begin")
            self._base.executemany(
                "insert into points values (?, ?, ?, ?)", rows[start : start + 1000]
            )
            self._base.execute("commit")

    def read_points(self) -> int:
        return len(
            self._base.execute(
                "select step, value from points where run = 0 order by step"
            ).fetchall()
        )

    def top(self, metric: str, limit: int) -> list[Any]:
        return self._base.execute(
            "select runs.* from last join runs on id = run where name = ? order by value desc limit ?",
            (metric, limit),
        ).fetchall()

    def disk(self) -> int:
        self._base.execute("pragma wal_checkpoint(truncate)")
        return self._path.stat().st_size


class Mlflow:
    """MLflow's tracking client on its sqlite store, in batches, as its own loggers do."""

    name = "MLflow sqlite"

    def __init__(self, folder: Path) -> None:
        from mlflow.entities import Metric, Param
        from mlflow.tracking import MlflowClient

        self._metric, self._param = Metric, Param
        self._path = folder / "mlflow.sqlite"
        self._client = MlflowClient(f"sqlite:///{self._path}")
        self._experiment = self._client.create_experiment("bench", str(folder))
        self._curve = ""

    def log_run(self, params: Values, metrics: Values) -> None:
        run = self._client.create_run(self._experiment).info.run_id
        self._client.log_batch(run, params=[self._param(k, str(v)) for k, v in params.items()])
        self._client.log_batch(run, [self._metric(k, v, 0, 0) for k, v in metrics.items()])
        self._client.set_terminated(run)

    def log_points(self, values: list[float]) -> None:
        self._curve = self._client.create_run(self._experiment).info.run_id
        points = [self._metric("loss", value, 0, step) for step, value in enumerate(values)]
        for start in range(0, len(points), 1000):
            self._client.log_batch(self._curve, points[start : start + 1000])

    def read_points(self) -> int:
        return len(self._client.get_metric_history(self._curve, "loss"))

    def top(self, metric: str, limit: int) -> list[Any]:
        order = [f"metrics.{metric} DESC"]
        return list(self._client.search_runs([self._experiment], order_by=order, max_results=limit))

    def disk(self) -> int:
        return self._path.stat().st_size


def installed() -> tuple[type[Jsonl] | type[Sqlite] | type[Mlflow], ...]:
    """The peers there are; MLflow only where it is installed."""
    return (Jsonl, Sqlite, Mlflow) if importlib.util.find_spec("mlflow") else (Jsonl, Sqlite)
