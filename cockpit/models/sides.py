"""A model to be judged: its bundle, kept in the store, and its answers as it would give them to anybody."""

from __future__ import annotations

import os
import secrets
import shutil
from typing import TYPE_CHECKING, Any

from cockpit.models.bundle import BundleError, digest, load_bundle
from cockpit.models.gates import Side
from storage.session import sync_folder

if TYPE_CHECKING:
    from pathlib import Path

    from cockpit.evaluate.evaluation import EvaluationSet, Known
    from cockpit.models.bundle import Bundle


def side(
    known: Known,
    on: EvaluationSet,
    name: str,
    run: str,
    rules: tuple[str, ...],
    bundle: Bundle | str,
    notes: list[str],
) -> Side:
    """A model's answers as it would give them to anybody: its own, its rules gone before them.

    What a run answered in training stands in for a model that cannot be asked here.
    """
    from cockpit.evaluate.evaluation import NotScored, answers_of
    from cockpit.evaluate.prediction_files import BadPredictions
    from cockpit.models.bundle import BadRows
    from cockpit.models.predicting import score_with
    from cockpit.models.rules import ruled

    told = None
    try:
        if run in known.names:
            told = answers_of(known, on, run)
        why = "its run is gone"
    except (NotScored, BadPredictions) as error:
        why = str(error)
    try:
        if isinstance(bundle, str):
            raise BundleError(bundle)
        found = score_with(bundle, on)
        notes += _differing(name, told.answers if told else None, found.answers)
    except (BundleError, BadRows) as error:
        if told is None:
            return Side(
                name, None, f"{name} cannot be measured on {on.version.label}: {error}; {why}"
            )
        found = told
        notes.append(f"{name} is judged by what its run answered: {error}")
    notes += [f"{name}: {note}" for note in found.notes]
    return Side(name, ruled(rules, on, found.answers))


def _differing(name: str, told: Any, found: Any) -> list[str]:
    """What there is to say where a model does not answer as its run did."""
    import numpy as np

    if told is None or told.y_pred is None or found.y_pred is None or told.task != found.task:
        return []
    rows = int((~np.isclose(told.y_pred, found.y_pred, rtol=1e-6, atol=1e-9)).sum())
    if not rows:
        return []
    return [
        f"the model of {name} answers {rows:,} rows otherwise than its run did; the model is judged"
    ]


def keep_bundle(source: Path, target: Path, wanted: str) -> None:
    """Have a bundle in the store, whole or not at all, whatever becomes of the run that saved it."""
    try:
        load_bundle(target, digest=wanted)
        return
    except BundleError:
        pass  # not there yet, or not whole: it is put there now
    contents = load_bundle(source, digest=wanted).contents
    manifest = (source / "manifest.json").read_bytes()
    partial = target.with_name(f".{target.name}-{secrets.token_hex(4)}")
    try:
        for name, content in {**contents.files, "manifest.json": manifest}.items():
            place = partial / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
        # All of them are written first: then the wait for one serves the others too.
        for place in filter(os.path.isfile, partial.rglob("*")):
            _sync(place)
        if digest(partial) != wanted:
            raise BundleError(f"{source} was changed while it was read; nothing was promoted")
        if target.exists():
            shutil.rmtree(target)
        partial.rename(target)
        sync_folder(target.parent)
    except OSError as error:
        raise BundleError(f"{target} cannot be written: {error.strerror or error}") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _sync(file: Path) -> None:
    descriptor = os.open(file, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
