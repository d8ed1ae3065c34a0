"""A check that proves, a compaction that gives back, a backup that restores: and nothing acknowledged lost."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from cockpit.cli.main import cli
from storage import annotate, retention, spool
from storage.care import back_up, compact, restore
from storage.care.check import check
from storage.events import RunChanged
from storage.store import Store, StoreBusy, StoreDamaged, StoreError, StoreTooNew
from tests.unit.stories import POINTS, RUNS, tell, tell_run

if TYPE_CHECKING:
    from pathlib import Path

    from storage.layout import Layout
    from storage.spool import SpoolWriter


def counts(layout: Layout) -> tuple[int, int, int]:
    with Store(layout).session() as session:
        found: tuple[int, int, int] = session.rows(
            "select (select count(*) from sweeps), (select count(*) from runs), (select count(*) from metrics)"
        )[0]
    return found


def test_a_check_of_a_sound_store_passes_and_says_what_it_proved(layout: Layout) -> None:
    tell(layout)
    report = check(Store(layout))
    assert report.passed
    assert (report.sweeps, report.runs, report.points) == (1, RUNS, RUNS * POINTS)
    assert report.files == 1
    assert not list(layout.temporary.iterdir())


def test_a_check_goes_on_beside_a_writer_at_work(layout: Layout, writer: SpoolWriter) -> None:
    tell(layout)
    run = tell_run(writer, None, "alone", 0, 3)
    writer.append(RunChanged(run, {"state": "running", "ended": None}))
    report = check(Store(layout))
    assert report.passed
    assert report.files == 2
    assert report.runs == RUNS + 1


@pytest.mark.parametrize(
    ("harm", "table", "kind", "column"),
    [
        ("update runs set params = '{}' where number = 1", "runs", "changed", "params"),
        ("update runs set state = 'failed' where number = 1", "runs", "changed", "state"),
        (
            "update runs set metrics = map{'value': 9.0} where number = 1",
            "runs",
            "changed",
            "metrics",
        ),
        ("delete from runs where number = 2", "runs", "missing", ""),
        (
            "insert into runs by name (select 7 as id, * exclude (id) from runs limit 1)",
            "runs",
            "extra",
            "",
        ),
        ("update sweeps set directions = ['minimize']", "sweeps", "changed", "directions"),
        ("delete from metrics where step = 3", "metrics", "changed", "points"),
        ("update metrics set value = 0.5 where step = 3", "metrics", "changed", "points"),
        ("insert into metrics from metrics limit 1", "metrics", "changed", "points"),
        ("delete from names where kind = 'param'", "names", "missing", ""),
    ],
)
def test_a_check_names_what_is_wrong(
    layout: Layout, harm: str, table: str, kind: str, column: str
) -> None:
    tell(layout)
    with Store(layout).session() as session:
        session.write(harm)
    report = check(Store(layout))
    assert not report.passed
    assert {(d.table, d.kind, d.column) for d in report.differences} == {(table, kind, column)}


def test_the_check_command_tells_people_programs_and_the_shell(layout: Layout) -> None:
    tell(layout)
    run = CliRunner().invoke
    sound = run(cli, ["store", "check", "--store", str(layout.root)], standalone_mode=False)
    assert sound.return_value == 0
    assert "all that they say is in the tables" in sound.output
    with Store(layout).session() as session:
        session.write("update runs set params = '{}' where number = 1")
    arguments = ["store", "check", "--store", str(layout.root)]
    broken = run(cli, arguments, standalone_mode=False)
    assert broken.return_value == 1
    assert "params" in broken.output
    told = json.loads(run(cli, [*arguments, "--json"], standalone_mode=False).output)
    assert told["passed"] is False
    assert told["differences"][0]["column"] == "params"


def test_lines_that_could_not_be_understood_are_shown_with_file_and_offset(layout: Layout) -> None:
    tell(layout)
    file, size = spool.segments(layout)[0]
    with (layout.spool / file).open("ab") as stream:
        stream.write(b"garbage\n" + b'{"e":"met')
    report = check(Store(layout))
    assert report.passed
    assert report.quarantined == 1
    assert (report.bad_lines[0].file, report.bad_lines[0].position) == (file, size)
    assert report.torn == (file,)


def test_a_spool_that_became_shorter_than_what_was_read_is_named(layout: Layout) -> None:
    tell(layout)
    counts(layout)
    file = retention.drained_files(layout)[0]
    with file.open("rb+") as stream:
        stream.truncate(file.stat().st_size // 2)
    cut = [d for d in check(Store(layout)).differences if d.kind == "cut"]
    assert [d.what for d in cut] == [file.name]


def test_compact_keeps_unproven_spools_and_gives_the_proven_ones_back(layout: Layout) -> None:
    tell(layout)
    before = counts(layout)
    kept = compact(Store(layout))
    assert (kept.kept, kept.removed.files) == (1, 0)
    assert check(Store(layout)).passed
    done = compact(Store(layout))
    assert (done.kept, done.removed.files) == (0, 1)
    assert done.after < done.before
    assert counts(layout) == before
    report = check(Store(layout))
    assert report.passed
    assert (report.removed_files, report.removed_unproven, report.unproven_runs) == (1, 0, RUNS)


def test_compact_purge_removes_what_was_never_proven_and_a_check_says_so(layout: Layout) -> None:
    tell(layout)
    assert compact(Store(layout), purge=True).removed.files == 1
    annotated = check(Store(layout))
    assert annotated.removed_unproven == 1


def test_after_the_old_spools_are_gone_a_check_still_proves_the_new_ones(layout: Layout) -> None:
    tell(layout)
    compact(Store(layout), purge=True)
    tell(layout, "later")
    with Store(layout).session() as session:
        annotate.tag(session, ["income#1", "later#1"], "keep")
    assert check(Store(layout)).passed
    with Store(layout).session() as session:
        session.write(
            "delete from metrics where run = (select id from runs where name = 'later#2')"
        )
    assert [d.table for d in check(Store(layout)).differences] == ["metrics"]


def test_compact_makes_a_database_full_of_holes_small(layout: Layout) -> None:
    tell(layout, runs=2, points=120_000)
    with Store(layout).session() as session:
        session.write("delete from metrics")
    size = layout.database.stat().st_size
    compact(Store(layout))
    assert layout.database.stat().st_size < size
    tell(layout, "later")  # the defaults and types of the new file are those of the old one
    assert counts(layout) == (2, 2 + RUNS, RUNS * POINTS)


def test_a_backup_alone_is_enough_in_another_folder(
    layout: Layout, tmp_path: Path, writer: SpoolWriter
) -> None:
    tell(layout)
    tell_run(writer, None, "alone", 0, 3)
    done = back_up(Store(layout), tmp_path / "b.duckdb")
    assert (done.sweeps, done.runs) == (1, RUNS + 1)
    elsewhere = type(layout)(tmp_path / "elsewhere" / ".cockpit")
    restored = restore(Store(elsewhere), tmp_path / "b.duckdb")
    assert (restored.sweeps, restored.runs, restored.aside) == (1, RUNS + 1, None)
    assert counts(elsewhere) == counts(layout)


def test_a_backup_never_overwrites_unless_told_to(layout: Layout, tmp_path: Path) -> None:
    tell(layout)
    file = tmp_path / "b.duckdb"
    file.write_text("precious")
    with pytest.raises(StoreError, match="--force"):
        back_up(Store(layout), file)
    assert file.read_text() == "precious"
    assert back_up(Store(layout), file, force=True).runs == RUNS
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("b.")] == ["b.duckdb"]


def test_a_restore_folds_in_what_was_written_since_the_backup(
    layout: Layout, tmp_path: Path
) -> None:
    tell(layout)
    back_up(Store(layout), tmp_path / "b.duckdb")
    tell(layout, "later")
    with Store(layout).session() as session:
        annotate.note(session, "income#1", "kept")
    before = counts(layout)
    done = restore(Store(layout), tmp_path / "b.duckdb")
    assert counts(layout) == before
    assert done.folded > 0
    assert not done.missing
    assert check(Store(layout)).passed
    with Store(layout).session() as session:
        assert session.rows("select note from runs where name = 'income#1'") == [("kept",)]


def test_a_restore_says_when_the_spools_since_the_backup_are_gone(
    layout: Layout, tmp_path: Path
) -> None:
    tell(layout)
    back_up(Store(layout), tmp_path / "b.duckdb")
    tell(layout, "later")
    compact(Store(layout), purge=True)
    before = counts(layout)
    done = restore(Store(layout), tmp_path / "b.duckdb")
    assert len(done.missing) == 1
    assert done.aside is not None
    back = restore(Store(layout), done.aside)
    assert counts(layout) == before
    assert not back.missing


def test_a_damaged_database_points_to_restore_and_restore_sets_it_right(
    layout: Layout, tmp_path: Path
) -> None:
    tell(layout)
    before = counts(layout)
    back_up(Store(layout), tmp_path / "b.duckdb")
    data = layout.database.read_bytes()
    layout.database.write_bytes(data[: len(data) // 2])
    with pytest.raises(StoreDamaged, match="cockpit store restore"), Store(layout).session():
        pass
    done = restore(Store(layout), tmp_path / "b.duckdb")
    assert counts(layout) == before
    assert done.aside is not None
    assert done.aside.read_bytes() == data[: len(data) // 2]
    with pytest.raises(StoreError, match="is no backup"):
        restore(Store(layout), done.aside)
    assert counts(layout) == before


def test_without_any_backup_the_spools_alone_bring_everything_back(layout: Layout) -> None:
    tell(layout)
    with Store(layout).session() as session:
        annotate.rename(session, "income#1", "my best")
        annotate.tag(session, ["income#2"], "keep")
    before = counts(layout)
    layout.database.write_bytes(b"")
    with pytest.raises(StoreDamaged, match="--from-spools"), Store(layout).session():
        pass
    restore(Store(layout), None)
    assert counts(layout) == before
    with Store(layout).session() as session:
        assert session.rows(
            "select name, tags from runs where number in (1, 2) order by number"
        ) == [
            ("my best", []),
            ("income#2", ["keep"]),
        ]


def test_of_the_databases_that_restores_replaced_the_newest_three_stay(layout: Layout) -> None:
    tell(layout)
    with Store(layout).session():
        pass
    asides = [restore(Store(layout), None).aside for _ in range(5)]
    assert layout.kept_backups("before-restore-") == asides[2:]


def test_what_is_no_backup_is_refused_and_nothing_changes(layout: Layout, tmp_path: Path) -> None:
    tell(layout)
    before = counts(layout)
    (tmp_path / "text").write_text("no database at all")
    for file, said in ((tmp_path / "text", "is no backup"), (tmp_path / "none", "cannot be read")):
        with pytest.raises(StoreError, match=said):
            restore(Store(layout), file)
    assert counts(layout) == before
    assert not layout.kept_backups()


def test_a_backup_of_a_newer_cockpit_is_refused(layout: Layout, tmp_path: Path) -> None:
    tell(layout)
    with Store(layout).session() as session:
        session.write("insert into migrations values (999, now()::timestamp)")
        session.copy_to(tmp_path / "new.duckdb")
        session.write("delete from migrations where version = 999")
    with pytest.raises(StoreTooNew):
        restore(Store(layout), tmp_path / "new.duckdb")
    assert counts(layout)[1] == RUNS


def test_care_waits_for_its_turn(layout: Layout, tmp_path: Path) -> None:
    tell(layout)
    with Store(layout).session():
        for care in (
            compact,
            lambda store, timeout: back_up(store, tmp_path / "b", timeout=timeout),
        ):
            with pytest.raises(StoreBusy):
                care(Store(layout), timeout=0.05)
