"""DuckDB stays at hand between two looks, and holds nothing of the store meanwhile."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from storage import engine
from storage.layout import Layout
from storage.store import Store
from tests.unit.stories import RUNS, tell

if TYPE_CHECKING:
    from collections.abc import Iterator

COUNT = "select count(*) from runs"


@pytest.fixture(autouse=True)
def none_left_over() -> Iterator[None]:
    engine.end_idle()
    yield
    engine.end_idle()


def look(layout: Layout) -> int:
    with Store(layout).session() as session:
        found: int = session.rows(COUNT)[0][0]
    return found


def test_the_next_look_takes_the_engine_of_the_last_one(layout: Layout) -> None:
    tell(layout)
    assert look(layout) == RUNS
    (kept,) = engine._idle
    assert look(layout) == RUNS
    assert engine._idle == [kept]


def test_between_two_looks_another_process_may_have_the_store(layout: Layout) -> None:
    tell(layout)
    look(layout)
    held = {os.readlink(link) for link in Path("/proc/self/fd").iterdir() if link.is_symlink()}
    assert str(layout.database) not in held
    assert not layout.log_ahead.exists()
    code = (
        "import duckdb, sys; c = duckdb.connect(sys.argv[1]);"
        f"print(c.sql('{COUNT}').fetchall()[0][0]); c.execute('delete from runs'); c.close()"
    )
    command = [sys.executable, "-c", code, str(layout.database)]
    told = subprocess.run(command, capture_output=True, text=True, check=True)
    assert told.stdout.strip() == str(RUNS)
    assert look(layout) == 0


def test_an_engine_that_failed_is_not_used_again(layout: Layout) -> None:
    tell(layout)

    def interrupted() -> None:
        with Store(layout).session() as session:
            session.write("begin")
            session.write("delete from runs")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert not engine._idle
    assert look(layout) == RUNS


def test_ctrl_c_in_the_midst_of_a_question_is_ctrl_c(layout: Layout) -> None:
    tell(layout)
    ctrl_c = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))

    def ask() -> None:
        with Store(layout).session() as session:
            ctrl_c.start()
            session.rows("select sum(hash(range)) from range(1_000_000_000_000)")

    with pytest.raises(KeyboardInterrupt):
        ask()
    assert engine._idle == []
    assert look(layout) == RUNS


def test_stores_in_turn_and_at_once_do_not_get_in_each_others_way(tmp_path: Path) -> None:
    layouts = [Layout(tmp_path / name / ".cockpit") for name in ("a", "b", "c")]
    for runs, layout in enumerate(layouts, 1):
        tell(layout, runs=runs)
    assert [look(layout) for layout in layouts] == [1, 2, 3]
    found: dict[int, list[int]] = {}

    def watch(place: int) -> None:
        found[place] = [look(layouts[place]) for _ in range(5)]

    threads = [threading.Thread(target=watch, args=(place,)) for place in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {0: [1] * 5, 1: [2] * 5, 2: [3] * 5}
    assert len(engine._idle) <= 1


def test_a_fork_between_two_looks_leaves_both_sides_whole(layout: Layout) -> None:
    tell(layout)
    code = f"""
import os, sys
from storage.layout import find_store
from storage.store import Store
store = Store(find_store({str(layout.root)!r}))
def look():
    with store.session() as session:
        return session.rows({COUNT!r})[0][0]
assert look() == {RUNS}
child = os.fork()
if not child:
    assert look() == {RUNS}
    sys.exit(0)  # by the long way, which ends everything that is left
assert os.waitpid(child, 0)[1] == 0
assert look() == {RUNS}
print("whole")
"""
    told = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (told.stdout.strip(), told.stderr) == ("whole", "")
