"""Promotes a version: its gates are judged first, without the store's lock; then the alias is moved under it.

The move is one write of one process, and whoever moved the alias meanwhile wins: the other is told. What a
version needs (its bundle) lies in the store before anything speaks of it, so that killing this at any moment leaves
the alias where it was or where it was to go, never between.
"""

from __future__ import annotations

import getpass
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cockpit.data.watching import UNWATCHED
from cockpit.models.bundle import BundleError, load_bundle
from cockpit.models.candidates import AlreadyThere, NotPromotable, candidate_of
from cockpit.models.gates.evidence import result_as_json
from cockpit.models.gates.judging import judge_gates
from cockpit.models.gates.sides import side
from cockpit.models.gates.syntax import policy
from cockpit.models.keeping import keep_bundle, sweep_strays
from cockpit.models.plain_rules import rules_of
from storage import models
from storage.store import Store

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cockpit.data.watching import Watch
    from cockpit.evaluate.evaluation import EvaluationSet, Known
    from cockpit.models.bundle import Bundle
    from cockpit.models.candidates import Candidate
    from cockpit.models.gates.judging import GateResult
    from cockpit.project.model import ModelTable, Project
    from storage.layout import Layout
    from storage.models import Move, NewVersion, Version
    from storage.session import Session

LONGEST_ALIAS = 50
STEPS = 4
"""Of judging: the evaluation set, the two models' answers, the gates."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A promotion before it is carried out: what the gates say of it."""

    model: str
    alias: str
    candidate: Candidate
    incumbent: Version | None
    results: tuple[GateResult, ...]
    on: str | None
    """The evaluation set's version; None where no gate asks for one."""
    policy: str
    notes: tuple[str, ...]
    evidence: Mapping[str, Any]

    @property
    def passed(self) -> bool:
        return all(result.passed for result in self.results)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the store says, read at once: the lock is held for that alone."""

    candidate: Candidate
    incumbent: Version | None
    known: Known


def check(
    layout: Layout,
    project: Project,
    model: str,
    text: str,
    alias: str,
    watch: Watch = UNWATCHED,
) -> Checked:
    """Judge whether a run, or a version (`MODEL@candidate`), may become what an alias means; changes nothing.

    Raises `Ended`, `NotPromotable` (`AlreadyThere` where nothing is to be done), `RunNotFound`, `ModelNotFound`,
    `BundleError`, and what judging raises.
    """
    from cockpit.evaluate.evaluation import open_set
    from cockpit.evaluate.sets import brought_up

    table = model_of(project, model)
    _check_alias(alias)
    if table.gates:
        watch.at(0, STEPS, "reading the evaluation set")
        brought_up(layout, project, table.on)
    with Store(layout).session() as session:
        seen = _look(session, model, table, text, alias)
    candidate, incumbent = seen.candidate, seen.incumbent
    if incumbent is not None and incumbent.digest == candidate.to.digest:
        raise AlreadyThere(f"{incumbent.label} is {alias} already; nothing is to be done")
    bundle = load_bundle(candidate.place, digest=candidate.to.bundle)
    on: EvaluationSet | None = None
    results: tuple[GateResult, ...] = ()
    changes: dict[str, Any] | None = None
    notes: list[str] = []
    if table.gates:
        on = open_set(layout, project, seen.known.versions, table.on)
        results, changes = _judged(layout, project, table, seen, on, bundle, notes, watch)
    digest_of_policy = _policy(project, model, table)
    evidence = _evidence(project, seen, on, results, digest_of_policy, notes)
    evidence["changes"] = changes
    label = on.version.label if on else None
    return Checked(
        model, alias, candidate, incumbent, results, label, digest_of_policy, tuple(notes), evidence
    )


def promote(layout: Layout, checked: Checked, reason: str | None, force: bool = False) -> Move:
    """Move the alias as it was checked; `force` goes against gates that failed, and is marked for ever.

    Raises `NotPromotable` where gates failed and nobody forces it, `AliasTaken` where somebody was faster.
    """
    forced = force and not checked.passed
    if not checked.passed and not force:
        raise NotPromotable("the gates did not pass; --force goes against them, for a --reason")
    if forced and not (reason or "").strip():
        raise NotPromotable("--force needs a --reason: it is kept beside it for ever")
    to = checked.candidate.to
    target = layout.model(to.bundle)
    sweep_strays(layout.models)
    keep_bundle(checked.candidate.place, target, to.bundle)
    with Store(layout).session() as session:
        return models.move(
            session,
            checked.model,
            checked.alias,
            to,
            checked.incumbent.digest if checked.incumbent else None,
            how="forced" if forced else "promote",
            who=who(),
            reason=_cleaned(reason),
            evidence=checked.evidence,
        )


def rollback(layout: Layout, model: str, alias: str, reason: str | None) -> Move:
    """Put an alias back onto the version it was on before; each further time one more.

    Raises `ModelNotFound`, `NothingBefore`, `AliasTaken` where somebody was faster, and `BundleError` where that
    version's bundle is not whole any more.
    """
    with Store(layout).session() as session:
        if not models.count(session, model):
            models.versions(session, model)  # which says what there is
        target = models.by_digest(session, model, models.before(session, model, alias))
        assert target is not None, "an alias was moved to a version that was never registered"
        here = models.live(session, model, alias)
    # Without the lock: it may be large.
    load_bundle(layout.model(target.bundle), digest=target.bundle)
    with Store(layout).session() as session:
        return models.move(
            session,
            model,
            alias,
            target,
            here.digest if here else None,
            how="rollback",
            who=who(),
            reason=_cleaned(reason),
            evidence={"model": _told(target), "incumbent": here and _told(here)},
        )


def model_of(project: Project, model: str) -> ModelTable:
    """What cockpit.toml says of a model. Raises `NotPromotable` where it does not know it."""
    found = project.models.get(model)
    if found is not None:
        return found
    import difflib

    near = difflib.get_close_matches(model, project.models, 1)
    if near:
        raise NotPromotable(f"cockpit.toml has no model {model!r}; did you mean {near[0]!r}?")
    raise NotPromotable(
        f"cockpit.toml has no model {model!r}: write [models.{model}] with what it must hold, as "
        'gates = ["auc >= incumbent.auc - 0.002"]; gates = [] asks for nothing'
    )


def who() -> str:
    """Who does this: the user and the machine."""
    from storage.machine import host

    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        user = str(os.getuid())
    return f"{user}@{host()}"


def _look(session: Session, model: str, table: ModelTable, text: str, alias: str) -> _Seen:
    from cockpit.evaluate.evaluation import look

    candidate = candidate_of(session, model, table, text)
    incumbent = models.live(session, model, alias)
    there = [candidate.run, *([incumbent.run] if incumbent else [])]
    known = [run for run in dict.fromkeys(there) if _is_there(session, run)]
    return _Seen(candidate, incumbent, look(session, known))


def _is_there(session: Session, run: str) -> bool:
    """Whether a run is neither gone nor in the trash."""
    return bool(session.rows("select 1 from runs where key = $run and trashed is null", run=run))


def _judged(
    layout: Layout,
    project: Project,
    table: ModelTable,
    seen: _Seen,
    on: EvaluationSet,
    bundle: Bundle,
    notes: list[str],
    watch: Watch,
) -> tuple[tuple[GateResult, ...], dict[str, Any] | None]:
    """What the gates say, and what changes for whom where none is about every slice."""
    from cockpit.models.gates.changes import changes
    from cockpit.models.gates.facts import Facts
    from cockpit.models.gates.training_data import trained_on

    candidate, incumbent = seen.candidate, seen.incumbent
    watch.at(1, STEPS, f"{candidate.name} answers {on.version.label}")
    mine = side(seen.known, on, candidate.name, candidate.run, candidate.rules, bundle, notes)
    theirs = None
    bundles: dict[bool, Bundle | str] = {False: bundle}
    if incumbent is not None:
        watch.at(2, STEPS, f"{incumbent.label} answers {on.version.label}")
        try:
            found: Bundle | str = load_bundle(
                layout.model(incumbent.bundle), digest=incumbent.bundle
            )
        except BundleError as error:
            found = str(error)
        bundles[True] = found
        rules = rules_of(incumbent)
        theirs = side(seen.known, on, incumbent.label, incumbent.run, rules, found, notes)
    watch.at(3, STEPS, "weighing the gates")
    trained = trained_on(candidate.trained_on, seen.known.versions, on.version, project)
    facts = Facts(layout, project, on, trained, bundles)
    results = judge_gates(project, on, table.named, mine, theirs, facts)
    told = changes(project, on, table.named.values(), mine, theirs) if theirs else None
    return results, told


def _policy(project: Project, model: str, table: ModelTable) -> str:
    more = {
        "rules": table.rules,
        "slices": dict(project.slices),
        "kpis": {name: kpi.model_dump() for name, kpi in project.kpis.items()},
        "evaluation": project.evaluation.model_dump(),
    }
    return policy(model, table.on, table.named, more)


def _evidence(
    project: Project,
    seen: _Seen,
    on: EvaluationSet | None,
    results: Sequence[GateResult],
    digest_of_policy: str,
    notes: Sequence[str],
) -> dict[str, Any]:
    from cockpit.sweep.provenance.git import git_state

    git = git_state(project.folder)
    incumbent = seen.incumbent
    return {
        "gates": [result_as_json(result) for result in results],
        "passed": all(result.passed for result in results),
        "policy": digest_of_policy,
        "on": on
        and {"set": on.version.label, "digest": on.version.digest, "rows": on.frame.height},
        "model": _told(seen.candidate.to),
        "incumbent": incumbent and _told(incumbent),
        "data": dict(seen.candidate.trained_on),
        "git": git and {"commit": git.commit, "branch": git.branch, "dirty": git.dirty},
        "notes": list(notes),
    }


def _told(version: NewVersion | Version) -> dict[str, Any]:
    git = version.content.get("git") or {}
    return {
        "digest": version.digest,
        "bundle": version.bundle,
        "run": version.run,
        "commit": git.get("commit"),
    }


def _check_alias(alias: str) -> None:
    plain = alias.replace("-", "").replace("_", "")
    if not (0 < len(alias) <= LONGEST_ALIAS and plain.isalnum() and alias[0].isalpha()):
        raise NotPromotable(
            f"{alias!r} cannot be an alias: it takes letters, digits, - and _, a letter first"
        )
    if alias[0] == "v" and alias[1:].isdecimal():
        raise NotPromotable(f"{alias!r} cannot be an alias: it is the name of a version")


def _cleaned(reason: str | None) -> str | None:
    from storage.annotate import LONGEST_NOTE

    text = "".join(c if c.isprintable() else " " for c in reason or "").strip()
    if len(text) > LONGEST_NOTE:
        raise NotPromotable(
            f"the reason has {len(text):,} characters; {LONGEST_NOTE:,} are the most"
        )
    return text or None
