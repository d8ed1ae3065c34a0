"""What people do to models: an alias is put onto a version, or back onto the one before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from cockpit.tui.control import Refused

if TYPE_CHECKING:
    from datetime import datetime

    from cockpit.models.promotion import Checked
    from storage.layout import Layout
    from storage.models import Move, Version
    from storage.session import Session

FIRST = ("production", "candidate", "shadow")
"""Aliases that are offered though they mean nothing yet."""
WAIT = 5.0
"""Seconds to wait for somebody else's look at the store to end."""
NO_MODEL = (
    "cockpit.toml names no model: write [models.NAME] with what a version must hold, as "
    'gates = ["auc >= incumbent.auc - 0.002"]; gates = [] asks for nothing'
)


@dataclass(frozen=True, slots=True)
class Choice:
    """What something could be promoted to."""

    model: str
    alias: str
    version: Version | None = None
    """The one that the alias means now."""
    since: datetime | None = None
    is_it: bool = False
    """Whether that is the candidate itself."""


@dataclass(frozen=True, slots=True)
class Offered:
    """What can be promoted, and to what."""

    name: str
    """As people call it: the run's name, or `income@v3`."""
    choices: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class Return:
    """An alias, and where it would go back to."""

    alias: str
    here: Version
    target: Version | None
    """None: nothing was there before."""


class ModelDeeds(Protocol):
    """Each method takes its time, and may raise `Refused`."""

    def offered(self, what: str) -> Offered:
        """What a run (its id) or a version (`income@v3`) could become; a run without a model is refused."""

    def promote(self, checked: Checked, reason: str, force: bool) -> Move:
        """Put the alias where it was judged to go."""

    def returns(self, model: str) -> tuple[Return, ...]:
        """Where each alias of a model would go back to."""

    def roll_back(self, model: str, alias: str, reason: str) -> Move:
        """Put an alias back onto the version before."""


class NoModelDeeds:
    """Where there is no store to change."""

    def offered(self, what: str) -> Offered:
        raise Refused("nothing can be promoted here")

    def promote(self, checked: Checked, reason: str, force: bool) -> Move:
        raise Refused("nothing can be promoted here")

    def returns(self, model: str) -> tuple[Return, ...]:
        raise Refused("nothing can be rolled back here")

    def roll_back(self, model: str, alias: str, reason: str) -> Move:
        raise Refused("nothing can be rolled back here")


class StoreModelDeeds:
    """Does it as `cockpit promote` and `cockpit rollback` do."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout

    def offered(self, what: str) -> Offered:
        from cockpit.models.candidates import candidate_of
        from cockpit.project.reading import find_project
        from cockpit.tui.deeds import refusing
        from storage.store import Store

        with refusing():
            project = find_project(self._layout)
            named = what.rpartition("@")[0]
            known = [name for name in project.models if not named or name == named]
            if not known:
                raise Refused(NO_MODEL.replace("NAME", named or "NAME"))
            with Store(self._layout).session(WAIT) as session:
                found = [
                    (name, candidate_of(session, name, project.models[name], what))
                    for name in known
                ]
                choices = [
                    choice
                    for name, candidate in found
                    for choice in _choices(session, name, candidate.to.digest)
                ]
        return Offered(found[0][1].name, tuple(choices))

    def promote(self, checked: Checked, reason: str, force: bool) -> Move:
        from cockpit.models.promotion import promote
        from cockpit.tui.deeds import refusing

        with refusing():
            return promote(self._layout, checked, reason or None, force)

    def returns(self, model: str) -> tuple[Return, ...]:
        from cockpit.tui.deeds import refusing
        from storage.store import Store

        with refusing(), Store(self._layout).session(WAIT) as session:
            return tuple(_returns(session, model))

    def roll_back(self, model: str, alias: str, reason: str) -> Move:
        from cockpit.models.promotion import rollback
        from cockpit.tui.deeds import refusing

        with refusing():
            return rollback(self._layout, model, alias, reason or None)


def _choices(session: Session, model: str, digest: str) -> list[Choice]:
    from storage import models

    there = {move.alias: move for move in models.aliases(session, model)}
    found = []
    for alias in (*FIRST, *(alias for alias in there if alias not in FIRST)):
        move = there.get(alias)
        live = models.live(session, model, alias) if move else None
        is_it = live is not None and live.digest == digest
        found.append(Choice(model, alias, live, move.time if move else None, is_it))
    return found


def _returns(session: Session, model: str) -> list[Return]:
    from storage import models

    found = []
    for move in models.aliases(session, model):
        here = models.live(session, model, move.alias)
        try:
            before = models.before(session, model, move.alias)
        except models.NothingBefore:
            target = None
        else:
            target = models.by_digest(session, model, before)
        if here is not None:
            found.append(Return(move.alias, here, target))
    return found
