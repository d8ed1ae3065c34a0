"""What a promotion rests on, as JSON that is kept with it, and as markdown for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cockpit.models.gates.words import apart, apart_as_kept, number

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from cockpit.evaluate.metrics import Figure
    from cockpit.evaluate.significance import Difference
    from cockpit.models.gates.judging import GateResult, Judged
    from cockpit.models.promotion import Checked

KEPT = 200
"""Slices of a gate that are kept, the worst."""
MARKS = {"pass": "pass", "fail": "FAIL", "first": "first promotion"}


def result_as_json(found: GateResult) -> dict[str, Any]:
    """A gate and what came of it."""
    told: dict[str, Any] = {
        "name": found.name,
        "gate": found.gate.text,
        "verdict": found.verdict,
        "sentence": found.sentence,
    }
    if found.whole is not None:
        told |= judged_as_json(found.whole)
    if found.gate.every:
        told["slices"] = [judged_as_json(one) for one in found.slices[:KEPT]]
        told["slices_left_out"] = max(0, len(found.slices) - KEPT)
    return told


def judged_as_json(one: Judged) -> dict[str, Any]:
    """A comparison's figures."""
    return {
        "slice": one.slice,
        "n": one.n,
        "verdict": one.verdict,
        "value": one.value,
        "bound": one.bound,
        "reason": one.reason or None,
        "note": one.note or None,
        "figure": figure_as_json(one.figure),
        "incumbent": figure_as_json(one.incumbent),
        "difference": difference_as_json(one.difference),
    }


def figure_as_json(found: Figure | None) -> dict[str, Any] | None:
    """A metric's value and its interval."""
    if found is None:
        return None
    return {"value": found.value, "low": found.low, "high": found.high, "reason": found.reason}


def difference_as_json(found: Difference | None) -> dict[str, Any] | None:
    """The candidate less the incumbent."""
    if found is None:
        return None
    return {
        "value": found.value,
        "low": found.low,
        "high": found.high,
        "p": found.p,
        "method": found.method,
    }


def check_markdown(checked: Checked, outcome: str) -> str:
    """A promotion that was judged, for a pull request; `outcome` says what came of it."""
    told = {
        "incumbent": checked.incumbent.label if checked.incumbent else "none: a first promotion",
        "evaluation set": checked.on or "",
        "run": checked.candidate.run,
        "model": checked.candidate.to.bundle,
        "policy": checked.policy,
        "outcome": outcome,
    }
    facts = {name: text for name, text in told.items() if text}
    text = markdown(check_title(checked), facts, checked.results)
    if told := checked.evidence["changes"]:
        text += "\n" + "\n".join(_changes(told)) + "\n"
    return text


def check_title(checked: Checked) -> str:
    """What is judged: `income#17 as production of income`."""
    return f"{checked.candidate.name} as {checked.alias} of {checked.model}"


def markdown(title: str, facts: Mapping[str, str], results: Sequence[GateResult]) -> str:
    """A promotion for a pull request: what it is of, then a table of its gates, then the slices behind them."""
    return "\n".join(_markdown(title, facts, results)) + "\n"


def _markdown(title: str, facts: Mapping[str, str], results: Sequence[GateResult]) -> Iterator[str]:
    yield f"# {_cell(title)}"
    yield ""
    yield from (f"- {name}: {_cell(text)}" for name, text in facts.items())
    yield ""
    if not results:
        yield "No gates: nothing was asked of it."
        return
    yield "| gate | verdict | why |"
    yield "|---|---|---|"
    for one in results:
        gate = one.gate.text if one.name == one.gate.text else f"{one.name}: {one.gate.text}"
        yield f"| `{_code(gate)}` | {MARKS[one.verdict]} | {_cell(one.sentence)} |"
    for one in results:
        shown = [judged for judged in one.slices if judged.verdict != "not judged"]
        if shown:
            yield ""
            yield f"`{_code(one.gate.text)}`, the worst first:"
            yield ""
            yield "| slice | n | verdict | value | must be | incumbent | difference |"
            yield "|---|---:|---|---:|---:|---:|---:|"
            yield from (_row(one, judged) for judged in shown)


def _changes(told: Mapping[str, Any]) -> Iterator[str]:
    """Of `cockpit.models.gates.changes`."""
    yield f"What changes for whom in `{_code(told['name'])}`, the worst first:"
    yield ""
    yield "| slice | n | | value | incumbent | difference |"
    yield "|---|---:|---|---:|---:|---:|"
    for one in told["slices"]:
        cells = [
            one["slice"],
            f"{one['n']:,}",
            one["verdict"],
            one["reason"] if one["value"] is None else number(one["value"]),
            number(one["incumbent"]["value"]),
            apart_as_kept(one),
        ]
        yield f"| {' | '.join(map(_cell, cells))} |"


def _row(result: GateResult, one: Judged) -> str:
    cells = [
        one.slice,
        f"{one.n:,}",
        one.verdict,
        one.reason if one.value is None else number(one.value),
        f"{result.gate.holds.sign} {number(one.bound)}",
        number(one.incumbent.value) if one.incumbent else "",
        apart(one.difference) if one.difference else "",
    ]
    return f"| {' | '.join(map(_cell, cells))} |"


def _cell(text: str) -> str:
    """A text that cannot break out of its place in the markdown."""
    return _code(text.replace("\\", "\\\\")).replace("<", "&lt;")


def _code(text: str) -> str:
    """The same within backticks, where nothing else is markup."""
    plain = "".join(c if c.isprintable() else " " for c in text)
    return plain.replace("|", "\\|").replace("`", "'")
