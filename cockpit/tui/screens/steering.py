"""What can be done to a sweep from its screen: each key only where it can do something."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from textual.binding import Binding, BindingType

from cockpit import format as fmt
from cockpit.tui.control import Refused
from cockpit.tui.phrases import ALIVE, label
from cockpit.tui.screens.ask import AskPoint, Confirm, ConfirmStop
from cockpit.tui.screens.ways import WaysScreen

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.app import App

    from storage.runs import Run
    from storage.sweeps import Sweep

MORE = 10
"""Trials that are offered to be added."""
MOST = 100_000
"""A larger number was a slip of the finger."""


class SteeringScreen(WaysScreen):
    """A screen that shows a sweep, which it can pause, stop, extend and so on."""

    KEYS_FIRST: ClassVar[tuple[str, ...]] = (
        "pause", "go_on", "resume", "add", "workers", "stop", "kill", "prune", "enqueue",
    )  # fmt: skip
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("P", "pause", "pause", id="sweep.pause",
                tooltip="Start no further trial; those that run come to their end"),
        Binding("P", "go_on", "continue", id="sweep.continue", tooltip="Go on with the paused sweep"),
        Binding("R", "resume", "resume", id="sweep.resume",
                tooltip="Go on with the ended sweep, detached"),
        Binding("plus", "add", "add trials", key_display="+", id="sweep.add",
                tooltip="Let the sweep try more"),
        Binding("w", "workers", "workers", id="sweep.workers",
                tooltip="Change how many trials run at a time"),
        Binding("S", "stop", "stop", id="sweep.stop", tooltip="Stop the sweep"),
        Binding("K", "kill", "kill", id="sweep.kill", tooltip="End the selected trial"),
        Binding("x", "prune", "prune", id="sweep.prune",
                tooltip="Prune the selected trial: end it, and tell the sampler so"),
        Binding("E", "enqueue", "enqueue", id="sweep.enqueue",
                tooltip="Try a point of your own next, made from the selected trial's"),
    ]  # fmt: skip

    @property
    def steered(self) -> Sweep | None:
        """The sweep that is shown."""
        raise NotImplementedError

    def able(self, action: str) -> bool:
        if action not in _POSSIBLE:
            return super().able(action)
        sweep, run = self.steered, self.subject()
        return bool(sweep and self.shared.control and _POSSIBLE[action](sweep, run))

    # Of the sweep

    def action_pause(self) -> None:
        self._request("pause")

    def action_go_on(self) -> None:
        self._request("continue")

    def action_add(self) -> None:
        if sweep := self.steered:
            question = f"trials to add to {_name(sweep)} (it has {sweep.trials})"
            self._ask_number(question, MORE, lambda count: self._request("add", count=count))

    def action_workers(self) -> None:
        if sweep := self.steered:
            question = f"trials of {_name(sweep)} at a time"
            now = sweep.workers or 1
            self._ask_number(question, now, lambda count: self._request("workers", count=count))

    def action_stop(self) -> None:
        if sweep := self.steered:
            going = sweep.counts.get("running", 0)
            more = f"{going} trial{'s' * (going != 1)} running" if going else "no trial is running"

            def stop(now: bool | None) -> None:
                if now is not None:
                    self._request("stop", now=now)

            self.app.push_screen(ConfirmStop(f"Stop {_name(sweep)}?", more), stop)

    def action_resume(self) -> None:
        sweep = self.steered
        if sweep is None:
            return
        name, had = sweep.name, max(sweep.trials or 0, sweep.settled)
        if sweep.state != "complete":
            self._resume(name, None)
            return
        question = f"{_name(sweep)} has done its {had} trials; how many more"
        self._ask_number(question, MORE, lambda count: self._resume(name, had + count))

    def _resume(self, name: str, trials: int | None) -> None:
        control = self.shared.control
        assert control is not None
        doing = f"going on with {fmt.plain(name)}: its code is being imported…"
        self._steer(doing, lambda: control.resume(name, trials))

    # Of the selected trial

    def action_kill(self) -> None:
        self._end("kill", "End", "it is settled as stopped, and its sweep goes on")

    def action_prune(self) -> None:
        self._end("prune", "Prune", "it is ended as not worth going on with")

    def _end(self, what: str, verb: str, more: str) -> None:
        run = self.subject()
        if run is None:
            return

        def end(sure: bool | None) -> None:
            if sure:
                self._request_of(run, what)

        self.app.push_screen(Confirm(f"{verb} {fmt.plain(run.name)} now?", more), end)

    def action_enqueue(self) -> None:
        sweep, run, control = self.steered, self.subject(), self.shared.control
        if sweep is None or run is None or control is None:
            return
        from cockpit.sweep.control import Request

        name = sweep.name

        def send(point: dict[str, Any]) -> str:
            return control.ask(name, Request("enqueue", params=point))

        question = f"Try next in {_name(sweep)}, made from {label(run)}"
        self.app.push_screen(AskPoint(question, run.params, send), self._told)

    # Asking

    def _ask_number(self, question: str, number: int, then: Callable[[int], None]) -> None:
        def answered(text: str) -> None:
            text = text.strip()
            if text.isdecimal() and 1 <= int(text[:9]) <= MOST:
                then(int(text))
            elif text:
                self.tell(f"{text} is no whole number from 1 to {MOST:,}", tone="stopped")

        self._ask(question, str(number), answered)

    def _request(self, do: str, **more: Any) -> None:
        from cockpit.sweep.control import Request

        sweep, control = self.steered, self.shared.control
        if sweep is None or control is None:
            return
        name, request = sweep.name, Request(do, **more)
        self._steer(f"asking {_name(sweep)} to {do}…", lambda: control.ask(name, request))

    def _request_of(self, run: Run, do: str) -> None:
        from cockpit.sweep.control import Request

        control = self.shared.control
        assert control is not None
        doing = f"asking for {fmt.plain(run.name)} to be ended…"
        self._steer(doing, lambda: control.ask_of_run(run.id, Request(do)))

    def _steer(self, doing: str, deed: Callable[[], str]) -> None:
        """Do it in a thread of its own, since a driver takes its time; then show what it says."""
        app = self.app

        def run() -> None:
            try:
                answer, tone = deed(), ""
            except Refused as error:
                answer, tone = str(error), "stopped"
            app.call_from_thread(self._told, answer, tone)

        self.tell(doing)
        # The app's own: the screen's would end with the screen.
        app.run_worker(run, thread=True, group="control", exit_on_error=False)

    def _told(self, answer: str | None, tone: str = "") -> None:
        if answer:
            tell_in_front(self.app, answer, tone)


def tell_in_front(app: App[object], sentence: str, tone: str = "") -> None:
    """Show it on the screen in front, which may be another than the one that asked."""
    screens = (one for one in reversed(app.screen_stack) if isinstance(one, WaysScreen))
    next(screens).tell(sentence, tone=tone)


def _name(sweep: Sweep) -> str:
    return fmt.plain(sweep.name)


def _alive(sweep: Sweep, _: Run | None) -> bool:
    return sweep.state in ALIVE


def _can_end(sweep: Sweep, run: Run | None) -> bool:
    return sweep.state in ALIVE and run is not None and run.state == "running"


_POSSIBLE: dict[str, Callable[[Sweep, Run | None], bool]] = {
    "pause": lambda sweep, _: sweep.state == "running",
    "go_on": lambda sweep, _: sweep.state == "paused",
    "resume": lambda sweep, _: sweep.state not in ALIVE,
    "add": lambda sweep, _: sweep.state in ALIVE and sweep.trials is not None,
    "workers": _alive,
    "stop": _alive,
    "kill": _can_end,
    "prune": _can_end,
    "enqueue": lambda sweep, run: sweep.state in ALIVE and run is not None and bool(run.params),
}
