"""All that a report of a sweep says, read in one go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cockpit import format as fmt
from cockpit.gain import baseline_values, run_gain, sweep_gain, words
from cockpit.gain import figure as signed
from cockpit.report.markdown import Markdown, Table, code, say, strong
from cockpit.report.sweep_charts import convergence, front, importance
from cockpit.report.words import best as best_of
from cockpit.report.words import better, figure, many, moment, pairs, provenance
from storage.store import Store

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cockpit.report.charts import Bars, Chart
    from cockpit.sweep.after import Best
    from cockpit.sweep.importance import Importance
    from storage.groups import RunGroup
    from storage.layout import Layout
    from storage.runs import Run
    from storage.session import Session
    from storage.sweeps import Sweep

TRIALS = 10
"""Best trials that are listed."""
FRONT = 20
REASONS = 10
FAILED = ("failed", "timeout", "oom", "lost", "stopped")


@dataclass(frozen=True, slots=True)
class SweepReport:
    """What a report of a sweep is made of."""

    name: str
    sweep: Sweep
    """name, state, metrics, directions, trials, counts, best, baseline, workers, sampler, pruner, seed."""
    summary: tuple[Markdown, ...]
    """Sentences."""
    convergence: Chart | None
    """The best value by trial; None with several objectives, and where no trial is complete."""
    front: Chart | None
    """The Pareto front of two objectives."""
    importance: Bars | None
    importance_note: Markdown
    """What the importance is of, or why there is none."""
    constant: tuple[tuple[str, str], ...]
    """Params that are the same in all trials listed, with their values."""
    best: Table
    """The best complete trials; with several objectives those of the Pareto front."""
    best_of: Markdown
    """What the table is of."""
    states: Table
    failures: Table
    """By reason, the most frequent first."""
    settings: Table
    provenance: Table
    commands: tuple[str, ...]


def gather(layout: Layout, text: str, on: str | None = None) -> SweepReport:
    """Read what is known of a sweep. Raises `SweepNotFound`."""
    from cockpit.sweep.after import best
    from cockpit.sweep.importance import importance as weigh
    from cockpit.sweep.importance import material
    from storage.datasets import versions
    from storage.outcomes import outcomes
    from storage.sweeps import find_sweep, provenance_of, view

    with Store(layout).session() as session:
        sweep = find_sweep(session, text)
        several = len(sweep.directions) > 1
        seen = view(session, sweep.name, curves=0)
        found = best(session, sweep.name, FRONT if several else TRIALS)
        read = material(session, sweep.name)
        told = outcomes(session, sweep.id) if several else ()
        failures = {state: _failures(session, sweep, state) for state in FAILED}
        known = provenance_of(session, sweep.name)
        there = versions(session)
    weighed = weigh(read)
    rows = [*found.runs, *_baseline(found)]
    constant, varying = _split(rows)
    return SweepReport(
        name=sweep.name,
        sweep=sweep,
        summary=tuple(_summary(sweep, found)),
        convergence=convergence(seen),
        front=front(found, told),
        importance=importance(weighed),
        importance_note=_importance_note(weighed),
        constant=tuple((name, fmt.value(value)) for name, value in constant.items()),
        best=_best(found, rows, varying),
        best_of=_best_of(found),
        states=_states(sweep),
        failures=_failure_table(failures),
        settings=_settings(sweep),
        provenance=provenance(known, layout, there),
        commands=_commands(sweep, known),
    )


def _summary(sweep: Sweep, found: Best) -> list[Markdown]:
    asked = (
        f" of {sweep.trials:,} asked for" if sweep.trials and sweep.trials != sweep.settled else ""
    )
    counted = ", ".join(
        f"{sweep.counts[state]:,} {fmt.look(state).word}"
        for state in sorted(sweep.counts, key=lambda state: (-sweep.counts[state], state))
    )
    said = [
        say(
            "{name} is {state}: {settled}{asked} in {time}, started {when} ({counted}).",
            name=code(sweep.name),
            state=strong(fmt.look(sweep.state).word),
            settled=many(sweep.settled, "trial"),
            asked=asked,
            time=fmt.duration(sweep.seconds),
            when=moment(sweep.started),
            counted=counted or "none yet",
        )
    ]
    if sweep.reason:
        said.append(say("Why: {reason}.", reason=sweep.reason.rstrip(".")))
    if len(sweep.directions) > 1:
        said.append(
            say(
                "{found} of {complete} complete trials are on the Pareto front of {goals}.",
                found=f"{found.found:,}",
                complete=f"{found.complete:,}",
                goals=_goals(sweep),
            )
        )
    elif sweep.best is not None:
        said.append(_best_sentence(sweep, sweep.best))
    if found.infeasible:
        broke = "breaks" if found.infeasible == 1 else "break"
        said.append(
            say(
                "{n} {broke} a constraint.", n=many(found.infeasible, "complete trial"), broke=broke
            )
        )
    return said


def _best_sentence(sweep: Sweep, best: Run) -> Markdown:
    metric = sweep.metrics[0]
    won, beside = sweep_gain(sweep), baseline_values(sweep).get(metric)
    over = "" if won is None or beside is None else f", {words(won)} ({figure(beside)})"
    return say(
        "The best {metric} ({way} is better) is {value}, by trial {number}{over}.",
        metric=metric,
        way=better(sweep.directions[0]),
        value=strong(figure(best.metrics[metric])),
        number=best.number,
        over=over,
    )


def _goals(sweep: Sweep) -> str:
    return fmt.listed(
        [f"{name} ({way})" for name, way in zip(sweep.metrics, sweep.directions, strict=False)]
    )


def _importance_note(found: Importance) -> Markdown:
    from cockpit.sweep.importance import STEADY

    if not found.shares:
        return say("Nothing can be said of the params: {reason}.", reason=found.reason)
    front = "the Pareto front of " if len(found.objectives) > 1 else ""
    rough = (
        f" Rough: it gets steady from about {STEADY} complete trials on."
        if found.trials < STEADY
        else ""
    )
    return say(
        "What sets the best tenth apart in {front}{names} (PED-ANOVA), from {trials}; the shares add up to 1.{rough}",
        front=front,
        names=fmt.listed(found.objectives),
        trials=many(found.trials, "complete trial"),
        rough=rough,
    )


def _baseline(found: Best) -> list[Run]:
    baseline = found.sweep.baseline
    if baseline is None or baseline.state != "complete":
        return []
    return [baseline] if baseline.id not in {run.id for run in found.runs} else []


def _split(runs: Sequence[Run]) -> tuple[Mapping[str, Any], list[str]]:
    """Params with one value in all runs, and the others."""
    constant: dict[str, Any] = {}
    varying = []
    for key in dict.fromkeys(key for run in runs for key in run.params):
        values = [run.params.get(key) for run in runs]
        if len(runs) > 1 and all(value == values[0] for value in values[1:]):
            constant[key] = values[0]
        else:
            varying.append(key)
    return constant, varying


def _best(found: Best, rows: Sequence[Run], varying: Sequence[str]) -> Table:
    sweep = found.sweep
    gains = [run_gain(run, sweep) for run in rows]
    over = ["over baseline"] if any(won is not None for won in gains) else []
    tops = _tops(sweep, found.runs)
    lines = []
    for run, won in zip(rows, gains, strict=True):
        name = (
            "baseline" if run.baseline else fmt.MISSING if run.number is None else str(run.number)
        )
        cells: list[str] = [name]
        for metric in sweep.metrics:
            value = run.metrics.get(metric)
            shown = fmt.MISSING if value is None else figure(value)
            cells.append(
                best_of(shown) if value is not None and value == tops.get(metric) else shown
            )
        cells += [fmt.MISSING if won is None or run.baseline else signed(won)] * len(over)
        cells += [
            fmt.value(run.params[key]) if key in run.params else fmt.MISSING for key in varying
        ]
        lines.append((*cells, fmt.duration(run.seconds)))
    titles = ("trial", *sweep.metrics, *over, *varying, "time")
    return Table(titles, tuple(lines), right=len(titles) - 1)


def _tops(sweep: Sweep, runs: Sequence[Run]) -> dict[str, float]:
    """The best value of each objective among the runs, where there are several runs."""
    if len(runs) < 2:
        return {}
    return {
        metric: (max if way == "maximize" else min)(run.metrics[metric] for run in runs)
        for metric, way in zip(sweep.metrics, sweep.directions, strict=False)
        if all(metric in run.metrics for run in runs)
    }


def _best_of(found: Best) -> Markdown:
    shown, of = len(found.runs), found.found
    if not found.runs:
        return Markdown("No trial is complete.")
    some = f"{shown:,} of {of:,}" if shown < of else f"{of:,}"
    if len(found.sweep.directions) > 1:
        return say(
            "The Pareto front of {goals}: {some} trials.", goals=_goals(found.sweep), some=some
        )
    return say("The best {some} complete trials.", some=some)


def _state(state: str) -> str:
    """`✓ complete`."""
    look = fmt.look(state)
    return f"{look.glyph} {look.word}"


def _states(sweep: Sweep) -> Table:
    total = sum(sweep.counts.values())
    rows = [
        (
            _state(state),
            f"{count:,}",
            f"{100 * count / total:.3g} %",
        )
        for state, count in sorted(sweep.counts.items(), key=lambda one: (-one[1], one[0]))
    ]
    return Table(("state", "trials", "share"), tuple(rows), right=2)


def _failures(session: Session, sweep: Sweep, state: str) -> Sequence[RunGroup]:
    if not sweep.counts.get(state):
        return ()
    from storage.groups import groups
    from storage.runs import RunQuery

    found = groups(session, RunQuery(sweep.name, f"state = '{state}'"), "reason", "seconds")
    return sorted(found, key=lambda one: (-one.runs, one.value or ""))


def _failure_table(found: Mapping[str, Sequence[RunGroup]]) -> Table:
    told = [(state, one) for state, groups in found.items() for one in groups]
    told.sort(key=lambda pair: (-pair[1].runs, pair[0], pair[1].value or ""))
    rows: list[tuple[str, ...]] = [
        (
            _state(state),
            f"{one.runs:,}",
            one.value or "no reason is known",
        )
        for state, one in told[:REASONS]
    ]
    if len(told) > REASONS:
        rest = sum(one.runs for _, one in told[REASONS:])
        rows.append(("others", f"{rest:,}", f"{len(told) - REASONS:,} more reasons"))
    return Table(("state", "trials", "reason"), tuple(rows), right=1, left=1)


def _settings(sweep: Sweep) -> Table:
    return pairs(
        "setting",
        {
            "objectives": _goals(sweep),
            "trials asked for": sweep.trials and f"{sweep.trials:,}",
            "sampler": sweep.sampler,
            "pruner": sweep.pruner,
            "seed": sweep.seed,
            "workers": sweep.workers,
        },
    )


def _commands(sweep: Sweep, known: Mapping[str, Any]) -> tuple[str, ...]:
    import shlex

    name = shlex.quote(sweep.name)
    replay = (
        [f"cockpit sweep --replay {name}"]
        if known.get("spec") and sweep.state == "complete"
        else []
    )
    best = [f"cockpit rerun {shlex.quote(f'{sweep.name}#best')}"] if sweep.best else []
    return (*replay, *best, f"cockpit best {name}")
