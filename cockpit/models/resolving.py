"""Which model people mean: an alias or a version of a model, the run that saved one, or a folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cockpit.models.bundle import BundleError, has_bundle, load_bundle
from cockpit.models.plain_rules import read_rules, rules_of

if TYPE_CHECKING:
    from cockpit.models.bundle import Bundle
    from storage.layout import Layout


@dataclass(frozen=True, slots=True)
class Meant:
    """A model, found and checked."""

    label: str
    """As people say it: `income@v3`, a run's name, a folder."""
    bundle: Bundle
    rules: tuple[str, ...] = ()
    """Of its version."""


def resolve(layout: Layout, text: str, *, unsafe_pickle: bool = False) -> Meant:
    """The bundle of MODEL@ALIAS, MODEL@vN, RUN or FOLDER; a version's is what it was when it was registered.

    A folder may be one that was exported, with the rules beside the model. Where it is called as a version of a
    model that there is, the version is meant, and ./income@production the folder.

    Raises `ModelNotFound`, `RunNotFound`, `BundleError`.
    """
    found = _of_version(layout, text, unsafe_pickle) if "@" in text and layout.exists() else None
    return found or _of_folder(text, unsafe_pickle) or _of_run(layout, text, unsafe_pickle)


def _of_version(layout: Layout, text: str, unsafe_pickle: bool) -> Meant | None:
    from storage import models
    from storage.store import Store

    with Store(layout).session() as session:
        if not models.count(session, text.rpartition("@")[0]):
            return None
        version = models.find(session, text)
    place = layout.model(version.bundle)
    if not has_bundle(place):
        raise BundleError(f"the store has lost the model of {version.label}: {place} is gone")
    bundle = load_bundle(place, digest=version.bundle, unsafe_pickle=unsafe_pickle)
    return Meant(version.label, bundle, rules_of(version))


def _of_folder(text: str, unsafe_pickle: bool) -> Meant | None:
    folder = Path(text).expanduser()
    for place in (folder, folder / "model"):
        if has_bundle(place):
            bundle = load_bundle(place, unsafe_pickle=unsafe_pickle)
            return Meant(text, bundle, read_rules(place, bundle) if place != folder else ())
    return None


def _of_run(layout: Layout, text: str, unsafe_pickle: bool) -> Meant:
    from storage import models
    from storage.runs import RunNotFound, find
    from storage.store import Store

    with Store(layout).session() as session:
        try:
            found = find(session, text)
        except RunNotFound:
            if models.count(session, text):
                models.find(session, text)  # which says how a version of it is named
            raise
    place = layout.bundle(found.id)
    if not has_bundle(place):
        raise BundleError(
            f"{found.name} has no model in the store: trial.save_model(model, example=ROWS) in its code keeps one"
        )
    return Meant(found.name, load_bundle(place, unsafe_pickle=unsafe_pickle))
