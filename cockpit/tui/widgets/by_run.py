"""A table of lines by runs: the cursor is on a line, and one of the runs is chosen."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol

from textual.binding import Binding, BindingType
from textual.message import Message

from cockpit.tui.widgets.cursor_list import CursorList

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual import events

HEADER = 2
CHOSEN = " ▸ "
"""In the gap before the chosen run, as wide as that."""


class Placed(Protocol):
    """Where a run's column is."""

    @property
    def place(self) -> int: ...
    @property
    def x(self) -> int: ...
    @property
    def width(self) -> int: ...


class ByRun(CursorList):
    """Some lines are titles, which the cursor passes over."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "open", key_display="enter", id="compare.open",
                tooltip="Open the chosen run"),
        Binding("left", "choose(-1)", "run before", show=False, id="compare.left",
                tooltip="Choose the run to the left"),
        Binding("right", "choose(1)", "next run", show=False, id="compare.right",
                tooltip="Choose the run to the right"),
    ]  # fmt: skip

    @dataclass
    class Moved(Message):
        """The cursor is on another line, or another run is chosen."""

    @dataclass
    class Opened(Message):
        """Enter."""

    chosen = 0
    """The place of a run."""

    @property
    def header(self) -> int:
        return HEADER

    @property
    @abstractmethod
    def places(self) -> Sequence[int]:
        """The lines that the cursor can stand on."""

    @property
    @abstractmethod
    def runs(self) -> int:
        """How many there are."""

    @property
    @abstractmethod
    def columns(self) -> Sequence[Placed]:
        """Of the runs that are in sight."""

    @abstractmethod
    def show_chosen(self) -> None:
        """Paint which run is chosen; its column comes into sight."""

    def top_of(self, place: int) -> int:
        """The first of the lines that are to be seen with this one."""
        return place

    def nearest(self, place: int) -> int:
        """The line nearest to this one that the cursor can stand on."""
        return min(self.places, key=lambda one: abs(one - place), default=0)

    def go(self, place: int) -> None:
        """Put the cursor on a line."""
        before, self.cursor = self.cursor, place
        self.reach(place, self.top_of(place))
        self.refresh_lines(before, place)
        self.post_message(self.Moved())

    def choose(self, place: int) -> None:
        """Choose a run."""
        self.chosen = place
        self.show_chosen()
        self.post_message(self.Moved())

    def action_move(self, by: int) -> None:
        if places := self.places:
            now = places.index(self.cursor) if self.cursor in places else 0
            self.go(places[max(0, min(now + by, len(places) - 1))])

    def action_first(self) -> None:
        self.action_move(-len(self.places))

    def action_last(self) -> None:
        self.action_move(len(self.places))

    def action_choose(self, way: int) -> None:
        if 0 <= self.chosen + way < self.runs:
            self.choose(self.chosen + way)

    def action_open(self) -> None:
        self.post_message(self.Opened())

    def on_click(self, event: events.Click) -> None:
        for column in self.columns:
            if column.x <= event.x < column.x + column.width:
                self.choose(column.place)
        place = event.y - HEADER + self.scroll_offset.y
        if event.y >= HEADER and place in self.places:
            self.go(place)
