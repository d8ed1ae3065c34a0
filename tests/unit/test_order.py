"""A replay takes its turns in the order of then, however its trials come in."""

from __future__ import annotations

import random

import optuna
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.trial import FrozenTrial, TrialState

from cockpit.sweep.order import (
    ASK,
    ASKED,
    SUGGESTED,
    TELL,
    TOLD,
    AsItComes,
    Script,
    next_turn,
)

Turn = tuple[int, str]


def trial(number: int, **attrs: object) -> FrozenTrial:
    made = optuna.trial.create_trial(state=TrialState.FAIL, system_attrs=attrs)
    made.number = number
    return made


def recorded(
    trials: int, workers: int, chance: random.Random
) -> tuple[list[FrozenTrial], list[Turn]]:
    """A sweep as it happened: its trials with their turns, and the turns in order."""
    order, turns = AsItComes(), []
    waiting: dict[int, list[str]] = {}
    attrs: dict[int, dict[str, object]] = {}
    asked = 0
    while asked < trials or waiting:
        may = [None] * (asked < trials and len(waiting) < workers) + list(waiting)
        number = chance.choice(may)
        if number is None:
            number, what = asked, ASK
            asked += 1
            waiting[number] = ["x", "y", TELL][chance.randrange(3) :]
            attrs[number] = {SUGGESTED: {}}
        else:
            what = waiting[number].pop(0)
        at = order.take(number, what)
        turns.append((number, what))
        if what == ASK:
            attrs[number][ASKED] = at
        elif what == TELL:
            attrs[number][TOLD] = at
            del waiting[number]
        else:
            attrs[number][SUGGESTED][what] = at  # type: ignore[index]
    return [trial(number, **attrs[number]) for number in range(trials)], turns


def replayed(script: Script, workers: int, chance: random.Random, sooner: int | None) -> list[Turn]:
    """The same code at another pace; trial `sooner` ends without asking for its params."""
    turns: list[Turn] = []
    ahead: dict[int, list[str]] = {}
    asked, total = 0, script.asks
    then = {t.number: t for t in script.trials}
    while asked < total or ahead:
        due = [number for number, whats in ahead.items() if script.is_due(number, whats[0])]
        if script.may_ask() and len(ahead) < workers:
            due.append(-1)
        assert due, "nobody's turn has come"
        number = chance.choice(due)
        if number == -1:
            number, what = asked, ASK
            asked += 1
            params = [] if number == sooner else list(then[number].system_attrs[SUGGESTED])
            ahead[number] = [*params, TELL]
        else:
            what = ahead[number].pop(0)
            if what == TELL:
                del ahead[number]
        script.take(number, what)
        turns.append((number, what))
    return turns


@settings(max_examples=200)
@given(st.integers(1, 12), st.integers(1, 4), st.integers(0, 2**32))
def test_at_another_pace_the_order_is_the_same(trials: int, workers: int, seed: int) -> None:
    chance = random.Random(seed)
    then, turns = recorded(trials, workers, chance)
    script = Script("s", then)
    assert script.most_at_once <= workers
    assert next_turn(then) == len(turns)
    assert replayed(script, script.most_at_once, chance, None) == turns


@settings(max_examples=200)
@given(st.integers(1, 12), st.integers(1, 4), st.integers(0, 2**32), st.data())
def test_a_trial_that_ends_sooner_than_then_holds_nobody_up(
    trials: int, workers: int, seed: int, data: st.DataObject
) -> None:
    chance = random.Random(seed)
    then, _ = recorded(trials, workers, chance)
    sooner = data.draw(st.integers(0, trials - 1))
    turns = replayed(Script("s", then), workers, chance, sooner)
    assert sorted(n for n, what in turns if what == TELL) == list(range(trials))
