"""What can be waited for: `sweep ended`, `trial failed`, or an expression over runs such as `auc > 0.95`.

NOUN WORD      NOUN is sweep, trial (a run of a sweep) or run (any)
  sweep        started · paused · ended (however it did) · complete · stopped · failed (or lost)
  trial, run   started · ended (however it did) · complete · pruned · stopped · failed (or timeout, oom, lost)
               · timeout · oom · lost
EXPRESSION     as in cockpit runs --where: fields, metrics and params of runs, compared
"""

from __future__ import annotations

from dataclasses import dataclass

from storage.errors import UserError
from storage.expressions.run_filter import is_condition
from storage.runs import SETTLED

_RUN_WORDS = {
    "started": ("running",),
    "ended": SETTLED,
    "failed": ("failed", "timeout", "oom", "lost"),
    **{state: (state,) for state in SETTLED if state != "failed"},
}
_SWEEP_WORDS = {
    "started": ("running",),
    "paused": ("paused",),
    "ended": ("complete", "stopped", "failed", "lost"),
    "complete": ("complete",),
    "stopped": ("stopped",),
    "failed": ("failed", "lost"),
}
WORDS = {"sweep": _SWEEP_WORDS, "trial": _RUN_WORDS, "run": _RUN_WORDS}
"""By noun and word, the states that are meant."""


class UnknownCondition(UserError):
    """Nothing of the kind can be waited for; the message says what can."""


@dataclass(frozen=True, slots=True)
class Condition:
    """What is waited for."""

    text: str
    """As it was written."""
    sweeps: tuple[str, ...] = ()
    """States of a sweep; empty where it is about runs."""
    where: str = ""
    """An expression over runs; see storage.expressions.run_filter."""
    passing: bool = False
    """A state that one can come into again: it is told of each time. What an expression says is told once a run."""


def parse(text: str) -> Condition:
    """Understand a condition. Raises `UnknownCondition`, and `FilterError` for an expression that is none.

    Whether the names in an expression are known turns out when the store is asked: a sweep that has just
    begun has no metric yet.
    """
    if is_condition(text):
        from storage.expressions.syntax import parse as parsed

        parsed(text)
        return Condition(text, where=text)
    noun, _, word = " ".join(text.lower().split()).partition(" ")
    if noun not in WORDS or word not in WORDS[noun]:
        raise UnknownCondition(_sentence(text, noun))
    states = WORDS[noun][word]
    if noun == "sweep":
        return Condition(text, sweeps=states, passing=True)
    listed = ", ".join(f"'{state}'" for state in states)
    trials = "number >= 0 and " if noun == "trial" else ""
    return Condition(text, where=f"{trials}state in ({listed})", passing=True)


def _sentence(text: str, noun: str) -> str:
    nouns = [noun] if noun in WORDS else list(WORDS)
    known = "; ".join(f"{noun} {'|'.join(WORDS[noun])}" for noun in nouns)
    return (
        f"{text!r} is nothing to wait for; there are: {known}; or an expression such as auc > 0.95"
    )
