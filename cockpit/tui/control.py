"""The seam to what runs: start a sweep, go on with one, ask one for something.

All of it may take seconds, so the screens call it from a thread of its own. Each answer is a sentence for
the notice line, and so is each error.
"""

from __future__ import annotations

import os
from threading import Thread
from typing import TYPE_CHECKING, Any, Protocol

from storage.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from cockpit.sweep.control import Request
    from cockpit.sweep.launch import Detached
    from cockpit.sweep.spec.draft import Draft
    from storage.layout import Layout


DEMO = "cockpit-demo"
"""The folder of the demo project, as `cockpit demo` calls it."""


class Refused(Exception):
    """It was not done; the message is a sentence for the screen."""


class Control(Protocol):
    """What the commands do, for the screens. Each method may raise `Refused`."""

    folder: Path
    """Where specs are looked for: the project's folder."""

    def ask(self, sweep: str, request: Request) -> str:
        """Ask a running sweep; returns what it says."""

    def ask_of_run(self, run: str, request: Request) -> str:
        """Ask the sweep of a running trial, by the trial's id."""

    def resume(self, sweep: str, trials: int | None) -> str:
        """Go on with a sweep that has ended, detached; `trials` in all where they change."""

    def specs(self) -> Mapping[Path, str]:
        """The specs beside the project, and in a few words what each is about."""

    def draft(self, spec: Path, overrides: Mapping[str, Any]) -> Draft:
        """What a spec comes to with these values, and what is wrong with it."""

    def launch(self, arguments: tuple[str, ...]) -> tuple[str, str]:
        """Start `cockpit sweep` with these arguments, detached; the sweep's name, and what there is to say."""

    def demo(self) -> tuple[str, str]:
        """Write the demo project beside the project and start its sweep; as `launch`."""


class StoreControl:
    """Does it as the commands do; what it needs is imported by the first call."""

    def __init__(self, layout: Layout) -> None:
        self.folder = layout.project
        self._layout = layout

    def ask(self, sweep: str, request: Request) -> str:
        from cockpit.sweep.remote import ask_sweep

        try:
            return ask_sweep(self._layout, sweep, request)
        except UserError as error:
            raise Refused(str(error)) from error

    def ask_of_run(self, run: str, request: Request) -> str:
        from cockpit.sweep.remote import ask_of_run

        try:
            return ask_of_run(self._layout, run, request)
        except UserError as error:
            raise Refused(str(error)) from error

    def resume(self, sweep: str, trials: int | None) -> str:
        more = () if trials is None else ("--trials", str(trials))
        started = self._detached("--resume", sweep, *more)
        return _after(started.said, f"{started.name}: goes on, detached (pid {started.pid})")

    def specs(self) -> Mapping[Path, str]:
        from cockpit.sweep.spec.draft import specs_in

        return specs_in(self.folder)

    def draft(self, spec: Path, overrides: Mapping[str, Any]) -> Draft:
        from cockpit.sweep.spec.draft import drafted

        return drafted(spec, overrides)

    def launch(self, arguments: tuple[str, ...]) -> tuple[str, str]:
        from cockpit.sweep.linger import advice

        started = self._detached(*arguments)
        said = f"{started.name}: runs detached (pid {started.pid}), also when this screen is closed"
        return started.name, _after(started.said, advice() or said)

    def demo(self) -> tuple[str, str]:
        from cockpit.demo.write import lacking, write_project

        if missing := lacking():
            raise Refused(missing)
        folder = self.folder / DEMO
        try:
            write_project(folder)
        except UserError as error:
            raise Refused(str(error)) from error
        return self.launch((str(folder / "sweep.toml"),))

    def _detached(self, *arguments: str) -> Detached:
        from cockpit.sweep.launch import detach

        try:
            started = detach((*arguments, "--store", str(self._layout.root)))
        except (UserError, OSError) as error:
            raise Refused(str(error)) from error
        # We are its parent for as long as the screens are open: without this it would end as a zombie.
        Thread(target=os.waitpid, args=(started.pid, 0), daemon=True).start()
        return started


def _after(warnings: Sequence[str], said: str) -> str:
    """What a start had to warn of goes first."""
    return "; ".join([*(line.strip() for line in warnings), said])
