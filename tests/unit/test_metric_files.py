"""A program's metrics file, read while it grows, however it is written."""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING

import pytest

from cockpit.sweep.executors.metric_files import READ_BYTES, MetricFile
from cockpit.sweep.executors.metric_lines import Note, Point, Tally

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "metrics.jsonl"


def test_lines_are_read_as_they_come_and_only_once_whole(path: Path) -> None:
    file = MetricFile(path, Tally())
    assert file.look() == []
    with path.open("w", buffering=1) as out:
        out.write('{"loss": 3}\n{"lo')
        out.flush()
        assert file.look() == [Point({"loss": 3.0}, 0)]
        assert file.look() == []
        out.write('ss": 2}\n{"loss": 1}')
        out.flush()
        assert file.look() == [Point({"loss": 2.0}, 1)]
    assert file.end() == [Point({"loss": 1.0}, 2)]


def test_one_object_is_read_again_when_it_has_changed(path: Path) -> None:
    file = MetricFile(path, Tally())
    path.write_text(json.dumps({"auc": 0.5, "by": {"sex": 1}}, indent=2))
    assert file.look() == [Point({"auc": 0.5, "by.sex": 1.0}, 0)]
    path.write_text(json.dumps({"auc": 0.75, "history": [{"auc": 0.5}]}, indent=2) + "\n")
    assert file.look() == [Point({"auc": 0.75}, 1)]
    assert file.end() == []


def test_one_object_on_one_line_without_end_is_read_at_the_end(path: Path) -> None:
    file = MetricFile(path, Tally())
    path.write_text('{"auc": 0.5}')
    assert file.look() == []
    assert file.end() == [Point({"auc": 0.5}, 0)]


@pytest.mark.parametrize("replaced", [True, False], ids=["renamed over", "truncated"])
def test_a_file_written_anew_is_read_anew(path: Path, replaced: bool) -> None:
    file = MetricFile(path, Tally())
    path.write_text('{"loss": 3, "step": 1}\n')
    assert file.look() == [Point({"loss": 3.0}, 1)]
    other = path.with_name("other")
    other.write_text('{"loss": 2, "step": 7}\n{"loss": 1, "step": 8}\n')
    if replaced:
        other.replace(path)
    else:
        path.write_text(other.read_text())
    assert file.look() == [Point({"loss": 2.0}, 7), Point({"loss": 1.0}, 8)]


@pytest.mark.parametrize("end", ["", "\n"], ids=["without an end", "with one"])
def test_one_line_written_anew_in_its_place_is_the_newest(path: Path, end: str) -> None:
    """As long as before, alike at its beginning and its end: what `json.dump` writes each epoch."""
    tally = Tally()
    file = MetricFile(path, tally)
    tick = time.time_ns()
    for auc in (0.1, 0.2, 0.3):
        about = {"about": "x" * 400, "auc": auc, "over": "y" * 400}
        with path.open("w") as out:  # the same file, never seen empty
            out.write(json.dumps(about) + end)
        os.utime(path, ns=(tick, tick))  # many systems' clock of files stands still for some ms
        file.look()
    file.end()
    assert tally.last == {"auc": 0.3}


@pytest.mark.parametrize("indent", [None, 2])
def test_what_lay_there_before_the_run_is_not_its_own(path: Path, indent: int | None) -> None:
    path.write_text(json.dumps({"loss": 9}, indent=indent) + "\n")
    file = MetricFile(path, Tally(), skip=True)
    assert file.look() == []
    if indent:
        path.write_text(json.dumps({"loss": 1}, indent=indent))
    else:
        with path.open("a") as out:
            out.write('{"loss": 1}\n')
    assert file.look() == [Point({"loss": 1.0}, 0)]
    assert file.end() == []


def test_a_large_file_is_read_piece_by_piece(path: Path) -> None:
    path.write_text("".join(f'{{"loss": {n}, "step": {n}}}\n' for n in range(10_000)))
    assert path.stat().st_size > 3 * READ_BYTES
    file = MetricFile(path, Tally())
    first = file.look()
    assert file.behind
    rest = file.end()
    assert 0 < len(first) < len(rest)
    assert [said.step for said in first + rest if isinstance(said, Point)] == list(range(10_000))


def test_of_what_is_too_long_at_the_end_the_last_values_are_read(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cockpit.sweep.executors.metric_files.END_BYTES", READ_BYTES)
    path.write_text("".join(f'{{"loss": {n}, "step": {n}}}\n' for n in range(20_000)))
    tally = Tally()
    found = MetricFile(path, tally).end()
    assert len(found) < 15_000
    assert tally.last == {"loss": 19_999.0}


def test_a_folder_a_pipe_and_garbage_are_no_metrics(path: Path) -> None:
    for make in (path.mkdir, lambda: os.mkfifo(path), lambda: path.write_bytes(b"{\0\xff\n\xfe\n")):
        make()
        assert MetricFile(path, Tally()).end() == []
        path.rmdir() if path.is_dir() else path.unlink()


def test_notes_of_track_are_told_apart(path: Path) -> None:
    path.write_text('{"cockpit": {"tags": ["a"]}}\n{"loss": 1}\n')
    assert MetricFile(path, Tally(), notes=True).look() == [
        Note({"tags": ["a"]}),
        Point({"loss": 1.0}, 0),
    ]
