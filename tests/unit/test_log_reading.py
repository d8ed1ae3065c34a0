"""Logs are read from their ends, followed as they grow, and lose no line on the way."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cockpit.logs import LogFile, Logs, of_target
from cockpit.logs import file as logs_file
from storage.events import RunChanged, RunCreated, SweepChanged, SweepCreated
from storage.ids import to_text
from storage.runs import RunNotFound
from storage.store import Store

if TYPE_CHECKING:
    from pathlib import Path

    from storage.layout import Layout
    from storage.spool import SpoolWriter


def whole(log: LogFile) -> list[str]:
    return [line for lines in log.read() for line in lines] + log.rest()


@given(
    text=st.text(alphabet="ab\n", max_size=60),
    lines=st.integers(0, 12),
    block=st.integers(1, 9),
    piece=st.integers(1, 9),
)
def test_the_last_lines_are_the_last_lines(
    tmp_path_factory: pytest.TempPathFactory, text: str, lines: int, block: int, piece: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "some.log"
    path.write_text(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(logs_file, "BLOCK", block)
        patch.setattr(logs_file, "PIECE", piece)
        log = LogFile(path)
        all_lines = text.removesuffix("\n").split("\n") if text else []
        more = log.seek_last(lines)
        assert whole(log) == (all_lines[-lines:] if lines else [])
        assert more == (len(all_lines) > lines)


def test_a_log_is_followed_line_by_line(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "log.txt")
    assert whole(log) == []
    with (tmp_path / "log.txt").open("a") as file:
        file.write("one\ntw")
        file.flush()
        assert list(log.read()) == [["one"]]
        file.write("o\nthr")
        file.flush()
        assert list(log.read()) == [["two"]]
    assert log.rest() == ["thr"]
    assert log.rest() == []


def test_a_log_written_anew_is_read_from_its_start(tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    path.write_text("a long first line\n")
    log = LogFile(path)
    assert whole(log) == ["a long first line"]
    path.write_text("new\n")
    assert whole(log) == ["new"]


def test_an_endless_progress_bar_is_not_kept_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs_file, "LONGEST", 8)
    (tmp_path / "log.txt").write_text("\r1 %" * 1000 + "\r100 %")
    log = LogFile(tmp_path / "log.txt")
    assert list(log.read()) == []
    assert log.rest() == ["1 %\r100 %"[-8:]]


def test_bytes_that_are_no_text_do_not_stop_it(tmp_path: Path) -> None:
    (tmp_path / "log.txt").write_bytes(b"caf\xe9\n")
    assert whole(LogFile(tmp_path / "log.txt")) == ["caf�"]


class Told:
    """A sweep as its driver tells of it."""

    def __init__(self, layout: Layout, writer: SpoolWriter) -> None:
        self.layout, self.writer = layout, writer
        self.sweep = writer.new_id()
        self.runs: dict[int | None, int] = {}
        writer.append(
            SweepCreated(self.sweep, "s", ["maximize"], time.time()),
            SweepChanged(self.sweep, {"state": "running", "trials": 20}),
        )

    def begin(self, number: int | None) -> None:
        self.runs[number] = run = self.writer.new_id()
        self.writer.append(
            RunCreated(run, self.sweep, number, f"s#{number}", "running", time.time())
        )

    def prints(self, number: int | None, text: str) -> None:
        path = self.layout.log(to_text(self.runs[number]))
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a") as file:
            file.write(text)

    def settle(self, number: int | None) -> None:
        self.writer.append(RunChanged(self.runs[number], {"state": "complete"}))

    def end(self) -> None:
        self.writer.append(SweepChanged(self.sweep, {"state": "complete"}))

    def logs(self, target: str) -> Logs:
        with Store(self.layout).session() as session:
            return of_target(session, self.layout, target)

    def look(self, logs: Logs) -> None:
        with Store(self.layout).session() as session:
            logs.look(session)


@pytest.fixture
def told(layout: Layout, writer: SpoolWriter) -> Told:
    return Told(layout, writer)


def read(logs: Logs, final: bool = False) -> list[tuple[str, str]]:
    return [(source.name, line) for source, lines in logs.read(final) for line in lines]


def test_a_sweeps_logs_come_with_the_trials_numbers(told: Told) -> None:
    for number in (None, 0, 1):
        told.begin(number)
        told.prints(number, f"I am {number}\n")
    told.layout.sweep_log("s").parent.mkdir(parents=True, exist_ok=True)
    told.layout.sweep_log("s").write_text("a word of the driver's\n")
    logs = told.logs("s")
    assert read(logs) == [
        ("driver", "a word of the driver's"),
        ("baseline", "I am None"),
        ("#0", "I am 0"),
        ("#1", "I am 1"),
    ]
    assert not logs.ended


def test_trials_that_begin_later_are_followed_from_their_first_line(told: Told) -> None:
    told.begin(0)
    told.prints(0, "old\n" * 5)
    logs = told.logs("s")
    assert logs.seek_last(1)
    assert read(logs) == [("#0", "old")]
    told.begin(1)
    told.prints(1, "".join(f"line {n}\n" for n in range(30)))
    told.settle(1)
    told.look(logs)
    assert read(logs) == [("#1", f"line {n}") for n in range(30)]
    told.prints(0, "the end")
    assert read(logs) == []
    told.settle(0)
    told.end()
    told.look(logs)
    assert logs.ended
    assert read(logs) == [("#0", "the end")]
    assert read(logs, final=True) == []


def test_a_trial_that_runs_again_is_read_on(told: Told) -> None:
    told.begin(0)
    told.prints(0, "first\n")
    logs = told.logs("s")
    told.settle(0)
    told.look(logs)
    assert read(logs) == [("#0", "first")]
    told.writer.append(RunChanged(told.runs[0], {"state": "running"}))
    told.prints(0, "second\n")
    told.look(logs)
    assert read(logs) == [("#0", "second")]


def test_a_run_alone_has_no_name_before_its_lines(told: Told) -> None:
    told.begin(7)
    told.prints(7, "hello\nunfinished")
    logs = told.logs("s#7")
    assert (logs.width, logs.ended) == (0, False)
    assert read(logs) == [("", "hello")]
    assert read(logs, final=True) == [("", "unfinished")]


def test_neither_sweep_nor_run_is_said_in_one_sentence(told: Told) -> None:
    with pytest.raises(RunNotFound, match="no sweep is called 'x', and no run answers to 'x'"):
        told.logs("x")
