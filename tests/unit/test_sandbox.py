"""People's own SQL: it reads the documented views, and nothing it says can do more."""

from __future__ import annotations

import hashlib
import json
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

import polars as pl
import pytest

from cockpit.cli.main import run as cockpit
from storage import sandbox
from storage.events import RunChanged, RunCreated
from storage.layout import Layout
from storage.sandbox import Answer, QueryError, ask
from storage.spool import SpoolWriter
from storage.store import Store, StoreMissing
from tests.unit.many_runs import make_rows, write_rows

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ENDLESS = (
    "select count(*) from range(100000) a, range(1000000) b, range(1000000) c where a + b + c < 0"
)
LONG = "select sum(sqrt(a)) from range(100000000000) t(a)"
"""In many small steps, between which DuckDB hears a signal by itself."""


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    layout = Layout(tmp_path_factory.mktemp("sandbox") / "it's here" / ".cockpit")
    writer = SpoolWriter(layout)
    write_rows(writer, make_rows(20))
    writer.append(RunCreated(gone := writer.new_id(), None, None, "thrown", "failed", 5.0))
    writer.append(RunChanged(gone, {"trashed": 9.0, "metrics": {"auc": 1.0}}))
    writer.close()
    return layout


def rows(layout: Layout, sql: str) -> list[tuple[object, ...]]:
    return ask(layout, sql).frame.rows()


def test_the_views_hold_what_their_documentation_says(layout: Layout) -> None:
    columns = {
        "runs": "id name sweep number state reason params metrics step started ended seconds tags note pinned"
        " attempt baseline",
        "params": "run name value number",
        "metrics": "run name step time value",
        "sweeps": "id name state reason directions metrics trials workers sampler pruner seed started ended seconds",
        "datasets": "digest name path bytes time rows",
        "predictions": "run evaluation dataset file rows time",
        "models": "model version digest run bundle content time",
        "promotions": "model number alias from_version to_version how who reason evidence time",
    }
    for view, names in columns.items():
        assert ask(layout, f"from {view}").frame.columns == names.split()


def test_runs_in_the_trash_are_in_no_view(layout: Layout) -> None:
    assert rows(layout, "select count(*) from runs") == [(20,)]
    assert rows(layout, "select count(*) from runs where name = 'thrown'") == [(0,)]


def test_params_come_by_name_as_text_and_as_number(layout: Layout) -> None:
    found = rows(
        layout,
        "select value, number from params where name = 'learning rate' and number > 0.15 limit 1",
    )
    assert found == [("0.2", 0.2)]
    joined = "select count(*) from params p join runs r on p.run = r.id where p.name = 'opt'"
    assert rows(layout, joined) == rows(
        layout, "select count(*) from runs where (params->'opt') is not null"
    )


def test_what_was_just_acknowledged_is_seen(tmp_path: Path) -> None:
    layout = Layout(tmp_path / ".cockpit")
    writer = SpoolWriter(layout)
    for number in range(3):
        writer.append(RunCreated(writer.new_id(), None, None, f"r{number}", "running", 5.0))
        assert rows(layout, "select count(*) from runs") == [(number + 1,)]
    writer.close()


@pytest.mark.parametrize(
    "sql",
    [
        "insert into store.runs select * from store.runs",
        "update store.runs set name = 'x'",
        "delete from store.runs",
        "drop table store.runs",
        "drop view runs",
        "create table store.mine as select 1",
        "create table mine as select 1",
        "create temp table mine as select 1",
        "create macro f(x) as x",
        "with gone as (delete from store.runs returning *) select * from gone",
        "explain analyze delete from store.runs",
        "select * from read_text('/etc/passwd')",
        "select * from read_csv('/etc/passwd')",
        "select * from read_blob('/etc/*')",
        "select * from read_json('/etc/passwd')",
        "select * from parquet_scan('/tmp/x.parquet')",
        "select * from glob('/*')",
        "select * from '/etc/passwd'",
        "select * from 'http://localhost/x.csv'",
        "select * from sniff_csv('/etc/passwd')",
        "select * from query('from read_text(''/etc/passwd'')')",
        "attach '/tmp/other.duckdb'",
        "detach store",
        "use store",
        "copy runs to '/tmp/runs.csv'",
        "copy runs from '/tmp/runs.csv'",
        "export database '/tmp/all'",
        "import database '/tmp/all'",
        "set memory_limit = '1TB'",
        "set enable_external_access = true",
        "reset lock_configuration",
        "set variable x = 1",
        "pragma database_list",
        "call enable_logging()",
        "install httpfs",
        "load httpfs",
        "load '/tmp/x.so'",
        "create secret (type s3)",
        "select * from duckdb_secrets()",
        "select getenv('HOME')",
        "checkpoint store",
        "vacuum",
        "begin",
        "prepare p as select 1",
        "select 1; drop view runs",
        "",
        "-- nothing",
        "select * from layout",
        "selec 1",
        "select nope from runs",
    ],
)
def test_it_reads_the_store_and_can_do_nothing_else(layout: Layout, sql: str) -> None:
    ask(layout, "select 1")
    before = hashlib.sha256(layout.database.read_bytes()).hexdigest()
    with pytest.raises(QueryError):
        ask(layout, sql)
    assert hashlib.sha256(layout.database.read_bytes()).hexdigest() == before
    assert rows(layout, "select count(*) from runs") == [(20,)]


def test_a_mistake_names_what_was_perhaps_meant(layout: Layout) -> None:
    with pytest.raises(QueryError, match=r'"nmae" not found(.|\n)*"name"'):
        ask(layout, "select nmae from runs")
    with pytest.raises(QueryError, match='Did you mean "runs"'):
        ask(layout, "from run")


def test_a_runaway_query_ends_in_time(layout: Layout) -> None:
    with pytest.raises(QueryError, match=r"ended after 0\.2 s"):
        ask(layout, ENDLESS, timeout=0.2)
    assert rows(layout, "select 1") == [(1,)]


@contextmanager
def ctrl_c_soon() -> Iterator[None]:
    main = threading.main_thread().ident
    assert main is not None
    timer = threading.Timer(0.3, signal.pthread_kill, (main, signal.SIGINT))
    timer.start()
    try:
        yield
    finally:
        timer.join()


@pytest.mark.parametrize("views", [sandbox._VIEWS, LONG], ids=["at work", "as it begins"])
def test_ctrl_c_ends_a_query(layout: Layout, monkeypatch: pytest.MonkeyPatch, views: str) -> None:
    monkeypatch.setattr(sandbox, "_VIEWS", views)
    with pytest.raises(KeyboardInterrupt), ctrl_c_soon():
        ask(layout, ENDLESS, timeout=30)


def test_a_query_that_eats_memory_is_refused(layout: Layout) -> None:
    with pytest.raises(QueryError, match="more than the 1 GB"):
        ask(layout, "select list(a) from range(1000000000) t(a)")


def test_more_rows_than_asked_for_are_cut_and_it_says_so(layout: Layout) -> None:
    answer = ask(layout, "select number from runs order by number", limit=3)
    assert (answer.frame["number"].to_list(), answer.cut) == ([0, 1, 2], True)
    assert not ask(layout, "from runs", limit=20).cut
    assert ask(layout, "select a from range(1000000000000) t(a)", limit=2).cut


def test_every_type_comes_back(layout: Layout) -> None:
    answer = ask(
        layout,
        "select interval 1 day as i, union_value(a := 1) as u, [interval 1 hour] as l, '1'::bit as b,"
        " 170141183460469231731687303715884105727::hugeint as h, 1::variant as v, null as n, 1 as a, 2 as a",
    )
    assert answer.frame.rows()[0][:3] == ("1 day", "1", "['01:00:00']")
    assert answer.frame["h"].item() == "170141183460469231731687303715884105727"
    assert answer.frame.width == 9


def test_where_there_is_no_store_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(StoreMissing):
        ask(Layout(tmp_path / ".cockpit"), "select 1")


def test_others_may_look_again_as_soon_as_it_is_done(layout: Layout) -> None:
    ask(layout, "select 1")
    with Store(layout).session(timeout=0.0) as session:
        assert session.rows("select count(*) from runs") == [(21,)]


# The command


def test_a_query_that_takes_long_keeps_nobody_out(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandbox, "HOLD", 0.1)
    copied, looked = threading.Event(), threading.Event()
    answer = sandbox._answer

    def told(of: Layout, file: Path, sql: str, limit: int | None, timeout: float) -> Answer:
        if file != of.database:
            copied.set()
            assert looked.wait(30)
            timeout = 0.1
        return answer(of, file, sql, limit, timeout)

    monkeypatch.setattr(sandbox, "_answer", told)
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(ask, layout, ENDLESS, timeout=30)
        assert copied.wait(30)
        with Store(layout).session(timeout=0.0) as session:
            assert session.rows("select count(*) from runs") == [(21,)]
        looked.set()
        with pytest.raises(QueryError, match="ended after 30 s"):
            asked.result()
    assert not list(layout.temporary.glob("sql-*"))


def test_a_query_is_answered_from_the_copy_as_from_the_store(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandbox, "HOLD", 0.0)
    assert rows(layout, "select count(*) from runs") == [(20,)]


def test_json_holds_params_and_metrics_as_objects(
    layout: Layout, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    sql = "select name, params, metrics, tags, started, 'nan'::double as no from runs order by number limit 1"
    assert cockpit(["sql", sql, "--format", "json", "--store", str(layout.root)]) == 0
    [found] = json.loads(capfdbinary.readouterr().out)
    assert found["name"] == "income#0"
    assert isinstance(found["params"], dict)
    assert isinstance(found["metrics"], dict)
    assert isinstance(found["tags"], list)
    assert found["started"] == "1970-01-01T00:01:40"
    assert found["no"] == "NaN"


def test_csv_has_no_nested_cells(layout: Layout, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    sql = "select number, tags, metrics from runs order by number"
    assert cockpit(["sql", sql, "--format", "csv", "--store", str(layout.root)]) == 0
    found = pl.read_csv(capfdbinary.readouterr().out)
    assert found.columns == ["number", "tags", "metrics"]
    assert isinstance(json.loads(found["tags"][0]), list)


@pytest.mark.parametrize("ending", ["csv", "json", "parquet"])
def test_a_file_is_written_in_the_format_of_its_name(
    layout: Layout, tmp_path: Path, ending: str
) -> None:
    file = tmp_path / f"runs.{ending}"
    assert (
        cockpit(["sql", "select name from runs", "-o", str(file), "--store", str(layout.root)]) == 0
    )
    read = {"csv": pl.read_csv, "json": pl.read_json, "parquet": pl.read_parquet}[ending]
    assert read(file)["name"].len() == 20


def test_a_table_shows_rows_and_says_when_it_was_cut(
    layout: Layout, capsys: pytest.CaptureFixture[str]
) -> None:
    sql = "select name, note, '\x1b[31mred' as evil from runs order by number"
    assert cockpit(["sql", sql, "--limit", "2", "--store", str(layout.root)]) == 0
    out, err = capsys.readouterr()
    assert "income#1" in out
    assert "income#2" not in out
    assert "\x1b" not in out
    assert "cut after 2 rows; --limit N allows more" in err


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        (["drop table runs"], "only SELECT can be run here"),
        (["from read_csv('/etc/passwd')"], "reaches beyond the store"),
        ([ENDLESS, "--timeout", "0.1"], "ended after 0.1 s"),
        (["from runs", "-o", "/nowhere/runs.csv"], "/nowhere/runs.csv cannot be written"),
    ],
)
def test_what_cannot_be_is_said_in_a_line(
    layout: Layout, capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str
) -> None:
    assert cockpit(["sql", *arguments, "--store", str(layout.root)]) == 2
    assert sentence in capsys.readouterr().err


def test_parquet_goes_to_no_terminal(
    layout: Layout, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert cockpit(["sql", "from runs", "--format", "parquet", "--store", str(layout.root)]) == 2
    assert "name a file with -o FILE" in capsys.readouterr().err


def test_the_command_works_as_people_type_it(layout: Layout) -> None:
    command = [sys.executable, "-m", "cockpit", "sql", "select 40 + 2 as answer", "--format", "csv"]
    done = subprocess.run(
        [*command, "--store", str(layout.root)], capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == ("answer\n42\n", "")


def test_an_answer_is_a_plain_frame(layout: Layout) -> None:
    assert isinstance(answer := ask(layout, "from runs"), Answer)
    assert isinstance(answer.frame, pl.DataFrame)
    assert answer.json == ("params",)
