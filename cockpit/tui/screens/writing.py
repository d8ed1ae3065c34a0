"""Writes slices into the table of a screen, and keeps those that are to stay in cockpit.toml."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cockpit import format as fmt
from cockpit.tui.deeds import Done
from cockpit.tui.screens.ask import Confirm
from cockpit.tui.screens.hunting import HuntingScreen
from cockpit.tui.widgets.expression import ExpressionEditor
from cockpit.tui.widgets.heat import HeatTable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from textual.app import ComposeResult

    from cockpit.tui.judged import Judged
    from cockpit.tui.screens.base import Shared
    from cockpit.tui.screens.slices_data import SlicesQuestion


class WritingScreen(HuntingScreen):
    """A screen with a heat table, and below it a line to write a slice in."""

    def __init__(self, shared: Shared, question: SlicesQuestion) -> None:
        super().__init__(shared, question)
        self._written: tuple[str, ...] = ()
        """Conditions, in the order in which they were added."""
        self._slice: str | None = None
        """The slice to go to as soon as it is there."""
        self._adding = False
        """Whether what is typed is to be added as soon as it is known to be a slice."""

    def compose_foot(self) -> ComposeResult:
        yield from self.compose_hunt()
        yield ExpressionEditor()

    @property
    def heat(self) -> HeatTable:
        return self.query_one(HeatTable)

    @property
    def editor(self) -> ExpressionEditor:
        return self.query_one(ExpressionEditor)

    def lay_out(self, judged: Judged) -> None:
        """Lay the table out, where it is another than the one that stands there."""
        raise NotImplementedError

    def ask_more(self) -> None:
        """Ask for the slices that were written and found, too."""
        weak = [one.expression for one in self.found.shown] if self.found else []
        self.ask(more=tuple(dict.fromkeys((*self._written, *weak))))

    # A slice that is written

    def action_expression(self) -> None:
        self.editor.open()

    def action_complete(self) -> None:
        self.editor.complete()

    def action_suggestion(self, by: int) -> None:
        self.editor.move(by)

    def on_expression_editor_changed(self, message: ExpressionEditor.Changed) -> None:
        # What was handed over within the pause is still what is meant.
        self._adding = self._adding and message.text == self.question.typed
        self.ask(typed=message.text)

    def on_expression_editor_submitted(self) -> None:
        if not self.editor.text:
            self._close_editor()
            return
        self._adding = True
        self.ask(typed=self.editor.text)
        self._add()

    def _add(self) -> None:
        """Put what was written into the table once it is known to be a slice."""
        if not self.editor.sound:
            return
        self._adding = False
        text = self.editor.text
        self._written = tuple(dict.fromkeys((*self._written, text)))
        self._slice = text
        self._close_editor()
        self.ask_more()
        if judged := self.judged:
            self.lay_out(judged)

    def _close_editor(self) -> None:
        self.editor.close()
        self.ask(typed="")
        self.heat.focus()

    def action_drop(self) -> None:
        entry = self.heat.entry
        text = entry.row.expression if entry and entry.row else None
        self._written = tuple(one for one in self._written if one != text)
        self.ask_more()

    # A slice that is kept

    def _known(self) -> Mapping[str, str]:
        return self.snapshot.judged.slices if self.snapshot else {}

    def action_keep_typed(self) -> None:
        if self.editor.sound:
            text = self.editor.text
            self._ask(
                f"name of the slice {fmt.cut(text, 30)}", "", lambda name: self._keep(name, text)
            )
        elif self.editor.text:
            self.tell("not saved: it is no slice yet")

    def action_save(self) -> None:
        entry = self.heat.entry
        text = entry.row.expression if entry and entry.row else None
        if entry is None or entry.kept or not text:
            self.tell("only a slice that was written or found here can be saved; the others are")
            return
        self._ask(f"name of the slice {fmt.cut(text, 30)}", "", lambda name: self._keep(name, text))

    def _keep(self, name: str, condition: str) -> None:
        name = name.strip()
        if not name:
            return
        there = self._known().get(name)
        if there is None or there == condition:
            self._write(name, condition)
            return

        def answered(yes: bool | None) -> None:
            if yes:
                self._write(name, condition)

        question = f"Replace the slice {fmt.plain(name)} of cockpit.toml?"
        self.app.push_screen(Confirm(question, f"it is {fmt.plain(there)} now"), answered)

    def _write(self, name: str, condition: str) -> None:
        def write() -> Done:
            take_back = self.shared.deeds.save_slice(name, condition)

            def back() -> Done:
                take_back()
                return Done(f"the slice {name!r} is out of cockpit.toml again", write)

            return Done(f"the slice {name!r} is in cockpit.toml now", back)

        self.do(write)
        if self.editor.display and self.editor.text == condition:
            self._slice = name
            self._written = tuple(dict.fromkeys((*self._written, condition)))
            self._close_editor()
            self.ask_more()
