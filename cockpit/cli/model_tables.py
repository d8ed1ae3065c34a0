"""Versions, aliases, moves and gates as text and as JSON."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Any

from rich.text import Text

from cockpit.compare import MARKS as VERDICTS
from cockpit.format import MISSING, plain
from cockpit.models.gates.words import NAMED, apart_as_kept

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from cockpit.models.gates.judging import GateResult
    from cockpit.models.promotion import Checked
    from storage.models import Move, Version

SLICES = 10
"""Slices named below a gate, beyond those of its sentence; --json and --markdown have all."""
MARKS = {"pass": "✓", "fail": "✗", "first": "◦", "chance": "~", "not judged": MISSING, **VERDICTS}
HOWS = {"promote": "promoted", "forced": "FORCED", "rollback": "rolled back"}


def moment(time: datetime | None) -> str:
    """`2026-03-01 12:04:31 UTC`."""
    return MISSING if time is None else f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def labelled(model: str, number: int | None) -> str:
    """`income@v3`, or that there is none."""
    return MISSING if number is None else plain(f"{model}@v{number}")


def move_as_json(move: Move, evidence: bool = True) -> dict[str, Any]:
    """A move of an alias as `--json` prints it."""
    told: dict[str, Any] = {
        "model": move.model,
        "number": move.number,
        "alias": move.alias,
        "from": move.origin,
        "to": move.target,
        "digest": move.digest,
        "how": move.how,
        "who": move.who,
        "reason": move.reason,
        "time": move.time.isoformat(),
    }
    return {**told, "evidence": move.evidence} if evidence else told


def version_as_json(version: Version) -> dict[str, Any]:
    """A version as `--json` prints it."""
    return {
        "model": version.model,
        "version": version.number,
        "digest": version.digest,
        "run": version.run,
        "bundle": version.bundle,
        "time": version.time and version.time.isoformat(),
        **{key: value for key, value in version.content.items() if key != "run"},
    }


def gates_line(move: Move) -> str:
    """How many of its gates a promotion passed: `4 of 5 gates`."""
    gates = move.evidence.get("gates") or ()
    if not gates:
        return "no gates" if move.how != "rollback" else ""
    passed = sum(gate.get("verdict") != "fail" for gate in gates)
    return f"{passed} of {len(gates)} gates"


def move_line(move: Move) -> str:
    """A move in a line: when, what, who and why."""
    way = f"{labelled(move.model, move.origin)} → {labelled(move.model, move.target)}"
    parts = [moment(move.time), plain(move.alias), way, HOWS.get(move.how, plain(move.how))]
    parts += [plain(move.who), gates_line(move), plain(move.reason or "")]
    return "  ".join(part for part in parts if part)


def why_lines(move: Move) -> Iterator[str]:
    """What a move rests on: its gates, its set, its policy, its code."""
    evidence = move.evidence
    for gate in evidence.get("gates") or ():
        verdict, name = str(gate.get("verdict")), str(gate.get("name"))
        yield f"  {MARKS.get(verdict, '?')} {plain(name)}: {plain(str(gate.get('sentence')))}"
    told = {
        "on": (evidence.get("on") or {}).get("set"),
        "model": (evidence.get("model") or {}).get("bundle"),
        "policy": evidence.get("policy"),
        "commit": (evidence.get("git") or {}).get("commit"),
    }
    yield from (f"  {name}  {plain(str(text))}" for name, text in told.items() if text)


def gate_lines(results: Sequence[GateResult]) -> Iterator[Text]:
    """The gates, each with its sentence, and the slices behind it."""
    for one in results:
        style = "bold" if one.verdict == "fail" else ""
        named = one.gate.text if one.name == one.gate.text else f"{one.name}: {one.gate.text}"
        yield Text(f"{MARKS[one.verdict]} {plain(named)}", style=style)
        yield Text(f"    {plain(one.sentence)}", style="" if one.verdict == "fail" else "dim")
        shown = [judged for judged in one.slices if judged.verdict in ("fail", "chance")]
        for judged in shown[NAMED : NAMED + SLICES]:
            yield Text(f"    {MARKS[judged.verdict]} {plain(judged.slice)}  n {judged.n:,}")


def change_lines(told: Mapping[str, Any]) -> Iterator[Text]:
    """What changes for whom, of `cockpit.models.gates.changes`."""
    yield Text(f"What changes for whom in {plain(told['name'])}:")
    for one in told["slices"][:SLICES]:
        told_of = f"{plain(one['slice'])}  {plain(apart_as_kept(one))}"
        style = "" if one["verdict"] in ("worse", "better") else "dim"
        yield Text(f"  {MARKS[one['verdict']]} {told_of}  n {one['n']:,}", style)
    if (left := len(told["slices"]) - SLICES + told["slices_left_out"]) > 0:
        yield Text(f"  and {left:,} more slices", "dim")


def checked_as_json(checked: Checked, done: Move | None) -> dict[str, Any]:
    """A promotion as `--json` prints it, carried out or not."""
    return {
        "model": checked.model,
        "alias": checked.alias,
        "candidate": checked.candidate.name,
        "incumbent": checked.incumbent and checked.incumbent.label,
        "passed": checked.passed,
        "promoted": done is not None,
        "already": False,
        "evidence": checked.evidence,
        "move": done and move_as_json(done, evidence=False),
    }
