"""Runs a run's code again with everything fixed, and keeps it as a run of its own."""

from __future__ import annotations

import json
import platform
import re
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cockpit
from cockpit.logs.log_tail import tail
from cockpit.sweep.evaluations import with_paths
from cockpit.sweep.executors import seam
from cockpit.sweep.executors.command_line import escaped
from cockpit.sweep.executors.local import LocalExecutor
from cockpit.sweep.executors.work import Command, MetricSources
from cockpit.sweep.launch import work_of
from cockpit.sweep.outcome import judge
from cockpit.sweep.predicted import Answered
from cockpit.sweep.provenance import digest_json, git_state, machine
from cockpit.sweep.provenance.data import as_text
from cockpit.sweep.rerun.errors import RerunError
from cockpit.sweep.rerun.words import few
from cockpit.sweep.signals import Interrupts, Wish
from cockpit.sweep.spec import spec_from_stored
from cockpit.tracking.plain_run import PlainRun
from storage.datasets import versions
from storage.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from cockpit.sweep.executors.seam import Outcome
    from cockpit.sweep.executors.work import Function
    from cockpit.sweep.rerun.original import Original
    from cockpit.sweep.spec import Spec
    from storage.datasets import Version
    from storage.layout import Layout

TAG = "rerun"
_ENDED_WELL = ("complete", "pruned", "stopped")


@dataclass(frozen=True, slots=True)
class Plan:
    """What is started, and how."""

    work: Function | Command
    folder: Path
    python: str
    threads: int | None
    spec: Spec | None
    """None for a plain run."""

    @property
    def objectives(self) -> Sequence[str]:
        return self.spec.sweep.metrics if self.spec else ()

    @property
    def grace(self) -> float:
        return self.spec.executor.grace if self.spec else seam.GRACE


def execute(
    layout: Layout,
    original: Original,
    folder: Path,
    data: Mapping[str, Any],
    here: bool,
    say: Callable[[str], None],
) -> tuple[str, Sequence[str]]:
    """Run it in `folder`, to its end or to Ctrl-C; returns the new run's id, and its objectives.

    Raises `SpecError` and `ExecutorError` before anything is stored.
    """
    plan = _plan(original, folder)
    interrupts = Interrupts()
    executor = LocalExecutor(
        plan.work,
        folder,
        plan.python,
        1,
        wakeup=interrupts.wakeup,
        threads=plan.threads,
        grace=plan.grace,
    )
    try:
        environment = executor.check()
        _tell_packages(original.provenance["environment"], environment, say)
        with interrupts:
            run = _begin(layout, original, environment, data, here)
            say(f"{run.name} runs: cockpit logs {run.id} -f shows what it prints")
            answered = Answered(layout, _answerable(layout, data))
            again = Again(original, plan, executor, run, answered)
            outcome = again.to_the_end(layout, interrupts)
            seen, problems = answered.handed_in(run.id)
            run.predicted(*seen)
            for problem in problems:
                say(problem)
            _settle(run, outcome, plan, layout)
    finally:
        executor.close()
        interrupts.close()
    return run.id, plan.objectives


def _plan(original: Original, folder: Path) -> Plan:
    known = original.provenance
    python = known["environment"].get("interpreter") or sys.executable
    if known["spec"] is None:
        if not known["command"]:
            raise RerunError(f"the command of {original.run.name} is not known")
        python = python if Path(python).exists() else sys.executable
        sources = _sources(known.get("metrics_from") or {}, Path(known["spec_folder"]), folder)
        command = Command(tuple(map(escaped, known["command"])), metrics=sources)
        return Plan(command, folder, python, None, None)
    if not Path(python).exists():
        raise RerunError(
            f"its interpreter {python} is not there any more; make that environment again"
        )
    label = Path(known["spec_path"] or "sweep.toml").name
    overrides = {**known["overrides"], "run.python": python}
    spec = spec_from_stored(known["spec"], folder, label, overrides, known["cell"])
    spec = with_paths(spec, {name: Path(file["path"]) for name, file in known["data"].items()})
    share = max(1, known["machine"]["cores"] // spec.executor.workers)
    return Plan(work_of(spec), folder, python, spec.limits.threads or share, spec)


def _sources(known: Mapping[str, Any], then: Path, folder: Path) -> MetricSources:
    """Where the metrics are read from: a file in the folder of then is one in the folder of now."""
    file = known.get("file")
    if file is not None and Path(file).is_relative_to(then):
        file = str(folder / Path(file).relative_to(then))
    return MetricSources(known.get("json", True), file, tuple(known.get("patterns", ())))


def _tell_packages(
    then: Mapping[str, Any], now: Mapping[str, Any], say: Callable[[str], None]
) -> None:
    """Say what else is installed than then, where both are known."""
    before = {"Python": then.get("python"), **then.get("packages", {})}
    after = {"Python": now.get("python"), **now.get("packages", {})}
    if not now.get("packages") or not then.get("packages"):
        return
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    if names:
        each = [f"{name} {before.get(name, 'not')} → {after.get(name, 'not')}" for name in names]
        say(f"installed now: {few(each)}")


def _answerable(layout: Layout, data: Mapping[str, Any]) -> list[Version]:
    """Of the run's data those that it may have answered: registered ones, in the version it has."""
    digests = {name: file["digest"] for name, file in data.items()}
    with Store(layout).session() as session:
        known = versions(session)
    return [one for one in known if one.rows and digests.get(one.name) == one.digest]


def _begin(
    layout: Layout,
    original: Original,
    environment: Mapping[str, Any],
    data: Mapping[str, Any],
    here: bool,
) -> PlainRun:
    then, known = original.run, original.provenance
    run = PlainRun(layout)
    stem = re.sub(rf"-{TAG}-\d+$", "", then.name).replace("#", "-")
    run.claim()
    run.begin(None, f"{stem}-{TAG}")
    content = {
        **known,
        "environment": dict(environment) if known["spec"] else known["environment"],
        "machine": asdict(machine()),
        "data": dict(data),
        "command": [*map(as_text, sys.argv)] if known["spec"] else known["command"],
        "cockpit": cockpit.__version__,
        "python": platform.python_version(),
    }
    if here:
        git = git_state(Path(known["spec_folder"]), layout)
        content["git"] = git and asdict(git)
    run.origin(digest_json(content), content)
    note = f"rerun of {then.name} ({then.id})"
    run.take({"params": then.params, "tags": [TAG], "note": note})
    return run


def _settle(run: PlainRun, outcome: Outcome, plan: Plan, layout: Layout) -> None:
    verb = "printed" if isinstance(plan.work, Command) else "returned"
    verdict = judge(outcome, plan.objectives, verb)
    more: dict[str, Any] = {"metrics": dict(verdict.metrics)}
    more["resources"] = {"cpu_seconds": outcome.cpu_seconds, "max_rss": outcome.max_rss}
    if verdict.state not in _ENDED_WELL:
        more["log"] = tail(layout.log(run.id))
    run.settle(verdict.state, verdict.reason, **more)


class Again:
    """The one attempt: gets the params of then, and is pruned where it was pruned then."""

    def __init__(
        self,
        original: Original,
        plan: Plan,
        executor: seam.Executor,
        run: PlainRun,
        answered: Answered,
    ) -> None:
        self._original, self._plan = original, plan
        self._executor, self._run, self._answered = executor, run, answered
        self._objective = plan.objectives[0] if plan.objectives else ""
        self._step = -1
        self._prune_at = _pruned_at(original, self._objective)

    def to_the_end(self, layout: Layout, interrupts: Interrupts) -> Outcome:
        self._executor.submit(self._task(layout))
        ending = False
        while True:
            if interrupts.wish is not Wish.GO_ON and not ending:
                ending = True
                self._executor.cancel(self._run.id, "stopped by the user", grace=self._plan.grace)
            for event in self._executor.poll(0.25):
                if isinstance(event, seam.Finished):
                    return event.outcome
                self._take(event)
            self._run.sync()

    def _task(self, layout: Layout) -> seam.Task:
        then, spec, key = self._original.run, self._plan.spec, self._run.id
        declared = spec.params if spec else ()
        environment = {"COCKPIT_RUN": key, **self._answered.environment(key)}
        if then.sweep is not None:
            number = "baseline" if then.number is None else str(then.number)
            environment |= {"COCKPIT_SWEEP": then.sweep, "COCKPIT_TRIAL": number}
        if spec:
            environment["COCKPIT_DATA"] = json.dumps({k: str(v) for k, v in spec.data.items()})
        return seam.Task(
            run=key,
            number=then.number or 0,
            attempt=0,
            params={name: then.params[name] for name in declared if name in then.params},
            log=layout.log(key),
            folder=layout.artifacts(key),
            timeout=spec.limits.timeout if spec else None,
            memory=spec.limits.memory if spec else None,
            environment=environment,
            baseline=then.baseline and then.number is None,
        )

    def _take(self, event: seam.Event) -> None:
        match event:
            case seam.Report():
                self._step = event.step
                self._run.log((event.step, {self._objective: event.value}))
            case seam.Logged():
                self._log(event)
            case seam.Sampled():
                self._run.log((event.seconds, event.usage))
            case seam.AskPrune():
                self._answer(event, seam.Prune(self._is_pruned_here()))
            case seam.Suggest():
                self._answer(event, self._value(event.name))
            case seam.Attr() | seam.Constraint():
                self._run.take({"attrs": {event.key: event.value}})
            case seam.Predicted():
                self._run.predicted(self._answered.told(self._run.id, event))

    def _log(self, event: seam.Logged) -> None:
        self._run.log((event.step, event.metrics))
        if self._objective in event.metrics:
            self._step = event.step
            if isinstance(self._plan.work, Command) and self._is_pruned_here():
                reason = f"pruned at step {event.step}, as then"
                self._executor.cancel(self._run.id, reason, "pruned", self._plan.grace)

    def _is_pruned_here(self) -> bool:
        return self._prune_at is not None and self._step >= self._prune_at

    def _value(self, name: str) -> seam.Value | seam.Refused:
        params = self._original.run.params
        if name in params:
            return seam.Value(params[name])
        return seam.Refused("KeyError", f"the original had no parameter {name!r}")

    def _answer(self, event: seam.AskPrune | seam.Suggest, reply: seam.Reply) -> None:
        self._executor.answer(event.run, event.attempt, reply)


def _pruned_at(original: Original, objective: str) -> int | None:
    """The step at which the original was pruned; None where it was not, -1 before any step."""
    if original.run.state != "pruned":
        return None
    return max(original.figures.points.get(objective, {}), default=-1)
