"""What can be the matter with a store's folder is said in words, and read around where it can be."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from storage import ids, mounts
from storage.faults import StoreFull, explain
from storage.layout import Layout
from storage.runs import seconds_between
from storage.store import Store, StoreBusy, StoreDamaged
from tests.unit.stories import RUNS, tell

if TYPE_CHECKING:
    from collections.abc import Iterator

NOBODY = 65_534
LOOK = """
import os, pathlib, sys
from storage.layout import Layout
from storage.migrations import steps
from storage.store import Store, StoreError
if len(sys.argv) > 2:
    steps()  # this user may not be able to read the program's own files
    os.setuid(int(sys.argv[2]))
try:
    with Store(Layout(pathlib.Path(sys.argv[1]))).session(0.5) as session:
        print(session.rows("select count(*) from runs")[0][0], *session.notices)
except StoreError as error:
    print(type(error).__name__, error)
"""


@pytest.fixture
def public() -> Iterator[Layout]:
    """A store folder that other users may look at."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Layout(Path(folder) / ".cockpit")


def look_without_rights(layout: Layout) -> str:
    """Ask in a process that may not write there: as another user, or with the rights taken away."""
    user = [str(NOBODY)] if os.geteuid() == 0 else []
    folders = [layout.root, layout.spool]
    for folder in folders:
        folder.chmod(0o555)
    for file in layout.root.glob("store*"):
        file.chmod(0o444)
    layout.lock.chmod(0o444)
    try:
        return subprocess.run(
            [sys.executable, "-c", LOOK, str(layout.root), *user],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    finally:
        for folder in folders:
            folder.chmod(0o755)


def test_a_folder_that_cannot_be_written_is_read_as_it_stands(public: Layout) -> None:
    tell(public)
    with Store(public).session():
        pass
    assert look_without_rights(public) == f"{RUNS} {public.root} cannot be written\n"


def test_where_newer_events_cannot_be_folded_in_it_is_said(public: Layout) -> None:
    tell(public)
    with Store(public).session():
        pass
    tell(public, "later")
    said = look_without_rights(public)
    assert said.startswith(f"{RUNS} ")
    assert "the newest events" in said
    assert "are not shown" in said


def test_a_log_left_by_a_kill_is_read_without_being_touched(public: Layout) -> None:
    tell(public)
    with Store(public).session():
        pass
    code = (
        "import duckdb, os, sys; c = duckdb.connect(sys.argv[1]);"
        "c.execute('insert into runs by name (select 7 as id, * exclude (id) from runs limit 1)');"
        "os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code, str(public.database)], check=False)
    assert public.log_ahead.exists()
    assert look_without_rights(public).startswith(f"{RUNS + 1} ")
    assert public.log_ahead.exists()


def test_a_folder_that_nobody_could_fold_yet_says_so(public: Layout) -> None:
    tell(public)
    public.lock.touch()
    assert look_without_rights(public).startswith("StoreReadOnly")


def test_a_log_of_another_database_is_set_aside_and_the_store_opens(
    layout: Layout, tmp_path: Path
) -> None:
    tell(layout)
    with Store(layout).session():
        pass
    other = tmp_path / "other.duckdb"
    code = (
        "import duckdb, os, sys; c = duckdb.connect(sys.argv[1]);"
        "c.execute('create table t(a int)'); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code, str(other)], check=False)
    shutil.copyfile(f"{other}.wal", layout.log_ahead)
    with Store(layout).session() as session:
        assert session.rows("select count(*) from runs") == [(RUNS,)]
        assert "belongs to another database" in session.notices[0]
    with Store(layout).session() as session:
        assert not session.notices
    assert len(list(layout.backups.glob("stale-log-*.wal"))) == 1


def test_garbage_in_the_place_of_the_log_loses_nothing(layout: Layout) -> None:
    tell(layout)
    with Store(layout).session():
        pass
    layout.log_ahead.write_bytes(b"garbage" * 100)
    with Store(layout).session() as session:
        assert session.rows("select count(*) from runs") == [(RUNS,)]


@pytest.mark.parametrize("left", [0, 100, 4_096, 20_000])
def test_a_database_cut_short_is_said_to_be_damaged(layout: Layout, left: int) -> None:
    tell(layout)
    with Store(layout).session():
        pass
    os.truncate(layout.database, left)
    with pytest.raises(StoreDamaged, match="cockpit store restore"), Store(layout).session():
        pass


def test_a_database_with_flipped_bytes_is_said_to_be_damaged_when_they_are_read(
    layout: Layout,
) -> None:
    tell(layout)
    with Store(layout).session():
        pass
    data = bytearray(layout.database.read_bytes())
    for place in range(12_288, len(data), 1_000):
        data[place] ^= 255
    layout.database.write_bytes(data)
    with (
        pytest.raises(StoreDamaged, match="checksum"),
        Store(layout).session() as session,
    ):
        session.rows("select * from runs")


def test_a_full_disk_is_no_damage(layout: Layout) -> None:
    fault = explain(OSError('Could not write file "x": No space left on device'), layout)
    assert isinstance(fault, StoreFull)


def test_a_kill_while_a_store_is_first_made_leaves_none_that_is_damaged(layout: Layout) -> None:
    tell(layout)
    code = (
        "import os, pathlib, sys; import storage.migrations; from storage.layout import Layout\n"
        "import storage.store\n"
        "storage.store.migrate = lambda session: os.kill(os.getpid(), 9)\n"
        "with storage.store.Store(Layout(pathlib.Path(sys.argv[1]))).session(): pass\n"
    )
    subprocess.run([sys.executable, "-c", code, str(layout.root)], check=False)
    assert not layout.database.exists()
    with Store(layout).session() as session:
        assert session.rows("select count(*) from runs") == [(RUNS,)]


def test_whoever_holds_the_store_is_named_with_what_it_runs(layout: Layout) -> None:
    layout.create()
    code = LOOK.replace("print(", "print(flush=True); sys.stdin.read(); print(")
    with subprocess.Popen(
        [sys.executable, "-c", code, str(layout.root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        with (
            pytest.raises(StoreBusy, match=rf"held by pid {process.pid} \(python"),
            Store(layout).session(timeout=0.05),
        ):
            pass
        process.communicate("")


def test_a_network_file_system_is_warned_of_once(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell(layout)
    monkeypatch.setattr("storage.store.network_file_system", lambda _: "nfs4")
    notices = []
    for _ in range(2):
        with Store(layout).session() as session:
            notices.append(len(session.notices))
    assert notices == [1, 0]


def test_the_file_system_is_that_of_the_deepest_mount_above() -> None:
    table = (
        "21 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw\n"
        "30 21 0:40 / /home rw shared:1 - nfs4 server:/home rw\n"
        "31 30 0:41 / /home/a\\040b rw - tmpfs tmpfs rw\n"
        "32 30 8:2 / /home/local rw - xfs /dev/sdb rw\n"
    )
    kinds = {
        folder: mounts.file_system(Path(folder), table)
        for folder in ("/home/me/.cockpit", "/home/a b/c", "/homework", "/home/local")
    }
    assert list(kinds.values()) == ["nfs4", "tmpfs", "ext4", "xfs"]


def test_ids_rise_though_the_clock_jumps_back(monkeypatch: pytest.MonkeyPatch) -> None:
    maker = ids.IdMaker(5)
    now = time.time_ns()
    made = []
    for jump in (0, -3_600, 10, -86_400):
        monkeypatch.setattr(time, "time_ns", lambda at=now + jump * 10**9: at)
        made += [maker(), maker()]
    assert made == sorted(set(made))


def test_no_duration_is_negative() -> None:
    early, late = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)
    assert seconds_between(late, early, late) == 0.0
    assert seconds_between(late, None, early) == 0.0
