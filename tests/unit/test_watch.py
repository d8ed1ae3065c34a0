"""`cockpit watch`: told once of everything that comes about, by command and by webhook, and nowhere else."""

from __future__ import annotations

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cockpit.alerts.conditions import WORDS, UnknownCondition, parse
from cockpit.alerts.deliver import (
    BadAction,
    NotDelivered,
    Webhook,
    command_of,
    webhook_of,
)
from cockpit.alerts.watcher import Alert, Watcher
from cockpit.cli.main import run
from cockpit.cli.watch import line
from storage.errors import UserError
from storage.events import (
    ParamSet,
    RunChanged,
    RunCreated,
    RunRestarted,
    SweepChanged,
    SweepCreated,
)
from storage.expressions.terms import FilterError
from storage.spool import SpoolWriter
from storage.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from storage.layout import Layout

ODD = "a'; touch pwned; `x` $HOME"


class Told:
    """A sweep that somebody runs."""

    def __init__(self, writer: SpoolWriter) -> None:
        self.writer, self.sweep = writer, writer.new_id()
        writer.append(SweepCreated(self.sweep, "s", ["maximize"], 1.0))

    def trial(self, number: int, **changes: Any) -> int:
        run = self.writer.new_id()
        self.writer.append(
            RunCreated(run, self.sweep, number, f"s#{number}", "running", 1.0),
            ParamSet(run, "lr", ODD, ""),
        )
        if changes:
            self.change(run, **changes)
        return run

    def change(self, run: int, **changes: Any) -> None:
        self.writer.append(RunChanged(run, changes))


@pytest.fixture
def told(writer: SpoolWriter) -> Told:
    return Told(writer)


def watch(layout: Layout, condition: str, **options: Any) -> Watcher:
    return Watcher(layout, parse(condition), options.pop("sweep", None), lambda _: None, **options)


def names(watcher: Watcher) -> list[str]:
    return [alert.fields()["name"] for alert in watcher.look()]


def test_an_expression_is_told_once_a_run(layout: Layout, told: Told) -> None:
    told.trial(0, metrics={"auc": 0.99})
    running = told.trial(1, metrics={"auc": 0.5})
    watcher, whole = watch(layout, "auc > 0.95"), watch(layout, "auc > 0.95", everything=True)
    assert (names(watcher), names(whole)) == ([], ["s#0"])
    told.change(running, metrics={"auc": 0.96})
    assert names(watcher) == ["s#1"]
    told.change(running, metrics={"auc": 0.1})
    assert names(watcher) == []
    told.change(running, metrics={"auc": 0.97})
    told.trial(2, metrics={"auc": 0.98})
    assert names(watcher) == ["s#2"]
    assert names(whole) == ["s#1", "s#2"]


def test_states_are_told_each_time_they_come_about(layout: Layout, told: Told) -> None:
    first = told.trial(0, state="failed", ended=2.0)
    failed, ended = watch(layout, "trial failed"), watch(layout, "Run  ENDED", sweep="s")
    assert (names(failed), names(ended)) == ([], [])
    told.writer.append(RunRestarted(first, 1, 3.0))
    assert (names(failed), names(ended)) == ([], [])
    told.change(first, state="oom", ended=4.0)
    told.trial(1, state="pruned", ended=4.0)
    assert (names(failed), names(ended)) == (["s#0"], ["s#0", "s#1"])


def test_a_sweep_that_ends_and_goes_on_and_ends(layout: Layout, told: Told) -> None:
    best = told.trial(0, state="complete", values=[0.5], metrics={"value": 0.5}, ended=2.0)
    watcher = watch(layout, "sweep ended")
    for state, expected in (
        ("running", []),
        ("stopped", ["s"]),
        ("running", []),
        ("complete", ["s"]),
    ):
        told.writer.append(SweepChanged(told.sweep, {"state": state}))
        alerts = watcher.look()
        assert [alert.fields()["name"] for alert in alerts] == expected
    (alert,) = alerts
    assert alert.as_json() | {"time": ""} == {
        "kind": "sweep",
        "run": alert.shown.id if alert.shown else None,
        "number": 0,
        "name": "s",
        "sweep": "s",
        "state": "complete",
        "reason": None,
        "condition": "sweep ended",
        "time": "",
        "objectives": ["value"],
        "directions": ["maximize"],
        "trials": {"complete": 1},
        "seconds": alert.sweep.seconds if alert.sweep else None,
        "metrics": {"value": 0.5},
        "params": {"lr": ODD},
    }
    assert line(alert).endswith("s  complete  best  value 0.5")
    assert best


def test_a_driver_that_dies_ends_its_sweep(layout: Layout) -> None:
    writer = SpoolWriter(layout)
    Told(writer).trial(0)
    sweep, trial = watch(layout, "sweep ended"), watch(layout, "trial lost")
    assert (names(sweep), names(trial)) == ([], [])
    writer.close()
    assert (names(sweep), names(trial)) == (["s"], ["s#0"])


def test_what_is_not_there_yet_is_waited_for(layout: Layout) -> None:
    heard: list[str] = []
    watcher = Watcher(layout, parse("acu > 0.5"), None, heard.append)
    assert watcher.look() == []
    writer = SpoolWriter(layout)
    told = Told(writer)
    told.trial(0, metrics={"auc": 0.9})
    assert watcher.look() == []
    assert "did you mean auc?" in heard[0]
    told.trial(1, metrics={"acu": 0.9})
    assert names(watcher) == ["s#1"]
    assert len(heard) == 1
    writer.close()


def test_nothing_new_is_not_asked_for_again(
    layout: Layout, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    told.trial(0, state="failed")
    watcher = watch(layout, "trial failed")
    watcher.look()
    watcher.look()  # the first one folded in what it found, and so the store has changed once more
    monkeypatch.setattr(Store, "session", lambda *_: pytest.fail("it opened the store"))
    assert watcher.look() == []


def test_a_busy_store_is_tried_again(
    layout: Layout, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cockpit.alerts.watcher.PATIENCE", 0.1)
    heard: list[str] = []
    watcher = Watcher(layout, parse("trial failed"), None, heard.append)
    watcher.look()
    told.trial(0, state="failed")
    held, release = threading.Event(), threading.Event()

    def hold() -> None:
        with Store(layout).held():
            held.set()
            release.wait(60)

    other = threading.Thread(target=hold)
    other.start()
    held.wait(60)
    try:
        assert watcher.look() == watcher.look() == []
    finally:
        release.set()
        other.join()
    assert len(heard) == 1
    assert names(watcher) == ["s#0"]


@pytest.mark.parametrize(
    "text", ["", "failed", "trial", "sweep pruned", "trial exploded", "model ended"]
)
def test_what_cannot_be_waited_for_is_told_with_what_can(text: str) -> None:
    with pytest.raises(UnknownCondition, match=r"there are: .*ended.* or an expression"):
        parse(text)


def test_an_expression_that_is_none_is_refused_at_once() -> None:
    with pytest.raises(FilterError):
        parse("auc >")


@given(
    st.sampled_from([(n, w) for n, words in WORDS.items() for w in words]),
    st.text(" \t", max_size=3),
)
def test_every_word_is_understood(pair: tuple[str, str], space: str) -> None:
    found = parse(f"{space}{pair[0].upper()} {space}{pair[1]}{space}")
    assert found.sweeps or found.where


@given(st.text(max_size=30))
def test_any_text_is_a_condition_or_a_sentence(text: str) -> None:
    with suppress(UserError):
        assert parse(text).text == text


@pytest.fixture
def alert(layout: Layout, told: Told) -> Alert:
    watcher = watch(layout, "auc > 0.95", everything=True)
    told.trial(0, metrics={"auc": 0.99}, reason=ODD, state="failed")
    (found,) = watcher.look()
    return found


def program(tmp_path: Path, body: str) -> str:
    file = tmp_path / "program.py"
    file.write_text(f"import json, os, sys\n{body}\n")
    return shlex.join([sys.executable, str(file)])


def test_a_command_is_told_by_words_environment_and_stdin(alert: Alert, tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    start = program(
        tmp_path,
        "told = [sys.argv[1:], dict(os.environ), json.load(sys.stdin)]\n"
        f"json.dump(told, open({str(out)!r}, 'w'))",
    )
    words = "'{name} {auc}' {params.lr} {lr} {metrics.auc} {reason} {state}{{}} ''"
    command_of(f"{start} {words}", 60)(alert)
    argv, environment, told = json.loads(out.read_text())
    assert argv == ["s#0 0.99", ODD, ODD, "0.99", ODD, "failed{}", ""]
    assert environment["COCKPIT_WATCH_NAME"] == "s#0"
    assert environment["COCKPIT_WATCH_CONDITION"] == "auc > 0.95"
    assert told == alert.as_json()
    assert not list(tmp_path.glob("**/pwned"))


def test_a_command_that_fails_is_told(alert: Alert, tmp_path: Path) -> None:
    for text, why in (
        ("sh -c 'exit 3'", "sh ended with 3"),
        ("sh -c 'kill -9 $$'", "sh ended with signal 9"),
        ("/no/such/program", "cannot be run: No such file"),
        ("echo {aucc}", "holds {aucc}, which is not known"),
    ):
        with pytest.raises(NotDelivered, match=why):
            command_of(text, 60)(alert)
    for text in ("", "'", "echo {", "echo {a"):
        with pytest.raises(BadAction):
            command_of(text, 60)


def test_a_command_that_hangs_is_ended_with_all_it_started(
    alert: Alert, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pids = tmp_path / "pids"
    communicate = subprocess.Popen.communicate

    def once_it_hangs(process: subprocess.Popen[bytes], told: bytes, seconds: float) -> Any:
        end = time.monotonic() + 60
        while not pids.exists() or len(pids.read_text().split()) < 2:
            assert time.monotonic() < end
            time.sleep(0.01)
        return communicate(process, told, seconds)

    monkeypatch.setattr(subprocess.Popen, "communicate", once_it_hangs)
    start = program(
        tmp_path,
        "import signal, subprocess, time\n"
        "child = subprocess.Popen(['sleep', '600'])\n"
        f"open({str(pids)!r}, 'w').write(f'{{os.getpid()}} {{child.pid}}')\n"
        "time.sleep(600)",
    )
    with pytest.raises(NotDelivered, match=r"took more than 0\.2s and was ended"):
        command_of(start, 0.2)(alert)
    for pid in map(int, pids.read_text().split()):
        end = time.monotonic() + 30
        while _runs(pid):
            assert time.monotonic() < end
            time.sleep(0.01)


def test_ctrl_c_as_a_command_starts_ends_it(alert: Alert, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []
    popen = subprocess.Popen

    def slow(*arguments: Any, **options: Any) -> subprocess.Popen[bytes]:
        started.append(process := popen(*arguments, **options))
        signal.raise_signal(signal.SIGINT)
        return process

    monkeypatch.setattr(subprocess, "Popen", slow)
    with pytest.raises(KeyboardInterrupt):
        command_of("sleep 600", 60)(alert)
    assert started[0].returncode == -signal.SIGTERM


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with suppress(FileNotFoundError, ProcessLookupError), open(f"/proc/{pid}/stat") as stat:
        return stat.read().rpartition(")")[2].split()[0] != "Z"
    return sys.platform == "darwin"


@contextmanager
def server(*answers: int) -> Iterator[tuple[str, list[Any]]]:
    """Answers with these codes, one after the other, and then with 200; its address, and what it got."""
    got: list[Any] = []
    left = list(answers)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            got.append((self.path, self.headers["Content-Type"], json.loads(body)))
            code = left.pop(0) if left else 200
            self.send_response(code)
            if code == 302:
                self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{http.server_port}/secret", got
        finally:
            http.shutdown()
            thread.join()


def test_a_webhook_gets_json_and_is_tried_again(alert: Alert) -> None:
    slept: list[float] = []
    with server(503, 429) as (url, got):
        Webhook(url, slept.append)(alert)
    assert got == [("/secret", "application/json", alert.as_json())] * 3
    assert slept == [1.0, 2.0]


@pytest.mark.parametrize("code, times", [(404, 1), (302, 1), (500, 4)])
def test_what_a_webhook_does_not_take_is_told_without_its_address(
    alert: Alert, code: int, times: int
) -> None:
    refused = pytest.raises(NotDelivered, match=f"answered {code}")
    with server(*[code] * 9) as (url, got), refused as failure:
        Webhook(url, lambda _: None)(alert)
    assert [path for path, _, _ in got] == ["/secret"] * times
    assert "secret" not in str(failure.value)


def test_nobody_at_the_address_is_told(alert: Alert) -> None:
    refused = pytest.raises(
        NotDelivered, match=r"127\.0\.0\.1 did not take it in 4 tries: .*refused"
    )
    with socket.socket() as held, refused:
        held.bind(("127.0.0.1", 0))  # nobody listens there, nor can anybody begin to
        Webhook(f"http://127.0.0.1:{held.getsockname()[1]}/", lambda _: None)(alert)


@pytest.mark.parametrize(
    "url", ["ftp://x/", "file:///etc/passwd", "x", "http://", "http://h:x/", "http://a b/"]
)
def test_only_web_addresses_are_taken(url: str) -> None:
    with pytest.raises(BadAction):
        webhook_of(url)


def test_the_command_ends_once_it_has_told(
    layout: Layout, told: Told, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    told.trial(0, metrics={"auc": 0.99}, state="complete")
    store = ("--store", str(layout.root), "--once", "--all")
    with server() as (url, got):
        assert run(["watch", "auc > 0.95", "--webhook", url, "--run", "cat", *store]) == 0
    assert [body["name"] for _, _, body in got] == ["s#0"]
    said = capfd.readouterr().out.splitlines()
    assert "s#0  complete  auc 0.99" in said[0]
    assert json.loads(said[1]) == got[0][2]
    assert run(["watch", "trial complete", "--run", "false", *store]) == 1
    assert "s#0: false ended with 1" in capfd.readouterr().err
    assert run(["watch", "trial exploded", *store]) == 2
    assert run(["watch", "trial complete", "--sweep", "nope", *store]) == 2
    assert run(["watch", "trial complete", "--every", "never", *store]) == 2
