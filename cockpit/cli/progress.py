"""How a running sweep shows itself: a live line, plain lines, JSON lines, or not at all."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING, Any, Protocol

import click
from rich.console import Console
from rich.live import Live
from rich.text import Text

from cockpit.format import MISSING, duration, look, number, plain
from cockpit.sweep.signals import Wish
from storage.events import to_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from cockpit.sweep.listener import Summary
    from cockpit.sweep.trials import Settled

BAR = 24


class Progress(Protocol):
    """A listener that also says how it ended."""

    def started(self, name: str, trials: int | None, workers: int, done: int) -> None: ...
    def notice(self, sentence: str) -> None: ...
    def settled(self, trial: Settled, best: Settled | None) -> None: ...
    def tick(self, running: int, wish: Wish, trials: int | None) -> None: ...
    def ended(self, summary: Summary) -> None: ...


class JsonLines:
    """One JSON object a settled trial, the summary last."""

    def started(self, name: str, trials: int | None, workers: int, done: int) -> None:
        pass

    def notice(self, sentence: str) -> None:
        click.echo(f"cockpit: {plain(sentence)}", err=True)

    def settled(self, trial: Settled, best: Settled | None) -> None:
        click.echo(to_json(as_json(trial)))

    def tick(self, running: int, wish: Wish, trials: int | None) -> None:
        pass

    def ended(self, summary: Summary) -> None:
        click.echo(
            to_json(
                {
                    "sweep": summary.name,
                    "id": summary.sweep,
                    "state": summary.state,
                    "counts": summary.counts,
                    "reason": summary.reason,
                    "best": summary.best and as_json(summary.best),
                    "baseline": summary.baseline and as_json(summary.baseline),
                    "differences": summary.differences,
                    "seconds": round(summary.seconds, 3),
                }
            )
        )


def as_json(trial: Settled) -> dict[str, Any]:
    """A settled trial as the object that `--json` prints."""
    return {
        "number": trial.number,
        "run": trial.run,
        "baseline": trial.baseline,
        "state": trial.state,
        "params": trial.params,
        "metrics": trial.metrics,
        "reason": trial.reason,
        "seconds": round(trial.seconds, 6),
    }


class Lines:
    """A line a settled trial, for logs and pipes."""

    def __init__(self, metric: str, goal: str, last: Callable[[Summary], str]) -> None:
        self._metric = metric
        self._last = last
        self._goal = goal
        self._total: int | None = None
        self._done = 0

    def started(self, name: str, trials: int | None, workers: int, done: int) -> None:
        self._total, self._done = trials, done
        click.echo(opening(name, self._goal, trials, workers))

    def notice(self, sentence: str) -> None:
        click.echo(plain(sentence))

    def settled(self, trial: Settled, best: Settled | None) -> None:
        self._done += trial.number is not None
        width = len(str(self._total or 999))
        value = number(trial.metrics[self._metric]) if self._metric in trial.metrics else MISSING
        line = (
            f"{of(self._done, self._total, width)}  {look(trial.state).glyph} {trial.state:<8} "
            f"{which(trial):<{width + 1}}  {self._metric} {value:>8}  {duration(trial.seconds):>7}"
        )
        if trial.reason and trial.state != "pruned":
            line += f"  {plain(trial.reason)}"
        elif trial.baseline:
            line += "  the baseline"
        elif best is not None:
            line += f"  best {number(best.metrics[self._metric])} ({which(best)})"
        click.echo(line)

    def tick(self, running: int, wish: Wish, trials: int | None) -> None:
        self._total = trials

    def ended(self, summary: Summary) -> None:
        click.echo(self._last(summary))


class Bar:
    """One live line on a terminal; what failed stands above it."""

    def __init__(self, metric: str, goal: str, last: Callable[[Summary], str]) -> None:
        self._metric = metric
        self._last = last
        self._goal = goal
        self._console = Console(highlight=False)
        self._live = Live(console=self._console, refresh_per_second=4, transient=True)
        self._name = ""
        self._total: int | None = None
        self._running = self._before = 0
        self._wish = Wish.GO_ON
        self._counts: Counter[str] = Counter()
        self._best: Settled | None = None
        self._began = time.monotonic()

    def started(self, name: str, trials: int | None, workers: int, done: int) -> None:
        self._name, self._total, self._began = name, trials, time.monotonic()
        self._before = done
        self._console.print(Text(opening(name, self._goal, trials, workers), style="dim"))
        self._live.start()
        self._paint()

    def notice(self, sentence: str) -> None:
        self._console.print(Text(plain(sentence), style="yellow"))

    def settled(self, trial: Settled, best: Settled | None) -> None:
        self._counts[trial.state] += 1
        self._best = best
        if trial.state in WENT_WRONG:
            what = f"{look(trial.state).glyph} {self._name} {which(trial)} {trial.state}: {plain(trial.reason or '')}"
            self._console.print(Text(what, style="red"))
        self._paint()

    def tick(self, running: int, wish: Wish, trials: int | None) -> None:
        self._running, self._wish, self._total = running, wish, trials
        self._paint()

    def ended(self, summary: Summary) -> None:
        self._live.stop()
        self._console.print(Text(self._last(summary)))

    def _paint(self) -> None:
        here = self._counts.total()
        done = self._before + here
        elapsed = time.monotonic() - self._began
        filled = BAR * done // max(1, self._total or 1) if self._total else 0
        parts = [
            f"{self._name} {'━' * filled}{'─' * (BAR - filled)} {of(done, self._total)}",
            "  ".join(f"{look(state).glyph} {n}" for state, n in sorted(self._counts.items())),
        ]
        if self._best is not None:
            parts.append(f"best {number(self._best.metrics[self._metric])} ({which(self._best)})")
        if here:
            rate = here / elapsed
            parts.append(f"{number(rate)}/s")
            if self._total:
                parts.append(f"ETA {duration(max(0, self._total - done) / rate)}")
        if self._wish is Wish.FINISH:
            parts = [*parts[:2], f"stopping: {self._running} still run, Ctrl-C again ends them"]
        elif self._wish is Wish.STOP:
            parts = [*parts[:2], "stopping now"]
        self._live.update(Text("   ".join(filter(None, parts)), no_wrap=True, overflow="ellipsis"))


class Quiet:
    """Says nothing; tells `begun` the sweep's name once it has one."""

    def __init__(self, begun: Callable[[str], None]) -> None:
        self._begun = begun

    def started(self, name: str, trials: int | None, workers: int, done: int) -> None:
        self._begun(name)

    def notice(self, sentence: str) -> None:
        click.echo(plain(sentence))  # into the sweep's own log

    def settled(self, trial: Settled, best: Settled | None) -> None:
        pass

    def tick(self, running: int, wish: Wish, trials: int | None) -> None:
        pass

    def ended(self, summary: Summary) -> None:
        pass


class HangUpProof:
    """Passes everything on until nobody listens: a sweep does not end because its terminal did."""

    def __init__(self, inner: Progress) -> None:
        self._inner: Progress | None = inner

    def started(self, name: str, trials: int | None, workers: int, done: int) -> None:
        self._pass_on("started", name, trials, workers, done)

    def notice(self, sentence: str) -> None:
        self._pass_on("notice", sentence)

    def settled(self, trial: Settled, best: Settled | None) -> None:
        self._pass_on("settled", trial, best)

    def tick(self, running: int, wish: Wish, trials: int | None) -> None:
        self._pass_on("tick", running, wish, trials)

    def ended(self, summary: Summary) -> None:
        self._pass_on("ended", summary)

    def _pass_on(self, what: str, *arguments: Any) -> None:
        if self._inner is None:
            return
        try:
            getattr(self._inner, what)(*arguments)
        except OSError:
            self._inner = None


WENT_WRONG = ("failed", "lost", "timeout", "oom")


def opening(name: str, goal: str, trials: int | None, workers: int) -> str:
    """A sweep's beginning in a line."""
    many = "" if trials is None else f", {trials} trials"
    return f"{plain(name)}: {goal}{many}, {workers} at a time"


def which(trial: Settled) -> str:
    """`#12`; a baseline of its own function has no number."""
    return "baseline" if trial.number is None else f"#{trial.number}"


def of(done: int, total: int | None, width: int = 0) -> str:
    """`12/30`, or `12` where no number of trials was asked for."""
    return f"{done:>{width}}" + ("" if total is None else f"/{total}")
