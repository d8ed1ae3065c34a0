"""A source with everything that can go wrong in names, values and logs; no store behind it."""

from __future__ import annotations

import math
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from cockpit.origin import Traces
from cockpit.tui.background import Finding
from cockpit.tui.data.desk import DataDesk, Listed, View
from cockpit.tui.judged import Judged
from cockpit.tui.models.desk import Asked as AskedOfModels
from cockpit.tui.models.desk import ModelsDesk
from storage.expressions.terms import FilterError
from storage.groups import RunGroup
from storage.history import History
from storage.runs import Curve, Run, RunDetail, RunQuery, RunsPage, SortKey
from storage.sparks import Spark
from storage.sweeps import Sweep, SweepView

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cockpit.evaluate.compare import Scores
    from cockpit.sweep.importance import Importance
    from cockpit.tui.data.desk import Kind
    from cockpit.tui.judged import Asked, Rows
    from cockpit.tui.models.desk import Proposal, Shelf
    from storage.datasets import Version
    from storage.models import Move
    from storage.models import Version as ModelVersion
    from storage.usage import Usage

NOW = datetime(2026, 3, 14, 12, 0, 0, tzinfo=UTC)
HOSTILE = "evil\x1b[31m\x1b]0;owned\x07[bold]x[/]\n\u202erow \t漢字🧪" + "z" * 80

PROVENANCE: dict[str, Any] = {
    "git": {"commit": "a41c9e2f03b17c55", "branch": "main", "dirty": False, "changed": []},
    "seed": 7,
    "spec_digest": "blake3:77aa",
    "command": ["cockpit", "sweep", "sweep.toml"],
    "data": {"train": {"digest": "blake3:3f9c11aa", "bytes": 272_061, "path": "/d/adult.parquet"}},
    "environment": {"python": "3.11.7", "packages": {"numpy": "2.4.6", "scikit-learn": "1.9.1"}},
    "machine": {"host": "vm", "cores": 2},
}


def trial(number: int, state: str = "complete", sweep: str = "income", **fields: Any) -> Run:
    """A plausible trial: its values follow from its number."""
    rate = 0.3 * 0.83 ** (number % 17)
    auc = 0.9312 - 0.0035 * ((number * 7) % 13) - (0.04 if state == "pruned" else 0)
    auc -= 1e-4 * (number == 0) + 1e-6 * number
    run = Run(
        id=f"{sweep[:3]}{number:09d}",
        name=f"{sweep}#{number}",
        sweep=sweep,
        number=number,
        state=state,
        reason=None,
        params={
            "learning_rate": rate,
            "max_depth": 2 + number * 5 % 11,
            "max_leaf_nodes": 7 + number * 37 % 120,
            "l2": 10.0 ** (-(number % 6)) * 1.234,
            "amp": number % 3 == 0,
            "loss": "log_loss",
        },
        metrics={} if state in ("failed", "waiting") else {"auc": round(auc, 6)},
        step=80 if state in ("running", "pruned") else 200,
        started=NOW - timedelta(seconds=3600 - 97 * number),
        seconds=3.1 + number % 5 * 41.7,
    )
    return replace(run, **fields)


def income(count: int = 30) -> list[Run]:
    """A sweep on its way, its baseline first: complete, pruned, ended in every way, running."""
    runs = [
        trial(n, "pruned", reason="pruned at step 80") if n % 4 == 3 else trial(n)
        for n in range(count)
    ]
    if count > 6:
        reason = "train.py line 14: KeyError 'incme'"
        runs[0] = trial(0, baseline=True, metrics={"auc": 0.9191})
        runs[5] = trial(5, "failed", reason=reason)
        runs[-1] = replace(trial(count - 1, "running", step=40), started=NOW, seconds=2.0)
        runs[-2] = replace(trial(count - 2, "running"), started=NOW - timedelta(seconds=8))
    if count > 26:
        runs[13] = trial(13, attempt=1)
        runs[22] = trial(22, "timeout", reason="ran longer than 2m 00s")
        runs[24] = trial(24, "oom", reason="4.1 GB resident, 4.0 GB allowed")
    return runs


def odd() -> list[Run]:
    """Runs that a table must survive."""
    other = "résumé-ranker-with-a-very-long-name"
    return [
        trial(0, "stopped", other, metrics={"auc": math.nan, "loss": math.inf}),
        trial(1, "lost", other, reason="the driver (pid 4121) is gone", metrics={}),
        trial(2, "complete", other, name=HOSTILE, params={"x[/red]": HOSTILE, "n": None}),
        trial(3, "waiting", other, started=None, seconds=None, params={}),
        trial(4, "complete", None or other, metrics={"auc": 123456.0}, params={"n": [1, 2]}),
        Run("plain0000000", "one-off", None, None, "failed", "exit code 1: [red]no[/red]",
            {}, {}, None, NOW - timedelta(days=3), 0.4),
    ]  # fmt: skip


class NoDesk:
    """Where there are no data."""

    def stamp(self) -> tuple[int, ...]:
        return ()

    def view(
        self,
        versions: Sequence[Version],
        chosen: Version | None,
        other: Version | None,
        kind: Kind,
        ended: bool = False,
    ) -> View:
        return View(tuple(Listed(version, False, None) for version in versions))


class NoModels:
    """Where there are none."""

    def stamp(self) -> tuple[int, ...]:
        return ()

    def shelves(self) -> tuple[Shelf, ...]:
        return ()

    def moves(self, model: str) -> tuple[tuple[Move, ...], int]:
        return (), 0

    def grounds(self, version: ModelVersion) -> Move | None:
        return None

    def asked(self) -> AskedOfModels:
        return AskedOfModels()

    def facts(self, version: ModelVersion) -> Finding:
        return Finding(problem="there is no store")

    def judged(self, proposal: Proposal, ended: bool = False) -> Finding:
        return Finding(problem="there is no store")


class FakeSource:
    """Answers from a list of runs, which a test may change; `bump` says there is news."""

    def __init__(self, runs: Sequence[Run] = (), logs: dict[str, Sequence[str]] | None = None):
        self.project = "income-demo"
        self.all = list(runs)
        self.logs = logs or {}
        self.trouble: Exception | None = None
        self.asked: list[RunQuery] = []
        self.sparked: list[tuple[str, ...]] = []
        """The runs whose curves were asked for, question by question."""
        self.refused: dict[str, str] = {}
        """Filters that are not understood, and the complaint."""
        self.said: tuple[str, ...] = ()
        """What the store says about itself."""
        self.used: Usage | None = None
        self.weighed: Importance | None = None
        self.weighings = 0
        """How often the importance was asked for."""
        self.paused = False
        self.ended = "complete"
        """The state of a sweep without a running trial."""
        self.provenance: dict[str, dict[str, Any]] = {}
        """By a run's id, what is otherwise than in `PROVENANCE`."""
        self.diffs: dict[str, tuple[str, ...]] = {}
        """By a run's id, the code's difference from another's."""
        self.scored: Scores | None = None
        """What the runs' answers say."""
        self.scoring = False
        """Whether the scores are still on their way."""
        self.version = 0
        self.data: DataDesk = NoDesk()
        self.models: ModelsDesk = NoModels()

    def bump(self) -> None:
        self.version += 1

    def stamp(self) -> tuple[int, ...]:
        return (self.version,)

    @contextmanager
    def reading(self) -> Iterator[None]:
        if self.trouble:
            raise self.trouble
        yield

    def runs(self, query: RunQuery) -> RunsPage:
        self.asked.append(query)
        found = [run for run in self.all if query.sweep in (None, run.sweep)]
        if query.where in self.refused:
            raise FilterError(self.refused[query.where])
        found = [run for run in found if query.where.strip().lower() in run.name.lower()]
        found = _sorted(found, query)
        names = [run.params for run in found[:500]]
        params = tuple(dict.fromkeys(key for params in names for key in params))
        metrics = tuple(dict.fromkeys(key for run in found[:500] for key in run.metrics))
        directions = {"auc": "maximize"} if "auc" in metrics else {}
        complete = [run for run in found if run.state == "complete" and "auc" in run.metrics]
        best = max(complete, key=lambda run: run.metrics["auc"], default=None)
        end = None if query.limit is None else query.offset + query.limit
        return RunsPage(
            len(found),
            len(self.all),
            query.offset,
            tuple(found[query.offset : end]),
            params,
            metrics,
            directions,
            {"auc": best.id} if best else {},
        )

    def ids(self, query: RunQuery) -> tuple[str, ...]:
        return tuple(run.id for run in self.runs(query).runs)

    def groups(self, query: RunQuery, by: str, metric: str) -> tuple[RunGroup, ...]:
        found: dict[str | None, list[Run]] = {}
        for run in self.runs(replace(query, limit=None)).runs:
            value = getattr(run, by, None) or run.params.get(by.removeprefix("params."))
            found.setdefault(None if value is None else str(value), []).append(run)
        return tuple(self._group(value, runs, metric) for value, runs in found.items())

    def _group(self, value: str | None, runs: list[Run], metric: str) -> RunGroup:
        values = {run.metrics[metric]: run.id for run in runs if metric in run.metrics}
        best = max(values, default=None)
        mean = sum(values) / len(values) if values else None
        return RunGroup(value, len(runs), best, mean, None if best is None else values[best])

    def sparks(self, runs: Sequence[str], name: str) -> dict[str, Spark]:
        self.sparked.append(tuple(runs))
        curves = {run: self.curve(run, name, 24) for run in runs}
        return {run: Spark(curve.steps, curve.values) for run, curve in curves.items()}

    def sweeps(self) -> tuple[Sweep, ...]:
        names = dict.fromkeys(run.sweep for run in self.all if run.sweep)
        return tuple(self._sweep(name) for name in names)

    def _sweep(self, name: str) -> Sweep:
        runs = [run for run in self.all if run.sweep == name]
        states = [run.state for run in runs]
        complete = [run for run in runs if run.state == "complete" and "auc" in run.metrics]
        running = "running" in states
        return Sweep(
            id=name,
            name=name,
            state="paused" if self.paused else "running" if running else self.ended,
            reason=None,
            metrics=("auc",),
            directions=("maximize",),
            trials=max(40, len(runs)) if running else len(runs),
            counts={state: states.count(state) for state in dict.fromkeys(states)},
            best=max(complete, key=lambda run: run.metrics["auc"], default=None),
            baseline=next((run for run in runs if run.baseline), None),
            workers=2,
            sampler="tpe",
            pruner="median",
            seed=7,
            started=NOW - timedelta(minutes=10),
            seconds=112.0,
            driver={"pid": 4121, "host": "here"},
        )

    def sweep(self, name: str) -> SweepView:
        runs = sorted((r for r in self.all if r.sweep == name), key=lambda r: r.number or 0)
        values = [(r.number or 0, r.metrics["auc"], r.state) for r in runs if "auc" in r.metrics]
        values = [value for value in values if math.isfinite(value[1])]
        best, so_far = -math.inf, []
        for number, value, state in values:
            if state == "complete" and value > best:
                best = value
                so_far.append((number, best))
        curves = tuple(self.curve(run.id, "auc", 200) for run in runs[-60:] if run.metrics)
        page = self.runs(RunQuery(sweep=name))
        return SweepView(self._sweep(name), tuple(so_far), tuple(values), curves, page)

    def usage(self, sweep_id: str) -> Usage | None:
        return self.used

    def importance(self, name: str, complete: int) -> Importance | None:
        self.weighings += 1
        return self.weighed

    def importance_stamp(self) -> int:
        return 0

    def notices(self) -> tuple[str, ...]:
        return self.said

    def curve(self, run_id: str, name: str, points: int) -> Curve:
        run = next(run for run in self.all if run.id == run_id)
        last = 212.5 if name.startswith("system.") else run.metrics.get(name, math.nan)
        if not math.isfinite(last):
            return Curve(run.id, run.number, run.state, name, (), ())
        steps = tuple(float(step) for step in range(0, (run.step or 0) + 1, 5))
        pace = 12 + (run.number or 0) % 5 * 6
        values = tuple(last - 0.06 * math.exp(-step / pace) for step in steps)
        return Curve(run.id, run.number, run.state, name, steps, values)

    def details(self, run_ids: Sequence[str]) -> tuple[RunDetail, ...]:
        known = {run.id: run for run in self.all}
        return tuple(self._detail(known[run_id]) for run_id in run_ids if run_id in known)

    def _detail(self, run: Run) -> RunDetail:
        ended = run.started and run.started + timedelta(seconds=run.seconds or 0)
        used = {"cpu_seconds": 4.27, "max_rss": 216_154_112}
        known = {**PROVENANCE, **self.provenance.get(run.id, {})}
        return RunDetail(run, ended, {}, used, known, None)

    def curve_names(self, run_ids: Sequence[str]) -> tuple[str, ...]:
        found = {run.id: run for run in self.all}
        names = [name for run_id in run_ids for name in found[run_id].metrics]
        return tuple(dict.fromkeys([*(["system.memory_mb"] if names else []), *names]))

    def histories(self, run_ids: Sequence[str], name: str, points: int) -> tuple[History, ...]:
        curves = [self.curve(run_id, name, points) for run_id in run_ids]
        start = NOW.timestamp()
        return tuple(
            History(
                *(curve.run, curve.number, curve.state, name, curve.steps),
                tuple(start + step for step in curve.steps),
                curve.values,
            )
            for curve in curves
        )

    def traces(self, found: RunDetail) -> Traces:
        git, data = found.provenance["git"], found.provenance["data"]
        files = {f"data {name}": entry["digest"][:19] for name, entry in data.items()}
        origin = {"git": f"{git['commit']} on main, clean", "seed": "7", **files, "host": "vm"}
        again = (f"cockpit rerun {found.run.id}", "# a git worktree of a41c9e2f03b1")
        files_left = (("model.joblib", 1_204_331), ("plots/roc.png", 40_112))
        folder = f".cockpit/runs/{found.run.id}/artifacts"
        answered = {"adult-eval@v4": "16,281 rows: y_pred, y_score"}
        return Traces(origin, again, folder, files_left, answered)

    def code_diff(self, base: RunDetail, other: RunDetail) -> tuple[str, ...]:
        return self.diffs.get(other.run.id, ("# both at commit a41c9e2f03b1",))

    def answered(self, run_ids: Sequence[str]) -> Any:
        return None if self.scored is None else tuple(run_ids)

    def scores(self, known: Any, base: str) -> tuple[Scores | None, bool]:
        return (None, True) if self.scoring else (self.scored, False)

    def project_stamp(self) -> tuple[int, ...]:
        return ()

    def scores_stamp(self) -> int:
        return int(self.scoring)

    def judged(self, asked: Asked) -> Judged:
        return Judged(lacking="set")

    def matching(self, label: str, condition: str) -> int:
        raise FilterError("there is no evaluation set")

    def slice_rows(
        self, run: str, label: str, condition: str | None, offset: int, limit: int
    ) -> Rows:
        raise FilterError("there is no evaluation set")

    def log_stamp(self, run_id: str) -> tuple[int, ...]:
        return (len(self.logs.get(run_id, ())),)

    def log_tail(self, run_id: str, lines: int) -> tuple[str, ...]:
        return tuple(self.logs.get(run_id, ()))[-lines:]

    def datasets(self) -> tuple[Version, ...]:
        return ()

    def size(self) -> int:
        return 4_100_000 if self.all else 0


def _sorted(runs: list[Run], query: RunQuery) -> list[Run]:
    runs = sorted(runs, key=lambda run: run.id, reverse=query.descending)
    for key in reversed(query.order or (SortKey("started", query.descending),)):
        runs = _sorted_by(runs, key)
    return runs


def _sorted_by(runs: list[Run], key: SortKey) -> list[Run]:
    name = key.name

    def value(run: Run) -> Any:
        own = getattr(run, name, None) if name in Run.__slots__ else None
        return own if own is not None else run.metrics.get(name, run.params.get(name))

    known = [run for run in runs if value(run) is not None]
    known.sort(
        key=lambda run: str(value(run)) if name == "name" else value(run), reverse=key.descending
    )
    return known + [run for run in runs if value(run) is None]


def logs_of(runs: Sequence[Run]) -> dict[str, Sequence[str]]:
    """A log a run, with a progress bar and colours in it."""
    lines = [f"iter {step} auc {0.9 + step / 10_000:.4f}" for step in range(0, 200, 20)]
    coloured = ["\x1b[32mloading adult_train.parquet\x1b[0m", "10%\r50%\r100%", *lines]
    return {run.id: [f"{run.name} seed 7", *coloured] for run in runs}
