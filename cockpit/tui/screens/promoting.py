"""A promotion before it is carried out: its gates with their figures, and what changes for whom."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Static

from cockpit import format as fmt
from cockpit.tui import clock
from cockpit.tui.data.page import Page, sentence
from cockpit.tui.models.desk import Proposal
from cockpit.tui.models.gates import failed_slice, proposal_page, slice_of, words_of
from cockpit.tui.models.pages import label_of, lasting
from cockpit.tui.screens import reporting
from cockpit.tui.screens.base import DataScreen
from cockpit.tui.screens.promoting_ask import AskWhy, ChooseAlias
from cockpit.tui.screens.promoting_data import PromotionQuestion, PromotionSnapshot
from cockpit.tui.screens.promoting_deeds import in_background
from cockpit.tui.screens.steering import tell_in_front
from cockpit.tui.theme import css
from cockpit.tui.widgets.folds import Folds
from cockpit.tui.widgets.line import Line, Piece, Words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult

    from cockpit.models.promotion import Checked
    from cockpit.tui.models.deeds import Choice, Offered
    from cockpit.tui.models.desk import Judgement
    from cockpit.tui.models.gates import Told
    from cockpit.tui.screens.base import Shared
    from cockpit.tui.screens.ways import WaysScreen
    from storage.models import Move

ATTEMPTS = itertools.count(1)


class GateLines(Folds):
    """The gates, and the slices behind them."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "unfold", "rows", key_display="enter", id="promote.rows",
                tooltip="The rows of the slice under the cursor, the worst answered first"),
    ]  # fmt: skip
    told: Sequence[Told] = ()
    """The gates."""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return action != "unfold" or slice_of(self.told, self.key) is not None


class PromotionScreen(DataScreen[PromotionQuestion, PromotionSnapshot]):
    """Judges first; what passes is promoted by a key, what fails by force and for a reason alone."""

    KEYS_FIRST: ClassVar[tuple[str, ...]] = ("unfold", "accept", "force", "again", "report", "back")
    TITLE = "Promote"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("p,enter", "accept", "promote", key_display="p", id="promote.accept",
                tooltip="Put the alias onto it: all gates pass"),
        Binding("F", "force", "force", id="promote.force",
                tooltip="Put the alias onto it against the gates: needs a reason, and is marked for ever"),
        Binding("R", "again", "judge again", id="promote.again",
                tooltip="Judge the gates anew, against what the alias means now"),
        Binding("escape", "back", "back", id="promote.back", tooltip="End the judging; leave everything as it is"),
    ]  # fmt: skip

    @classmethod
    def of(cls, shared: Shared, name: str, model: str, what: str, alias: str) -> PromotionScreen:
        """`name` is what people call the run or the version `what`."""
        return cls(shared, PromotionQuestion(Proposal(model, what, alias, next(ATTEMPTS))), name)

    def __init__(self, shared: Shared, question: PromotionQuestion, name: str) -> None:
        super().__init__(shared, question)
        self._called = fmt.plain(name)
        self._placed = 0
        """The attempt whose worst slice the cursor was put on."""

    def compose_body(self) -> ComposeResult:
        yield Line(id="verdict")
        yield Line(id="incumbent")
        yield Static(id="promotion-problem", markup=False)
        yield GateLines(id="promotion")
        yield Static(id="in-full", markup=False)

    def on_mount(self) -> None:
        self.lines.focus()

    @property
    def lines(self) -> GateLines:
        return self.query_one(GateLines)

    @property
    def proposal(self) -> Proposal:
        return self.question.proposal

    @property
    def judgement(self) -> Judgement | None:
        """What came of this attempt."""
        snapshot = self.snapshot
        return snapshot.judgement if snapshot and snapshot.question == self.question else None

    @property
    def gates(self) -> Sequence[Told]:
        """As they would be kept with the promotion; last, what changes for whom where no gate says it."""
        if self.judgement is None:
            return ()
        evidence = self.judgement.checked.evidence
        return *evidence["gates"], *filter(None, [evidence["changes"]])

    def title_words(self) -> str:
        asked = self.proposal
        return f"Promote {self._called} → {fmt.plain(asked.model)}@{fmt.plain(asked.alias)}"

    def command_lines(self) -> tuple[str, ...]:
        asked = self.proposal
        line = ("promote", asked.what, "--model", asked.model, "--to", asked.alias)
        first = self.typed(*line, "--check")
        if self.judgement and not self.judgement.checked.passed:
            rest = self.typed(*line, "--force", "--reason", "WHY")
        else:
            rest = self.typed(*line)
        return (first, rest, self.typed(*line, "--check", "--markdown"))

    def able(self, action: str) -> bool:
        judgement = self.judgement
        if action in ("accept", "force"):
            passed = judgement is not None and judgement.checked.passed
            return judgement is not None and passed == (action == "accept")
        if action == "again":
            return self.snapshot is not None and self.snapshot.finding.ended
        if action == "report":
            return judgement is not None
        return super().able(action)

    def action_report(self) -> None:
        """Of the gates as they were judged."""
        if judgement := self.judgement:
            deeds, checked = self.shared.deeds, judgement.checked
            reporting.begin(self, self._called, lambda: deeds.report_check(checked))

    # Painting

    def paint(self, snapshot: PromotionSnapshot) -> None:
        if snapshot.question != self.question:
            return
        problem = snapshot.finding.problem
        self.set_class(bool(problem), "-refused-here")
        if problem:
            text = f"{fmt.plain(problem[:1].upper() + problem[1:]).rstrip('.')}. Esc leads back."
            self.query_one("#promotion-problem", Static).update(text)
        self.lines.told = self.gates
        judgement, attempt = snapshot.judgement, self.proposal.attempt
        if judgement and self._placed != attempt:
            self._placed = attempt
            self.lines.key = failed_slice(self.gates) or "gate 0"
        self.lines.show(attempt, (attempt, judgement is not None), self._page)
        self.show_in_full()

    def _page(self, width: int, _: object) -> Page:
        if self.judgement is None:
            return Page()
        checked = self.judgement.checked
        page = proposal_page(self.gates, self.judgement.slices, checked.incumbent is None, width)
        notes = [line for note in checked.notes for line in sentence(note, width, "quiet")]
        below = ((("", ""),), *notes) if notes else ()
        return Page(page.above, page.titles, page.items, (*page.below, *below))

    def freshen(self) -> None:
        super().freshen()
        if self.children:
            self.query_one("#verdict", Line).words = Words((self._verdict(),))
            self.query_one("#incumbent", Line).words = self._incumbent_words()

    def _incumbent_words(self) -> Words:
        judgement = self.judgement
        if judgement is None:
            return Words()
        checked = judgement.checked
        incumbent, rows = checked.incumbent, (checked.evidence.get("on") or {}).get("rows")
        left = [Piece("a first promotion: there is no incumbent", "quiet")]
        if incumbent is not None:
            live = self.snapshot.live if self.snapshot else None
            left = [Piece(f"against v{incumbent.number} ({label_of(incumbent)})")]
            if live:
                since = lasting(live.time, clock.now())
                left.append(Piece(f"{fmt.plain(live.alias)} {since}", "quiet", rank=1, gap=2))
        if not checked.on:
            return Words(tuple(left))
        both = " for both" if incumbent else ""
        right = [Piece(f"{fmt.plain(checked.on)}{both}", "quiet", rank=2)]
        right.append(Piece(f"{fmt.count(rows or 0)} rows", "faint", rank=3, gap=2))
        return Words(tuple(left), tuple(right))

    def _verdict(self) -> Piece:
        snapshot, judgement = self.snapshot, self.judgement
        if judgement is None:
            return Piece(self._under_way(), "quiet")
        if snapshot and snapshot.outdated:
            live = snapshot.live
            text = f"{live.who} moved it to v{live.target}" if live else "the alias was taken away"
            return Piece(f"{fmt.plain(text)} meanwhile: R judges it against that", "bold stopped")
        checked = judgement.checked
        count = len(checked.results)
        failed = sum(not result.passed for result in checked.results)
        if failed:
            text = f"✗ {failed} of {count} gates fail{'s' * (failed == 1)}: it is not promoted"
            return Piece(text, "bold failed")
        gates = "nothing is asked of it" if not count else f"all {count} gates pass"
        gates = "its one gate passes" if count == 1 else gates
        return Piece(f"✓ {gates}: p promotes it", "bold complete")

    def _under_way(self) -> str:
        finding = self.snapshot.finding if self.snapshot else None
        if finding is None or finding.problem:
            return "not judged" if finding else ""
        if self.question.ended or finding.stopped:
            return "ended before it was judged: R judges it again, esc leads back"
        if finding.began is None:
            return "waiting for what was judged before to end …"
        doing = fmt.plain(finding.step.what) if finding.step else "reading the evaluation set"
        text = f"judging the gates: {doing} …"
        seconds = int((clock.now() - finding.began).total_seconds())
        return f"{text} {fmt.duration(float(seconds))}; esc ends it" if seconds else text

    def show_in_full(self) -> None:
        """What the line under the cursor says, in full."""
        title, words, tone = words_of(self.gates, self.lines.key)
        told = slice_of(self.gates, self.lines.key)
        if told and self.judgement:
            where = self.judgement.slices.get(str(told["slice"]), "")
            title = f"{title} ({where})" if where not in ("", title) else title
        title, words = fmt.plain(title), fmt.plain(words)
        parts: list[str | tuple[str, str]] = []
        if title:
            parts = [(title, css(f"bold {tone}".strip())), f"  {words}"]
        self.query_one("#in-full", Static).update(Content.assemble(*parts))

    def on_folds_moved(self, message: Folds.Moved) -> None:
        self.show_in_full()
        self.refresh_bindings()

    # What is done

    def on_folds_opened(self, message: Folds.Opened) -> None:
        from cockpit.tui.screens.rows_of_slice import RowsOfSliceScreen, Slice
        from cockpit.tui.screens.rows_of_slice_data import RowsQuestion

        told, judgement = slice_of(self.gates, message.key), self.judgement
        if told is None or judgement is None or judgement.checked.on is None:
            return
        named, on = str(told["slice"]), judgement.checked.on
        run = judgement.checked.candidate.run
        rows = int(judgement.checked.evidence["on"]["rows"])
        question = RowsQuestion(run, on, judgement.slices.get(named))
        about = Slice(named, self._called, on.rpartition("@")[0], rows)
        self.app.push_screen(RowsOfSliceScreen(self.shared, question, about))

    def action_again(self) -> None:
        asked = self.proposal
        again = Proposal(asked.model, asked.what, asked.alias, next(ATTEMPTS))
        self.ask(proposal=again, ended=False)
        self.set_class(False, "-refused-here")
        self.freshen()
        self.refresh_bindings()

    def action_accept(self) -> None:
        if self.judgement:
            checked = self.judgement.checked
            more = f"{_before(checked)} The gates, their figures and who did it are kept."
            self._ask_why(AskWhy(f"Make {self._called} {self._place}?", more), checked, False)

    def action_force(self) -> None:
        if self.judgement:
            checked = self.judgement.checked
            failed = [result.sentence for result in checked.results if not result.passed]
            more = f"Against the gates: {fmt.plain('; '.join(failed))}. It is marked for ever."
            needed = "why? a promotion against the gates needs a reason, kept beside it for ever"
            question = f"Force {self._called} to be {self._place}?"
            self._ask_why(AskWhy(question, more, needed), checked, True)

    @property
    def _place(self) -> str:
        return f"{fmt.plain(self.proposal.model)}@{fmt.plain(self.proposal.alias)}"

    def _ask_why(self, sheet: AskWhy, checked: Checked, force: bool) -> None:
        deeds = self.shared.deeds.models

        def answered(reason: str | None) -> None:
            if reason is not None:
                in_background(
                    self.app,
                    lambda: deeds.promote(checked, reason, force),
                    self._promoted,
                    "promoting…",
                )

        self.app.push_screen(sheet, answered)

    def _promoted(self, move: Move) -> None:
        app = self.app
        if app.screen is self:
            app.pop_screen()
        how = ", against its gates" if move.how == "forced" else ""
        name = fmt.plain(move.model)
        tell_in_front(app, f"{fmt.plain(move.alias)} of {name} is {name}@v{move.target} now{how}")

    def action_back(self) -> None:
        finding = self.snapshot.finding if self.snapshot else None
        lasts = finding is not None and not finding.ended and not self.question.ended
        if lasts and not self.notice:
            self.ask(ended=True)
            self.freshen()
        else:
            super().action_back()

    def leave(self) -> Any:
        return self.app.pop_screen()


def begin(screen: WaysScreen, what: str) -> None:
    """Ask where a run (its id) or a version is to be promoted to; then judge it."""

    def judge(offered: Offered, choice: Choice | None, alias: str) -> None:
        if choice is not None and alias:
            screen.app.push_screen(
                PromotionScreen.of(screen.shared, offered.name, choice.model, what, alias)
            )

    def ask(offered: Offered) -> None:
        def chosen(place: int | None) -> None:
            if place is None:
                return
            choice = offered.choices[place if place >= 0 else -1 - place]
            if place >= 0:
                judge(offered, choice, choice.alias)
                return
            label = f"another alias of {fmt.plain(choice.model)}"
            screen._ask(label, "", lambda text: judge(offered, choice, text.strip()))

        screen.tell("")
        screen.app.push_screen(ChooseAlias(offered.name, offered.choices), chosen)

    deeds = screen.shared.deeds.models
    in_background(screen.app, lambda: deeds.offered(what), ask, "looking for its model…")


def _before(checked: Checked) -> str:
    incumbent = checked.incumbent
    if incumbent is None:
        return "Nothing is it yet."
    return (
        f"It is v{incumbent.number} ({label_of(incumbent)}) now; B on Models (6) goes back to it."
    )
