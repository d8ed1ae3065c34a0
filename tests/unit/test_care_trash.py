"""What is deleted can come back, until it is deleted for good: then it is gone, and so are its bytes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from cockpit.cli.main import cli, run
from storage.care.check import check
from storage.care.trash import (
    TrashError,
    anywhere,
    in_trash,
    inside,
    outside,
    purge,
    take_back,
    throw,
)
from storage.events import RunCreated, SweepCreated
from storage.ids import to_text
from storage.optuna import RunStorage
from storage.runs import RunNotFound, RunQuery, find, page
from storage.store import Store
from storage.sweeps import SweepNotFound, all_sweeps, find_sweep
from tests.unit.stories import POINTS, RUNS, tell

if TYPE_CHECKING:
    from storage.layout import Layout
    from storage.spool import SpoolWriter


def shown(layout: Layout) -> list[str]:
    with Store(layout).session() as session:
        return [found.name for found in page(session, RunQuery()).runs]


def cockpit(layout: Layout, *arguments: str) -> Any:
    return CliRunner().invoke(cli, [*arguments, "--store", str(layout.root)], standalone_mode=False)


def throw_away(layout: Layout, *names: str) -> None:
    with Store(layout).session() as session:
        throw(session, outside(session, names))


def test_a_run_in_the_trash_is_nowhere_to_be_seen_and_comes_back_as_it_was(layout: Layout) -> None:
    tell(layout)
    before = shown(layout)
    throw_away(layout, "income#1")
    assert "income#1" not in shown(layout)
    with Store(layout).session() as session:
        with pytest.raises(RunNotFound):
            find(session, "income#1")
        assert sum(all_sweeps(session)[0].counts.values()) == RUNS - 1
        take_back(session, inside(session, ["income#1"]))
    assert shown(layout) == before


def test_a_sweep_takes_its_runs_along_and_brings_back_only_those(layout: Layout) -> None:
    tell(layout)
    throw_away(layout, "income#1")
    throw_away(layout, "income")
    assert not shown(layout)
    with Store(layout).session() as session:
        assert not all_sweeps(session)
        with pytest.raises(SweepNotFound):
            find_sweep(session, "income")
        assert [(t.kind, t.name) for t in in_trash(session)] == [
            ("sweep", "income"),
            ("run", "income#1"),
        ]
        take_back(session, inside(session, ["income"]))
    assert len(shown(layout)) == RUNS - 1


def test_the_trash_outlives_the_tables(layout: Layout) -> None:
    tell(layout)
    throw_away(layout, "income")
    assert check(Store(layout)).passed
    assert cockpit(layout, "store", "restore", "--from-spools").exit_code == 0
    assert not shown(layout)


def test_what_is_running_cannot_be_deleted(layout: Layout, writer: SpoolWriter) -> None:
    sweep, trial, alone = (writer.new_id() for _ in range(3))
    writer.append(
        SweepCreated(sweep, "busy", ["maximize"], 1.0),
        RunCreated(trial, sweep, 0, "busy#0", "running", 1.0),
        RunCreated(alone, None, None, "alone", "running", 1.0),
    )
    store = Store(layout)
    for name in ("busy", "busy#0", "alone"):
        with store.session() as session, pytest.raises(TrashError, match="is running"):
            throw(session, outside(session, [name]))
        with store.session() as session:
            meant = anywhere(session, [name])
        with pytest.raises(TrashError, match="is running"):
            purge(store, meant)


def test_a_purge_takes_rows_points_logs_and_gives_the_bytes_back(layout: Layout) -> None:
    tell(layout, points=12_000)
    tell(layout, "kept")
    with Store(layout).session() as session:
        meant = outside(session, ["income"])
        keys = [
            key for (key,) in session.rows("select key from runs where starts_with(name, 'income')")
        ]
    assert layout.reserve("income")
    for key in keys:
        layout.log(key).parent.mkdir(parents=True)
        layout.log(key).write_bytes(b"x" * 100_000)
    done = purge(Store(layout), meant)
    assert done.proven
    assert done.after < done.before - len(keys) * 100_000
    assert not any(layout.run_folder(key).exists() for key in keys)
    assert layout.reserve("income")
    assert len(shown(layout)) == RUNS
    with Store(layout).session() as session:
        assert session.rows("select count(*) from metrics") == [(RUNS * POINTS,)]
        assert not in_trash(session)


def test_what_was_purged_stays_gone_when_all_spools_are_folded_anew(layout: Layout) -> None:
    tell(layout)
    with Store(layout).session() as session:
        # Damage, so that the check does not pass and the spools stay.
        session.write("delete from names")
        meant = outside(session, ["income#1"])
    assert not purge(Store(layout), meant).proven
    assert cockpit(layout, "store", "restore", "--from-spools").exit_code == 0
    assert "income#1" not in shown(layout)
    with Store(layout).session() as session:
        assert session.rows("select count(*) from metrics") == [((RUNS - 1) * POINTS,)]
    assert check(Store(layout)).passed


def test_a_purge_that_was_killed_before_the_folders_is_ended_by_the_next_compaction(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell(layout)
    with Store(layout).session() as session:
        meant = outside(session, ["income#1"])
    layout.log(meant[0].id).parent.mkdir(parents=True)
    with monkeypatch.context() as killed:
        killed.setattr("storage.retention.clear_folders", lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            purge(Store(layout), meant)
    assert "income#1" not in shown(layout)
    assert cockpit(layout, "store", "compact").exit_code == 0
    assert not layout.run_folder(meant[0].id).exists()


def test_a_purged_trial_leaves_its_number_taken_in_its_study(layout: Layout) -> None:
    import optuna

    storage = RunStorage(layout.root)
    study = optuna.create_study(storage=storage, study_name="s")
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=3)
    storage._spool.close()
    with Store(layout).session() as session:
        meant = outside(session, ["s#1"])
    purge(Store(layout), meant)
    again = RunStorage(layout.root)
    loaded = optuna.load_study(storage=again, study_name="s")
    assert [trial.number for trial in loaded.trials] == [0, 1, 2]
    assert loaded.ask().number == 3
    again._spool.close()


def test_without_a_terminal_only_yes_deletes(
    layout: Layout, capsys: pytest.CaptureFixture[str]
) -> None:
    tell(layout)
    assert run(["delete", "income", "--store", str(layout.root)]) == 2
    assert "--yes" in capsys.readouterr().err
    assert len(shown(layout)) == RUNS
    assert cockpit(layout, "delete", "income", "--yes").exit_code == 0
    assert not shown(layout)


def test_on_a_terminal_the_question_names_the_thing(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell(layout)
    monkeypatch.setattr("cockpit.cli.delete.has_terminal", lambda: True)
    arguments = ["delete", "income", "--store", str(layout.root)]
    asked = CliRunner().invoke(cli, arguments, input="n\n", standalone_mode=False)
    assert f"sweep income ({RUNS} runs, {RUNS * POINTS} points)" in asked.output
    assert len(shown(layout)) == RUNS
    CliRunner().invoke(cli, arguments, input="y\n", standalone_mode=False)
    assert not shown(layout)


def test_the_commands_go_round(layout: Layout) -> None:
    tell(layout)
    cockpit(layout, "delete", "income#1", "income#2", "--yes")
    listed = json.loads(cockpit(layout, "trash", "--json").output)
    assert sorted(entry["name"] for entry in listed) == ["income#1", "income#2"]
    assert "is back" in cockpit(layout, "undelete", "income#2").output
    assert "before" in cockpit(layout, "trash", "--purge", "--yes").output
    assert cockpit(layout, "trash").output == "the trash is empty\n"
    assert sorted(shown(layout)) == ["income#0", "income#2", "income#3"]


def test_an_id_names_what_a_name_alone_cannot(layout: Layout) -> None:
    sweep = tell(layout)
    with Store(layout).session() as session:
        assert outside(session, [to_text(sweep)[:6]])[0].name == "income"
        with pytest.raises(TrashError, match="no 'income' in the trash"):
            inside(session, ["income"])
