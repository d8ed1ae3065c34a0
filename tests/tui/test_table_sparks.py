"""The curve in each row: what it looks like, and that it is read no more often than it must be."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from cockpit.tui.app import CockpitApp
from cockpit.tui.sparks import spark
from cockpit.tui.widgets.run_table import RunTable
from storage.events import MetricLogged, RunCreated
from storage.ids import to_text
from storage.layout import Layout
from storage.sparks import POINTS, Spark, sparks
from storage.spool import SpoolWriter
from storage.store import Store
from tests.tui.conftest import settled, until
from tests.tui.fake import FakeSource, income, trial

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

SIZE = (120, 36)


def drawn(values: Sequence[float], width: int = 8, longest: int | None = None) -> str:
    steps = tuple(float(step) for step in range(1, len(values) + 1))
    return spark(Spark(steps, tuple(values)), width, longest or len(values))


def test_a_curve_goes_from_its_lowest_to_its_highest() -> None:
    assert drawn([0, 1, 2, 3, 4, 5, 6], 7) == "▁▂▃▄▅▆▇"


def test_a_run_that_ended_early_has_a_shorter_curve() -> None:
    assert len(drawn([1, 2, 3], 12, longest=12)) == 3
    assert len(drawn([1, 2, 3], 12)) == 10


def test_a_spike_survives_where_many_points_share_a_cell() -> None:
    values = [0.0] * 100
    values[51] = 9.0
    assert drawn(values, 10).count("▇") == 1


@pytest.mark.parametrize("values", [[], [0.5], [0.5, 0.5], [1e308, -1e308], [1e-320, 0.0]])
def test_a_curve_with_nothing_to_show_is_drawn_all_the_same(values: list[float]) -> None:
    assert len(drawn(values, 12)) <= 12


async def test_each_row_has_the_curve_of_the_objective() -> None:
    source = FakeSource(income())
    app = CockpitApp(source)
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        table = app.screen.query_one(RunTable)
        title = table.render_line(table.header - 1).text
        place = title.index("curve")
        await until(pilot, lambda: "▇" in table.render_line(table.header + 3).text)
        complete, running = (
            table.render_line(table.header + row).text[place : place + 12].rstrip()
            for row in (3, 0)
        )
        assert len(running) < len(complete) <= 12


async def test_settled_runs_are_read_once_and_the_others_again() -> None:
    source = FakeSource(income())
    app = CockpitApp(source)
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await until(pilot, lambda: len(source.sparked) == 1)
        await pilot.press("j", "j", "s")
        await settled(pilot)
        source.all[29] = replace(source.all[29], metrics={"auc": 0.7771})
        source.bump()
        table = app.screen.query_one(RunTable)
        await until(
            pilot, lambda: "0.7771" in "".join(table.render_line(y).text for y in range(36))
        )
        running = {run.id for run in income() if run.state == "running"}
        assert all(set(asked) <= running for asked in source.sparked[1:])


async def test_no_curve_is_read_that_is_not_shown() -> None:
    source = FakeSource(income())
    app = CockpitApp(source)
    async with app.run_test(size=(60, 24)) as pilot:
        await settled(pilot)
        await settled(pilot)
        assert source.sparked == []


async def test_any_metric_can_have_its_curve_shown() -> None:
    all_runs = [trial(n, metrics={"auc": 0.9, "loss": 0.2}) for n in range(5)]
    source = FakeSource(all_runs)
    app = CockpitApp(source)
    async with app.run_test(size=(200, 36)) as pilot:
        await settled(pilot)
        table = app.screen.query_one(RunTable)
        table.choose(table.held.columns.show("curves.loss"))
        await until(pilot, lambda: len(source.sparked) == 2)
        assert "curve loss" in table.render_line(table.header - 1).text


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / ".cockpit")


def test_the_store_thins_long_curves_and_keeps_their_spikes(layout: Layout) -> None:
    writer = SpoolWriter(layout)
    long, short, silent = (writer.new_id() for _ in range(3))
    writer.append(
        *(RunCreated(run, None, None, "r", "running", 1.0) for run in (long, short, silent))
    )
    writer.append(
        *(MetricLogged(long, "auc", s, 2.0, 9.0 if s == 777 else 0.5) for s in range(1000)),
        *(MetricLogged(short, "auc", s, 2.0, s / 10) for s in range(3)),
    )
    writer.close()
    ids = [to_text(run) for run in (long, short, silent)]
    with Store(layout).session() as session:
        found = sparks(session, ids, "auc")
    assert len(found[ids[0]].values) <= POINTS
    assert max(found[ids[0]].values) == 9.0
    assert found[ids[1]].values == (0.0, 0.1, 0.2)
    assert found[ids[2]].values == ()
