"""Optuna's studies come in whole, once, without a change to what they are read from, and can be gone on with."""

from __future__ import annotations

import json
import shutil
import sqlite3
import time
import tomllib
from contextlib import closing
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import optuna
import pytest
from click.testing import CliRunner
from optuna.trial import TrialState

from cockpit.cli.main import cli
from cockpit.interop.errors import NothingToImport
from cockpit.interop.following import follow
from cockpit.interop.landing import Landed, Source
from cockpit.interop.optuna import Studies
from cockpit.interop.optuna_landing import OtherMetric, StudyLanding
from cockpit.interop.optuna_spec import drafted
from cockpit.interop.peers import guess
from cockpit.sweep.goes_on import CannotGoOn, check_goes_on
from cockpit.sweep.spec import load_specs
from storage.care.check import check
from storage.errors import UserError
from storage.events import RunCreated, RunDeleted, SweepChanged
from storage.layout import Layout
from storage.optuna import RunStorage
from storage.runs import RunQuery, page
from storage.spool import SpoolWriter
from storage.store import Store
from storage.sweeps import find_sweep
from tests.unit.made_studies import KINDS, NAME, as_told, make, storage_of, trials_of


def land(layout: Layout, file: Path, *names: str, **options: Any) -> Landed:
    with StudyLanding(layout, Source("optuna", str(file)), **options) as landing:
        return landing.take(Studies(names).read(file))


def rows(layout: Layout, sql: str) -> list[tuple[Any, ...]]:
    with Store(layout).session() as session:
        return session.rows(sql)


@pytest.fixture(params=KINDS)
def file(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A storage with two studies and 11 trials."""
    return Path(shutil.copyfile(made(request.param), tmp_path / request.param))


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """The same as a sqlite database."""
    return Path(shutil.copyfile(made("study.db"), tmp_path / "study.db"))


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """The same as a journal."""
    return Path(shutil.copyfile(made("study.log"), tmp_path / "study.log"))


@cache
def made(kind: str) -> Path:
    file = Path(_FOLDER.name) / kind
    make(file)
    return file


_FOLDER = TemporaryDirectory()


def test_every_value_arrives_and_nothing_is_changed_there(file: Path, layout: Layout) -> None:
    before = file.read_bytes()
    landed = land(layout, file)
    assert (landed.runs, landed.new, landed.damaged) == (11, 11, ())
    assert file.read_bytes() == before
    assert sorted(path.name for path in file.parent.iterdir()) == sorted((file.name, ".cockpit"))
    ours = RunStorage(layout.root)
    for name in (NAME, "both"):
        theirs = optuna.load_study(study_name=name, storage=storage_of(file))
        mine = optuna.load_study(study_name=name, storage=ours)
        assert mine.directions == theirs.directions
        assert mine.user_attrs == theirs.user_attrs
        assert mine.metric_names == theirs.metric_names
        for one, other in zip(theirs.trials, mine.trials, strict=True):
            told = as_told(one)
            if one.state == TrialState.RUNNING:  # nobody is going to finish it here
                told |= {
                    "state": repr(TrialState.FAIL),
                    "datetime_complete": repr(one.datetime_start),
                }
            assert as_told(other) == told
    with Store(layout).session() as session:
        running = page(session, RunQuery(where="reason like '%was running in optuna%'")).runs
        assert [(run.number, run.state) for run in running] == [(6, "stopped")]
        assert find_sweep(session, "both").best is None
        feasible = session.rows("select number from runs where not feasible")
    assert check(Store(layout)).passed
    assert feasible == [(2,)]


def test_again_adds_only_what_is_new(file: Path, layout: Layout) -> None:
    land(layout, file)
    again = land(layout, file)
    assert (again.runs, again.same, again.params, again.points) == (11, 11, 0, 0)
    study = optuna.load_study(study_name=NAME, storage=storage_of(file))
    running = optuna.Trial(study, study.trials[6]._trial_id)
    running.report(0.25, 1)
    study.tell(running, 4.0)
    study.set_user_attr("later", True)
    study.tell(study.ask(), state=TrialState.FAIL)  # the one that waited
    study.tell(study.ask(), 1.5)
    third = land(layout, file)
    assert (third.new, third.changed, third.points) == (1, 2, 1)
    mine = optuna.load_study(study_name=NAME, storage=RunStorage(layout.root))
    assert mine.user_attrs["later"] is True
    theirs = trials_of(NAME, storage_of(file))
    assert list(map(as_told, mine.trials)) == list(map(as_told, theirs))
    assert land(layout, file).same == 12


def test_a_dry_run_counts_and_writes_nothing(journal: Path, layout: Layout) -> None:
    dry = land(layout, journal, dry=True)
    assert not layout.root.exists()
    landed = land(layout, journal)
    assert (dry.runs, dry.new, dry.params, dry.points) == (11, 11, landed.params, landed.points)
    assert land(layout, journal, dry=True).same == 11


def test_one_study_of_several(journal: Path, layout: Layout) -> None:
    assert land(layout, journal, "both").runs == 3
    with pytest.raises(NothingToImport, match=r"no study 'nope'; there are: .*both"):
        land(layout, journal, "nope")


def test_an_import_that_was_cut_off_is_made_whole(
    journal: Path, layout: Layout, tmp_path: Path
) -> None:
    whole = Layout(tmp_path / "whole")
    with StudyLanding(whole, Source("optuna", str(journal))) as landing:
        landing.take(Studies().read(journal))
    said = b"".join(path.read_bytes() for path in sorted(whole.spool.glob("*.ndjson"))) or (
        b"".join(path.read_bytes() for path in sorted(whole.drained.glob("*.ndjson")))
    )
    lines = said.splitlines(keepends=True)
    for cut in range(2, len(lines), 29):
        half = Layout(tmp_path / f"half-{cut}")
        with closing(SpoolWriter(half)) as writer:
            writer.append_lines(b"".join(lines[1:cut]))
        land(half, journal)
        assert rows(
            half, "select count(*), count(distinct number) from runs group by sweep order by 1"
        ) == [
            (3, 3),
            (8, 8),
        ]
        mine = trials_of(NAME, RunStorage(half.root))
        assert list(map(as_told, mine)) == list(
            map(as_told, trials_of(NAME, RunStorage(whole.root)))
        )


def test_what_grows_is_followed_and_settled_at_the_end(journal: Path, layout: Layout) -> None:
    study = optuna.load_study(study_name=NAME, storage=storage_of(journal))
    heard: list[Landed] = []
    reader: Any = Studies((NAME,))
    landing: Any = StudyLanding(layout, Source("optuna", str(journal)), live=True)
    with landing:
        passes = follow(reader, journal, landing, 0.1, heard.append, sleep=lambda _: None)
        next(passes)
        assert rows(layout, "select name, state from sweeps") == [(NAME, "running")]
        assert rows(layout, "select number from runs where state = 'running'") == [(6,)]
        study.tell(study.ask(), 2.0)
        next(passes)
    assert heard[1].changed == 1
    assert rows(layout, "select state from runs where number = 7") == [("complete",)]
    assert rows(layout, "select state from runs where number = 6") == [("stopped",)]
    assert rows(layout, "select state from sweeps") == [("stopped",)]


def test_trials_of_both_sides_get_numbers_of_their_own(journal: Path, layout: Layout) -> None:
    land(layout, journal, "both")
    ours = optuna.load_study(study_name="both", storage=RunStorage(layout.root))
    ours.tell(ours.ask(), [7.0, 7.0])
    theirs = optuna.load_study(study_name="both", storage=storage_of(journal))
    theirs.tell(theirs.ask(), [8.0, 8.0])
    assert land(layout, journal, "both").new == 1
    found = trials_of("both", RunStorage(layout.root))
    assert [(t.number, t.values) for t in found[3:]] == [(3, [7.0, 7.0]), (4, [8.0, 8.0])]
    assert land(layout, journal, "both").same == 4


def test_what_was_deleted_here_stays_deleted(journal: Path, layout: Layout) -> None:
    land(layout, journal, "both")
    ((sweep, run),) = rows(layout, "select sweep, id from runs where number = 1")
    with closing(SpoolWriter(layout)) as writer:
        writer.append(RunDeleted(run, sweep, 1))
    landed = land(layout, journal, "both")
    assert (landed.same, landed.skipped) == (2, {"trial that was deleted here": 1})
    found = trials_of("both", RunStorage(layout.root))
    assert [(t.number, t.state.name) for t in found] == [
        (0, "COMPLETE"),
        (1, "FAIL"),
        (2, "COMPLETE"),
    ]


def test_a_sweep_that_is_worked_on_here_is_left_alone(journal: Path, layout: Layout) -> None:
    land(layout, journal, "both")
    ((sweep,),) = rows(layout, "select id from sweeps")
    writer = SpoolWriter(layout)
    writer.append(SweepChanged(sweep, {"state": "running", "driver": {"pid": 1, "host": "x"}}))
    writer.append(RunCreated(writer.new_id(), sweep, 3, "both#3", "running", 1.0))
    theirs = optuna.load_study(study_name="both", storage=storage_of(journal))
    theirs.tell(theirs.ask(), [8.0, 8.0])
    landed = land(layout, journal, "both")
    assert landed.runs == 0
    assert "both is being worked on here" in landed.damaged[0]
    writer.close()


def test_the_metric_can_be_named_at_the_first_import_alone(journal: Path, layout: Layout) -> None:
    land(layout, journal, NAME, metrics=("auc",))
    assert rows(layout, "select distinct name from metrics") == [("auc",)]
    assert land(layout, journal, NAME).same == 8
    assert optuna.load_study(study_name=NAME, storage=RunStorage(layout.root)).metric_names == [
        "auc"
    ]
    with pytest.raises(OtherMetric, match="imported with auc"):
        land(layout, journal, NAME, metrics=("loss",))
    with pytest.raises(OtherMetric, match="1 objectives"):
        land(layout, journal, NAME, metrics=("a", "b"))


def test_the_drafted_spec_goes_on_with_the_study(
    journal: Path, layout: Layout, tmp_path: Path
) -> None:
    with StudyLanding(layout, Source("optuna", str(journal))) as landing:
        landing.take(Studies().read(journal))
    one, both = map(drafted, landing.studies)
    assert 'Not all trials had "c", "n ü", "only odd"' in one
    assert "params" not in tomllib.loads(one)
    spec = tmp_path / "sweep.toml"
    spec.write_text(both, "utf-8")
    (tmp_path / "train.py").write_text("def objective(trial): return 1, 2\n")
    (found,) = load_specs(spec)
    assert found.sweep.name == "both"
    with Store(layout).session() as session:
        sweep = find_sweep(session, "both")
        check_goes_on(found, sweep, session)
        for before, after in (('"auc"', '"f1"'), ('type = "float"', 'type = "int"')):
            spec.write_text(
                both.replace(before, after).replace("low = 0.0, high = 1.0", "low = 0, high = 1")
                if "int" in after
                else both.replace(before, after),
                "utf-8",
            )
            (other,) = load_specs(spec)
            with pytest.raises(CannotGoOn):
                check_goes_on(other, sweep, session)


def test_what_is_damaged_is_told_and_the_rest_taken(
    layout: Layout, base: Path, journal: Path
) -> None:
    lines = journal.read_bytes().splitlines(keepends=True)
    lines.insert(9, b'{"op_code":99}\n')
    lines.insert(5, b"\x00garbage\n")
    journal.write_bytes(b"".join(lines) + b'{"op_code":4,"stu')
    landed = land(layout, journal)
    assert (landed.new, len(landed.damaged)) == (11, 2)
    assert "line 6: no operation of Optuna's" in landed.damaged[0]
    with sqlite3.connect(base) as writer:
        writer.execute("update trial_params set distribution_json = '{' where param_id = 1")
        writer.execute(
            "update trials set datetime_start = 'soon' where number = 1 and study_id = 1"
        )
    writer.close()
    landed = land(layout, base)
    assert (landed.new, len(landed.damaged)) == (11, 2)
    assert "trial 0: param x: unknown distribution" in landed.damaged[0]
    assert "trial 1: Invalid isoformat string: 'soon'" in landed.damaged[1]


def test_a_database_that_its_writer_died_over_is_read_as_it_was(
    base: Path, tmp_path: Path, layout: Layout
) -> None:
    dead = tmp_path / "dead.db"
    with sqlite3.connect(base, isolation_level=None) as writer:
        writer.execute("pragma cache_size = 1")
        writer.execute("begin")
        writer.execute("update trial_user_attributes set value_json = hex(randomblob(200000))")
        writer.execute("delete from trials")
        for end in ("", "-journal"):
            shutil.copyfile(f"{base}{end}", f"{dead}{end}")
        writer.execute("rollback")
    writer.close()
    before = {path.name: path.read_bytes() for path in tmp_path.glob("dead*")}
    assert len(before) == 2
    assert land(layout, dead).new == 11
    assert {path.name: path.read_bytes() for path in tmp_path.glob("dead*")} == before


def test_a_study_is_not_held_up_while_it_is_read(base: Path) -> None:
    study = optuna.load_study(study_name=NAME, storage=storage_of(base))
    reading = Studies((NAME,)).read(base)
    next(reading)
    next(reading)
    with sqlite3.connect(base, timeout=0) as writer:
        writer.execute("update trials set number = number")
    writer.close()
    study.tell(study.ask(), 1.0)
    assert sum(1 for _ in reading) == 7


def test_times_of_earlier_versions_are_the_machines_own(
    base: Path, tmp_path: Path, layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        theirs = trials_of("both", storage_of(base))
        land(layout, base, "both")
        mine = trials_of("both", RunStorage(layout.root))
        assert [t.datetime_start for t in mine] == [t.datetime_start for t in theirs]
        with sqlite3.connect(base) as writer:
            writer.execute("update version_info set library_version = '4.5.0'")
            writer.execute("update trials set datetime_start = '2025-01-01 09:00:00.000000'")
        writer.close()
        older = Layout(tmp_path / "older")
        land(older, base, "both")
        ((at,),) = rows(older, "select distinct started from runs")
        assert at.isoformat() == "2025-01-01T00:00:00"
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_schema_that_is_too_old_is_told(base: Path, layout: Layout) -> None:
    with sqlite3.connect(base) as writer:
        writer.execute("update version_info set schema_version = 11")
    writer.close()
    with pytest.raises(NothingToImport, match=r"before 3\.2"):
        land(layout, base)


def cockpit(layout: Layout, *arguments: str) -> str:
    done = CliRunner().invoke(cli, [*arguments, "--store", str(layout.root)], standalone_mode=False)
    if done.exception is not None:
        raise done.exception
    return done.output


def test_the_command_says_how_it_goes_on(journal: Path, layout: Layout, tmp_path: Path) -> None:
    assert guess(journal).name == "optuna"
    assert "11 runs: 11 new" in cockpit(layout, "import", str(journal), "--dry-run")
    spec = tmp_path / "new.toml"
    said = cockpit(layout, "import", "optuna", str(journal), "--study", "both", "--spec", str(spec))
    assert f"go on: cockpit sweep {spec} --resume" in said
    assert tomllib.loads(spec.read_text("utf-8"))["sweep"]["trials"] == 53
    said = cockpit(layout, "import", "optuna", str(journal))
    assert "11 runs: 8 new and 3 unchanged" in said
    assert "--trials 58" in said
    told = json.loads(cockpit(layout, "import", "optuna", str(journal), "--json"))
    assert [one["sweep"] for one in told["studies"]] == [NAME, "both"]
    (tmp_path / "x.db").write_bytes(b"no")
    with pytest.raises(UserError, match="neither a sqlite database nor a journal"):
        cockpit(layout, "import", "optuna", str(tmp_path / "x.db"))
