"""Ways of working that are the same on every screen: copy, learn the command, note, tag, throw away, undo."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, ClassVar

from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets import Input

from cockpit import format as fmt
from cockpit.tui import clipboard, commands
from cockpit.tui.commands import Offer
from cockpit.tui.control import Refused
from cockpit.tui.deeds import Done
from cockpit.tui.editor import EditorFailed, edit_file, edit_text
from cockpit.tui.reporting import of_runs
from cockpit.tui.widgets.bottom import Prompt, Said

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from textual.app import ComposeResult
    from textual.timer import Timer

    from cockpit.tui.reporting import Report
    from cockpit.tui.screens.base import Shared
    from storage.runs import Run

SETTLED = 0.1
"""Seconds within which a key has brought what it brings."""
NEEDS_RUN = ("copy", "note", "tag", "edit", "throw")


class WaysScreen(Screen[None]):
    """A screen that says what its cursor is on; all else follows from that."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "note", "note", id="run.note", tooltip="Write a note on the run"),
        Binding("p", "promote", "promote", id="run.promote",
                tooltip="Make the run's model what an alias means, if its gates let it"),
        Binding("t", "tag", "tag", show=False, id="run.tag",
                tooltip="Tag the run, or the marked ones; -word takes a tag away"),
        Binding("e", "edit", "edit", show=False, id="edit",
                tooltip="Edit in $EDITOR: the run's note, or the spec of the sweep on screen"),
        Binding("y", "copy", "copy", show=False, id="copy",
                tooltip="Copy the run's id; again: its name, its value, its command"),
        Binding("o", "command", "command", show=False, id="command",
                tooltip="The command that shows what this screen shows; y copies it"),
        Binding("d", "throw", "delete", show=False, id="run.delete",
                tooltip="Move the run, or the marked ones, to the trash"),
        Binding("U", "undo", "undo", show=False, id="undo",
                tooltip="Undo the last note, tag or deletion"),
        Binding("r", "report", "report", id="report",
                tooltip="Save a report as markdown, and copy it; of several marked runs their comparison"),
    ]  # fmt: skip
    shared: Shared
    _offers: tuple[Offer, ...] = ()
    _offered: int = 0
    _copied: bool = False
    _outdated: bool = False
    _hushing: Timer | None = None

    # What the screens say

    def subject(self) -> Run | None:
        """The run under the cursor."""
        return None

    def marked(self) -> Sequence[str]:
        """Ids of the runs that are marked."""
        return ()

    def command_lines(self) -> tuple[str, ...]:
        """What to type to get what this screen shows, the nearest first."""
        run = self.subject()
        return (self.typed("show", run.id), self.typed("logs", run.id)) if run else ()

    def sorted_by(self) -> str | None:
        """What the rows are sorted by, so that its value can be copied."""
        return None

    def spec_of(self) -> str | None:
        """The sweep whose spec `e` opens; None where it opens the run's note."""
        return None

    def remembered(self) -> dict[str, Any]:
        """What the screen wants to find again when the cockpit is opened the next time: plain JSON."""
        return {}

    def recall(self, found: Mapping[str, Any]) -> None:
        """Take up what `remembered` said then; called before the screen is shown. Trust none of it."""

    def report_of(self) -> Report | None:
        """What a report of this screen is of; None where there is none."""
        return of_runs(self.marked(), self.subject())

    def typed(self, *arguments: str) -> str:
        """A command line of cockpit's for this store."""
        return commands.line(*arguments, store=self.shared.store)

    def compose_ways(self) -> ComposeResult:
        """The bottom line's other faces."""
        yield Said(markup=False)
        yield Prompt()

    # Telling

    def tell(self, text: str, hint: str = "", tone: str = "") -> None:
        """Show a sentence in the bottom line until the reader presses the next key."""
        self._offers = ()
        self._show(text, hint, tone)

    def _show(self, text: str, hint: str = "", tone: str = "") -> None:
        self._outdated = False
        self.query_one(Said).say(fmt.plain(text), hint, tone)

    def key_pressed(self) -> None:
        """What was told has been read; it goes, unless the key brings something else to tell."""
        if isinstance(self.focused, Input):
            self._offers = ()
        if self.has_class("-saying"):
            self._outdated = True
            if self._hushing:
                self._hushing.stop()
            self._hushing = self.set_timer(SETTLED, self._hush)

    def key_done(self) -> None:
        """The key has done what it is for, however long that took: what was offered before it is over."""
        if self._outdated:
            self._offers = ()

    def _hush(self) -> None:
        if self._outdated:
            self.query_one(Said).say("")

    def action_copy(self) -> None:
        run = self.subject()
        if self._offers and not self._copied:
            pass  # what stands there is what is meant
        elif self._offers:
            self._offered = (self._offered + 1) % len(self._offers)
        elif run:
            offers = commands.of_run(run, self.sorted_by(), self.shared.store)
            self._offers, self._offered = offers, 0
        else:
            return
        self._copy()

    def _copy(self) -> None:
        offer = self._offers[self._offered]
        sent = self.to_clipboard(offer.text)
        self._copied = True
        others = self._offers[self._offered + 1 :] or self._offers[: self._offered]
        verb = "copied" if sent else "to copy by hand:"
        hint = f"y again: {others[0].what}" if others else ""
        text = f"{verb} {offer.what}  {fmt.plain(offer.text)}"
        self._show(text, hint)

    def to_clipboard(self, text: str) -> bool:
        """Whether the terminal took it."""
        sequence = clipboard.sequence(text, os.environ)
        if sequence and self.app._driver:
            self.app._driver.write(sequence)
        return sequence is not None

    def offer(self, offers: tuple[Offer, ...], text: str, hint: str = "") -> None:
        """Show a sentence; as long as it stands there `y` copies what is offered."""
        self._offers, self._offered, self._copied = offers, 0, False
        self._show(text, hint)

    def action_command(self) -> None:
        again = self._offers and self._offers[0].what == "command"
        offers = tuple(Offer("command", line) for line in self.command_lines())
        if not offers:
            return
        self._offered = (self._offered + 1) % len(offers) if again else 0
        self._offers, self._copied = offers, False
        more = "   o another" if len(offers) > 1 else ""
        self._show(offers[self._offered].text, f"y copies{more}", "accent")

    # Notes and tags

    def action_note(self) -> None:
        run = self.subject()
        if run is None:
            return
        before = run.note or ""
        if "\n" in before:
            how = self.typed("note", run.id) if self.spec_of() else "e opens it in your editor"
            self.tell(f"the note of {run.name} has several lines", how)
            return
        label = f"note on {fmt.cut(fmt.plain(run.name), 24)}"
        self._ask(label, before, lambda text: self._note(run, text))

    def _note(self, run: Run, text: str) -> None:
        before = run.note or ""
        if text.strip() == before.strip():
            return

        def write(new: str, old: str) -> Done:
            self.shared.deeds.note(run.id, new)
            what = "noted on" if new.strip() else "note taken away from"
            return Done(f"{what} {run.name}", lambda: write(old, new))

        self.do(lambda: write(text, before))

    def action_tag(self) -> None:
        run, several = self.subject(), self.marked()
        if run is None and not several:
            return
        name = f"{len(several)} marked" if several else fmt.cut(fmt.plain(run.name), 24)  # type: ignore[union-attr]
        has = "" if several or not run or not run.tags else f" ({' '.join(run.tags)})"
        ids = tuple(several) or ((run.id,) if run else ())
        self._ask(f"tag {name}{has}", "", lambda text: self._tag(ids, name, text))

    def _tag(self, ids: Sequence[str], name: str, text: str) -> None:
        remove, tag = text.startswith("-"), text.strip().removeprefix("-").strip()
        if not tag:
            return

        def put(off: bool) -> Done:
            self.shared.deeds.tag(ids, tag, off)
            return Done(f"{'-' if off else '+'}{tag}  {name}", lambda: put(not off))

        self.do(lambda: put(remove))

    def _ask(self, label: str, value: str, then: Callable[[str], None]) -> None:
        self.tell("")
        self.query_one(Prompt).ask(label, value, then)

    # The editor

    def action_edit(self) -> None:
        sweep, run = self.spec_of(), self.subject()
        try:
            if sweep:
                self._edit_spec(sweep)
            elif run:
                text = edit_text(self.app, run.note or "", self.shared.settings.editor)
                self._note(run, text)
        except (EditorFailed, Refused) as error:
            self.tell(str(error), tone="stopped")

    def _edit_spec(self, sweep: str) -> None:
        path = self.shared.deeds.spec(sweep)
        if path is None:
            self.tell(f"the spec of {sweep} is not here any more")
            return
        edit_file(self.app, path, self.shared.settings.editor)

    # The trash

    def action_throw(self) -> None:
        run, several = self.subject(), self.marked()
        ids = tuple(several) or ((run.id,) if run else ())
        if not ids:
            return
        name = f"{len(ids)} marked runs" if several or run is None else run.name

        def throw() -> Done:
            self.shared.deeds.throw(ids)
            are = "are" if len(ids) > 1 else "is"
            return Done(f"{name} {are} in the trash", take_back)

        def take_back() -> Done:
            self.shared.deeds.take_back(ids)
            return Done(f"{name} {'are' if len(ids) > 1 else 'is'} back", throw)

        self.do(throw)

    def action_undo(self) -> None:
        if not self.shared.done:
            self.tell("there is nothing to undo")
            return
        self.do(self.shared.done.pop(), keep=False)

    def do(self, deed: Callable[[], Done], keep: bool = True) -> None:
        """Do it in a thread of its own, since the store may be busy; then say so."""

        def run() -> None:
            try:
                done = deed()
            except Refused as error:
                self.app.call_from_thread(self.tell, str(error), "", "stopped")
            else:
                self.app.call_from_thread(self._done, done, keep)

        self.run_worker(run, thread=True, group="deeds", exit_on_error=False)

    def _done(self, done: Done, keep: bool) -> None:
        if keep and done.undo:
            self.shared.done.append(done.undo)
        self.tell(done.said, "U undoes it" if keep and done.undo else "")

    def extras(self) -> Iterable[tuple[str, Callable[[], object]]]:
        """What the palette offers besides the bindings: what it does, and how."""
        return ()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return self.able(action)

    def action_promote(self) -> None:
        if run := self.subject():
            from cockpit.tui.screens.promoting import begin  # not before the first frame

            begin(self, run.id)

    def action_report(self) -> None:
        if asked := self.report_of():
            from cockpit.tui.screens.reporting import begin  # not before the first frame

            begin(self, asked.called, lambda: self.shared.deeds.report(asked))

    def able(self, action: str) -> bool:
        """Whether there is anything here that the action could be about."""
        if action == "report":
            return self.report_of() is not None
        if action == "promote":
            return self.subject() is not None
        return action not in NEEDS_RUN or self.subject() is not None or bool(self.marked())
