"""Text to read through: of its lines only those are painted again that have changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.visual import Visual
from textual.widget import Widget

from cockpit.tui.theme import css
from cockpit.tui.widgets.line import Line, Piece, Words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult

Parts = tuple[tuple[str, str], ...]
"""A line: texts and their tones, safe to paint."""


class Sheet(Widget):
    """The lines themselves, each cut at its end where it is too long."""

    DEFAULT_CSS = """
    Sheet { width: 1fr; height: auto; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.lines: tuple[Parts, ...] = ()

    def show(self, lines: tuple[Parts, ...]) -> None:
        """Show other lines."""
        before, self.lines = self.lines, lines
        if len(before) != len(lines):
            self.refresh(layout=True)
            return
        for y, (old, new) in enumerate(zip(before, lines, strict=True)):
            if old != new:
                self.refresh(Region(0, y, self.size.width, 1))

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return len(self.lines)

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        if y >= len(self.lines):
            return Strip.blank(width, self.rich_style)
        parts = [(text, css(tone)) if tone else text for text, tone in self.lines[y]]
        room = max(1, width - 2)
        line = Content.assemble(" ", *parts).truncate(room + 1, ellipsis=True)
        strips = Visual.to_strips(self, line, width, 1, self.visual_style)
        return strips[0].adjust_cell_length(width, self.rich_style)


class Paper(VerticalScroll):
    """Lines of text under a title."""

    DEFAULT_CSS = """
    Paper {
        height: 1fr; width: 1fr; overflow-x: hidden;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "scroll_up", "up", show=False, id="pane.up", tooltip="A line up"),
        Binding("down,j", "scroll_down", "down", show=False, id="pane.down",
                tooltip="A line down"),
        Binding("g,home", "scroll_home", "start", show=False, id="pane.first", tooltip="Start"),
        Binding("G,end", "scroll_end", "end", show=False, id="pane.last", tooltip="End"),
    ]  # fmt: skip

    def __init__(self, title: str, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self.title = title

    def compose(self) -> ComposeResult:
        yield Line()
        yield Sheet()

    def on_mount(self) -> None:
        self._entitle()

    def watch_has_focus(self, has_focus: bool) -> None:
        super().watch_has_focus(has_focus)
        if self.is_mounted:
            self._entitle()

    def _entitle(self) -> None:
        self.query_one(Line).words = heading(self.title, self.has_focus)

    def show(self, lines: Sequence[Parts]) -> None:
        """Show other lines; the place one has scrolled to is kept."""
        self.query_one(Sheet).show(tuple(lines))


def heading(title: str, focused: bool) -> Words:
    """The first line of a pane: `▸` says that the keys go there."""
    mark = Piece("▸", "accent") if focused else Piece(" ")
    return Words((mark, Piece(title, "bold" if focused else "quiet", gap=1)))
