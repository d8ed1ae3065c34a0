"""What the ways of working stand on: command lines, the clipboard's sequence, the memory of a store."""

from __future__ import annotations

import json
import shlex
from base64 import b64decode
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from cockpit.cli.main import cli
from cockpit.tui import clipboard, commands, remember
from cockpit.tui.remember import Memory
from storage.layout import Layout
from storage.runs import RunQuery, SortKey
from tests.tui.fake import HOSTILE, trial

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    "query, line",
    [
        (RunQuery(), "cockpit runs"),
        (RunQuery(descending=False), "cockpit runs --reverse"),
        (RunQuery(sort="auc"), "cockpit runs --sort auc"),
        (RunQuery(sort="auc", descending=False), "cockpit runs --sort auc --reverse"),
        (RunQuery(sort="loss", descending=False), "cockpit runs --sort loss"),
        (RunQuery(sort="auc", then=(SortKey("lr", False),)),
         "cockpit runs --sort auc --sort 'lr asc'"),
        (RunQuery(sort="name", descending=False), "cockpit runs --sort name"),
        (RunQuery("my sweep", pinned_first=True), "cockpit runs --sweep 'my sweep' --pinned-first"),
        (RunQuery(where="auc > 0.9 "), "cockpit runs -w 'auc > 0.9'"),
        (RunQuery(where="state = 'lost'"), "cockpit runs -w \"state = 'lost'\""),
        (RunQuery(where="tag = 'a$b'"), "cockpit runs -w 'tag = '\"'\"'a$b'\"'\"''"),
    ],
)  # fmt: skip
def test_a_table_is_a_command_line(query: RunQuery, line: str) -> None:
    found = commands.runs(query, {"auc": "maximize", "loss": "minimize"})
    assert found == line
    assert shlex.split(found)[-1].strip("'") == shlex.split(line)[-1].strip("'")
    assert not query.where or shlex.split(found)[-1] == query.where.strip()


def test_the_command_line_is_one_that_cockpit_takes(tmp_path: Path) -> None:
    then = (SortKey("name"),)
    query = RunQuery("s", "auc > 0.9 and name = 'x'", "started", False, True, then=then)
    line = commands.runs(query, {}, store=str(tmp_path / "my store"))
    ran = CliRunner().invoke(cli, shlex.split(line)[1:])
    assert ran.exit_code == 0, ran.output


def test_what_can_be_copied_of_a_run_is_exact() -> None:
    run = replace(trial(3), metrics={"auc": 0.123456789}, note="wide leaves")
    offers = {offer.what: offer.text for offer in commands.of_run(run, "auc", "/data/.cockpit")}
    assert offers == {
        "id": run.id,
        "name": "income#3",
        "auc": "0.123456789",
        "note": "wide leaves",
        "command": f"cockpit --store /data/.cockpit show {run.id}",
    }


def test_without_an_order_the_first_metric_is_what_is_copied() -> None:
    offers = commands.of_run(replace(trial(3), metrics={"auc": 0.5}), None)
    assert [offer.what for offer in offers] == ["id", "name", "auc", "command"]


def test_a_hostile_name_cannot_leave_its_word() -> None:
    line = commands.line("show", HOSTILE)
    assert len(shlex.split(line)) == 3
    assert line.isprintable()


def test_the_clipboard_is_reached_through_screen_and_given_up_where_there_is_none() -> None:
    plain = clipboard.sequence("ä", {"TERM": "xterm"})
    assert plain is not None
    assert b64decode(plain.removeprefix("\x1b]52;c;").removesuffix("\x07")).decode() == "ä"
    assert clipboard.sequence("ä", {"TERM": "screen", "STY": "1.x"}) == f"\x1bP{plain}\x1b\\"
    assert clipboard.sequence("ä", {"TERM": "screen", "STY": "1.x", "TMUX": "t"}) == plain
    assert clipboard.sequence("ä", {"TERM": "linux"}) is None
    assert clipboard.sequence("x" * 80_000, {"TERM": "xterm"}) is None


def test_the_memory_comes_back_as_it_was(tmp_path: Path) -> None:
    path = Layout(tmp_path).screens
    memory = Memory("2", {"1": {"where": "auc > 0.9", "marks": ["a", "b"]}})
    remember.write(path, memory)
    assert remember.read(path) == memory
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize(
    "damaged",
    [b"", b"{", b"[]", b"null", b"\xff", b'{"version": 99}', b"[" * 100_000,
     b'{"version": 1, "front": 3, "places": [1]}', b'{"version": 1, "places": {"1": 2}}'],
)  # fmt: skip
def test_a_damaged_memory_is_ignored(tmp_path: Path, damaged: bytes) -> None:
    path = Layout(tmp_path).screens
    path.write_bytes(damaged)
    assert remember.read(path) == Memory()


def test_looking_makes_no_store(tmp_path: Path) -> None:
    layout = Layout(tmp_path / ".cockpit")
    remember.write(layout.screens, Memory("1"))
    assert not layout.exists()


def test_a_memory_that_cannot_be_written_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = Layout(tmp_path).screens
    remember.write(path, Memory("1"))

    def full(*what: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    remember.write(path, Memory("2"))
    assert remember.read(path) == Memory("1")
    assert len(list(tmp_path.iterdir())) == 1


def test_values_of_another_type_are_not_taken() -> None:
    found = json.loads('{"where": 3, "marks": [1, "a"], "down": "yes", "sort": "auc"}')
    assert remember.text(found, "where") is None
    assert remember.text(found, "sort") == "auc"
    assert remember.names(found, "marks") == ("a",)
    assert remember.names(found, "where") == ()
    assert remember.flag(found, "down", True)
