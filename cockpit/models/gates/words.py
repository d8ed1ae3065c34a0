"""What came of a gate, in a sentence: by how much, of how many rows, and how much of it may be chance."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cockpit.evaluate.significance import Difference
    from cockpit.models.gates.judging import Judged
    from storage.expressions.gates import Gate

NAMED = 3
"""Slices named in a sentence."""
FIRST = "a first promotion: there is no incumbent to compare with"
"""Of a gate that nothing can be compared with."""


def number(value: float | str | None) -> str:
    """Four significant digits."""
    if value is None:
        return "nothing"
    if isinstance(value, str):
        return repr(value)
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def apart(difference: Difference) -> str:
    """`-0.0612 [-0.0911, -0.0313]`, `+3,285 [-1,105, +7,675]`."""
    if difference.value is None:
        return f"no difference: {difference.reason}"
    ends = (difference.value, difference.low or 0.0, difference.high or 0.0)
    form = _form(max(map(abs, ends)))
    text = format(difference.value, form)
    if difference.low is None or difference.high is None:
        why = (difference.reason or "").removeprefix("no interval").lstrip(": ")
        return f"{text} (no interval: {why})"
    return f"{text} [{difference.low:{form}}, {difference.high:{form}}]"


def apart_as_kept(told: Mapping[str, Any]) -> str:
    """As `apart`, of a slice as `cockpit.models.gates.changes` tells it."""
    from cockpit.evaluate.significance import Difference

    return apart(Difference(**told["difference"], reason=told["reason"], verdict=told["verdict"]))


def _form(largest: float) -> str:
    """How figures that stand side by side are written: with four significant digits of the largest of them."""
    if largest >= 1000:
        return "+,.0f"
    if largest >= 1e-3:
        return f"+.{min(4, 3 - math.floor(math.log10(largest)))}f"
    if largest >= 1e-6:
        return f"+.{2 - math.floor(math.log10(largest))}f"
    return "+.3g" if largest else "+.4f"


def missing_sentence(one: Judged) -> str:
    """Of a gate that has no figure."""
    on = "" if one.slice == "all rows" else f" on {one.slice!r}"
    return f"there is no figure to judge{on}: {one.reason}"


def one_sentence(gate: Gate, one: Judged) -> str:
    """Of a gate about all rows, or one slice."""
    where = "" if one.slice == "all rows" else f" on {one.slice!r}"
    text = f"{_figures(gate, one)}{where}"
    if one.figure is not None:
        text += f", n {one.n:,}"
    if one.note:
        text += f" ({one.note})"
    if one.verdict == "fail" and one.holds:
        return f"{text}: more is asked than the incumbent has, and the difference may be chance"
    if one.verdict == "fail" and _may_be_chance(one.difference):
        return f"{text} (the difference may be chance)"
    return text


def slices_sentence(gate: Gate, found: Sequence[Judged]) -> str:
    """Of a gate about every slice; the worst first."""
    judged = [one for one in found if one.verdict != "not judged"]
    failed = [one for one in judged if one.verdict == "fail"]
    chance = [one for one in judged if one.verdict == "chance"]
    left = f", {len(found) - len(judged)} not judged" * (len(judged) < len(found))
    if not judged:
        return f"no slice could be judged: {found[0].reason}" if found else "there is no slice"
    if failed:
        some = "; ".join(_slice_words(gate, one) for one in failed[:NAMED])
        more = f"; and {len(failed) - NAMED} more" * (len(failed) > NAMED)
        return f"fails on {len(failed)} of {len(judged)} slices{left}: {some}{more}"
    if chance:
        some = "; ".join(_slice_words(gate, one) for one in chance[:NAMED])
        return (
            f"holds on {len(judged)} slices{left}; below it, and no more than chance may be: {some}"
        )
    worst = judged[0]
    return f"holds on {len(judged)} slices{left}; the nearest is {_slice_words(gate, worst)}"


def _slice_words(gate: Gate, one: Judged) -> str:
    if one.holds is None:
        return f"{one.slice!r}: {one.reason}"
    chance = one.holds and one.verdict == "fail"
    unproven = ", which may be chance" if chance else ""
    return f"{one.slice!r}: {_figures(gate, one)}, n {one.n:,}{unproven}"


def _figures(gate: Gate, one: Judged) -> str:
    """What was found, what it may be, and how far the incumbent is."""
    text = f"{number(one.value)}, must be {gate.holds.sign} {number(one.bound)}"
    if one.incumbent is not None and one.difference is not None:
        return f"{text}; the incumbent has {number(one.incumbent.value)}: {apart(one.difference)}"
    if one.incumbent is not None and one.figure is not None:
        return f"{text}; the incumbent has {number(one.incumbent.value)}"
    if one.difference is not None and any(name.incumbent for name in gate.holds.names()):
        return f"{text}; that is {apart(one.difference)} beside the incumbent's own"
    if one.difference is not None:
        return f"{text}: {apart(one.difference)} from it"
    figure = one.figure
    if figure is not None and figure.low is not None and figure.high is not None:
        return f"{text} [{number(figure.low)}, {number(figure.high)}]"
    return text


def _may_be_chance(difference: Difference | None) -> bool:
    if difference is None or difference.low is None or difference.high is None:
        return False
    return difference.low <= 0 <= difference.high
