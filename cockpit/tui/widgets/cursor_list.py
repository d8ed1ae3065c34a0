"""Lines with a cursor, painted one by one: what the lists and tables of all screens have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.geometry import Region
from textual.scroll_view import ScrollView

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.style import Style

TONES = (
    *("quiet", "faint", "accent", "complete", "failed", "stopped", "lost"),
    *("bold", "sorted", "at", "cursor"),
)


class CursorList(ScrollView, can_focus=True, inherit_bindings=False):
    """Places are counted from the first line that scrolls; the `header` stays above it."""

    DEFAULT_CSS = """
    CursorList {
        height: 1fr; width: 1fr; overflow-x: hidden;
        & > .list--quiet { color: $quiet; }
        & > .list--faint { color: $faint; }
        & > .list--accent { color: $tone; }
        & > .list--complete { color: $complete; }
        & > .list--failed { color: $failed; }
        & > .list--stopped { color: $stopped; }
        & > .list--lost { color: $lost; }
        & > .list--bold { text-style: bold; }
        & > .list--sorted { color: $tone; text-style: bold; }
        & > .list--at { text-style: reverse; }
        & > .list--cursor { background: $cursor; }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"list--{tone}" for tone in TONES}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "up", show=False, id="pane.row-up", tooltip="One line up"),
        Binding("down,j", "move(1)", "down", show=False, id="pane.row-down",
                tooltip="One line down"),
        Binding("pageup", "page(-1)", "page up", show=False, id="pane.page-up",
                tooltip="A screenful up"),
        Binding("pagedown", "page(1)", "page down", show=False, id="pane.page-down",
                tooltip="A screenful down"),
        Binding("G,end", "last", "last", show=False, id="pane.row-last", tooltip="Last line"),
    ]  # fmt: skip

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.cursor = 0

    @property
    def header(self) -> int:
        """Lines at the top that do not scroll."""
        return 0

    @property
    def here(self) -> int | None:
        """The line that the cursor is on."""
        return self.cursor

    @property
    def room(self) -> int:
        """Lines in sight below the header."""
        return max(1, self.size.height - self.header)

    def reach(self, place: int, top: int | None = None) -> None:
        """Bring a line into sight; from below, the lines from `top` on too."""
        top = place if top is None else top
        if top < self.scroll_offset.y:
            self.scroll_to(y=max(0, top), animate=False)
        elif place >= self.scroll_offset.y + self.room:
            self.scroll_to(y=place - self.room + 1, animate=False)

    def action_move(self, by: int) -> None:
        raise NotImplementedError

    def action_page(self, way: int) -> None:
        """A screenful, of which one line stays in sight."""
        self.action_move(way * max(1, self.room - 1))

    def action_last(self) -> None:
        raise NotImplementedError

    # Painting

    def watch_has_focus(self, has_focus: bool) -> None:
        super().watch_has_focus(has_focus)
        if self.here is not None:
            self.refresh_lines(self.here)

    def refresh_lines(self, *places: int) -> None:
        """Paint these again, where they are in sight."""
        for place in places:
            y = place - self.scroll_offset.y
            if y >= 0:
                self.refresh(Region(0, self.header + y, self.size.width, 1))

    def tone(self, words: str) -> Style:
        """The style of a tone, `bold` before it or not."""
        styles = [
            self.get_component_rich_style(f"list--{one}", partial=True) for one in words.split()
        ]
        return sum(styles[1:], styles[0])

    def bar(self, base: Style, here: bool, cells: int = 2) -> Segment:
        """What stands before a line: a bar where the cursor is."""
        style = base + self.tone("accent" if self.has_focus else "faint")
        return Segment(("▌" if here else " ").ljust(cells), style)

    def painted(self, parts: Iterable[tuple[str, str]], base: Style) -> list[Segment]:
        """Texts in their tones."""
        return [Segment(text, base + self.tone(tone) if tone else base) for text, tone in parts]
