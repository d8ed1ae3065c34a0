"""What is to be promoted: a run's model that may become a version, or a version that there is."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cockpit.models.bundle import digest, has_bundle
from cockpit.models.plain_rules import rules_of
from storage import models
from storage.errors import UserError
from storage.models import NewVersion, Version

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from cockpit.project.model import ModelTable
    from storage.runs import RunDetail
    from storage.session import Session


class NotPromotable(UserError):
    """Something that cannot be promoted as it is; the message says what to do."""


class AlreadyThere(NotPromotable):
    """The alias is on that version already: nothing is to be done."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """What is to be promoted: a version, or what would be one."""

    to: NewVersion | Version
    name: str
    """As people call it: `income@v2`, or the run's name."""
    place: Path
    """Where its bundle lies."""
    rules: tuple[str, ...]
    trained_on: Mapping[str, str]
    """Digests of data by name."""

    @property
    def run(self) -> str:
        return self.to.run


def candidate_of(session: Session, model: str, table: ModelTable, text: str) -> Candidate:
    """The run or the version that is meant. Raises `NotPromotable`, `RunNotFound`, `ModelNotFound`."""
    from storage.runs import RunNotFound, detail

    layout = session.layout
    name, _, _ = text.rpartition("@")
    if name == model and models.count(session, model):
        version = models.find(session, text)
        data = dict(version.content.get("data") or {})
        place = layout.model(version.bundle)
        return Candidate(version, version.label, place, rules_of(version), data)
    try:
        found = detail(session, text)
    except RunNotFound:
        if text == model and models.count(session, model):
            models.find(session, text)  # which says how a version of it is named
        raise
    place = layout.bundle(found.run.id)
    if found.run.state != "complete":
        raise NotPromotable(
            f"{found.run.name} is {found.run.state}: only a complete run is promoted"
        )
    if not has_bundle(place):
        raise NotPromotable(
            f"{found.run.name} has saved no model: trial.save_model(model, example=ROWS) in its code "
            f"keeps one, and cockpit rerun {found.run.id} makes the run again"
        )
    sealed = digest(place)
    if found.bundle not in (None, sealed):
        raise NotPromotable(
            f"the model of {found.run.name} was changed after the run had ended: it was "
            f"{found.bundle:.19}… and is {sealed:.19}… now; cockpit rerun {found.run.id} makes it again"
        )
    new = _new_version(found, sealed, table.rules)
    known = models.by_digest(session, model, new.digest)
    data = dict(new.content["data"])
    return Candidate(known or new, found.run.name, place, table.rules, data)


def _new_version(found: RunDetail, bundle: str, rules: Sequence[str]) -> NewVersion:
    run, known = found.run, found.provenance
    git = known.get("git") or {}
    content = {
        "run": run.id,
        "name": run.name,
        "sweep": run.sweep,
        "params": run.params,
        "metrics": run.metrics,
        "data": {name: each["digest"] for name, each in (known.get("data") or {}).items()},
        "git": {key: git.get(key) for key in ("commit", "branch", "dirty")} if git else None,
        "seed": known.get("seed"),
        "spec": known.get("spec_digest"),
        "rules": list(rules),
    }
    named = json.dumps([run.id, bundle, list(rules)], ensure_ascii=False)
    return NewVersion(
        f"sha256:{hashlib.sha256(named.encode()).hexdigest()}", run.id, bundle, content
    )
