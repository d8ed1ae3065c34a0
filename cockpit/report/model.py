"""A model card: what a version takes and gives, how well it does and where not, what it was made of, its history."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from cockpit import format as fmt
from cockpit.report.markdown import Markdown, Table, code, escape, joined, say, strong
from cockpit.report.promotion import HOWS, gates_table
from cockpit.report.scoring import card, run_exists
from cockpit.report.used_data import looked_into, used_data
from cockpit.report.words import (
    DIGEST,
    figure,
    moment,
    pairs,
    provenance,
    score_notes,
    score_tables,
    short,
)
from storage.store import Store

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cockpit.models.bundle import Bundle
    from cockpit.models.signature import Signature
    from cockpit.project.model import Project
    from cockpit.report.used_data import DataUsed
    from storage.layout import Layout
    from storage.models import Move, Version
    from storage.session import Session

MOVES = 20


@dataclass(frozen=True, slots=True)
class ModelReport:
    """What a model card is made of."""

    name: str
    version: Version
    """model, number, digest, run, bundle, content, time."""
    summary: tuple[Markdown, ...]
    task: Table
    """What it answers: the task, the target, the labels, the formats it is kept in."""
    signature: Table
    """The columns it takes."""
    rules: Table
    """What goes before the model's own answer."""
    on: str
    """The version of the evaluation set; empty where it has answered none."""
    scores: Table
    kpis: Table
    slices: Table
    weak: Table
    """Slices on which it is known to be worse, confirmed on rows that the search did not see."""
    weak_note: str
    notes: tuple[Markdown, ...]
    data: tuple[DataUsed, ...]
    gates: Table
    """Of its last promotion."""
    history: Table
    """The moves of the model's aliases, the newest first."""
    params: Table
    provenance: Table
    commands: tuple[str, ...]


def gather(layout: Layout, text: str, on: str | None = None) -> ModelReport:
    """Read what is known of MODEL@ALIAS, MODEL@vN or MODEL: its production, else its newest version.

    Raises `ModelNotFound`, `ProjectError`.
    """
    from cockpit.project.reading import find_project
    from storage.datasets import versions
    from storage.models import history

    project = find_project(layout)
    with Store(layout).session() as session:
        version = _chosen(session, text)
        moves, total = history(session, version.model, limit=None)
        known = versions(session)
        there = run_exists(session, version.run)
        origin = _origin(session, version) if there else {}
    table = project.models.get(version.model)
    bundle = _bundle(layout, version)
    found = card(layout, project, version, bundle, on or (table.on if table else None))
    scores = found.scores
    measured, kpis, slices = score_tables(scores, version.run)
    signature = None if isinstance(bundle, str) else bundle.signature
    used = dict(version.content.get("data") or {})
    mine = [move for move in moves if move.target == version.number]
    known = looked_into(layout, known, used)
    data = used_data(known, used, scores.on if scores else None)
    return ModelReport(
        name=version.label,
        version=version,
        summary=tuple(_summary(version, moves, measured, scores.on if scores else None)),
        task=_task(signature),
        signature=_columns(signature, project),
        rules=_rules(version),
        on=(scores.on or "") if scores else "",
        scores=measured or _kept(version),
        kpis=kpis,
        slices=slices,
        weak=found.weak,
        weak_note=found.weak_note,
        notes=(*_notes(bundle, there), *map(escape, found.notes), *score_notes(scores)),
        data=tuple(data),
        gates=gates_table(
            next((m.evidence.get("gates") or () for m in mine if m.evidence.get("gates")), ())
        ),
        history=_history(moves, total),
        params=pairs(
            "param",
            {name: fmt.value(v) for name, v in (version.content.get("params") or {}).items()},
        ),
        provenance=provenance(origin, layout, known) if origin else _content(version),
        commands=(
            f"cockpit model show {shlex.quote(version.label)}",
            f"cockpit predict {shlex.quote(version.label)} FILE",
            *([f"cockpit rerun {version.run}"] if there else []),
        ),
    )


def _chosen(session: Session, text: str) -> Version:
    from storage import models

    if "@" in text:
        return models.find(session, text)
    return models.live(session, text, "production") or models.versions(session, text, 1)[0]


def _origin(session: Session, version: Version) -> Mapping[str, Any]:
    from storage.runs import detail

    return detail(session, version.run).provenance


def _notes(bundle: Bundle | str, there: bool) -> list[Markdown]:
    said = []
    if isinstance(bundle, str):
        said.append(say("Its bundle says nothing of what it takes: {why}", why=bundle))
    if not there:
        said.append(
            Markdown("Its run is gone: what is told of it is what was kept with the version.")
        )
    return said


def _summary(
    version: Version, moves: Sequence[Move], measured: Table, on: str | None
) -> list[Markdown]:
    last: dict[str, Move] = {}
    for move in reversed(moves):
        last[move.alias] = move
    live = [move for move in last.values() if move.target == version.number]
    aliases = [
        say(
            "{alias} since {when}",
            alias=strong(move.alias),
            when=moment(move.time),
        )
        for move in live
    ]
    name = str(version.content.get("name") or version.run)
    said = [
        say(
            "{label} is {aliases}; it was registered {when}, from the run {run}.",
            label=code(version.label),
            aliases=joined(aliases, ", ") if aliases else "no alias now",
            when=moment(version.time),
            run=code(name),
        )
    ]
    if measured and on:
        told = [say("{name} {value}", name=row[0], value=row[3]) for row in measured.rows]
        said.append(say("On {on}: {told}.", on=code(on), told=joined(told, ", ")))
    forced = [move for move in moves if move.how == "forced" and move.target == version.number]
    if forced:
        said.append(
            say(
                "**It was promoted to {alias} against its gates**, by {who}: {reason}",
                alias=forced[0].alias,
                who=forced[0].who,
                reason=forced[0].reason or "no reason was kept",
            )
        )
    return said


def _bundle(layout: Layout, version: Version) -> Bundle | str:
    """What was registered, or why it cannot be read."""
    from cockpit.models.bundle import BundleError, load_bundle

    try:
        return load_bundle(layout.model(version.bundle), digest=version.bundle)
    except BundleError as why:
        return str(why)


def _task(found: Signature | None) -> Table:
    if found is None:
        return Table((), ())
    labels = joined([code(label) for label in found.classes], ", ") if found.classes else None
    told = {
        "task": found.task,
        "target": found.target and code(found.target),
        "labels": labels,
        "the label its score is of": code(found.positive) if found.positive is not None else None,
        "kept as": ", ".join(found.formats),
        "trained under": f"Python {found.python}",
        "made": _made(found.created),
    }
    return pairs("", told, "what")


def _made(text: str) -> str:
    try:
        return moment(datetime.fromisoformat(text))
    except ValueError:  # as it stands in a file that anybody may have written
        return text


def _columns(found: Signature | None, project: Project) -> Table:
    """The columns it takes, with what the project's contracts say of them."""
    if found is None:
        return Table((), ())
    rules = {
        name: rule
        for table in project.data.values()
        if table.contract is not None
        for name, rule in table.contract.columns.items()
    }
    rows = []
    for column in found.columns:
        rule = rules.get(column.name)
        rows.append(
            (
                code(column.name),
                column.type,
                (rule.unit or "") if rule else "",
                _bounds(rule.min, rule.max) if rule else "",
                "yes" if column.nulls else "no",
            )
        )
    titles = ("column", "type", "unit", "in the contract", "missing values")
    kept = [
        place for place in range(5) if place < 2 or place == 4 or any(row[place] for row in rows)
    ]
    return Table(
        tuple(titles[place] for place in kept),
        tuple(tuple(row[place] for place in kept) for row in rows),
    )


def _bounds(low: Any, high: Any) -> str:
    if low is not None and high is not None:
        return f"{fmt.value(low)} to {fmt.value(high)}"
    if low is not None:
        return f"from {fmt.value(low)}"
    return "" if high is None else f"to {fmt.value(high)}"


def _rules(version: Version) -> Table:
    rules = version.content.get("rules") or ()
    rows = tuple((str(place), code(rule)) for place, rule in enumerate(rules, 1))
    return Table(("", "rule"), rows)


def _kept(version: Version) -> Table:
    """The metrics that its run told of itself."""
    rows = tuple(
        (name, figure(value))
        for name, value in (version.content.get("metrics") or {}).items()
        if isinstance(value, int | float)
    )
    return Table(("metric of its run", "value"), rows, right=1)


def _history(moves: Sequence[Move], total: int) -> Table:
    rows: list[tuple[str, ...]] = []
    for move in moves[:MOVES]:
        origin = fmt.MISSING if move.origin is None else f"v{move.origin}"
        target = fmt.MISSING if move.target is None else f"v{move.target}"
        gates = move.evidence.get("gates") or ()
        failed = sum(gate.get("verdict") == "fail" for gate in gates)
        passed = f"{len(gates) - failed} of {len(gates)}" if gates else fmt.MISSING
        rows.append(
            (
                str(move.number),
                moment(move.time),
                code(move.alias),
                f"{origin} → {target}",
                HOWS.get(move.how, move.how),
                passed,
                move.who,
                move.reason or "",
            )
        )
    if total > MOVES:
        rows.append(("", f"{total - MOVES:,} earlier moves", *[""] * 6))
    titles = ("move", "when", "alias", "version", "how", "gates passed", "by", "reason")
    return Table(titles, tuple(rows))


def _content(version: Version) -> Table:
    """Where it comes from, as it was kept with the version."""
    git = version.content.get("git") or {}
    told = {
        "git commit": git.get("commit") and code(git["commit"][:DIGEST]),
        "seed": version.content.get("seed"),
        "spec": version.content.get("spec") and code(short(str(version.content["spec"]))),
    }
    return pairs("from", told, "what")
