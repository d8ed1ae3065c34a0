"""All that a report of a run says, read in one go."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any

from cockpit import format as fmt
from cockpit.gain import baseline_values, gains, run_gain, words
from cockpit.gain import figure as signed
from cockpit.report.charts import Chart, Series
from cockpit.report.markdown import Markdown, Table, code, escape, joined, say, strong
from cockpit.report.scoring import scores_of
from cockpit.report.words import best as best_of
from cockpit.report.words import (
    better,
    figure,
    moment,
    pairs,
    provenance,
    score_notes,
    score_tables,
)
from storage.store import Store

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from storage.history import History
    from storage.layout import Layout
    from storage.runs import Run, RunDetail
    from storage.sweeps import Sweep

CURVES = 4
"""Metrics that are drawn."""
POINTS = 300
ARTIFACTS = 30


@dataclass(frozen=True, slots=True)
class RunReport:
    """What a report of a run is made of."""

    name: str
    run: Run
    """id, name, sweep, number, state, reason, params, metrics, started, seconds, tags, note."""
    summary: tuple[Markdown, ...]
    """Sentences."""
    metrics: Table
    """The last value of each, beside the baseline's and the best of the sweep."""
    params: Table
    on: str
    """The version of the evaluation set; empty where the run has answered none."""
    scores: Table
    """Metrics on the evaluation set, with intervals."""
    kpis: Table
    slices: Table
    notes: tuple[Markdown, ...]
    """What has to be said of the scores."""
    charts: tuple[Chart, ...]
    """Metrics by step."""
    resources: Table
    artifacts: Table
    provenance: Table
    log: tuple[str, ...]
    """Its last lines, where it failed."""
    commands: tuple[str, ...]
    """What makes it again, and what to look at next."""


def gather(layout: Layout, text: str, on: str | None = None) -> RunReport:
    """Read what is known of a run. Raises `RunNotFound`, `DatasetNotFound`, `ProjectError`."""
    from cockpit.about import resources
    from cockpit.origin import how_again
    from cockpit.project.reading import find_project
    from storage.curves import curve_names
    from storage.datasets import versions
    from storage.history import history
    from storage.runs import detail
    from storage.sweeps import find_sweep

    with Store(layout).session() as session:
        found = detail(session, text)
        run = found.run
        sweep = find_sweep(session, run.sweep) if run.sweep else None
        known = versions(session)
        names = [n for n in curve_names(session, [run.id]) if not n.startswith("system.")][:CURVES]
        beside = _beside(run, sweep)
        curves = {
            name: history(session, [one.id for one in (run, *beside.values())], name, POINTS)
            for name in names
        }
    scores = scores_of(layout, find_project(layout), [run.id], on)
    measured, kpis, slices = score_tables(scores, run.id)
    again = how_again(run, found.provenance)
    return RunReport(
        name=run.name,
        run=run,
        summary=tuple(_summary(found, sweep)),
        metrics=_metrics(run, sweep),
        params=_params(run, sweep),
        on=(scores.on or "") if scores else "",
        scores=measured,
        kpis=kpis,
        slices=slices,
        notes=score_notes(scores),
        charts=tuple(
            _curve(run, name, beside, curves[name], place) for place, name in enumerate(names)
        ),
        resources=pairs("used", {"time": fmt.duration(run.seconds), **resources(found.resources)}),
        artifacts=_artifacts(layout, run),
        provenance=provenance(found.provenance, layout, known),
        log=_log(found),
        commands=tuple(filter(None, [again, f"cockpit show {run.id}"])),
    )


def _beside(run: Run, sweep: Sweep | None) -> dict[str, Run]:
    """The runs that a curve is drawn beside, by what they are."""
    found = {"best of the sweep": sweep.best, "baseline": sweep.baseline} if sweep else {}
    there = {name: one for name, one in found.items() if one is not None and one.id != run.id}
    ids = {one.id: name for name, one in reversed(there.items())}
    return {name: one for name, one in there.items() if ids[one.id] == name}


def _summary(found: RunDetail, sweep: Sweep | None) -> list[Markdown]:
    run = found.run
    state = fmt.look(run.state).word
    lasted = f" after {fmt.duration(run.seconds)}" if run.seconds is not None else ""
    said = [
        say(
            "{name} is {state}{lasted}; it started {when}.",
            name=code(run.name),
            state=strong(state),
            lasted=lasted,
            when=moment(run.started),
        )
    ]
    if run.reason:
        said.append(say("Why: {reason}.", reason=run.reason.rstrip(".")))
    said += _standing(run, sweep)
    if run.tags:
        said.append(say("Tags: {tags}.", tags=joined([code(tag) for tag in run.tags], ", ")))
    if run.note:
        said.append(say("Note: {note}", note=run.note))
    return said


def _standing(run: Run, sweep: Sweep | None) -> list[Markdown]:
    """How it did, in its sweep."""
    if sweep is None or not sweep.metrics:
        return []
    metric, direction = sweep.metrics[0], (sweep.directions or ("maximize",))[0]
    if metric not in run.metrics:
        return []
    won = run_gain(run, sweep)
    parts: dict[str, Any] = {
        "metric": metric,
        "way": better(direction),
        "value": strong(figure(run.metrics[metric])),
        "won": "" if won is None or run.baseline else f", {words(won)}",
        "best": ""
        if sweep.best is None
        else ", the best of its sweep"
        if sweep.best.id == run.id
        else f" (best of the sweep: {figure(sweep.best.metrics[metric])})",
    }
    return [say("Its {metric} ({way} is better) is {value}{won}{best}.", **parts)]


def _metrics(run: Run, sweep: Sweep | None) -> Table:
    beside = baseline_values(sweep) if sweep and not run.baseline else {}
    won = gains(run, sweep) if sweep and not run.baseline else {}
    ways = dict(zip(sweep.metrics, sweep.directions, strict=False)) if sweep else {}
    top = sweep is not None and sweep.best is not None and sweep.best.id == run.id
    rows = []
    for name in sorted(run.metrics, key=lambda one: (one not in ways, one)):
        value = figure(run.metrics[name])
        row: list[str] = [name, better(ways[name]) if name in ways else ""]
        row.append(best_of(value) if top and name in ways else value)
        if beside:
            row.append(figure(beside[name]) if name in beside else fmt.MISSING)
            row.append(signed(won[name]) if name in won else fmt.MISSING)
        rows.append(tuple(row))
    titles = ("metric", "better", "value", *(("baseline", "gain") if beside else ()))
    return Table(titles, tuple(rows), right=len(titles) - 2)


def _params(run: Run, sweep: Sweep | None) -> Table:
    """Beside the baseline's, what differs."""
    other: Mapping[str, Any] = {}
    if sweep and sweep.baseline and sweep.baseline.id != run.id:
        other = sweep.baseline.params
    rows = []
    for name, value in run.params.items():
        row = [name, fmt.value(value)]
        if other:
            row.append(fmt.value(other[name]) if name in other else fmt.MISSING)
        rows.append(tuple(row))
    titles = ("param", "value", *(("baseline",) if other else ()))
    return Table(titles, tuple(rows), right=len(titles) - 1)


def _curve(
    run: Run, name: str, beside: Mapping[str, Run], found: Sequence[History], place: int
) -> Chart:
    labels = ["this run", *beside]
    series = tuple(
        Series(label if len(labels) > 1 else "", one.steps, one.values)
        for label, one in zip(labels, found, strict=True)
        if one.steps
    )
    mine = [value for value in found[0].values if isfinite(value)]
    about = (
        f"{name} of {run.name} over {len(mine):,} reports: from {fmt.number(mine[0])} to "
        f"{fmt.number(mine[-1])}, between {fmt.number(min(mine))} and {fmt.number(max(mine))}"
    )
    return Chart(f"curve-{place + 1}", f"{name} by step", about, "step", name, series)


def _artifacts(layout: Layout, run: Run) -> Table:
    from cockpit.about import artifacts

    files = list(artifacts(layout.artifacts(run.id)))
    rows = [(code(name), fmt.size(size)) for name, size in files[:ARTIFACTS]]
    if len(files) > ARTIFACTS:
        rest = sum(size for _, size in files[ARTIFACTS:])
        rows.append((escape(f"{len(files) - ARTIFACTS:,} more"), fmt.size(rest)))
    return Table(("artifact", "size"), tuple(rows), right=1)


def _log(found: RunDetail) -> tuple[str, ...]:
    if found.run.state in ("complete", "pruned", "running", "waiting") or not found.log:
        return ()
    return tuple(fmt.log_line(line) for line in found.log.splitlines()[-15:])
