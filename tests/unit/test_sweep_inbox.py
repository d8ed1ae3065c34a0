"""A running sweep is asked by files: whatever the moment, who asks hears what became of it."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

import pytest

from cockpit.sweep import control
from cockpit.sweep.control import ControlError, Inbox, Reply, Request, ask

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class Asker(threading.Thread):
    """Somebody who asks from outside."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder
        self.reply: Reply | None = None

    def run(self) -> None:
        self.reply = ask(self._folder, Request("add", count=2), 60)


@pytest.fixture
def inbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Inbox:
    monkeypatch.setattr(control, "LOOK_SECONDS", 0)
    monkeypatch.setattr(control, "_LAST_REPLIES", 60.0)
    return Inbox(tmp_path / "control")


def obeyed(request: Request) -> Reply:
    return Reply(True, f"{request.do} {request.count}")


def test_what_is_asked_is_done_and_said(inbox: Inbox, tmp_path: Path) -> None:
    asker = Asker(tmp_path / "control")
    asker.start()
    while not inbox.obey(obeyed):
        pass
    asker.join()
    assert asker.reply == Reply(True, "add 2")
    inbox.close()
    assert not (tmp_path / "control").exists()


def test_a_request_that_is_still_being_written_is_left_alone(
    inbox: Inbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = os.replace
    looks: list[bool] = []

    def late(source: Path, target: Path) -> None:
        if not looks:
            looks.append(inbox.obey(obeyed))
        put(source, target)

    monkeypatch.setattr(os, "replace", late)
    asker = Asker(tmp_path / "control")
    asker.start()
    while not inbox.obey(obeyed):
        pass
    asker.join()
    assert looks == [False]
    assert asker.reply == Reply(True, "add 2")


def test_who_asks_as_the_sweep_ends_is_told_so(inbox: Inbox, tmp_path: Path) -> None:
    asker = Asker(tmp_path / "control")
    asker.start()
    while not list((tmp_path / "control").glob("*.request")):
        pass
    inbox.close()
    asker.join()
    assert asker.reply == Reply(False, "the sweep has come to its end; nothing was done")


def test_who_asks_after_the_sweep_s_last_look_is_told_so(
    inbox: Inbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asker = Asker(tmp_path / "control")
    look = inbox.obey

    def looked(do: Callable[[Request], Reply]) -> bool:
        found = look(do)
        if asker.ident is None:
            asker.start()
            while not list((tmp_path / "control").glob("*.request")):
                pass
        return found

    monkeypatch.setattr(inbox, "obey", looked)
    inbox.close()
    asker.join()
    assert asker.reply == Reply(False, "the sweep has come to its end; nothing was done")


def test_who_asks_while_another_has_still_to_read_the_last_reply_is_told_so(
    inbox: Inbox, tmp_path: Path
) -> None:
    unread = tmp_path / "control" / "1.reply"
    (tmp_path / "control" / "1.request").write_text('{"do": "pause"}')
    closer = threading.Thread(target=inbox.close)
    closer.start()
    while not unread.exists():
        pass
    asker = Asker(tmp_path / "control")
    asker.start()
    asker.join()
    unread.unlink()
    closer.join()
    assert asker.reply == Reply(False, "the sweep has come to its end; nothing was done")
    assert not (tmp_path / "control").exists()


def test_who_asked_a_driver_that_was_killed_is_told_by_the_next(
    inbox: Inbox, tmp_path: Path
) -> None:
    asker = Asker(tmp_path / "control")
    asker.start()
    while not list((tmp_path / "control").glob("*.request")):
        pass
    again = Inbox(tmp_path / "control")
    asker.join()
    assert asker.reply == Reply(
        False, "asked of a driver that has gone since; nothing was done, ask again"
    )
    assert not again.obey(obeyed)


def test_a_reply_that_nobody_reads_any_more_goes_with_the_folder(
    inbox: Inbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "_LAST_REPLIES", 0.05)
    (tmp_path / "control" / "1.request").write_text('{"do": "pause"}')
    assert inbox.obey(obeyed)
    inbox.close()
    assert not (tmp_path / "control").exists()


def test_who_asks_when_it_has_ended_is_told_so_at_once(inbox: Inbox, tmp_path: Path) -> None:
    inbox.close()
    with pytest.raises(ControlError, match="has come to its end; nothing was done"):
        ask(tmp_path / "control", Request("pause"), 600)
    assert not (tmp_path / "control").exists()


@pytest.mark.parametrize(
    "body",
    [
        "no JSON",
        "[]",
        '{"do": "add", "more": 1}',
        '{"do": ["add"]}',
        '{"do": "workers", "count": "3"}',
        '{"do": "add", "count": true}',
        '{"do": "enqueue", "params": [1]}',
    ],
)
def test_what_is_no_request_is_told_so_and_not_done(
    inbox: Inbox, tmp_path: Path, body: str
) -> None:
    (tmp_path / "control" / "1.request").write_text(body)
    done: list[Request] = []

    def do(request: Request) -> Reply:
        done.append(request)
        return Reply(True, "")

    assert inbox.obey(do)
    assert '"done": false' in (tmp_path / "control" / "1.reply").read_text()
    assert not done


def test_a_request_that_nobody_takes_is_withdrawn(inbox: Inbox, tmp_path: Path) -> None:
    with pytest.raises(ControlError, match="nothing was done"):
        ask(tmp_path / "control", Request("pause"), 0.05)
    assert not inbox.obey(obeyed)


def test_a_driver_that_dies_with_a_request_in_hand_is_not_waited_for(
    inbox: Inbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = os.replace

    def dies(_: Request) -> Reply:
        raise SystemExit

    def taken_at_once(source: Path, target: Path) -> None:
        put(source, target)
        with pytest.raises(SystemExit):
            inbox.obey(dies)

    monkeypatch.setattr(os, "replace", taken_at_once)
    with pytest.raises(ControlError, match="took it in hand"):
        ask(tmp_path / "control", Request("pause"), 0.05)
