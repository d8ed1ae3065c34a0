"""A writer's spool: whole lines or nothing, one owner, known to be alive or gone."""

from __future__ import annotations

import errno
import os
import resource
import signal
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from storage import spool
from storage.events import MetricLogged, decode, encode
from storage.spool import SpoolError, SpoolWriter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from storage.layout import Layout


def point(step: int) -> MetricLogged:
    return MetricLogged(1, "loss", step, 1.0, 0.5)


def read_all(layout: Layout) -> list[int]:
    steps = []
    for name, size in spool.segments(layout):
        for chunk in spool.read_chunks(layout, name, 0, size, 100):
            steps += [
                e.step
                for line in chunk.data.splitlines()
                if isinstance(e := decode(line), MetricLogged)
            ]
    return steps


@contextmanager
def size_limit(limit: int) -> Iterator[None]:
    """A disk that is full once a file has `limit` bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)


def test_what_was_appended_is_read_in_order_across_segments(layout: Layout) -> None:
    writer = SpoolWriter(layout, segment_bytes=400)
    for step in range(50):
        writer.append(point(step))
    assert len(spool.segments(layout)) > 3
    assert read_all(layout) == list(range(50))
    writer.close()


def test_a_half_written_line_is_not_read_until_it_is_whole(
    layout: Layout, writer: SpoolWriter
) -> None:
    writer.append(point(0))
    name, size = spool.segments(layout)[0]
    with (layout.spool / name).open("ab") as file:
        file.write(b'{"e":"met')
    chunks = list(spool.read_chunks(layout, name, 0, size + 9, 10))
    assert chunks[-1].end == size


def test_a_reader_is_done_though_the_writer_goes_on(layout: Layout, writer: SpoolWriter) -> None:
    writer.append(*map(point, range(9)))
    name, size = spool.segments(layout)[0]
    ends = []
    for chunk in spool.read_chunks(layout, name, 0, size, 100):
        ends.append(chunk.end)
        writer.append(*map(point, range(9)))
    assert ends[-1] == size


def test_a_full_disk_leaves_no_torn_line_and_the_next_event_is_whole(layout: Layout) -> None:
    writer = SpoolWriter(layout)
    writer.append(point(0))
    _, size = spool.segments(layout)[0]
    with size_limit(size + 20), pytest.raises(SpoolError, match="could not write"):
        writer.append(point(1))
    writer.append(point(2))
    assert read_all(layout) == [0, 2]
    writer.close()


def test_whole_lines_of_a_batch_that_did_not_fit_stay_for_a_reader_may_have_them(
    layout: Layout,
) -> None:
    writer = SpoolWriter(layout)
    writer.append(point(0))
    _, size = spool.segments(layout)[0]
    line = len(encode(point(1)))
    with size_limit(size + 2 * line + 20), pytest.raises(SpoolError, match="could not write"):
        writer.append(*map(point, range(1, 9)))
    writer.append(point(9))
    assert read_all(layout) == [0, 1, 2, 9]
    writer.close()


def test_a_writer_that_could_not_sync_says_so_and_lets_go(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    writer = SpoolWriter(layout)
    writer.append(point(0))
    monkeypatch.setattr(spool, "_force_to_disk", refuse)
    with pytest.raises(SpoolError, match="could not write to the spool: No space left"):
        writer.close()
    assert not spool.is_alive(layout, writer.writer)


def test_a_writer_is_alive_until_it_is_killed(layout: Layout) -> None:
    code = (
        "import sys, pathlib; from storage.layout import Layout; from storage.spool import SpoolWriter\n"
        "w = SpoolWriter(Layout(pathlib.Path(sys.argv[1]))); w.new_id(); print(w.writer, flush=True); sys.stdin.read()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(layout.root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdin is not None
    with process, process.stdin:
        name = process.stdout.readline().strip()
        assert spool.is_alive(layout, name)
        process.kill()
        process.wait()
        assert not spool.is_alive(layout, name)


def test_a_forked_child_writes_to_a_spool_of_its_own(layout: Layout, writer: SpoolWriter) -> None:
    writer.append(point(0))
    child = os.fork()
    if child == 0:
        writer.append(point(1))
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    writer.append(point(2))
    assert len(spool.segments(layout)) == 2
    assert sorted(read_all(layout)) == [0, 1, 2]
    assert spool.is_alive(layout, writer.writer)


def test_a_store_keeps_itself_out_of_git(layout: Layout, writer: SpoolWriter) -> None:
    writer.append(point(0))
    assert (layout.root / ".gitignore").read_text() == "*\n"
