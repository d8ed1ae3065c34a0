"""The runs that the reader marked and the columns that were chosen: what the tables of all screens share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cockpit.tui.columns import Columns

if TYPE_CHECKING:
    from collections.abc import Iterable


class Marks:
    """Ids of runs in the order they were marked; they stay whatever is sorted, filtered or comes in."""

    def __init__(self, ids: Iterable[str] = ()) -> None:
        self._ids = dict.fromkeys(ids)

    def __contains__(self, run: str) -> bool:
        return run in self._ids

    def __len__(self) -> int:
        return len(self._ids)

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(self._ids)

    def toggle(self, run: str) -> None:
        if run in self._ids:
            del self._ids[run]
        else:
            self._ids[run] = None

    def add(self, runs: Iterable[str]) -> None:
        """Mark them too, after those already marked."""
        self._ids.update(dict.fromkeys(runs))

    def clear(self) -> None:
        self._ids.clear()


@dataclass
class Held:
    """One for the app; whoever remembers a store's screen writes and reads it."""

    marks: Marks = field(default_factory=Marks)
    columns: Columns = field(default_factory=Columns)
