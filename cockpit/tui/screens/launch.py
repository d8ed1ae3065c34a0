"""Launch: a form made of a spec beside the project; what is changed in it is given beside the file."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from textual import work
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import OptionList, Static

from cockpit import format as fmt
from cockpit.tui import launch_form
from cockpit.tui.control import Refused
from cockpit.tui.editor import EditorFailed, edit_file
from cockpit.tui.feed import Snapshot
from cockpit.tui.screens.base import DataScreen
from cockpit.tui.screens.launch_data import LaunchQuestion
from cockpit.tui.screens.starting import show_started
from cockpit.tui.screens.steering import tell_in_front
from cockpit.tui.theme import css
from cockpit.tui.widgets.entry import Entry
from cockpit.tui.widgets.form import SpecForm, sentences

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Any

    from textual.app import ComposeResult

    from cockpit.sweep.spec.draft import Draft
    from cockpit.tui.control import Control
    from cockpit.tui.screens.base import Shared

NOTHING = (
    "No spec here: no *.toml with a [sweep] or a [run] in {folder}.\n\n"
    "The demo has one to look at and to change:  cockpit demo\n"
    "A function alone needs none:                cockpit sweep train.py:objective --trials 50"
)


class LaunchScreen(DataScreen[LaunchQuestion, Snapshot]):
    """First which spec, where there are several; then its form."""

    KEYS_FIRST = ("start", "screen.start", "app.focus_next", "back", "toml", "open_file")
    TITLE = "Launch"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "start", "start detached", key_display="enter",
                id="launch.start",
                tooltip="Start the sweep, detached: it goes on without this screen"),
        Binding("ctrl+t", "toml", "form or TOML", key_display="^t", id="launch.toml",
                tooltip="The spec as it would be run, large"),
        Binding("ctrl+o", "open_file", "edit the file", key_display="^o", id="launch.edit",
                tooltip="Open the spec in $EDITOR, and read it again"),
        Binding("tab,down", "app.focus_next", "next value", key_display="tab", id="launch.next",
                tooltip="The next value"),
        Binding("escape", "back", "back", id="launch.back", tooltip="Back; nothing is started"),
    ]  # fmt: skip

    def __init__(self, shared: Shared, control: Control) -> None:
        super().__init__(shared, LaunchQuestion())
        self._control = control
        self._specs: Mapping[Path, str] = {}
        self._spec: Path | None = None
        self._draft: Draft | None = None
        self._checked_for: dict[str, Any] | None = None
        """What the draft was made with; something else may be typed already."""
        self._impatient = False
        """Whether it is to be started as soon as it has been checked."""
        self._starting = False

    def compose_body(self) -> ComposeResult:
        yield Static(id="no-spec", markup=False)
        yield OptionList(id="specs", markup=False)
        yield Static(id="hint", markup=False)
        yield Static(id="problems", markup=False)
        yield Static(id="command", markup=False)

    def on_mount(self) -> None:
        self._look()

    # Which spec

    @work(thread=True, group="specs", exit_on_error=False)
    def _look(self) -> None:
        found = self._control.specs()
        self.app.call_from_thread(self._offer, found)

    def _offer(self, specs: Mapping[Path, str]) -> None:
        self._specs = specs
        if len(specs) == 1:
            self._open(next(iter(specs)))
            return
        self.set_class(not specs, "-none")
        folder = fmt.plain(str(self._control.folder))
        self.query_one("#no-spec", Static).update(NOTHING.format(folder=folder))
        self._choose()

    def _choose(self) -> None:
        self._spec = self._draft = None
        self.set_class(bool(self._specs), "-choosing")
        options = self.query_one(OptionList)
        options.clear_options()
        width = max((cell_len(spec.name) for spec in self._specs), default=0) + 3
        for spec, about in self._specs.items():
            name = fmt.fit(fmt.plain(spec.name), min(width, 40))
            options.add_option(Content.assemble(name, (fmt.plain(about), css("quiet"))))
        options.highlighted = 0 if self._specs else None
        options.focus()
        self.freshen()
        self.refresh_bindings()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self._open(list(self._specs)[event.option_index])

    # The form

    def _open(self, spec: Path) -> None:
        self._spec = spec
        self.set_class(False, "-choosing")
        self._check({})

    @work(thread=True, group="check", exclusive=True, exit_on_error=False)
    def _check(self, changed: dict[str, Any]) -> None:
        spec = self._spec
        if spec is not None:
            draft = self._control.draft(spec, changed)
            self.app.call_from_thread(self._checked, spec, draft, changed)

    def _checked(self, spec: Path, draft: Draft, changed: dict[str, Any]) -> None:
        form = self._form
        if spec != self._spec or (form is not None and form.overrides != changed):
            return  # the next check is on its way, or was faster
        self._draft, self._checked_for = draft, changed
        if form is None:
            self._make(spec, draft)
        else:
            form.show(draft, changed)
        taken = [sweep.name for sweep in self.snapshot.sweeps] if self.snapshot else []
        self.query_one("#problems", Static).update(sentences(draft, taken))
        self.query_one("#command", Static).update(f"$ {fmt.plain(self._command(changed))}")
        self.freshen()
        self.refresh_bindings()
        if self._impatient:
            self.action_start()

    def _make(self, spec: Path, draft: Draft) -> None:
        from cockpit.sweep.spec.draft import PRUNER_NAMES, SAMPLER_NAMES

        rows = launch_form.rows(draft.tables, spec.stem, SAMPLER_NAMES, PRUNER_NAMES)
        form = SpecForm(rows if draft.tables else ())
        self.mount(form, before="#hint")
        self.call_after_refresh(self._made, form, draft)

    def _made(self, form: SpecForm, draft: Draft) -> None:
        form.show(draft, {})
        for entry in form.query(Entry).results():
            entry.focus()
            break

    @property
    def _form(self) -> SpecForm | None:
        return next(iter(self.query(SpecForm)), None)

    def on_spec_form_changed(self) -> None:
        if self._form is not None:
            self._check(self._form.overrides)

    def on_spec_form_noted(self, message: SpecForm.Noted) -> None:
        self.query_one("#hint", Static).update(message.text)

    def _command(self, changed: dict[str, Any]) -> str:
        """What one would type here to start it so."""
        spec = os.path.relpath(self._spec or "")
        path = str(self._spec) if spec.startswith("..") else spec
        return self.typed("sweep", *launch_form.arguments(path, changed), "--detach")

    def command_lines(self) -> tuple[str, ...]:
        return (self._command(self._form.overrides),) if self._form and self._spec else ()

    def title_words(self) -> str:
        return f"Launch {fmt.plain(self._spec.name)}" if self._spec else "Launch"

    # Starting

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "start":
            return self._form is not None
        if action == "open_file":
            return self._spec is not None
        if action == "toml":
            return self._form is not None and self._form.yields
        return self.able(action)

    def action_start(self) -> None:
        form, draft = self._form, self._draft
        if form is None or draft is None or self._spec is None or self._starting:
            return
        self._impatient = form.overrides != self._checked_for
        if self._impatient:
            return
        if draft.problems:
            if not form.focus_wrong():
                self.tell("the file has to be mended first", "^o opens it", tone="stopped")
            return
        self._starting = True
        self.tell(f"starting {draft.names[0]}: its code is being imported…")
        self._start(launch_form.arguments(str(self._spec), form.overrides))

    def _start(self, words: tuple[str, ...]) -> None:
        app, control = self.app, self._control

        def run() -> None:
            try:
                name, said = control.launch(words)
            except Refused as error:
                app.call_from_thread(self._refused, str(error))
            else:
                app.call_from_thread(self._started, name, said)

        # The app's own: the screen's would end with the screen.
        app.run_worker(run, thread=True, group="control", exit_on_error=False)

    def _refused(self, sentence: str) -> None:
        self._starting = False
        tell_in_front(self.app, sentence, "stopped")

    def _started(self, name: str, said: str) -> None:
        if self.app.screen is not self:  # one has gone elsewhere meanwhile
            tell_in_front(self.app, said)
            return
        show_started(self.app, self.shared, name, said)

    # The file

    async def action_open_file(self) -> None:
        spec = self._spec
        if spec is None:
            return
        try:
            edit_file(self.app, spec, self.shared.settings.editor)
        except EditorFailed as error:
            self.tell(str(error), tone="stopped")
            return
        if self._form is not None:
            await self._form.remove()
        self._open(spec)

    # Leaving

    def action_toml(self) -> None:
        if self._form is not None:
            self._form.read_spec(self.toggle_class("-toml").has_class("-toml"))

    def action_back(self) -> None:
        if self.has_class("-toml"):
            self.action_toml()
        elif self._form is not None and len(self._specs) > 1:
            self._form.remove()
            self._choose()
        else:
            super().action_back()

    def leave(self) -> None:
        self.app.pop_screen()
