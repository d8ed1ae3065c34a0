"""The groups of the runs in a table, laid over it; Enter shows the runs of one."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from cockpit.tui import grouping
from cockpit.tui.widgets.key_bar import KeyBar
from cockpit.tui.widgets.picker import Picker
from storage.groups import MOST

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.app import ComposeResult

    from storage.groups import RunGroup


class Groups(Picker):
    """A line for each group."""

    def __init__(self) -> None:
        super().__init__()
        self.groups: tuple[RunGroup, ...] = ()

    def count(self) -> int:
        return len(self.groups)

    def line(self, row: int, width: int) -> tuple[str, bool]:
        group = self.groups[row]
        return grouping.line(group, width - 1), group.best is None


class GroupList(ModalScreen[None]):
    """Folded, a group is a line; unfolded, it is what the table is filtered to."""

    DEFAULT_CSS = """
    GroupList { align: right bottom; }
    GroupList > Vertical {
        width: 78; max-width: 100%; height: 22; max-height: 100%;
        background: $surface; border: round $faint; padding: 0 1;
        border-title-color: $tone; border-subtitle-color: $quiet;
    }
    GroupList Static { width: 1fr; height: 1; padding: 0 1 0 2; color: $quiet; }
    GroupList KeyBar { dock: none; height: 1; background: $surface; padding: 0; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "unfold", "its runs", key_display="enter", id="groups.unfold",
                tooltip="Only the runs of this group in the table"),
        Binding("up,k", "move(-1)", "up", show=False, id="groups.up", tooltip="One line up"),
        Binding("down,j", "move(1)", "down", show=False, id="groups.down",
                tooltip="One line down"),
        Binding("pageup", "move(-15)", "page up", show=False, id="groups.page-up",
                tooltip="A screenful up"),
        Binding("pagedown", "move(15)", "page down", show=False, id="groups.page-down",
                tooltip="A screenful down"),
        Binding("escape,z,q", "close", "close", show=False, id="groups.close",
                tooltip="Back to the table as it was"),
    ]  # fmt: skip

    def __init__(self, by: str, metric: str, end: Callable[[RunGroup | None], None]) -> None:
        """`end` is called with the group to unfold, or with nothing."""
        super().__init__()
        self._by, self._metric, self._end = by, metric, end
        self.list = Groups()

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = "Groups"
            box.border_subtitle = "esc closes"
            yield Static("", id="titles", markup=False)
            yield self.list
            yield KeyBar()

    def on_mount(self) -> None:
        self.list.focus()

    def show(self, groups: tuple[RunGroup, ...]) -> None:
        """Take the groups as they are now; the cursor stays on its own."""
        if groups == self.list.groups:
            return
        here = [group.value for group in self.list.groups][self.list.cursor :][:1]
        rows = [row for row, group in enumerate(groups) if group.value in here]
        self.list.groups = groups
        self.list.show(rows[0] if rows else None)
        more = f": the first {MOST:,}" if len(groups) >= MOST else ""
        self.query_one(Vertical).border_title = f"Groups{more}"
        width = max(1, self.list.size.width - 3)
        self.query_one("#titles", Static).update(grouping.title(width, self._by, self._metric))

    def action_move(self, by: int) -> None:
        self.list.show(self.list.cursor + by)

    def action_unfold(self) -> None:
        if self.list.groups:
            self._close(self.list.groups[self.list.cursor])

    def action_close(self) -> None:
        self._close(None)

    def _close(self, group: RunGroup | None) -> None:
        self.dismiss(None)
        self._end(group)
