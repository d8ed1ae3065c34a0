"""A run that is tried again keeps its params and nothing else of its earlier attempts, whoever looks whenever."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage import batch, drain, spool
from storage.care.check import check
from storage.events import (
    Event,
    MetricLogged,
    ParamSet,
    RunAttr,
    RunChanged,
    RunCreated,
    RunRestarted,
    encode,
)
from storage.layout import Layout
from storage.runs import detail
from storage.spool import SpoolWriter
from storage.store import Store

if TYPE_CHECKING:
    from storage.session import Session

RUNS = (11, 12, 13)
EVENTS = st.lists(
    st.one_of(
        st.builds(
            MetricLogged,
            st.sampled_from(RUNS),
            st.sampled_from(["auc", "loss", "system.cpu_percent"]),
            st.integers(0, 9),
            st.just(20.0),
            st.floats(allow_nan=False),
        ),
        st.builds(RunRestarted, st.sampled_from(RUNS), st.integers(1, 3), st.just(30.0)),
        st.builds(RunChanged, st.sampled_from(RUNS), st.just({"metrics": {"ms": 1.0}})),
    ),
    max_size=25,
)


@dataclass
class Told:
    """What a run's events come to, worked out the plain way."""

    attempt: int = 0
    step: int | None = None
    metrics: dict[str, float] = field(default_factory=dict)
    points: list[tuple[str, int, float]] = field(default_factory=list)

    def take(self, event: Event) -> None:
        match event:
            case RunRestarted():
                self.attempt, self.step, self.metrics, self.points = event.attempt, None, {}, []
            case MetricLogged():
                self.points.append((event.name, event.step, event.value))
                if not event.name.startswith("system."):
                    self.metrics[event.name], self.step = event.value, event.step
            case RunChanged():
                self.metrics |= event.changes["metrics"]


def stored(session: Session) -> dict[int, Told]:
    found = {
        run: Told(attempt, step, metrics)
        for run, attempt, step, metrics in session.rows(
            "select id, attempt, step, metrics from runs order by id"
        )
    }
    for run, *point in session.rows("select run, name, step, value from metrics order by rowid"):
        found[run].points.append(tuple(point))
    return found


@settings(max_examples=15)
@given(
    EVENTS,
    st.lists(st.integers(0, 25), max_size=3),
    st.sampled_from([1, 200, 1 << 24]),
    st.sampled_from([0, 500]),
)
def test_wherever_a_stream_is_cut_only_the_last_attempt_counts(
    tmp_path_factory: pytest.TempPathFactory,
    events: list[Event],
    cuts: list[int],
    chunk: int,
    few: int,
) -> None:
    layout = Layout(tmp_path_factory.mktemp("attempts") / ".cockpit")
    layout.create()
    told = {run: Told() for run in RUNS}
    for event in events:
        told[event.run].take(event)  # type: ignore[union-attr]
    begun: list[Event] = [RunCreated(run, None, None, "r", "running", 10.0) for run in RUNS]
    places = [0, *sorted(min(cut, len(events)) for cut in cuts), len(events)]
    with pytest.MonkeyPatch().context() as patch:
        patch.setattr(drain, "CHUNK_BYTES", chunk)
        patch.setattr(batch, "FEW", few)
        patch.setattr(spool, "is_alive", lambda *_: True)
        for start, end in pairwise(places):
            with layout.segment("00001").open("ab") as stream:
                stream.write(b"".join(map(encode, begun + events[start:end])))
            begun = []
            with Store(layout).session() as session:
                found = stored(session)
        assert found == told
        assert check(Store(layout)).passed


def test_a_run_tried_again_runs_with_its_params_and_without_its_past(layout: Layout) -> None:
    layout.create()
    past: list[Event] = [
        RunCreated(11, None, None, "r", "running", 10.0),
        ParamSet(11, "lr", 0.1, ""),
        RunAttr(11, "system", "completed_rung_0", 0.5),
        RunAttr(11, "system", "grid_id", 3),
        MetricLogged(11, "auc", 4, 11.0, 0.5),
        RunChanged(
            11,
            {
                "state": "oom",
                "reason": "killed",
                "ended": 12.0,
                "values": [0.5],
                "resources": {"max_rss": 1},
                "log": "the end",
                "tag": "keep",
            },
        ),
    ]
    layout.segment("00001").write_bytes(b"".join(map(encode, past)))
    with Store(layout).session() as session:
        before = detail(session, "r")
    assert (before.run.state, before.run.reason, before.log) == ("oom", "killed", "the end")
    # As the next driver tells it, in a spool of its own.
    writer = SpoolWriter(layout)
    writer.append(RunRestarted(11, 1, 20.0))
    with Store(layout).session() as session:
        after = detail(session, "r")
        assert session.rows("select count(*) from metrics") == [(0,)]
        assert session.rows('select "values", system_attrs from runs') == [(None, '{"grid_id":3}')]
    writer.close()
    assert (after.run.state, after.run.reason, after.run.attempt) == ("running", None, 1)
    assert (dict(after.run.params), dict(after.run.metrics)) == ({"lr": 0.1}, {})
    assert (after.run.step, after.ended, after.log, after.resources) == (None, None, None, {})
    assert after.run.tags == ("keep",)
    assert after.run.started is not None
    assert after.run.started.timestamp() == 20.0
    assert check(Store(layout)).passed


def test_a_check_still_passes_once_the_spool_of_the_first_attempt_is_gone(layout: Layout) -> None:
    layout.create()
    first = [
        RunCreated(11, None, None, "r", "running", 10.0),
        MetricLogged(11, "auc", 1, 1.0, 0.5),
    ]
    layout.segment("00001").write_bytes(b"".join(map(encode, first)))
    assert check(Store(layout)).passed
    with Store(layout).session() as session:
        session.write(
            "insert into retired select '00001-000000.ndjson', $size, now(), now()",
            size=(layout.drained / "00001-000000.ndjson").stat().st_size,
        )
    (layout.drained / "00001-000000.ndjson").unlink()
    writer = SpoolWriter(layout)
    writer.append(
        RunRestarted(11, 1, 20.0),
        MetricLogged(11, "auc", 1, 1.0, 0.7),
        RunChanged(11, {"state": "failed", "reason": "no luck", "ended": 25.0}),
    )
    writer.close()
    report = check(Store(layout))
    assert report.passed, report.differences
    assert report.unproven_runs == 1
