"""A metric's history keeps its spikes, its ends and the time of each report."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest

from storage.events import MetricLogged, RunCreated
from storage.history import history
from storage.ids import to_text
from storage.runs import RunNotFound
from storage.store import Store

if TYPE_CHECKING:
    from storage.layout import Layout
    from storage.spool import SpoolWriter

BEGUN = 1_750_000_000.25
POINTS = 5000
SPIKE = 1234


def tell(writer: SpoolWriter, *points: tuple[int, float, float]) -> str:
    """Write a run that reports (step, seconds after the beginning, loss)."""
    run = writer.new_id()
    events = [MetricLogged(run, "loss", s, BEGUN + at, value) for s, at, value in points]
    writer.append(RunCreated(run, None, None, "plain", "running", BEGUN), *events)
    return to_text(run)


def test_a_long_history_keeps_spikes_ends_and_times(layout: Layout, writer: SpoolWriter) -> None:
    values = [1 / (1 + step) for step in range(POINTS)]
    values[SPIKE] = 99.0
    run = tell(writer, *((step, step / 4, value) for step, value in enumerate(values)))
    with Store(layout).session() as session:
        (found,) = history(session, [run], "loss", points=200)
    assert len(found.steps) <= 202
    assert (found.steps[0], found.steps[-1]) == (0.0, POINTS - 1)
    assert found.values[found.steps.index(SPIKE)] == 99.0
    assert found.values == tuple(values[int(step)] for step in found.steps)
    assert found.times == pytest.approx([BEGUN + step / 4 for step in found.steps])


def test_a_short_history_is_whole_and_only_finite(layout: Layout, writer: SpoolWriter) -> None:
    run = tell(writer, (2, 2, 0.5), (1, 1, math.nan), (0, 0, 0.9), (3, 3, math.inf), (2, 9, 0.1))
    other = tell(writer, (7, 1, 1.0))
    with Store(layout).session() as session:
        two, one = history(session, [other, run], "loss")
        assert history(session, [run], "auc")[0].steps == ()
        assert history(session, [], "loss") == ()
    assert (two.run, two.values) == (other, (1.0,))
    assert (one.steps, one.values) == ((0.0, 2.0), (0.9, 0.5))
    assert one.times == (BEGUN, BEGUN + 2)


def test_a_run_that_is_not_there_is_said_not_to_be(layout: Layout, writer: SpoolWriter) -> None:
    run = tell(writer, (0, 0, 0.9))
    missing = to_text(writer.new_id())
    with Store(layout).session() as session:
        for wrong in ("x", missing):
            with pytest.raises(RunNotFound, match="no run has the id"):
                history(session, [run, wrong], "loss")


def test_histories_come_in_the_order_asked_for(layout: Layout, writer: SpoolWriter) -> None:
    runs = [tell(writer, *((s, s, math.sin(s)) for s in range(500))) for _ in range(12)][::-1]
    with Store(layout).session() as session:
        found = history(session, runs, "loss", points=100)
    assert [one.run for one in found] == runs
    assert all(len(one.steps) <= 102 for one in found)
