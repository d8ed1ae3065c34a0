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


def test_a_progress_bar_s_states_push_nothing_out(tmp_path: Path) -> None:
    bar = "".join(f"\r{n}% " + "#" * 900 for n in range(101))
    log = tmp_path / "log.txt"
    log.write_text(f"epoch 1\n{bar}\nepoch 2\r\n{bar}\nValueError: boom\n", newline="")
    last = "100% " + "#" * 900
    assert (tail(log) or "").split("\n") == ["epoch 1", last, "epoch 2", last, "ValueError: boom"]


def test_a_line_without_end_is_cut(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    log.write_bytes(b"x" * (3 << 20) + b" the end")
    kept = tail(log) or ""
    assert len(kept) == 1 << 15
    assert kept.endswith("x the end")
