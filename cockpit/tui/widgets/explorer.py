"""A chart to look into: zoom, smoothing, axes, and the values at an x, by keyboard and by mouse."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.message import Message

from cockpit.format import cut, number
from cockpit.tui.canvas import style
from cockpit.tui.overlay import BYS, View, overlay
from cockpit.tui.plot import reach
from cockpit.tui.reading import moved, panned, readings, snapped, x_words, zoomed
from cockpit.tui.smoothing import stepped
from cockpit.tui.widgets import chart
from cockpit.tui.widgets.chart import Chart

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from textual import events

    from cockpit.axes import Span
    from cockpit.tui.canvas import Colour, Glyphs
    from cockpit.tui.overlay import Strand

ANSWER = 0.05
"""Seconds between two redraws for keys that are held down."""
CLOSER = 0.5
PAN = 0.25


class Explorer(Chart, can_focus=True):
    """Up to twelve curves over each other, in the focus order of the screen.

    What is read and zoomed is the reader's: new data does not move it.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "read", "values", key_display="enter", id="chart.values",
                tooltip="Read the values; left and right go along, esc ends it"),
        Binding("plus,equals_sign", "zoom(1)", "zoom", key_display="+", id="chart.closer",
                tooltip="Zoom in, where values are read or in the middle"),
        Binding("minus", "zoom(-1)", "zoom out", key_display="-", show=False, id="chart.wider",
                tooltip="Zoom out"),
        Binding("0", "whole", "whole", show=False, id="chart.whole", tooltip="All of the x axis"),
        Binding("left", "along(-1)", "left", show=False, id="chart.left",
                tooltip="The values to the left; zoomed in, move there"),
        Binding("right", "along(1)", "right", show=False, id="chart.right",
                tooltip="The values to the right; zoomed in, move there"),
        Binding("home", "end(-1)", "first", show=False, id="chart.first",
                tooltip="The first values"),
        Binding("end", "end(1)", "last", show=False, id="chart.last", tooltip="The last values"),
        Binding("right_parenthesis", "smooth(1)", "smooth", key_display=")", id="chart.smoother",
                tooltip="Smooth more (exponential moving average)"),
        Binding("left_parenthesis", "smooth(-1)", "rougher", key_display="(", show=False,
                id="chart.rougher", tooltip="Smooth less"),
        Binding("X", "by", "x axis", id="chart.x",
                tooltip="x by step, log step, wall time or time since the start"),
        Binding("Y", "log_y", "log y", id="chart.y", tooltip="Log y axis, and back"),
        Binding("escape", "unread", "done", show=False, id="chart.done",
                tooltip="End reading values"),
    ]  # fmt: skip

    @dataclass
    class Viewed(Message):
        """The reader looks at the curves in another way."""

        view: View

    def __init__(
        self,
        empty: str,
        *,
        id: str | None = None,  # noqa: A002
        glyphs: Glyphs | None = None,
        view: View | None = None,
    ) -> None:
        super().__init__(empty, id=id, glyphs=glyphs)
        self._view = view or View()
        self._subject = ""
        self._strands: tuple[Strand, ...] = ()

    @property
    def view(self) -> View:
        return self._view

    @property
    def cursor(self) -> float | None:
        """The x whose values are read; None where none are."""
        return self._cursor

    def show_strands(self, subject: str, strands: Sequence[Strand]) -> None:
        """Show the curves of `subject` (a metric's name, safe to paint)."""
        if self._asked and (subject, tuple(strands)) == (self._subject, self._strands):
            return
        known = {strand.name for strand in self._strands}
        others = subject != self._subject or not known & {strand.name for strand in strands}
        if known and others:
            # Of other curves another stretch is of interest.
            self._view, self._cursor = replace(self._view, window=None), None
            self.refresh_bindings()
        self._subject, self._strands = subject, tuple(strands)
        shown = overlay(subject, self._strands, self._view)
        self.show(shown.title, shown.plot, shown.note)

    def look(self, view: View) -> None:
        """Look at the curves in another way."""
        if view == self._view:
            return
        if view.by != self._view.by:
            self._cursor = None
            self.refresh_bindings()
        self._view = view
        shown = overlay(self._subject, self._strands, view)
        self._title, self._plot = (shown.title, shown.note), shown.plot
        self._redraw_within(ANSWER)
        self.post_message(self.Viewed(view))

    def _heading(self, width: int, colours: Mapping[str, Colour]) -> Text:
        """Title and note; while values are read their x, and the value where there is but one curve."""
        title, note = self._title
        if self._cursor is not None:
            note = x_words(self._plot, self._cursor)
            alone = [one for one in readings(self._plot, self._cursor) if not one.series.letter]
            if len(alone) == 1 and alone[0].value is not None:
                note += f"  {number(alone[0].value, keep_zeros=True)}"
        mark = "▸ " if self.glyphs == "braille" else "> "
        text = Text(mark if self.has_focus else "", no_wrap=True)
        text.append(cut(title, max(0, width - len(text) - len(note) - 3)))
        reads = "bold" if self._cursor is not None else style(colours, "quiet")
        text.append(f"   {note}" if note else "", reads)
        text.truncate(width)
        return text

    def watch_has_focus(self, has_focus: bool) -> None:
        super().watch_has_focus(has_focus)
        if self.is_mounted:
            self._redraw()

    # Zoom

    @property
    def _full(self) -> Span | None:
        return reach(replace(self._plot, window=None))

    def action_zoom(self, way: int) -> None:
        self._zoom(way, self._cursor)

    def _zoom(self, way: int, centre: float | None) -> None:
        full, shown = self._full, reach(self._plot)
        if full and shown:
            middle = shown.at(0.5) if centre is None else centre
            window = zoomed(full, shown, CLOSER if way > 0 else 1 / CLOSER, middle)
            self.look(replace(self._view, window=window))

    def action_whole(self) -> None:
        self.look(replace(self._view, window=None))

    def _pan(self, way: float) -> None:
        full, shown = self._full, reach(self._plot)
        if full and shown:
            self.look(replace(self._view, window=panned(full, shown, way)))

    # Reading values

    def action_read(self) -> None:
        if self._cursor is not None:
            self._read(None)
        elif shown := reach(self._plot):
            self._read(snapped(self._plot, shown.at(1.0)))

    def action_unread(self) -> None:
        self._read(None)

    def action_along(self, way: int) -> None:
        if self._cursor is None and self._view.window:
            self._pan(way * PAN)
        elif self._cursor is None:
            self.action_read()
        elif self._picture:
            picture = self._picture
            self._read(moved(self._plot, picture.across, picture.width, self._cursor, way))

    def action_end(self, way: int) -> None:
        full = self._full
        if full:
            self._read(snapped(self._plot, full.high if way > 0 else full.low))

    def _read(self, x: float | None, pace: float = ANSWER) -> None:
        """Read the values at x; where that is out of sight the window goes along."""
        if x == self._cursor:
            return
        began = (x is None) != (self._cursor is None)
        self._cursor = x
        shown = reach(self._plot)
        if x is not None and shown and not shown.holds(x):
            self._pan(shown.part(x) - 0.5)
        if began:
            self.refresh_bindings()
        self._redraw_within(pace)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Esc leads back where no values are read."""
        if action == "unread":
            return self._cursor is not None
        return True

    # Axes and smoothing

    def action_smooth(self, way: int) -> None:
        self.look(replace(self._view, smooth=stepped(self._view.smooth, way)))

    def action_by(self) -> None:
        view = self._view
        if view.by == "step" and not view.log_x:
            self.look(replace(view, log_x=True, window=None))
        else:
            by = BYS[(BYS.index(view.by) + 1) % len(BYS)]
            self.look(replace(view, by=by, log_x=False, window=None))

    def action_log_y(self) -> None:
        self.look(replace(self._view, log_y=not self._view.log_y))

    # Mouse

    def on_mouse_down(self, event: events.MouseDown) -> None:
        self.capture_mouse()
        self._point(event)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        if event.button or self._cursor is not None:
            self._point(event)

    def on_mouse_up(self) -> None:
        self.release_mouse()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        self._scroll(event, 1)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        self._scroll(event, -1)

    def _scroll(self, event: events.MouseEvent, way: int) -> None:
        """Zoom while values are read; else the page that the chart stands on is scrolled."""
        if self._cursor is not None:
            event.stop()
            self._zoom(way, self._x_under(event))

    def _point(self, event: events.MouseEvent) -> None:
        x = self._x_under(event)
        if x is not None:
            self._read(snapped(self._plot, x), chart.REDRAW)

    def _x_under(self, event: events.MouseEvent) -> float | None:
        offset = event.get_content_offset_capture(self)
        return self._picture.x_at(offset.x) if self._picture else None
