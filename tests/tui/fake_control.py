"""A control that only remembers what it was asked, and answers at once, or when it is let."""

from __future__ import annotations

from threading import Event
from typing import TYPE_CHECKING, Any

from cockpit.sweep.spec.draft import drafted, specs_in
from cockpit.tui.control import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from cockpit.sweep.control import Request
    from cockpit.sweep.spec.draft import Draft


class FakeControl:
    """Reads real specs where it has a folder; starts and stops nothing."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.asked: list[tuple[Any, ...]] = []
        self.refuses: str | None = None
        self.gate = Event()
        """Nothing is answered while it is cleared."""
        self.gate.set()

    def ask(self, sweep: str, request: Request) -> str:
        return self._answer((sweep, request), f"{sweep}: done")

    def ask_of_run(self, run: str, request: Request) -> str:
        return self._answer((run, request), f"{run}: is being ended")

    def resume(self, sweep: str, trials: int | None) -> str:
        return self._answer((sweep, trials), f"{sweep}: goes on")

    def specs(self) -> Mapping[Path, str]:
        return specs_in(self.folder)

    def draft(self, spec: Path, overrides: Mapping[str, Any]) -> Draft:
        return drafted(spec, overrides)

    def launch(self, arguments: tuple[str, ...]) -> tuple[str, str]:
        return "income", self._answer(arguments, "income: runs detached")

    def demo(self) -> tuple[str, str]:
        return "income", self._answer(("demo",), "income: runs detached")

    def _answer(self, asked: tuple[Any, ...], said: str) -> str:
        self.gate.wait(10)
        if self.refuses:
            raise Refused(self.refuses)
        self.asked.append(asked)
        return said
