"""A store of any earlier schema opens with all its data, and a copy of it as it was stays beside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from storage import migrations
from storage.care.check import check
from storage.events import MetricLogged, RunChanged, RunRestarted, encode
from storage.layout import Layout
from storage.store import Store, StoreError
from tests.unit.stories import RUNS, tell

if TYPE_CHECKING:
    from pathlib import Path

COLUMNS = """
select table_name, column_name, data_type, column_default, is_nullable from duckdb_columns()
where not internal order by all
"""


def build(layout: Layout, schema: int) -> None:
    """A store as the program of that schema left it: its tables from the files it had, with data in them."""
    layout.create()
    with duckdb.connect(str(layout.database)) as connection:
        connection.execute("create table migrations(version integer, applied timestamp)")
        for number, sql in enumerate(migrations.steps()[:schema], 1):
            connection.execute(sql)
            connection.execute(
                "insert into migrations values ($n, now()::timestamp)", {"n": number}
            )
        connection.execute(
            "insert into sweeps by name select 1 as id, 'k1' as key, 's' as name, 'complete' as state,"
            " ['maximize'] as directions, ['auc'] as metrics, '{}' as user_attrs, '{}' as system_attrs"
        )
        connection.execute(
            "insert into runs by name select 10 + i as id, 'r' || i as key, 's#' || i as name, 1 as sweep,"
            " i as number, 'complete' as state, '{\"lr\":0.1}' as params, '{}' as distributions,"
            " [i::double] as \"values\", map{'auc': i::double} as metrics, '{}' as user_attrs,"
            " '{}' as system_attrs from range(3) t(i)"
        )
        connection.execute(
            "insert into metrics select 10 + i, 'auc', 1, now()::timestamp, i from range(3) t(i)"
        )
        connection.execute(
            "insert into names values (1, 'param', 'lr', 1), (1, 'metric', 'auc', 2)"
        )
        connection.execute(
            "insert into spools by name select '00001-000000.ndjson' as file, 5 as position"
        )


def columns(layout: Layout) -> list[tuple[Any, ...]]:
    with Store(layout).session() as session:
        return session.rows(COLUMNS)


@pytest.mark.parametrize("schema", range(1, len(migrations.steps()) + 1))
def test_every_earlier_schema_opens_with_its_data(
    layout: Layout, tmp_path: Path, schema: int
) -> None:
    build(layout, schema)
    with Store(layout).session() as session:
        assert session.rows(
            "select name, tags, pinned, trashed, attempt, baseline, log from runs order by id"
        ) == [(f"s#{i}", [], False, None, 0, False, None) for i in range(3)]
        assert session.rows("select count(*), sum(value) from metrics") == [(3, 3.0)]
        assert session.rows("select position from spools") == [(5,)]
        assert migrations.version(session) == len(migrations.steps())
    new = Layout(tmp_path / "new" / ".cockpit")
    new.create()
    assert sorted(map(str, columns(layout))) == sorted(map(str, columns(new)))


@pytest.mark.parametrize("schema", range(1, len(migrations.steps())))
def test_an_old_store_goes_on_after_it_was_migrated(layout: Layout, schema: int) -> None:
    build(layout, schema)
    layout.segment("00002").write_bytes(
        encode(RunChanged(11, {"tag": "keep"}))
        + encode(RunRestarted(12, 1, 5.0))
        + encode(MetricLogged(12, "auc", 1, 6.0, 0.5))
    )
    tell(layout)
    with Store(layout).session() as session:
        assert session.rows("select count(*) from runs") == [(3 + RUNS,)]
        assert session.rows("select tags from runs where id = 11") == [(["keep"],)]
        assert session.rows("select value from metrics where run = 12") == [(0.5,)]
        assert session.rows("select count(*) from datasets") == [(0,)]


def test_the_database_as_it_was_stays_beside_and_only_the_last_two_do(layout: Layout) -> None:
    for _ in range(3):
        layout.database.unlink(missing_ok=True)
        build(layout, 1)
        with Store(layout).session():
            pass
    kept = layout.kept_backups("schema-1")
    assert len(kept) == 2
    with duckdb.connect(str(kept[-1]), read_only=True) as connection:
        assert connection.execute("select max(version) from migrations").fetchall() == [(1,)]
        assert connection.execute("select count(*) from runs").fetchall() == [(3,)]


def test_a_new_store_has_nothing_to_back_up(layout: Layout) -> None:
    tell(layout)
    assert check(Store(layout)).passed
    assert not layout.backups.exists()


def test_without_a_backup_nothing_is_migrated(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    build(layout, 1)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr("storage.store.Session.copy_to", full)
        with pytest.raises(StoreError, match="could not be written"), Store(layout).session():
            pass
    with duckdb.connect(str(layout.database)) as connection:
        assert connection.execute("select max(version) from migrations").fetchall() == [(1,)]


def test_a_step_that_fails_leaves_the_schema_before_it(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    build(layout, 1)
    good = migrations.steps()
    with monkeypatch.context() as broken:
        broken.setattr(migrations, "steps", lambda: (*good, "create table x(a int); selekt"))
        with pytest.raises(duckdb.ParserException), Store(layout).session():
            pass
    with Store(layout).session() as session:
        assert migrations.version(session) == len(good)
        assert not session.rows("from duckdb_tables() where table_name = 'x'")
