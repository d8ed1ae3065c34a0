"""Which model people mean: an alias or a version of a model, the run that saved one, or a folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cockpit.models.bundle import BundleError, has_bundle, load_bundle
from cockpit.models.plain_rules import read_rules

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

    A folder may be one that was exported, with the rules beside the model.

    Raises `ModelNotFound`, `RunNotFound`, `BundleError`.
    """
    folder = Path(text).expanduser()
    for place in (folder, folder / "model"):
        if has_bundle(place):
            bundle = load_bundle(place, unsafe_pickle=unsafe_pickle)
            return Meant(text, bundle, read_rules(place, bundle) if place != folder else ())
    from storage import models
    from storage.runs import find
    from storage.store import Store

    with Store(layout).session() as session:
        names = {each.name for each in models.models(session)}
        if text.rpartition("@")[0] in names:
            version = models.find(session, text)
            rules = tuple(map(str, version.content.get("rules") or ()))
            label, digest = version.label, version.bundle
            place = layout.model(version.bundle)
        else:
            found = find(session, text)
            label, digest, rules = found.name, None, ()
            place = layout.bundle(found.id)
    if not has_bundle(place):
        raise BundleError(
            f"{label} has no model in the store: trial.save_model(model, example=ROWS) in its code keeps one"
        )
    return Meant(label, load_bundle(place, digest=digest, unsafe_pickle=unsafe_pickle), rules)
