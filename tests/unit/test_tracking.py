"""`cockpit.track`: a script's own run, settled however the script ends."""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import cockpit
from cockpit.tracking.plain_run import PlainRun, checked_name
from storage.layout import Layout
from storage.runs import curve, find
from storage.store import Store
from tests.unit.test_spool import size_limit

if TYPE_CHECKING:
    from storage.runs import Run

HEAVY = ("duckdb", "polars", "optuna", "textual", "rich", "click", "plotext", "pydantic", "numpy")


@pytest.fixture(autouse=True)
def _outside_of_any_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("COCKPIT_RUN", "COCKPIT_METRICS", "COCKPIT_RUN_DIR", "COCKPIT_STORE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["/somewhere/train.py"])


def stored(name: str, folder: Path | None = None) -> Run:
    with Store(Layout((folder or Path.cwd()) / ".cockpit")).session() as session:
        return find(session, name)


def points(name: str, metric: str) -> tuple[list[int], list[float]]:
    with Store(Layout(Path.cwd() / ".cockpit")).session() as session:
        found = curve(session, find(session, name).id, metric)
    return list(found.steps), list(found.values)


def script(code: str, **environment: str) -> subprocess.Popen[str]:
    """A user's script in a process of its own."""
    home = str(Path(cockpit.__file__).parent.parent)
    return subprocess.Popen(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": home, **environment},
        stdout=subprocess.PIPE,
        text=True,
    )


def test_what_is_logged_is_stored_under_the_name() -> None:
    with cockpit.track("base", {"lr": 0.1, "model": {"depth": 3}}, tags=["x"], note="first") as run:
        run.log(3, loss=0.5)
        run.log(loss=0.25, auc=float("inf"))
        run.set(rows=32_561, source="adult")
        run.tag("kept")
    found = stored("base")
    assert (found.id, found.state, found.reason) == (run.id, "complete", None)
    assert found.params == {"lr": 0.1, "model.depth": 3}
    assert found.metrics == {"loss": 0.25, "auc": float("inf")}
    assert (found.tags, found.note) == (("kept", "x"), "first")
    assert points("base", "loss") == ([3, 4], [0.5, 0.25])


def test_without_a_name_it_is_the_script_s_and_a_number() -> None:
    for _ in range(2):
        with cockpit.track() as run:
            run.log(loss=1)
    assert points("train-1", "loss") == points("train-2", "loss") == ([0], [1.0])


@pytest.mark.parametrize(
    "stem, name",
    [
        ("a#b", "a b-1"),
        ("@latest", "latest-1"),
        ("\udc80\n", "run-1"),
        ("x" * 120, "x" * 80 + "-1"),
    ],
)
def test_whatever_a_script_is_called_its_run_has_a_name_that_can_be(stem: str, name: str) -> None:
    run = PlainRun(Layout(Path.cwd() / ".cockpit"))
    run.claim()
    run.begin(None, stem)
    run.close()
    assert checked_name(run.name) == name


def test_argparse_s_answer_and_odd_values_are_params() -> None:
    class Odd:
        def __str__(self) -> str:
            return "odd"

    given = argparse.Namespace(lr=0.1, path=Path("a/b"), layers=[1, Odd()], amp=True, none=None)
    with cockpit.track("p", given):
        pass
    assert stored("p").params == {
        "lr": 0.1,
        "path": "a/b",
        "layers": [1, "odd"],
        "amp": True,
        "none": None,
    }


@pytest.mark.parametrize(
    "error, state, reason",
    [
        (ValueError("no\nrows"), "failed", "ValueError: no rows (test_tracking.py:"),
        (KeyboardInterrupt(), "stopped", "interrupted"),
        (SystemExit(3), "failed", "exited with code 3"),
        (SystemExit("no data"), "failed", "no data"),
        (SystemExit(0), "complete", ""),
    ],
)
def test_how_the_block_is_left_settles_the_run(
    error: BaseException, state: str, reason: str
) -> None:
    with pytest.raises(type(error)), cockpit.track("r"):
        raise error
    found = stored("r")
    assert (found.state, (found.reason or "")[: len(reason)]) == (state, reason)


def test_an_error_inside_a_library_names_the_script_s_line() -> None:
    for name, call in (("json", "json.loads('[')"), ("ours", "run.log(loss='low')")):
        code = f"import cockpit, json\nwith cockpit.track({name!r}) as run:\n    {call}\n"
        Path("train.py").write_text(code)
        with script("import runpy; runpy.run_path('train.py')") as done:
            assert done.wait() == 1
        assert (stored(name).reason or "").endswith(" (train.py:3)")


def test_where_it_came_from_and_what_it_used_is_kept() -> None:
    with cockpit.track("r"):
        pass
    with Store(Layout(Path.cwd() / ".cockpit")).session() as session:
        ((content, used),) = session.rows(
            "select content, resources from runs join provenance on digest = runs.provenance"
        )
    origin = json.loads(content)
    assert origin["command"] == sys.orig_argv
    assert origin["environment"]["packages"]["duckdb"]
    assert json.loads(used).keys() == {"cpu_seconds", "max_rss"}


def test_a_folder_for_artifacts_is_there() -> None:
    with cockpit.track("r") as run:
        (run.folder / "model.bin").write_bytes(b"x")
    assert list(Path(".cockpit").glob("runs/*/artifacts/model.bin"))


def test_it_is_used_within_its_block_alone() -> None:
    run = cockpit.track("r")
    with pytest.raises(RuntimeError, match="within its block"):
        run.log(loss=1)
    for ask in (lambda: run.id, lambda: run.folder):
        with pytest.raises(RuntimeError, match="within its block"):
            ask()
    assert not Path(".cockpit").exists()
    with run:
        pass
    with pytest.raises(RuntimeError, match="within its block"):
        run.tag("late")
    assert run.folder.parent.name == run.id  # these are there from now on


@pytest.mark.parametrize("name", ["", "a#1", "@latest", "x" * 101])
def test_a_name_that_cannot_be_is_refused_before_anything_is_stored(name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        cockpit.track(name)
    assert not Path(".cockpit").exists()


def test_what_is_no_number_is_refused_and_the_rest_stays() -> None:
    with cockpit.track("r") as run:
        with pytest.raises((TypeError, ValueError)):
            run.log(loss="low")  # type: ignore[arg-type]
        with pytest.raises(TypeError):
            run.log({"loss": 1})  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="63 bits"):
            run.log(2**63, loss=1)
        run.log(loss=1)
    assert stored("r").metrics == {"loss": 1.0}


def test_threads_may_log() -> None:
    with cockpit.track("r") as run:
        threads = [
            threading.Thread(target=lambda: [run.log(loss=1) for _ in range(200)]) for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    with Store(Layout(Path.cwd() / ".cockpit")).session() as session:
        assert session.rows("select count(distinct step), max(step) from metrics") == [(800, 799)]


def test_a_process_may_fork_while_a_thread_logs() -> None:
    code = """
import cockpit, os, signal, threading
with cockpit.track('r') as run:
    over = threading.Event()
    def spam():
        while not over.is_set():
            run.log(loss=1)
    thread = threading.Thread(target=spam, daemon=True)
    thread.start()
    for n in range(100):
        if (child := os.fork()) == 0:
            signal.alarm(60)
            run.log(n, child=1)
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
    over.set()
    thread.join()
"""
    with script(code) as done:
        assert done.wait() == 0
    assert sorted(points("r", "child")[0]) == list(range(100))


def test_a_signal_s_handler_may_log_whatever_it_interrupts() -> None:
    """As one does that is told of a preemption."""
    code = """
import cockpit, faulthandler, itertools, signal
faulthandler.dump_traceback_later(60, exit=True)
with cockpit.track('r') as run:
    came = itertools.count()
    handled = 0
    def note(*_):
        global handled
        handled = next(came) + 1
        run.log(handled, told=1)
    signal.signal(signal.SIGALRM, note)
    signal.setitimer(signal.ITIMER_REAL, 0.005, 0.005)
    while handled < 50:
        run.log(0, loss=1)
    signal.setitimer(signal.ITIMER_REAL, 0)
"""
    with script(code) as done:
        assert done.wait() == 0
    assert set(points("r", "told")[0]) >= set(range(1, 51))


def test_a_full_disk_warns_once_and_the_training_goes_on() -> None:
    with cockpit.track("r") as run:
        run.log(loss=1)
        run._keeper._origin.join()  # type: ignore[attr-defined]
        size = next(Path(".cockpit/spool").glob("*.ndjson")).stat().st_size
        with size_limit(size + 10):
            with pytest.warns(RuntimeWarning, match="could not write"):
                run.log(loss=2)
            run.log(loss=2)  # says nothing more: here a second warning would be an error
        run.log(loss=3)
    assert stored("r").metrics == {"loss": 3.0}


def test_importing_and_logging_load_nothing_heavy() -> None:
    code = f"""
import sys, cockpit
assert 'storage' not in sys.modules
with cockpit.track('r') as run:
    run.log(loss=1)
print([name for name in {HEAVY!r} if name in sys.modules])
"""
    with script(code) as done:
        assert done.communicate()[0].strip() == "[]"
    assert done.returncode == 0


def test_a_script_that_is_killed_is_lost_with_what_it_logged() -> None:
    code = """
import cockpit, time
with cockpit.track('r') as run:
    run.log(loss=1)
    print('logged', flush=True)
    time.sleep(1000)
"""
    with script(code) as killed:
        assert killed.stdout is not None
        assert killed.stdout.readline() == "logged\n"
        assert stored("r").state == "running"
        killed.send_signal(signal.SIGKILL)
    found = stored("r")
    assert (found.state, found.metrics) == ("lost", {"loss": 1.0})


def test_a_forked_child_logs_too_and_does_not_end_the_run() -> None:
    code = """
import cockpit, os, sys
with cockpit.track('r') as run:
    run.log(0, loss=3)
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        run.log(2, loss=1)
    else:
        run.log(1, loss=2)
if not child:
    os._exit(0)
print(len(os.listdir('.cockpit/spool')))
"""
    with script(code) as done:
        assert done.communicate()[0].strip() == "2"
    assert stored("r").state == "complete"
    steps, values = points("r", "loss")
    assert sorted(zip(steps, values, strict=True)) == [(0, 3.0), (1, 2.0), (2, 1.0)]


def test_within_a_run_of_cockpit_it_goes_to_that_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    metrics = tmp_path / "metrics.jsonl"
    monkeypatch.setenv("COCKPIT_RUN", "0123456789ab")
    monkeypatch.setenv("COCKPIT_METRICS", str(metrics))
    monkeypatch.setenv("COCKPIT_RUN_DIR", str(tmp_path / "out"))
    with cockpit.track("other", {"lr": 0.1}, tags=["x"], note="n") as run:
        run.log(loss=0.5, auc=float("nan"))
        run.log(7, loss=0.25)
        run.set(rows=3)
        assert (run.id, run.folder) == ("0123456789ab", tmp_path / "out")
    assert metrics.read_text().splitlines() == [
        '{"cockpit": {"params": {"lr": 0.1}}}',
        '{"cockpit": {"tags": ["x"]}}',
        '{"cockpit": {"note": "n"}}',
        '{"loss": 0.5, "auc": NaN, "step": 0}',
        '{"loss": 0.25, "step": 7}',
        '{"cockpit": {"attrs": {"rows": 3}}}',
    ]
    assert not (tmp_path / ".cockpit").exists()


def test_where_a_run_takes_no_metrics_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COCKPIT_RUN", "0123456789ab")
    with pytest.warns(RuntimeWarning, match=r"use trial\.report"), cockpit.track() as run:
        run.log(loss=1)


def test_another_name_is_no_part_of_cockpit() -> None:
    with pytest.raises(AttributeError, match="no attribute 'tracks'"):
        _: Any = cockpit.tracks  # type: ignore[attr-defined]
