"""The benches by name; each yields its figures, ours first."""

from __future__ import annotations

import random
import statistics
import time
from functools import partial
from itertools import count
from typing import TYPE_CHECKING

from storage.events import MetricLogged, RunChanged, RunCreated
from storage.runs import curve
from storage.spool import SpoolWriter, segments
from storage.store import Store
from tests.bench import (
    bundling,
    comparing,
    importing,
    importing_curves,
    importing_studies,
    keys,
    predicting,
    profiling,
    programs,
    promoting,
    reporting,
    screens,
    slices,
    sweeps,
    trials,
)
from tests.bench.measure import Figure, median, seconds
from tests.bench.ours import Cockpit, fold, top
from tests.bench.peers import Jsonl, Mlflow, Sqlite, installed
from tests.bench.stores import BEGAN, METRICS, PARAMS, empty, folder, with_runs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from storage.layout import Layout
    from tests.bench.programs import Speed

Place = Cockpit | Jsonl | Sqlite | Mlflow
_RNG = random.Random(7)


def _values(names: tuple[str, ...]) -> dict[str, float]:
    return {name: _RNG.random() for name in names}


def one_run() -> Iterator[Figure]:
    """One run with 10 params and 5 metrics, told"""
    yield Figure("cockpit", _seconds_a_run(Cockpit(), 100), "s", 0.3e-3)
    for peer in installed():
        runs = 10 if peer is Mlflow else 100
        yield Figure(peer.name, _seconds_a_run(peer(folder("run")), runs), "s")


def _seconds_a_run(place: Place, runs: int) -> float:
    def block() -> None:
        for _ in range(runs):
            place.log_run(_values(PARAMS), _values(METRICS))

    return median(block, 9) / runs


def points_in() -> Iterator[Figure]:
    """100,000 points of one metric in, and folded"""
    values = [_RNG.random() for _ in range(100_000)]

    def ours() -> None:
        cockpit = Cockpit()
        cockpit.log_points(values)
        fold(cockpit.layout)

    yield Figure("cockpit", median(ours, 5), "s", 0.5)
    told = [seconds(lambda: Cockpit().log_points(values)) for _ in range(5)]
    yield Figure("  of it told, before the fold", statistics.median(told), "s")
    for peer in installed():
        yield Figure(peer.name, _seconds_in(peer, values), "s")


def _seconds_in(peer: type[Jsonl | Sqlite | Mlflow], values: list[float]) -> float:
    places = [peer(folder("in")) for _ in range(1 if peer is Mlflow else 3)]
    return statistics.median(seconds(partial(place.log_points, values)) for place in places)


def points_out() -> Iterator[Figure]:
    """100,000 points of one metric out, once open"""
    values = [_RNG.random() for _ in range(100_000)]
    cockpit = Cockpit()
    cockpit.log_points(values)
    with Store(cockpit.layout).session() as session:
        yield Figure("cockpit, all points", median(lambda: cockpit.read(session), 9), "s", 0.06)
        (run,) = session.rows("select key from runs")[0]
        thin = median(lambda: curve(session, run, "loss"), 9)
        yield Figure("cockpit, as the 200 of a picture", thin, "s")
    for peer in installed():
        place = peer(folder("out"))
        place.log_points(values)
        yield Figure(place.name, median(place.read_points, 1 if peer is Mlflow else 5), "s")


def writer() -> Iterator[Figure]:
    """Events a second from one writer"""
    for size, goal in ((1, 50_000.0), (10, None), (1000, None)):
        yield Figure(f"{size} an append", _rate(size), "/s", goal, at_least=True)


def _rate(size: int, events: int = 20_000) -> float:
    spool, step = SpoolWriter(empty("writer")), count()
    run = spool.new_id()

    def block() -> None:
        for _ in range(events // size):
            spool.append(*(MetricLogged(run, "loss", next(step), BEGAN, 0.5) for _ in range(size)))

    return events / median(block, 9)


def top_fifty() -> Iterator[Figure]:
    """The top 50 of the runs by a metric, once open, with all the runs screen shows of them"""
    for runs, goal in ((10_000, 0.015), (100_000, 0.03)):
        with Store(with_runs(runs)).session(60) as session:
            time = median(partial(top, session, "m1"), 15)
        yield Figure(f"cockpit, {runs:,} runs", time, "s", goal)
    for peer in installed():
        runs = 500 if peer is Mlflow else 10_000
        place = peer(folder("top"))
        for _ in range(runs):
            place.log_run(_values(PARAMS), _values(METRICS))
        time = median(partial(place.top, "m1", 50), 5)
        yield Figure(f"{place.name}, {runs:,} runs", time, "s")


def cycle() -> Iterator[Figure]:
    """Open, fold 200 points, ask for the top 50 and a curve, close: 100,000 runs, 10M points"""
    yield from _cycle(with_runs(100_000), "", 0.05)


def _cycle(layout: Layout, name: str, goal: float | None) -> Iterator[Figure]:
    spool, step = SpoolWriter(layout), count()
    run = spool.new_id()
    spool.append(RunCreated(run, None, None, "live", "running", BEGAN))
    parts: dict[str, list[float]] = {"whole": [], "open and fold": [], "ask": []}
    store = Store(layout)

    def once() -> None:
        with store.session(60) as session:
            parts["open and fold"].append(time.perf_counter() - began)
            asking = time.perf_counter()
            curve(session, top(session, "m1")[0].id, "m1")
            parts["ask"].append(time.perf_counter() - asking)

    for _ in range(30):
        spool.append(
            *(MetricLogged(run, "m0", next(step), BEGAN, 0.5) for _ in range(200)),
            RunChanged(run, {"metrics": {"m0": 0.5}}),
        )
        began = time.perf_counter()
        once()
        parts["whole"].append(time.perf_counter() - began)
    spool.close()
    whole, opened, asked = (statistics.median(times) for times in parts.values())
    yield Figure(f"{name}the whole cycle", whole, "s", goal)
    yield Figure(f"{name}  open and fold", opened, "s")
    yield Figure(f"{name}  ask", asked, "s")
    yield Figure(f"{name}  close", whole - opened - asked, "s")


def disk() -> Iterator[Figure]:
    """Disk a run of 10 params and 5 metrics"""
    cockpit, runs = Cockpit(), 5_000
    for _ in range(runs):
        cockpit.log_run({}, {})
    fold(cockpit.layout)
    database = cockpit.layout.database.stat().st_size / 1024 / runs
    spool = sum(size for _, size in segments(cockpit.layout)) / 1024 / runs
    yield Figure("cockpit, the tables and the spools kept", database + spool, "KB", 4.0)
    yield Figure("  of it the tables", database, "KB")
    for peer in installed():
        place, runs = peer(folder("disk")), 200 if peer is Mlflow else 5_000
        for _ in range(runs):
            place.log_run(_values(PARAMS), _values(METRICS))
        yield Figure(place.name, place.disk() / 1024 / runs, "KB")


def optuna() -> Iterator[Figure]:
    """A trial of Optuna: five floats, ten reports, a pruner, a tell"""
    memory, ours, journal, rdb = map(trials.seconds_a_trial, trials.KINDS)
    names = list(trials.KINDS)
    yield Figure(names[0], memory, "s")
    yield Figure(names[1], ours, "s", 1.5 * memory)
    yield Figure(names[2], journal, "s")
    yield Figure(names[3], rdb, "s")
    times = (journal - memory) / (ours - memory)
    yield Figure("what the journal adds to memory, by ours", times, "times", 10.0, at_least=True)


def reader() -> Iterator[Figure]:
    """Appends a second with a neighbour beside the writer, in turn, nine times"""
    for work, what in ((True, "training, half a millisecond a step"), (False, "flat out")):
        found = list(zip(*(_beside(work) for _ in range(9)), strict=True))
        alone, computing, looking, looping = (
            statistics.median(speed.rate for speed in speeds) for speeds in found
        )
        yield Figure(f"{what}, alone", alone, "/s")
        yield Figure("  slowed by one that only computes", 100 * (1 - computing / alone), "%")
        yield Figure("  by a reader four times a second", 100 * (1 - looking / alone), "%", 5.0)
        yield Figure("  by a reader without a pause", 100 * (1 - looping / alone), "%")
        beyond = 100 * (1 - looping / computing)
        yield Figure("    beyond the one that only computes", beyond, "%", 5.0)
        cpu, *beside = (statistics.median(speed.cpu for speed in speeds) for speeds in found)
        yield Figure("  its own CPU an append, alone", cpu, "s")
        yield Figure("    more beside one that only computes", 100 * (beside[0] / cpu - 1), "%")
        yield Figure("    beside a reader without a pause", 100 * (beside[2] / cpu - 1), "%", 5.0)


def _beside(work: bool) -> tuple[Speed, Speed, Speed, Speed]:
    return (
        programs.speed(work),
        programs.speed(work, programs.compute),
        programs.speed(work, programs.read, 0.25),
        programs.speed(work, programs.read),
    )


def growth() -> Iterator[Figure]:
    """The same questions of 1,000, 10,000 and 100,000 runs with 100 points each"""
    for runs in (1_000, 10_000, 100_000):
        layout = with_runs(runs)
        size = layout.database.stat().st_size / 1024 / runs
        yield from _cycle(layout, f"{runs:,} runs: ", None)
        with Store(layout).session(60) as session:
            yield Figure(f"{runs:,} runs:   top 50", median(partial(top, session, "m1"), 9), "s")
            yield Figure(
                f"{runs:,} runs:   newest 50",
                median(partial(top, session, "started"), 9),
                "s",
            )
        yield Figure(f"{runs:,} runs:   tables a run, with points", size, "KB")


BENCHES: dict[str, Callable[[], Iterator[Figure]]] = {
    bench.__name__: bench
    for bench in (
        one_run, points_in, points_out, writer, top_fifty, cycle, disk, optuna, reader, growth,
        sweeps.overhead, sweeps.soak, slices.metrics, slices.slices,
        keys.keys, comparing.diff, comparing.drift, profiling.profile,
        screens.start_up, screens.memory, predicting.predicting, promoting.promotions, bundling.bundle,
        reporting.reports,
        importing.imports, importing_curves.event_files, importing_curves.run_files, importing_studies.studies,
    )
}  # fmt: skip
