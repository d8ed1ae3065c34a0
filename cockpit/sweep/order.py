"""The order in which a sweep asked and told: written down as it goes, and kept to in a replay.

What a sampler suggests depends on its seed and on all it was asked and told before, in that order. With
several workers the order is the accident of who was done first; so each turn gets a number that is kept
with its trial, and a replay takes its turns by these numbers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from optuna.trial import TrialState

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from optuna.trial import FrozenTrial

    from cockpit.sweep.executors.seam import Outcome

ASKED, TOLD, SUGGESTED = "cockpit:asked", "cockpit:told", "cockpit:suggested"
"""Attributes of a trial: its turns' numbers; the last is a table by the param's name."""

ASK, TELL = "", "\0tell"
"""Turns that are no param's."""


class Order(Protocol):
    """Whose turn it is."""

    def may_ask(self) -> bool:
        """Whether a new trial may be asked for now."""
        ...

    def is_due(self, number: int, what: str) -> bool:
        """Whether it is this trial's turn to be told (`TELL`), or suggested the param `what`."""
        ...

    def take(self, number: int, what: str) -> int:
        """Take the turn; returns its number."""
        ...

    def prunes(self, number: int, step: int | None) -> bool | None:
        """What the pruner said at this step then; None where it is to be asked."""
        ...


class AsItComes:
    """First come, first served."""

    def __init__(self, turn: int = 0) -> None:
        self.turn = turn

    def may_ask(self) -> bool:
        return True

    def is_due(self, number: int, what: str) -> bool:
        return True

    def take(self, number: int, what: str) -> int:
        self.turn += 1
        return self.turn - 1

    def prunes(self, number: int, step: int | None) -> bool | None:
        return None


@dataclass(frozen=True, slots=True)
class _Turn:
    at: int
    number: int
    what: str


@dataclass
class Script:
    """The turns of an earlier sweep, one after the other."""

    name: str
    """The earlier sweep's."""
    trials: Sequence[FrozenTrial]
    ended: Mapping[int, Outcome] = field(default_factory=dict)
    """How those ended, by number, that are not run again but told as they were then."""
    differences: list[str] = field(default_factory=list)
    """Sentences about what came out otherwise than then, the first ones first."""

    def __post_init__(self) -> None:
        self._then = {trial.number: trial for trial in self.trials}
        self._turns = sorted(_turns(self.trials), key=lambda turn: turn.at)
        self._left = {(turn.number, turn.what) for turn in self._turns}
        self._next = 0
        self.turn = 0

    @property
    def most_at_once(self) -> int:
        """Trials that ran side by side at the most."""
        running = most = 0
        for turn in self._turns:
            running += (turn.what == ASK) - (turn.what == TELL)
            most = max(most, running)
        return most

    def may_ask(self) -> bool:
        ahead = self._ahead()
        return ahead is not None and ahead.what == ASK

    def is_due(self, number: int, what: str) -> bool:
        """What the earlier sweep did not have waits for nothing; nor does a trial that ended sooner.

        One that nobody was ever told of, since its driver was killed, is told after all the others.
        """
        ahead = self._ahead()
        if ahead is None:
            return True
        if (number, what) not in self._left:
            return what != TELL
        return ahead.number == number and what in (ahead.what, TELL)

    def take(self, number: int, what: str) -> int:
        self._left.discard((number, what))
        if what == TELL:
            self._left = {turn for turn in self._left if turn[0] != number}
        self.turn += 1
        return self.turn - 1

    def prunes(self, number: int, step: int | None) -> bool | None:
        then = self._then.get(number)
        if then is None:
            return None
        return then.state == TrialState.PRUNED and then.last_step == step

    @property
    def asks(self) -> int:
        """Trials that were asked for."""
        return sum(turn.what == ASK for turn in self._turns)

    def in_line(self) -> dict[str, Any] | None:
        """The attributes of the next trial, where its point was put in line by somebody; else None."""
        ahead = self._ahead()
        attrs = {} if ahead is None else self._then[ahead.number].system_attrs
        return attrs if "fixed_params" in attrs else None

    def compare(self, now: FrozenTrial) -> None:
        """Note how a trial came out otherwise than then."""
        then = self._then.get(now.number)
        if then is None:
            return
        for name, value in then.params.items():
            if name in now.params and now.params[name] != value:
                self.differences.append(
                    f"#{now.number}: {name} was {value!r} and is {now.params[name]!r}"
                )
        if then.state.is_finished() and then.values != now.values:
            self.differences.append(
                f"#{now.number}: the result was {then.values} and is {now.values}"
            )

    def _ahead(self) -> _Turn | None:
        while self._next < len(self._turns):
            turn = self._turns[self._next]
            if (turn.number, turn.what) in self._left:
                return turn
            self._next += 1
        return None


def next_turn(trials: Iterable[FrozenTrial]) -> int:
    """The number of the turn after all that these trials had."""
    return max((turn.at for turn in _turns(trials)), default=-1) + 1


def _turns(trials: Iterable[FrozenTrial]) -> Iterable[_Turn]:
    for trial in trials:
        attrs = trial.system_attrs
        if ASKED in attrs:
            yield _Turn(attrs[ASKED], trial.number, ASK)
        for name, at in attrs.get(SUGGESTED, {}).items():
            yield _Turn(at, trial.number, name)
        if TOLD in attrs:
            yield _Turn(attrs[TOLD], trial.number, TELL)
