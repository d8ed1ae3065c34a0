"""The end of a log, following it as it grows."""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from cockpit.format import cut, log_line


class LogTail(ScrollView, can_focus=True):
    """Shows lines as a terminal would have left them; stays at the end unless scrolled up."""

    DEFAULT_CSS = """
    LogTail {
        height: 1fr; width: 1fr; padding: 0 1; overflow-x: hidden; color: $quiet;
        &:focus { color: $foreground; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "scroll_up", "up", show=False, id="log.up", tooltip="A line up"),
        Binding("down,j", "scroll_down", "down", show=False, id="log.down", tooltip="A line down"),
        Binding("g,home", "scroll_home", "start", show=False, id="log.first",
                tooltip="Start of the log's tail"),
        Binding("G,end", "scroll_end", "end", show=False, id="log.last",
                tooltip="End of the log; it is followed from there"),
    ]  # fmt: skip

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._raw: tuple[str, ...] | None = None
        self._run: str | None = None
        self._follows = True
        """The end is in sight; whoever scrolls up leaves it, whoever comes back to it follows again."""
        self.lines: list[str] = []

    def show(self, lines: tuple[str, ...], run: str | None = None) -> None:
        """Take the log's last lines, as they were written; another run's is looked at from its end."""
        if (lines, run) == (self._raw, self._run):
            return
        self._follows = self._follows or run != self._run
        self._raw, self._run = lines, run
        self.lines = [log_line(line) for line in lines]
        while self.lines and not self.lines[-1]:
            self.lines.pop()
        self.virtual_size = Size(self.size.width, len(self.lines))
        self._follow()
        self.refresh()

    def on_resize(self) -> None:
        self._follow()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        self._follows = self.scroll_target_y >= self.max_scroll_y  # be it still on its way there

    def watch_show_vertical_scrollbar(self, shown: bool) -> None:
        if shown:  # a bar that comes later than the place it shows
            self.vertical_scrollbar.position = self.scroll_y

    def _follow(self) -> None:
        # At once: `scroll_end` waits for a refresh, and until then the end is out of sight.
        if self._follows:
            self.scroll_to(y=self.max_scroll_y, animate=False, force=True, immediate=True)

    def render_line(self, y: int) -> Strip:
        row, base = y + self.scroll_offset.y, self.rich_style
        text = self.lines[row] if row < len(self.lines) else ""
        if not self.lines and self._raw is not None and y == 0:
            text = "nothing written yet"
        width = self.content_size.width
        return Strip([Segment(cut(text, width), base)]).adjust_cell_length(width, base)
