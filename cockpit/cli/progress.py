"""How a running sweep shows itself: a live line, plain lines, JSON lines, or not at all."""

from __future__ import annotations

import sys
import time
from collections import Counter
from typing import TYPE_CHECKING, Any, Protocol

import click
from rich.console import Console
from rich.live import Live
from rich.text import Text

from cockpit.format import LOOKS, MISSING, duration, number, plain
from cockpit.sweep.launch import let_go, run_sweep
from cockpit.sweep.signals import Wish
from storage.events import to_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from cockpit.sweep.driver import Settled, Summary
    from cockpit.sweep.spec import Spec
    from storage.layout import Layout

BAR = 24
NOTHING_COMPLETE = 3
STOPPED = 130


class Progress(Protocol):
    """A listener that also says how it ended."""

    def started(self, name: str, trials: int, workers: int) -> None: ...
    def settled(self, trial: Settled, best: Settled | None) -> None: ...
    def tick(self, running: int, wish: Wish) -> None: ...
    def ended(self, summary: Summary) -> None: ...


class JsonLines:
    """One JSON object a settled trial, the summary last."""

    def started(self, name: str, trials: int, workers: int) -> None:
        pass

    def settled(self, trial: Settled, best: Settled | None) -> None:
        click.echo(to_json(as_json(trial)))

    def tick(self, running: int, wish: Wish) -> None:
        pass

    def ended(self, summary: Summary) -> None:
        click.echo(
            to_json(
                {
                    "sweep": summary.name,
                    "id": summary.sweep,
                    "state": summary.state,
                    "counts": summary.counts,
                    "best": summary.best and as_json(summary.best),
                    "seconds": round(summary.seconds, 3),
                }
            )
        )


def as_json(trial: Settled) -> dict[str, Any]:
    """A settled trial as the object that `--json` prints."""
    return {
        "number": trial.number,
        "run": trial.run,
        "state": trial.state,
        "params": trial.params,
        "metrics": trial.metrics,
        "reason": trial.reason,
        "seconds": round(trial.seconds, 6),
    }


class Lines:
    """A line a settled trial, for logs and pipes."""

    def __init__(self, metric: str, goal: str) -> None:
        self._metric = metric
        self._goal = goal
        self._total = 0
        self._counts: Counter[str] = Counter()

    def started(self, name: str, trials: int, workers: int) -> None:
        self._total = trials
        click.echo(f"{name}: {self._goal}, {trials} trials, {workers} at a time")

    def settled(self, trial: Settled, best: Settled | None) -> None:
        self._counts[trial.state] += 1
        width = len(str(self._total))
        value = number(trial.metrics[self._metric]) if self._metric in trial.metrics else MISSING
        line = (
            f"{self._counts.total():>{width}}/{self._total}  {LOOKS[trial.state].glyph} {trial.state:<8} "
            f"#{trial.number:<{width}}  {self._metric} {value:>8}  {duration(trial.seconds):>7}"
        )
        if trial.reason and trial.state != "pruned":
            line += f"  {plain(trial.reason)}"
        elif best is not None:
            line += f"  best {number(best.metrics[self._metric])} (#{best.number})"
        click.echo(line)

    def tick(self, running: int, wish: Wish) -> None:
        pass

    def ended(self, summary: Summary) -> None:
        click.echo(sentence(summary, self._metric))


class Bar:
    """One live line on a terminal; what failed stands above it."""

    def __init__(self, metric: str, goal: str) -> None:
        self._metric = metric
        self._goal = goal
        self._console = Console(highlight=False)
        self._live = Live(console=self._console, refresh_per_second=4, transient=True)
        self._name = ""
        self._total = self._running = 0
        self._wish = Wish.GO_ON
        self._counts: Counter[str] = Counter()
        self._best: Settled | None = None
        self._began = time.monotonic()

    def started(self, name: str, trials: int, workers: int) -> None:
        self._name, self._total, self._began = name, trials, time.monotonic()
        self._console.print(
            Text(f"{name}: {self._goal}, {trials} trials, {workers} at a time", style="dim")
        )
        self._live.start()
        self._paint()

    def settled(self, trial: Settled, best: Settled | None) -> None:
        self._counts[trial.state] += 1
        self._best = best
        if trial.state in ("failed", "lost"):
            what = f"{LOOKS[trial.state].glyph} {self._name}#{trial.number} {trial.state}: {plain(trial.reason or '')}"
            self._console.print(Text(what, style="red"))
        self._paint()

    def tick(self, running: int, wish: Wish) -> None:
        self._running, self._wish = running, wish
        self._paint()

    def ended(self, summary: Summary) -> None:
        self._live.stop()
        self._console.print(Text(sentence(summary, self._metric)))

    def _paint(self) -> None:
        done = self._counts.total()
        elapsed = time.monotonic() - self._began
        filled = BAR * done // max(1, self._total)
        parts = [
            f"{self._name} {'━' * filled}{'─' * (BAR - filled)} {done}/{self._total}",
            "  ".join(f"{LOOKS[state].glyph} {n}" for state, n in sorted(self._counts.items())),
        ]
        if self._best is not None:
            parts.append(f"best {number(self._best.metrics[self._metric])} (#{self._best.number})")
        if done:
            rate = done / elapsed
            parts.append(f"{number(rate)}/s")
            parts.append(f"ETA {duration((self._total - done) / rate)}")
        if self._wish is Wish.FINISH:
            parts = [*parts[:2], f"stopping: {self._running} still run, Ctrl-C again ends them"]
        elif self._wish is Wish.STOP:
            parts = [*parts[:2], "stopping now"]
        self._live.update(Text("   ".join(filter(None, parts)), no_wrap=True, overflow="ellipsis"))


class Quiet:
    """Says nothing; tells `begun` the sweep's name once it has one."""

    def __init__(self, begun: Callable[[str], None]) -> None:
        self._begun = begun

    def started(self, name: str, trials: int, workers: int) -> None:
        self._begun(name)

    def settled(self, trial: Settled, best: Settled | None) -> None:
        pass

    def tick(self, running: int, wish: Wish) -> None:
        pass

    def ended(self, summary: Summary) -> None:
        pass


class HangUpProof:
    """Passes everything on until nobody listens: a sweep does not end because its terminal did."""

    def __init__(self, inner: Progress) -> None:
        self._inner: Progress | None = inner

    def started(self, name: str, trials: int, workers: int) -> None:
        self._pass_on("started", name, trials, workers)

    def settled(self, trial: Settled, best: Settled | None) -> None:
        self._pass_on("settled", trial, best)

    def tick(self, running: int, wish: Wish) -> None:
        self._pass_on("tick", running, wish)

    def ended(self, summary: Summary) -> None:
        self._pass_on("ended", summary)

    def _pass_on(self, what: str, *arguments: Any) -> None:
        if self._inner is None:
            return
        try:
            getattr(self._inner, what)(*arguments)
        except OSError:
            self._inner = None


def foreground(spec: Spec, layout: Layout, as_json: bool, resume: bool) -> int:
    """Run a sweep and show how it goes; returns the command's exit code."""
    metric = spec.sweep.metrics[0]
    pairs = zip(spec.sweep.directions, spec.sweep.metrics, strict=True)
    goal = ", ".join(f"{direction} {name}" for direction, name in pairs)
    if as_json:
        return _run(spec, layout, JsonLines(), resume)
    return _run(
        spec, layout, Bar(metric, goal) if sys.stdout.isatty() else Lines(metric, goal), resume
    )


def in_background(spec: Spec, layout: Layout, resume: bool) -> int:
    """Run a sweep that somebody started with `detach`; returns the exit code."""
    return _run(spec, layout, Quiet(lambda name: let_go(name, layout.sweep_log(name))), resume)


def _run(spec: Spec, layout: Layout, inner: Progress, resume: bool) -> int:
    listener = HangUpProof(inner)
    summary = run_sweep(spec, layout, listener, resume)
    listener.ended(summary)
    if summary.state == "stopped":
        return STOPPED
    return 0 if summary.counts.get("complete") else NOTHING_COMPLETE


def sentence(summary: Summary, metric: str) -> str:
    """A sweep's end in a line."""
    counts = ", ".join(f"{n} {state}" for state, n in sorted(summary.counts.items())) or "no trial"
    text = f"{summary.name} {summary.state} in {duration(summary.seconds)}: {counts}."
    if summary.best is not None:
        best = summary.best
        text += f" Best {metric} {number(best.metrics[metric])} (#{best.number})."
    return text
