"""All that a report of a promotion says: from the evidence that was kept with it, nothing judged anew."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cockpit import format as fmt
from cockpit.report.markdown import Markdown, Table, code, escape, say, strong
from cockpit.report.words import DIGEST, moment, pairs, short, within
from storage.errors import UserError
from storage.store import Store

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from storage.layout import Layout
    from storage.models import Move

VERDICTS = {
    "pass": "✓ pass",
    "fail": "✗ FAIL",
    "first": "◦ first promotion",
    "chance": "~ may be chance",
    "not judged": "· not judged",
    "worse": "▼ worse",
    "unclear": "~ may be chance",
    "equivalent": "≈ within the margin",
    "better": "▲ better",
}
HOWS = {"promote": "promoted", "forced": "promoted against its gates", "rollback": "rolled back"}
SLICES = 15
"""Of a gate, the worst; how many there are besides is said."""


class NoSuchMove(UserError):
    """The model has no such promotion."""


@dataclass(frozen=True, slots=True)
class Slices:
    """What is behind a gate about every slice; where none is, a metric on each."""

    gate: str
    table: Table
    """The worst first."""
    more: str
    """How many slices are left out; empty where none are."""


@dataclass(frozen=True, slots=True)
class PromotionReport:
    """What a report of a promotion is made of."""

    name: str
    model: str
    move: Move
    """number, alias, origin, target, digest, how, who, reason, time, evidence."""
    summary: tuple[Markdown, ...]
    gates: Table
    """Each with its verdict, what was found, what it must be, what the incumbent had, and the difference."""
    sentences: tuple[Markdown, ...]
    """What came of the gates that failed, or have no figure of their own."""
    slices: tuple[Slices, ...]
    facts: Table
    """The evaluation set, the bundle, the policy, the code."""
    notes: tuple[Markdown, ...]
    commands: tuple[str, ...]


def gather(layout: Layout, model: str, number: str | None = None) -> PromotionReport:
    """The newest promotion of a model, or the one of this number. Raises `ModelNotFound`, `NoSuchMove`."""
    from storage.models import history

    with Store(layout).session() as session:
        moves, total = history(session, model, limit=None)
    move = _chosen(model, moves, number)
    evidence = move.evidence
    gates: Sequence[Mapping[str, Any]] = evidence.get("gates") or ()
    return PromotionReport(
        name=f"{model} promotion {move.number}",
        model=model,
        move=move,
        summary=tuple(_summary(move, gates, total)),
        gates=gates_table(gates),
        sentences=tuple(_sentences(gates)),
        slices=tuple(
            _slices(one) for one in (*gates, evidence.get("changes") or {}) if one.get("slices")
        ),
        facts=_facts(evidence),
        notes=tuple(escape(str(note)) for note in evidence.get("notes") or ()),
        commands=(
            f"cockpit history {shlex.quote(model)}",
            f"cockpit report promotion {shlex.quote(model)} {move.number}",
        ),
    )


def _chosen(model: str, moves: Sequence[Move], number: str | None) -> Move:
    if not moves:
        raise NoSuchMove(
            f"no alias of {model} was ever moved: cockpit promote makes the first move"
        )
    if number is None:
        return next((move for move in moves if move.how != "rollback"), moves[0])
    found = [move for move in moves if str(move.number) == number]
    if not found:
        raise NoSuchMove(
            f"{model} has no move {number!r}; they are counted from 1 to {moves[0].number}: "
            f"cockpit history {model} lists them"
        )
    return found[0]


def _summary(move: Move, gates: Sequence[Mapping[str, Any]], total: int) -> list[Markdown]:
    way = "" if move.origin is None else f" from v{move.origin}"
    said = [
        say(
            "{alias} of {model} went{way} to {version}: {how} by {who}, {when} (move {number} of {total}).",
            alias=code(move.alias),
            model=code(move.model),
            way=way,
            version=strong("nothing" if move.target is None else f"v{move.target}"),
            how=HOWS.get(move.how, move.how),
            who=move.who,
            when=moment(move.time),
            number=move.number,
            total=total,
        )
    ]
    if gates:
        failed = sum(gate.get("verdict") == "fail" for gate in gates)
        passed = "Its gate passed" if len(gates) == 1 else f"All {len(gates)} gates passed"
        said.append(
            Markdown(f"**{failed} of {len(gates)} gates failed**." if failed else f"{passed}.")
        )
    elif move.how != "rollback":
        said.append(Markdown("No gates: nothing was asked of it."))
    if move.reason:
        said.append(say("Reason: {reason}", reason=move.reason))
    return said


def gates_table(gates: Sequence[Mapping[str, Any]]) -> Table:
    """The gates with their figures, as they were kept."""
    rows = []
    for gate in gates:
        incumbent, difference = gate.get("incumbent") or {}, gate.get("difference") or {}
        rows.append(
            (
                code(gate.get("gate") or gate.get("name")),
                VERDICTS.get(str(gate.get("verdict")), str(gate.get("verdict"))),
                _figure(gate.get("value")) or _of_slices(gate),
                _figure(gate.get("bound")),
                _figure(incumbent.get("value")),
                difference_words(difference),
            )
        )
    return Table(
        ("gate", "verdict", "found", "bound", "incumbent", "difference"), tuple(rows), right=4
    )


def _of_slices(gate: Mapping[str, Any]) -> str:
    """On how many slices a gate about all of them fails."""
    slices = gate.get("slices") or ()
    failed = sum(one.get("verdict") == "fail" for one in slices)
    total = len(slices) + int(gate.get("slices_left_out") or 0)
    return f"fails on {failed} of {total} slices" if failed else f"{total} slices" if total else ""


def _figure(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else fmt.number(value)


def difference_words(found: Mapping[str, Any]) -> str:
    """`+0.0025 (+0.0011 to +0.0039)`."""
    from cockpit.gain import figure

    if found.get("value") is None:
        return ""
    low, high = found.get("low"), found.get("high")
    apart = "" if low is None or high is None else f" ({figure(low)} to {figure(high)})"
    return figure(found["value"]) + apart


def _sentences(gates: Sequence[Mapping[str, Any]]) -> list[Markdown]:
    """Of the gates whose figures do not say it: about every slice, failed, or without any."""
    return [
        say(
            "{mark} {gate}: {sentence}",
            mark=VERDICTS.get(str(gate.get("verdict")), "?")[:1],
            gate=code(gate.get("name") or gate.get("gate")),
            sentence=str(gate.get("sentence") or ""),
        )
        for gate in gates
        if gate.get("value") is None or gate.get("verdict") != "pass"
    ]


def _slices(gate: Mapping[str, Any]) -> Slices:
    judged: Sequence[Mapping[str, Any]] = gate["slices"]
    rows = []
    for one in judged[:SLICES]:
        figure, incumbent = one.get("figure") or {}, one.get("incumbent") or {}
        rows.append(
            (
                code(one.get("slice")),
                VERDICTS.get(str(one.get("verdict")), str(one.get("verdict"))),
                f"{one.get('n') or 0:,}",
                _figure(one.get("value")) or str(one.get("reason") or fmt.MISSING),
                within(figure.get("low"), figure.get("high")),
                _figure(one.get("bound")),
                _figure(incumbent.get("value")),
                difference_words(one.get("difference") or {}),
            )
        )
    left = max(0, len(judged) - SLICES) + int(gate.get("slices_left_out") or 0)
    titles = ("slice", "verdict", "n", "found", "interval", "bound", "incumbent", "difference")
    more = f"{left:,} more slices were judged and are not listed" if left else ""
    return Slices(
        str(gate.get("gate") or gate.get("name")), Table(titles, tuple(rows), right=6), more
    )


def _facts(evidence: Mapping[str, Any]) -> Table:
    on, git = evidence.get("on") or {}, evidence.get("git") or {}
    model, incumbent = evidence.get("model") or {}, evidence.get("incumbent") or {}
    rows = on.get("rows")
    dirty = ", with changes" * bool(git.get("dirty"))
    told: dict[str, Any] = {
        "evaluation set": on.get("set") and escape(f"{on['set']}, {rows or 0:,} rows"),
        "run": model.get("run") and code(model["run"]),
        "bundle": model.get("bundle") and code(short(model["bundle"])),
        "bundle of the incumbent": incumbent.get("bundle") and code(short(incumbent["bundle"])),
        **{
            f"data {name}": code(short(digest))
            for name, digest in (evidence.get("data") or {}).items()
        },
        "policy": evidence.get("policy") and code(short(evidence["policy"])),
        "git commit": git.get("commit") and escape(f"{git['commit'][:DIGEST]}{dirty}"),
    }
    return pairs("rests on", told, "what")
