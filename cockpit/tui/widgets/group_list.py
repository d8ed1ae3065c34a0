"""The groups of the runs in a table, laid over it; Enter unfolds one: its runs stand beneath it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from cockpit import format as fmt
from cockpit.tui import grouping
from cockpit.tui.widgets.key_bar import KeyBar
from cockpit.tui.widgets.picker import Picker
from storage.groups import MOST, RunGroup
from storage.runs import Run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from textual.app import ComposeResult


class Groups(Picker):
    """A line for each group, and beneath those that are unfolded a line for each of their runs."""

    def __init__(self, metric: str) -> None:
        super().__init__()
        self.groups: tuple[RunGroup, ...] = ()
        self.unfolded: tuple[str | None, ...] = ()
        self._metric = metric
        self._members: Mapping[str | None, tuple[Run, ...]] = {}
        self._lines: tuple[RunGroup | Run | str, ...] = ()

    @property
    def chosen(self) -> RunGroup | Run | None:
        """What the cursor is on."""
        line = self._lines[self.cursor] if self._lines else None
        return None if isinstance(line, str) else line

    @property
    def group(self) -> RunGroup | None:
        """The group of the line under the cursor."""
        above = self._lines[: self.cursor + 1]
        return next((line for line in reversed(above) if isinstance(line, RunGroup)), None)

    def take(
        self, groups: tuple[RunGroup, ...], members: Mapping[str | None, tuple[Run, ...]]
    ) -> None:
        """Paint them as they are now; the cursor stays on its own."""
        here = _key(self.chosen)
        self.groups, self._members = groups, members
        self._lines = tuple(self._all())
        rows = [row for row, line in enumerate(self._lines) if _key(line) == here]
        self.show(rows[0] if rows else None)

    def toggle(self, group: RunGroup) -> None:
        """Fold it, or unfold it; its runs come with the next `take`."""
        others = tuple(value for value in self.unfolded if value != group.value)
        folded = len(others) == len(self.unfolded)
        self.unfolded = (*others, group.value) if folded else others
        self.take(self.groups, self._members)

    def _all(self) -> Iterator[RunGroup | Run | str]:
        for group in self.groups:
            yield group
            if group.value in self.unfolded:
                runs = self._members.get(group.value, ())
                yield from runs
                if runs and group.runs > len(runs):
                    yield f"      and {fmt.count(group.runs - len(runs))} more"

    def count(self) -> int:
        return len(self._lines)

    def line(self, row: int, width: int) -> tuple[str, bool]:
        match self._lines[row]:
            case RunGroup() as group:
                sign = "▾ " if group.value in self.unfolded else "▸ "
                return sign + grouping.line(group, width - 3), group.best is None
            case Run() as run:
                return grouping.member(run, self._metric, width - 1), run.state != "complete"
            case text:
                return fmt.fit(text, width - 1), True


def _key(line: RunGroup | Run | str | None) -> object:
    """What stays the same of a line while its figures change."""
    match line:
        case RunGroup():
            return ("group", line.value)
        case Run():
            return ("run", line.id)
    return line


class GroupList(ModalScreen["RunGroup | Run | None"]):
    """Gives the group that the table is to be filtered to, or the run that is to be opened."""

    DEFAULT_CSS = """
    GroupList { align: right bottom; }
    GroupList > Vertical {
        width: 78; max-width: 100%; height: 22; max-height: 100%;
        background: $surface; border: round $faint; padding: 0 1;
        border-title-color: $tone; border-subtitle-color: $quiet;
    }
    GroupList Static { width: 1fr; height: 1; padding: 0 1 0 2; color: $quiet; }
    GroupList #told { display: none; height: auto; max-height: 3; color: $tone; }
    GroupList KeyBar { dock: none; height: 1; background: $surface; padding: 0; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "unfold", "unfold", key_display="enter", id="groups.unfold",
                tooltip="The group's runs beneath it, or no longer; on a run: open it"),
        Binding("slash", "narrow", "filter the table", key_display="/", id="groups.narrow",
                tooltip="Only the runs of this group in the table"),
        Binding("o", "command", "command", id="groups.command",
                tooltip="The command that prints these groups"),
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

    def __init__(
        self,
        by: str,
        metric: str,
        command: str,
        want: Callable[[tuple[str | None, ...]], None],
    ) -> None:
        """`command` prints the same groups; `want` is told the values of those that are unfolded."""
        super().__init__()
        self._by, self._metric, self._command, self._want = by, metric, command, want
        self.list = Groups(metric)

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = "Groups"
            box.border_subtitle = "esc closes"
            yield Static("", id="titles", markup=False)
            yield self.list
            yield Static("", id="told", markup=False)
            yield KeyBar()

    def on_mount(self) -> None:
        self.list.focus()

    def show(
        self, groups: tuple[RunGroup, ...], members: Mapping[str | None, tuple[Run, ...]]
    ) -> None:
        """Take the groups, and the runs of those that are unfolded, as they are now."""
        self.list.take(groups, members)
        more = f": the first {MOST:,}" if len(groups) >= MOST else ""
        self.query_one(Vertical).border_title = f"Groups{more}"
        width = max(1, self.list.size.width - 5)
        title = grouping.title(width, self._by, self._metric)
        self.query_one("#titles", Static).update(f"  {title}")

    def action_move(self, by: int) -> None:
        self.list.show(self.list.cursor + by)

    def action_unfold(self) -> None:
        chosen = self.list.chosen
        if isinstance(chosen, RunGroup):
            self.list.toggle(chosen)
            self._want(self.list.unfolded)
        elif chosen is not None:
            self.dismiss(chosen)

    def action_narrow(self) -> None:
        if group := self.list.group:
            self.dismiss(group)

    def action_command(self) -> None:
        told = self.query_one("#told", Static)
        told.update(f"$ {fmt.plain(self._command)}")
        told.display = True

    def action_close(self) -> None:
        self.dismiss(None)
