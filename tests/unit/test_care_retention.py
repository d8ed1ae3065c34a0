"""Drained spools get out of the way of every reader, and stay until they are proven."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from storage import liveness, machine, retention, spool
from storage.care.check import check
from storage.events import MetricLogged, RunCreated, WriterBegan, encode
from storage.spool import SpoolWriter
from storage.store import Store
from tests.unit.stories import RUNS, tell, tell_run

if TYPE_CHECKING:
    import pytest

    from storage.layout import Layout


def elsewhere(layout: Layout, silent: float, host: str = "far") -> str:
    """A spool begun on another machine, that showed no sign of life for so many seconds."""
    layout.create()
    file = layout.segment("0abcd")
    file.write_bytes(
        encode(WriterBegan(host, "another boot", 7, time.time()))
        + encode(RunCreated(5, None, None, "afar", "running", time.time()))
    )
    layout.lock.touch()
    then = time.time() - silent
    os.utime(file, (then, then))
    return "0abcd"


def test_a_spool_moves_aside_once_its_writer_is_gone_and_all_of_it_is_read(
    layout: Layout, writer: SpoolWriter
) -> None:
    tell(layout)
    tell_run(writer, None, "alone", 0, 3)
    with Store(layout).session():
        pass
    assert [name for name, _ in spool.segments(layout)] == [f"{writer.writer}-000000.ndjson"]
    assert len(retention.drained_files(layout)) == 1
    writer.close()
    with Store(layout).session():
        pass
    assert not spool.segments(layout)
    assert len(retention.drained_files(layout)) == 2


def test_all_segments_of_a_spool_move_together(layout: Layout) -> None:
    writer = SpoolWriter(layout, segment_bytes=2_000)
    tell_run(writer, None, "long", 0, 100)
    for step in range(100):
        writer.append(MetricLogged(1, "value", step, 1.0, 0.5))
    segments = len(spool.segments(layout))
    assert segments > 3
    with Store(layout).session():
        pass
    assert len(spool.segments(layout)) == segments
    writer.close()
    with Store(layout).session():
        pass
    assert len(retention.drained_files(layout)) == segments
    assert check(Store(layout)).passed


def test_what_comes_back_is_not_read_twice(layout: Layout) -> None:
    tell(layout)
    with Store(layout).session() as session:
        before = session.rows("select count(*) from metrics")
    retention.bring_back(layout)
    with Store(layout).session() as session:
        assert session.rows("select count(*) from metrics") == before


def test_a_writer_never_takes_the_name_of_a_drained_spool(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell(layout)
    with Store(layout).session():
        pass
    taken = int(retention.drained_files(layout)[0].name[:5], 16)
    tags = iter([taken, taken, 77])
    monkeypatch.setattr("storage.spool.secrets.randbits", lambda _: next(tags))
    writer = SpoolWriter(layout)
    writer.new_id()
    assert writer.writer == f"{77:05x}"
    writer.close()


def test_a_file_of_the_same_name_by_another_writer_is_read_from_its_beginning(
    layout: Layout,
) -> None:
    tell(layout, runs=9)
    with Store(layout).session():
        pass
    old = retention.drained_files(layout)[0]
    tag = old.name[:5]
    old.unlink()
    tell(layout, "second")
    file, _ = spool.segments(layout)[0]
    (layout.spool / file).rename(layout.segment(tag))
    with Store(layout).session() as session:
        assert session.rows("select count(*) from runs where starts_with(name, 'second')") == [
            (RUNS,)
        ]


def test_the_stamp_tells_the_death_of_a_writer_that_was_seen_before_it_had_locked_its_spool(
    layout: Layout,
) -> None:
    store, file = Store(layout), layout.segment("0abcd")
    layout.create()
    file.touch()
    store.stamp()
    with file.open("wb", buffering=0) as writer:
        fcntl.flock(writer, fcntl.LOCK_EX)
        writer.write(encode(RunCreated(5, None, None, "run", "running", time.time())))
        before = store.stamp()
    assert store.stamp() != before


def test_the_stamp_tells_two_changes_of_one_length_apart(layout: Layout) -> None:
    tell(layout)
    store = Store(layout)
    stamps = set()
    for number in range(3):
        with store.session():
            pass
        writer = SpoolWriter(layout)
        writer.append(MetricLogged(1, "value", number, 1.0, 0.5))
        writer.close()
        stamps.add(store.stamp())
    assert len(stamps) == 3


def test_a_writer_on_another_machine_is_alive_while_it_shows_signs_of_life(layout: Layout) -> None:
    with_signs = elsewhere(layout, silent=liveness.LEASE_SECONDS - 60)
    assert liveness.is_alive(layout, with_signs)
    with Store(layout).session() as session:
        assert session.rows("select state from runs") == [("running",)]
    without = elsewhere(layout, silent=liveness.LEASE_SECONDS + 60)
    assert not liveness.is_alive(layout, without)
    with Store(layout).session() as session:
        assert session.rows("select state, reason from runs") == [
            ("lost", "the process that ran it died")
        ]
    # It may merely have been stopped for a while: its spool stays where it writes to.
    assert spool.segments(layout)


def test_what_ran_before_this_machine_was_started_anew_is_lost_at_once(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(liveness, "uptime", lambda: 20.0)
    before = elsewhere(layout, silent=30.0, host=machine.host())
    assert not liveness.is_alive(layout, before)
    assert not liveness.may_write(layout, before)
    with Store(layout).session() as session:
        assert session.rows("select state from runs") == [("lost",)]
    # A machine that only has the same name has spoken since.
    assert liveness.is_alive(layout, elsewhere(layout, silent=10.0, host=machine.host()))
    assert liveness.is_alive(layout, elsewhere(layout, silent=30.0))


def test_a_run_thought_lost_that_ends_after_all_is_what_it_said(layout: Layout) -> None:
    writer = elsewhere(layout, silent=liveness.LEASE_SECONDS + 60)
    with Store(layout).session():
        pass
    with layout.segment(writer).open("ab") as stream:
        stream.write(b'{"e":"run_changed","run":5,"changes":{"state":"complete","ended":1e9}}\n')
    with Store(layout).session() as session:
        assert session.rows("select state, reason from runs") == [("complete", None)]


def test_a_writer_at_work_touches_its_spool(
    layout: Layout, writer: SpoolWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer.append(MetricLogged(1, "value", 1, 1.0, 0.5))
    file = layout.segment(writer.writer)
    os.utime(file, (0, 0))
    writer.sync()
    assert file.stat().st_mtime == 0
    monkeypatch.setattr(spool, "TOUCH_SECONDS", -1.0)
    writer.sync()
    assert file.stat().st_mtime > 0


def test_the_first_line_says_who_writes(layout: Layout, writer: SpoolWriter) -> None:
    writer.append(MetricLogged(1, "value", 1, 1.0, 0.5))
    began = liveness.read_signature(layout.segment(writer.writer))
    assert began is not None
    assert (began.boot, began.pid) == (machine.boot(), os.getpid())


def test_the_spools_of_many_small_commands_are_out_of_the_way_after_one_look(
    layout: Layout,
) -> None:
    for number in range(200):
        writer = SpoolWriter(layout)
        writer.append(MetricLogged(1, "value", number, 1.0, 0.5))
        writer.close()
    with Store(layout).session() as session:
        assert session.rows("select count(*) from metrics") == [(200,)]
    assert not spool.segments(layout)
    assert check(Store(layout)).files == 200


def test_a_writer_that_dies_between_two_looks_is_read_to_its_end(layout: Layout) -> None:
    code = (
        "import os, pathlib, sys, time; from storage.layout import Layout\n"
        "from tests.unit.stories import tell_run; from storage.spool import SpoolWriter\n"
        "w = SpoolWriter(Layout(pathlib.Path(sys.argv[1])))\n"
        "tell_run(w, None, 'one', 0, 5); print(flush=True); sys.stdin.readline()\n"
        "tell_run(w, None, 'two', 0, 5); os.kill(os.getpid(), 9)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(layout.root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        with Store(layout).session() as session:
            assert session.rows("select name from runs") == [("one",)]
        process.communicate("\n")
    with Store(layout).session() as session:
        assert session.rows("select name from runs order by name") == [("one",), ("two",)]
    assert check(Store(layout)).passed
