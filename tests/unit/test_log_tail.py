"""The end of a log, as a run that went wrong keeps it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cockpit.logs.log_tail import tail

if TYPE_CHECKING:
    from pathlib import Path


def test_the_last_lines_of_a_long_log(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    log.write_bytes(b"".join(b"line %d \xff\n" % n for n in range(50_000)))
    assert tail(log, 2) == "line 49998 \ufffd\nline 49999 \ufffd"
    assert len((tail(log) or "").splitlines()) == 50


def test_no_log_and_an_empty_one_are_nothing(tmp_path: Path) -> None:
    assert tail(tmp_path / "gone") is None
    (tmp_path / "log.txt").touch()
    assert tail(tmp_path / "log.txt") is None
