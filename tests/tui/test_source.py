"""What the screens ask is answered by a real store, and nothing is made or broken by looking."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cockpit.tui import source as seam
from cockpit.tui.app import CockpitApp
from cockpit.tui.judged import Asked
from cockpit.tui.seam import Source, Unreadable
from cockpit.tui.source import StoreSource
from cockpit.tui.widgets.run_table import RunTable
from storage.annotate import say
from storage.events import (
    DatasetSeen,
    Event,
    MetricLogged,
    ParamSet,
    RunChanged,
    RunCreated,
    SweepCreated,
)
from storage.ids import from_text
from storage.layout import Layout
from storage.runs import RunQuery
from storage.spool import SpoolWriter
from storage.store import Store as RunStore
from storage.usage import Usage
from tests.tui.conftest import settled, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.tui.scored import Shop


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "demo" / ".cockpit")


@pytest.fixture
def writer(layout: Layout) -> Iterator[SpoolWriter]:
    spool = SpoolWriter(layout)
    yield spool
    spool.close()


def write_runs(writer: SpoolWriter, count: int) -> None:
    sweep = writer.new_id()
    events: list[Event] = [SweepCreated(sweep, "income", ["maximize"], 10.0)]
    for number in range(count):
        run = writer.new_id()
        events.append(RunCreated(run, sweep, number, f"income#{number}", "running", 20.0 + number))
        events.append(ParamSet(run, "lr", 10.0**-number, ""))
        events += [MetricLogged(run, "auc", step, 30.0, step / 10) for step in range(5)]
        done = {
            "state": "complete",
            "ended": 40.0 + number,
            "values": [0.4],
            "metrics": {"auc": 0.4},
        }
        events.append(RunChanged(run, done))
    writer.append(*events)


def test_looking_where_there_is_no_store_makes_none(layout: Layout) -> None:
    source: Source = StoreSource(layout)
    assert source.project == "demo"
    assert (source.stamp(), source.sweeps(), source.size()) == ((), (), 0)
    assert source.runs(RunQuery()).stored == 0
    assert not layout.exists()


def test_the_store_answers_every_question(layout: Layout, writer: SpoolWriter) -> None:
    before = StoreSource(layout).stamp()
    write_runs(writer, 3)
    source = StoreSource(layout)
    assert source.stamp() != before
    with source.reading():
        page = source.runs(RunQuery(limit=2))
        assert (page.total, len(page.runs)) == (3, 2)
        assert [sweep.name for sweep in source.sweeps()] == ["income"]
        assert len(source.sweep("income").values) == 3
        curve = source.curve(page.runs[0].id, "auc", 100)
        assert curve.values == pytest.approx([0.0, 0.1, 0.2, 0.3, 0.4])
    assert source.size() > 0


async def test_a_condition_typed_letter_by_letter_filters_once_it_is_whole(
    layout: Layout, writer: SpoolWriter
) -> None:
    write_runs(writer, 4)
    app = CockpitApp(StoreSource(layout))
    async with app.run_test(size=(100, 30)) as pilot:
        await settled(pilot)
        table = app.screen.query_one(RunTable)
        await pilot.press("slash", *"lr < 0.0")
        await settled(pilot)
        await pilot.press(*"5 and nope >")
        await settled(pilot)
        assert app.screen.has_class("-refused")
        assert table.total == 2
        await pilot.press(*["backspace"] * len(" and nope >"))
        await settled(pilot)
        assert not app.screen.has_class("-refused")
        assert table.total == 2


def test_a_log_gives_its_last_lines_however_long_it_is(layout: Layout) -> None:
    source = StoreSource(layout)
    assert source.log_tail("abc", 3) == ()
    log = layout.log("abc")
    log.parent.mkdir(parents=True)
    log.write_bytes(b"\xff" + b"x" * seam.LOG_BYTES + b"\nfirst\nsecond \xe6\xbc\n" * 2)
    seen = source.log_stamp("abc")
    assert source.log_tail("abc", 2) == ("first", "second �", "")
    with log.open("a") as file:
        file.write("more")
    assert source.log_stamp("abc") != seen


def test_a_question_the_store_cannot_answer_is_a_sentence(
    layout: Layout, writer: SpoolWriter
) -> None:
    write_runs(writer, 1)
    with pytest.raises(Unreadable, match="nope"):
        StoreSource(layout).sweep("nope")


async def test_runs_written_by_a_sweep_show_up_live(layout: Layout, writer: SpoolWriter) -> None:
    app = CockpitApp(StoreSource(layout))
    async with app.run_test(size=(100, 30)) as pilot:
        await settled(pilot)
        table = app.screen.query_one(RunTable)
        assert table.total == 0
        write_runs(writer, 4)
        await until(pilot, lambda: table.total == 4)
        await pilot.press("2")
        await settled(pilot)
        assert app.screen.query_one(RunTable).total == 4
        assert app.screen.trouble is None  # type: ignore[attr-defined]


def test_what_the_store_says_about_itself_is_kept_for_the_screen(
    layout: Layout, writer: SpoolWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_runs(writer, 1)
    monkeypatch.setattr("storage.store.network_file_system", lambda _: "nfs4")
    source = StoreSource(layout)
    assert source.notices() == ()
    for _ in range(2):  # the store says it once only
        source.runs(RunQuery())
        assert len(source.notices()) == 1
    assert "network file system (nfs4)" in source.notices()[0]


def test_what_a_sweep_uses_is_asked_of_the_store(layout: Layout, writer: SpoolWriter) -> None:
    write_runs(writer, 1)
    source = StoreSource(layout)
    sweep = source.sweeps()[0]
    assert source.usage(sweep.id) is None
    run = writer.new_id()
    writer.append(
        RunCreated(run, from_text(sweep.id), 1, "income#1", "running", 50.0),
        MetricLogged(run, "system.cpu_percent", 2, 52.0, 97.0),
        MetricLogged(run, "system.memory_mb", 2, 52.0, 212.0),
    )
    assert source.usage(sweep.id) == Usage(97.0, 212.0)


def test_nobody_waits_for_the_store_while_runs_are_scored(shop: Shop) -> None:
    made, runs = shop
    source = StoreSource(made.layout)
    with source.reading():
        source.sweeps()
        judged = source.judged(Asked(runs[:2], runs[0]))
        with RunStore(made.layout).session(timeout=0):
            pass
        assert source.matching(judged.set, "age < 30") > 0
        rows = source.slice_rows(runs[0], judged.set, "age < 30", 0, 5)
        with RunStore(made.layout).session(timeout=0):
            pass
        assert source.sweeps() == (), "the next question begins another look"
    assert judged.table is not None
    assert (judged.set, len(rows.values)) == ("buyers@v1", 5)
    assert source.judged(Asked(runs[:2], runs[0])).table is judged.table, "measured once"


def test_what_came_and_was_taken_in_between_two_looks_is_news(layout: Layout) -> None:
    layout.create()
    source = StoreSource(layout)
    with RunStore(layout).session():
        pass
    before = source.stamp()
    with RunStore(layout).session() as session:
        say(session, [DatasetSeen("blake3:1", "eval", "/d/eval.csv", 12, 1.0)])
    for _ in range(2):
        with RunStore(layout).session():
            pass  # the first one clears away what the writer left
    after = source.stamp()
    assert after != before
    with RunStore(layout).session():
        pass
    assert source.stamp() == after, "a look is no news"
