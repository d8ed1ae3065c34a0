"""Stores as MLflow 3.17 writes them, made by hand: its tables and its folders, as far as they are read."""

from __future__ import annotations

import math
import sqlite3
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

LARGEST = 1.7976931348623157e308
TABLES = """
create table experiments (experiment_id integer not null primary key, name varchar(256) not null,
    artifact_location varchar(256), lifecycle_stage varchar(32), creation_time bigint, last_update_time bigint,
    workspace varchar(63) default 'default' not null);
create table experiment_tags ("key" varchar(250) not null, value text, experiment_id integer not null,
    primary key ("key", experiment_id));
create table runs (run_uuid varchar(32) not null primary key, name varchar(250), source_type varchar(20),
    source_name varchar(500), entry_point_name varchar(50), user_id varchar(256), status varchar(9),
    start_time bigint, end_time bigint, source_version varchar(50), lifecycle_stage varchar(20),
    artifact_uri varchar(200), experiment_id integer, deleted_time bigint);
create table metrics ("key" varchar(250) not null, value float not null, timestamp bigint not null,
    run_uuid varchar(32) not null, step bigint default '0' not null, is_nan boolean default '0' not null,
    primary key ("key", timestamp, step, run_uuid, value, is_nan));
create index index_metrics_run_uuid_key_step on metrics (run_uuid, "key", step);
create table params ("key" varchar(250) not null, value varchar(8000) not null, run_uuid varchar(32) not null,
    primary key ("key", run_uuid));
create index index_params_run_uuid on params (run_uuid);
create table tags ("key" varchar(250) not null, value varchar(8000), run_uuid varchar(32) not null,
    primary key ("key", run_uuid));
create index index_tags_run_uuid on tags (run_uuid);
create table model_versions (name varchar(256) not null, version integer not null, creation_time bigint,
    last_updated_time bigint, description varchar(5000), user_id varchar(256), current_stage varchar(20),
    source varchar(500), run_id varchar(32), status varchar(20), primary key (name, version));
create table registered_model_aliases (alias varchar(256) not null, version integer not null,
    name varchar(256) not null, primary key (name, alias));
create table datasets (dataset_uuid varchar(36) not null, experiment_id integer not null, name varchar(500) not null,
    digest varchar(36) not null, dataset_source_type varchar(36) not null, dataset_source text not null);
create table inputs (input_uuid varchar(36) not null, source_type varchar(36) not null,
    source_id varchar(36) not null, destination_type varchar(36) not null, destination_id varchar(36) not null);
create table input_tags (input_uuid varchar(36) not null, name varchar(255) not null, value varchar(500) not null);
"""
BEGAN = 1_700_000_000_000
STATUS = {"RUNNING": 1, "FINISHED": 3, "FAILED": 4, "KILLED": 5}
"""As `mlruns` writes them."""


@dataclass
class Run:
    """A run as MLflow is told of it."""

    key: str
    name: str = "lauf"
    status: str = "FINISHED"
    stage: str = "active"
    params: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, list[tuple[int, float]]] = field(default_factory=dict)
    """Step and value."""
    artifacts: str = ""


class Database:
    """MLflow's sqlite file."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.base = sqlite3.connect(file, isolation_level=None)
        if not self.base.execute("select 1 from sqlite_master where name = 'runs'").fetchone():
            self.base.executescript(TABLES)
        self.base.execute(
            "insert into experiments values (1, 'income ünï', '/nowhere', 'active', 0, 0, 'default')"
        )

    def add(self, run: Run) -> None:
        ended = None if run.status == "RUNNING" else BEGAN + 5000
        self.base.execute(
            "insert or replace into runs values (?, ?, 'LOCAL', '', '', 'me', ?, ?, ?, '', ?, ?, 1, null)",
            (run.key, run.name, run.status, BEGAN, ended, run.stage, run.artifacts),
        )
        for table, values in (("params", run.params), ("tags", run.tags)):
            self.base.executemany(
                f"insert or replace into {table} values (?, ?, ?)",
                [(name, value, run.key) for name, value in values.items()],
            )
        for name, points in run.metrics.items():
            self.base.executemany(
                "insert or replace into metrics values (?, ?, ?, ?, ?, ?)",
                [
                    (name, *_number(v), BEGAN + i, run.key, step, v != v)
                    for i, (step, v) in enumerate(points)
                ],
            )


def _number(value: float) -> tuple[float]:
    if math.isinf(value):
        return (math.copysign(LARGEST, value),)
    return (0.0 if value != value else value,)


class Folder:
    """MLflow's `mlruns`."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._write(
            "1/meta.yaml",
            "experiment_id: '1'\nlifecycle_stage: active\nname: \"income \\xFCn\\xEF\"\n",
        )

    def _write(self, name: str, text: str) -> Path:
        path = self.file / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        return path

    def add(self, run: Run) -> None:
        ended = "null" if run.status == "RUNNING" else str(BEGAN + 5000)
        place = f"1/{run.key}"
        self._write(
            f"{place}/meta.yaml",
            f"artifact_uri: {run.artifacts or 'null'}\nend_time: {ended}\nexperiment_id: '1'\n"
            f"lifecycle_stage: {run.stage}\nrun_id: {run.key}\nrun_name: '{run.name}'\nstart_time: {BEGAN}\n"
            f"status: {STATUS[run.status]}\ntags: []\nuser_id: me\n",
        )
        for part, values in (("params", run.params), ("tags", run.tags)):
            for name, value in values.items():
                self._write(f"{place}/{part}/{name}", value)
        for name, points in run.metrics.items():
            lines = [f"{BEGAN + i} {value!r} {step}\n" for i, (step, value) in enumerate(points)]
            self._write(f"{place}/metrics/{name}", "".join(lines))
