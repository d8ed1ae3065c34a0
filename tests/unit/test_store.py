"""The store folds each event in exactly once, and says what is wrong where it cannot be read."""

from __future__ import annotations

import math
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage import batch, drain, spool
from storage.events import (
    DatasetFacts,
    DatasetGrown,
    DatasetSeen,
    Event,
    MetricLogged,
    ParamSet,
    PredictionsSeen,
    ProvenanceSeen,
    RunAttr,
    RunChanged,
    RunCreated,
    RunRestarted,
    SweepAttr,
    SweepChanged,
    SweepCreated,
    SweepDeleted,
    encode,
)
from storage.layout import Layout
from storage.spool import SpoolWriter
from storage.store import Store, StoreBusy, StoreDamaged, StoreMissing, StoreTooNew

if TYPE_CHECKING:
    from pathlib import Path


STORY: list[Event] = [
    SweepCreated(1, "income", ["maximize"], 10.0),
    SweepAttr(1, "system", "study:metric_names", ["auc"]),
    SweepChanged(1, {"trials": 2, "driver": {"pid": 1}}),
    ProvenanceSeen("d1", {"seed": 7}),
    DatasetSeen("b1", "train", "train.parquet", 1_000, 10.5),
    RunCreated(11, 1, 0, "income#0", "running", 11.0),
    RunChanged(11, {"provenance": "d1"}),
    ParamSet(11, "lr", 0.1, '{"name": "FloatDistribution"}'),
    ParamSet(11, "nothing", None, ""),
    MetricLogged(11, "auc", 9, 11.5, 0.1),
    PredictionsSeen(
        11, "adult-eval", "b1", "predictions/adult-eval.json", "c0", 4, ["y_pred"], 11.6
    ),
    RunRestarted(11, 1, 11.75),
    MetricLogged(11, "auc", 1, 12.0, 0.7),
    MetricLogged(11, "system.cpu_percent", 2, 12.25, 180.0),
    RunCreated(12, 1, 1, "income#1", "running", 12.5),
    PredictionsSeen(12, "adult-eval", "b1", "predictions/a.json", "c1", 4, ["y_pred"], 12.6),
    PredictionsSeen(12, "adult-eval", "b2", "predictions/b.json", "c2", 5, ["y_score"], 12.7),
    DatasetFacts("b1", {"rows": 3}),
    DatasetFacts("b1", {"rows": 4}),
    DatasetGrown("adult-eval", "b2", "b1", "wrong there", 12, 1, "train@v1", 12.8),
    DatasetGrown("adult-eval", "b2", "b1", "again", 12, 1, "train@v1", 12.9),
    MetricLogged(12, "auc", 1, 13.0, math.nan),
    MetricLogged(11, "auc", 2, 14.0, math.inf),
    RunChanged(
        11,
        {"state": "complete", "values": [0.8], "metrics": {"auc": 0.8, "ms": 3.0}, "ended": 15.0},
    ),
    RunAttr(12, "user", "note", {"a": [1, None]}),
    ProvenanceSeen("d1", {"seed": 7}),
    DatasetSeen("b1", "train", "train.parquet", 1_000, 15.5),
    RunChanged(
        12,
        {"state": "timeout", "reason": "no luck", "ended": 16.0, "log": "bye", "baseline": True},
    ),
    SweepChanged(1, {"state": "complete", "ended": 17.0, "name": "earnings"}),
]
TABLES = ("sweeps", "runs", "metrics", "names", "provenance", "datasets", "dataset_facts")
TABLES += ("dataset_growth", "predictions", "quarantine")


def tables(layout: Layout) -> dict[str, list[tuple[Any, ...]]]:
    with Store(layout).session() as session:
        found = {table: session.rows(f"select * from {table} order by all") for table in TABLES}
    return {table: [tuple(map(repr, row)) for row in rows] for table, rows in found.items()}


def write_raw(layout: Layout, data: bytes, file: str = "00001-000000.ndjson") -> None:
    layout.create()
    with (layout.spool / file).open("ab") as stream:
        stream.write(data)


@pytest.fixture(scope="module")
def at_once(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[tuple[Any, ...]]]:
    layout = Layout(tmp_path_factory.mktemp("whole") / ".cockpit")
    write_raw(layout, b"".join(map(encode, STORY)))
    return tables(layout)


def test_a_story_told_leads_to_its_rows(layout: Layout) -> None:
    write_raw(layout, b"".join(map(encode, STORY)))
    with Store(layout).session() as session:
        assert session.rows(
            "select state, metrics, reason, step, attempt, baseline, log from runs order by id"
        ) == [
            ("complete", {"auc": 0.8, "ms": 3.0}, None, 2, 1, False, None),
            (
                "timeout",
                pytest.approx({"auc": math.nan}, nan_ok=True),
                "no luck",
                1,
                0,
                True,
                "bye",
            ),
        ]
        assert session.rows("select name, state, metrics, trials from sweeps") == [
            ("earnings", "complete", ["auc"], 2)
        ]
        assert session.rows("select name, count(*) from metrics group by name order by name") == [
            ("auc", 3),
            ("system.cpu_percent", 1),
        ]
        assert session.rows("select digest, name, epoch(time) from datasets order by time") == [
            ("b1", "train", 10.5),
            ("b1", "train", 15.5),
        ]
        assert session.rows("select digest, content from dataset_facts") == [("b1", '{"rows":4}')]
        assert session.rows("select digest, parent, reason from dataset_growth") == [
            ("b2", "b1", "wrong there")
        ]
        assert session.rows('select run, dataset, digest, "rows" from predictions') == [
            (12, "b2", "c2", 5)
        ]
        assert session.rows("select kind, name from names order by position") == [
            ("param", "lr"),
            ("param", "nothing"),
            ("metric", "auc"),
            ("system", "system.cpu_percent"),
            ("metric", "ms"),
        ]


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.lists(st.integers(0, 3200), max_size=6), few=st.sampled_from([0, 500]))
def test_however_often_somebody_looks_in_between_the_rows_are_the_same(
    tmp_path_factory: pytest.TempPathFactory,
    at_once: dict[str, list[tuple[Any, ...]]],
    cuts: list[int],
    few: int,
) -> None:
    layout = Layout(tmp_path_factory.mktemp("cut") / ".cockpit")
    data = b"".join(map(encode, STORY))
    places = sorted({min(cut, len(data)) for cut in cuts} | {len(data)})
    before = 0
    alive = pytest.MonkeyPatch()
    alive.setattr(spool, "is_alive", lambda *_: True)
    alive.setattr(batch, "FEW", few)
    try:
        for place in places:
            write_raw(layout, data[before:place])
            before = place
            found = tables(layout)
    finally:
        alive.undo()
    assert found == at_once


@pytest.mark.parametrize("few", [0, 500])
def test_bad_lines_are_kept_apart_and_the_good_ones_around_them_count(
    layout: Layout, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    monkeypatch.setattr(batch, "FEW", few)
    good = [encode(e) for e in STORY]
    bad = [
        b"garbage\n",
        b'{"e":"metric","run":11,"name":"auc"\n',
        b'{"e":"metric","run":"x","name":1}\n',
        b"\xff\xfe\n",
    ]
    write_raw(layout, b"".join([*good[:8], *bad, *good[8:]]))
    found = tables(layout)
    assert len(found["quarantine"]) == len(bad)
    assert len(found["metrics"]) == 4
    assert len(found["runs"]) == 2


def test_a_transaction_that_fails_leaves_nothing_behind_and_is_taken_up_again(
    layout: Layout, monkeypatch: pytest.MonkeyPatch, at_once: dict[str, list[tuple[Any, ...]]]
) -> None:
    write_raw(layout, b"".join(map(encode, STORY)))

    def fail(*_: object) -> None:
        raise OSError("out of luck")

    with monkeypatch.context() as broken:
        broken.setattr(drain, "_quarantine", fail)
        with pytest.raises(OSError, match="out of luck"), Store(layout).session():
            pass
    assert tables(layout) == at_once


def test_a_run_whose_first_event_was_lost_is_shown_with_the_reason(layout: Layout) -> None:
    write_raw(layout, encode(MetricLogged(99, "auc", 1, 5.0, 0.5)))
    with Store(layout).session() as session:
        assert session.rows("select state, reason from runs") == [
            ("lost", "the event that began this run is missing")
        ]


def test_a_deleted_sweep_takes_its_runs_and_points_with_it(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool, "is_alive", lambda *_: True)
    write_raw(layout, b"".join(map(encode, STORY[:9])))
    tables(layout)
    write_raw(layout, b"".join(map(encode, [*STORY[9:], SweepDeleted(1)])))
    found = tables(layout)
    assert not any(found[table] for table in ("sweeps", "runs", "metrics", "names"))


def test_what_a_dead_process_left_running_is_settled_as_lost(
    layout: Layout, writer: SpoolWriter
) -> None:
    sweep, run = writer.new_id(), writer.new_id()
    writer.append(
        SweepCreated(sweep, "s", ["minimize"], time.time()),
        SweepChanged(sweep, {"driver": {"pid": 4121}}),
        RunCreated(run, sweep, 0, "s#0", "running", time.time()),
        MetricLogged(run, "value", 3, 1_000_000.0, 0.5),
    )
    states = "select r.state, s.state, epoch(r.ended), s.reason from runs r join sweeps s on r.sweep = s.id"
    with Store(layout).session() as session:
        assert session.rows(states) == [("running", "running", None, None)]
    writer.close()
    with Store(layout).session() as session:
        assert session.rows(states) == [("lost", "lost", 1_000_000.0, "the driver (pid 4121) died")]


def test_who_says_its_end_and_goes_while_somebody_looks_is_not_lost(
    layout: Layout, writer: SpoolWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep, run = writer.new_id(), writer.new_id()
    writer.append(
        SweepCreated(sweep, "s", ["minimize"], time.time()),
        RunCreated(run, sweep, 0, "s#0", "running", time.time()),
    )
    with Store(layout).session():
        pass
    asked, left = spool.is_alive, [writer.writer]

    def goes(there: Layout, name: str) -> bool:
        """What was there has been read by now; the end is written before it is seen to be gone."""
        if left == [name]:
            left.clear()
            over = {"state": "complete", "ended": time.time()}
            writer.append(RunChanged(run, over), SweepChanged(sweep, over))
            writer.close()
        return asked(there, name)

    monkeypatch.setattr(spool, "is_alive", goes)
    with Store(layout).session() as session:
        monkeypatch.setattr(spool, "is_alive", asked)
        assert session.rows("select state from runs union all select state from sweeps") == [
            ("complete",),
            ("complete",),
        ]


def test_of_a_run_that_several_processes_tell_of_the_latest_value_counts(
    layout: Layout, writer: SpoolWriter
) -> None:
    run, now = writer.new_id(), time.time()
    writer.append(RunCreated(run, None, None, "r", "running", now))
    child = SpoolWriter(layout)
    child.append(MetricLogged(run, "loss", 7, now + 1, 23.0))
    writer.append(MetricLogged(run, "loss", 9, now + 2, 5.0))
    with Store(layout).session() as session:
        assert session.rows("select metrics['loss'], step from runs") == [(5.0, 9)]
    # Of one process what it wrote last counts, whatever its clock says.
    writer.append(MetricLogged(run, "loss", 10, now - 60, 4.0))
    with Store(layout).session() as session:
        assert session.rows("select metrics['loss'], step from runs") == [(4.0, 10)]
    child.close()


def test_a_paused_sweep_whose_driver_died_is_lost_too(layout: Layout, writer: SpoolWriter) -> None:
    sweep = writer.new_id()
    writer.append(
        SweepCreated(sweep, "s", ["minimize"], time.time()),
        SweepChanged(sweep, {"driver": {"pid": 4121}, "state": "paused"}),
    )
    with Store(layout).session() as session:
        assert session.rows("select state from sweeps") == [("paused",)]
    writer.close()
    with Store(layout).session() as session:
        assert session.rows("select state, reason from sweeps") == [
            ("lost", "the driver (pid 4121) died")
        ]


def test_the_stamp_changes_with_every_event_and_when_a_writer_ends(
    layout: Layout, writer: SpoolWriter
) -> None:
    store = Store(layout)
    stamps = [store.stamp()]
    writer.append(STORY[0])
    stamps.append(store.stamp())
    assert store.stamp() == stamps[-1]
    writer.append(STORY[2])
    stamps.append(store.stamp())
    writer.close()
    stamps.append(store.stamp())
    assert len(set(stamps)) == len(stamps)


def test_two_programs_at_once_wait_for_each_other_and_then_say_who_has_it(layout: Layout) -> None:
    layout.create()
    with (
        Store(layout).session(),
        pytest.raises(StoreBusy, match=r"held by pid \d+"),
        Store(layout).session(timeout=0.05),
    ):
        pass


def test_a_foreign_program_that_holds_the_database_is_named(layout: Layout) -> None:
    layout.create()
    with Store(layout).session():
        pass
    code = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print(flush=True); sys.stdin.read(); c.close()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(layout.database)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdout is not None
    assert process.stdin is not None
    with process, process.stdin:
        process.stdout.readline()
        with (
            pytest.raises(StoreBusy, match=rf"pid {process.pid} \(.*\), which is not cockpit"),
            Store(layout).session(timeout=0.05),
        ):
            pass


def test_a_store_of_a_newer_cockpit_is_refused_and_left_alone(layout: Layout) -> None:
    layout.create()
    with Store(layout).session() as session:
        session.write("insert into migrations values (999, now()::timestamp)")
    before = layout.database.read_bytes()
    with pytest.raises(StoreTooNew, match="newer cockpit"), Store(layout).session():
        pass
    assert layout.database.read_bytes() == before


def test_a_damaged_database_is_said_to_be_one(layout: Layout) -> None:
    layout.create()
    layout.database.write_bytes(b"not a database" * 1000)
    with pytest.raises(StoreDamaged, match="cannot be opened"), Store(layout).session():
        pass


def test_where_there_is_no_store_nothing_is_made(layout: Layout) -> None:
    with pytest.raises(StoreMissing, match="no run store"), Store(layout).session():
        pass
    assert not layout.root.exists()


def test_points_of_many_megabytes_are_taken_in_by_pieces(
    layout: Layout, writer: SpoolWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drain, "CHUNK_BYTES", 100_000)
    writer.append(*STORY[:5])
    for step in range(2_000):
        writer.append(MetricLogged(11, "auc", step, 1.0, step / 7))
    with Store(layout).session() as session:
        assert session.rows("select count(*), sum(value) from metrics") == [
            (2_000, pytest.approx(sum(step / 7 for step in range(2_000))))
        ]
        assert session.rows("select metrics['auc'], step from runs") == [(1_999 / 7, 1_999)]


def test_an_expression_error_of_duckdb_does_not_hide_behind_ours(layout: Layout) -> None:
    layout.create()
    with Store(layout).session() as session, pytest.raises(duckdb.BinderException):
        session.rows("select nothing_like_it from runs")


def test_the_store_is_found_upwards_like_git(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from storage.layout import find_store

    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    monkeypatch.delenv("COCKPIT_STORE", raising=False)
    assert find_store(start=inner).root == inner / ".cockpit"
    (tmp_path / ".cockpit").mkdir()
    assert find_store(start=inner).root == tmp_path / ".cockpit"
    monkeypatch.setenv("COCKPIT_STORE", str(tmp_path / "else"))
    assert find_store(start=inner).root == tmp_path / "else"
    assert find_store(str(tmp_path / "told"), inner).root == tmp_path / "told"
