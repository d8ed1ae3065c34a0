"""Which screens there are. Each is imported when it is opened: the first frame waits for the first alone."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from cockpit.tui.screens.base import DataScreen

    AnyScreen = DataScreen[Any, Any]


@dataclass(frozen=True, slots=True)
class Place:
    """A screen that can be gone to."""

    key: str
    """The digit that leads there, else what the screen is remembered by: its `place()`."""
    module: str
    """Among `cockpit.tui.screens`."""
    kind: str

    @property
    def screen(self) -> type[AnyScreen]:
        found = getattr(import_module(f"cockpit.tui.screens.{self.module}"), self.kind)
        return cast("type[AnyScreen]", found)


SCREENS = {
    "Runs": Place("1", "runs", "RunsScreen"),
    "Sweeps": Place("2", "sweep", "SweepScreen"),
    "Compare": Place("3", "compare", "CompareScreen"),
    "Slices": Place("4", "slices", "SlicesScreen"),
    "Data": Place("5", "data", "DatasetsScreen"),
    "Models": Place("6", "models", "ModelsScreen"),
}
"""Those that a digit leads to, by the name of their tab; the app has a binding for each."""
PLACES = {place.key: place for place in (*SCREENS.values(), Place("run", "run", "RunScreen"))}
"""Those that are opened again where they were left."""
