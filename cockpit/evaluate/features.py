"""Which columns a run's model takes: as its code said, as the model it saved says, or as its training data have them.

The first of these that says anything counts. Training data count where cockpit.toml has a table of them with the
evaluation set's target: that says by `key` and `ignore` what is no feature. Of other data nobody can tell.
"""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from cockpit.data.contract import features_of
from cockpit.data.contracts import name_at
from cockpit.data.files import DataError
from cockpit.data.versions import open_version
from cockpit.project.model import DataTable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from cockpit.evaluate.evaluation import EvaluationSet
    from cockpit.project.model import Project
    from storage.datasets import Version
    from storage.layout import Layout

TOLD = "features"
"""The user attribute of a run that lists the columns its model needs."""
Source = Literal["told", "model", "data", "unknown"]


@dataclass(frozen=True, slots=True)
class Features:
    """The columns that a run's model takes, and who says so."""

    columns: tuple[str, ...] = ()
    source: Source = "unknown"
    label: str = ""
    """Of training data, their versions: `train@v2`."""

    @property
    def words(self) -> str:
        """`13 columns, by the model it saved`."""
        if self.source == "unknown":
            return "not known: log_predictions(…, features=…) or a saved model would say them"
        by = {
            "told": "as its code said",
            "model": "by the model it saved",
            "data": f"those of {self.label}, by cockpit.toml",
        }
        many = f"{len(self.columns)} column{'s' * (len(self.columns) != 1)}"
        return f"{many}, {by[self.source]}"


def told_features(attrs: Mapping[str, Any]) -> tuple[str, ...] | None:
    """What the code of a run said, by the run's user attributes."""
    said = attrs.get(TOLD)
    return tuple(map(str, said)) if isinstance(said, list) else None


def model_features(folder: Path) -> tuple[str, ...] | None:
    """By the signature of the model in a folder; None where there is none, or none that can be understood."""
    try:
        told = tomllib.loads((folder / "model.toml").read_text("utf-8"))
        return tuple(str(column["name"]) for column in told["columns"]) or None
    except (OSError, ValueError, KeyError, TypeError):
        return None  # whoever loads the model says what is wrong with it


def data_features(
    layout: Layout,
    project: Project,
    versions: Sequence[Version],
    used: Mapping[str, Mapping[str, Any]],
    target: str | None = None,
) -> Features:
    """By the data that a run used: `used` is what its provenance says of them, by name.

    The features that all training data for the target have; by default for any.
    """
    columns: list[str] | None = None
    labels: list[str] = []
    for table, version in _trained_on(project, versions, used):
        if table.target is None or (target is not None and table.target != target):
            continue
        try:
            there = _columns(layout, version)
        except DataError:
            continue  # gone, and nobody looked at it while it was there
        features = features_of(table, there)
        columns = [name for name in features if columns is None or name in columns]
        labels.append(version.label)
    if not columns:
        return Features()
    return Features(tuple(columns), "data", " and ".join(labels))


def set_features(project: Project, on: EvaluationSet) -> list[str]:
    """The columns of an evaluation set that a model may see: what a slice of it may be about."""
    table = project.data.get(on.version.name) or DataTable(path="", target=on.target)
    kept = {*on.key, on.target}
    return [name for name in features_of(table, on.frame.columns) if name not in kept]


def _trained_on(
    project: Project, versions: Sequence[Version], used: Mapping[str, Mapping[str, Any]]
) -> Iterator[tuple[DataTable, Version]]:
    for name, seen in used.items():
        known = name if name in project.data else name_at(project, os.fspath(seen.get("path", "")))
        table = project.data.get(known or "")
        among = [one for one in versions if one.digest == seen.get("digest")]
        version = next((one for one in among if one.name == name), among[0] if among else None)
        if table is not None and version is not None and not table.evaluation:
            yield table, version


def _columns(layout: Layout, version: Version) -> list[str]:
    known = version.facts.get("columns")
    if known is not None:
        return [str(column["name"]) for column in known]
    return open_version(layout, version).collect_schema().names()
