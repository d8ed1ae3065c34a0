"""The data of a sweep that the store knows: registered versions that its spec names, the project's evaluation sets."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from cockpit.project.reading import find_project
from cockpit.sweep.executors.command_line import with_values
from cockpit.sweep.provenance.data import DataFile
from cockpit.sweep.spec.commands import DATA
from storage.datasets import DatasetNotFound, find
from storage.store import Store

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cockpit.project.model import Project
    from cockpit.sweep.spec import Spec
    from storage.datasets import Version
    from storage.layout import Layout


def with_versions(spec: Spec, layout: Layout) -> Spec:
    """The spec with paths for the registered versions that its [data] names.

    Raises `SpecInvalid` where one is not there, or its content is gone.
    """
    if not spec.versions:
        return spec
    places = {name: _version(spec, layout, name, text) for name, text in spec.versions.items()}
    ready = with_paths(spec, {name: Path(file.path) for name, file in places.items()})
    return replace(ready, kept=places)


def with_evaluations(spec: Spec, layout: Layout) -> tuple[Spec, tuple[Version, ...]]:
    """The spec with the project's evaluation sets among its data, and the version of each that its runs may answer.

    That is the newest one, kept in the store, unless [data] says otherwise: by the file it has under the set's
    name, or by naming a version of the set. What is new is registered. Raises `ProjectError` and `DataError`.
    """
    project = find_project(layout, spec.folder)
    sets = [name for name, table in project.data.items() if table.evaluation]
    if not sets:
        return spec, ()
    chosen = _chosen(spec, layout, sets)
    evaluations = [chosen.get(name) or _set(spec, layout, project, name) for name in sets]
    places = {
        version.name: _kept(layout, version)
        for version in evaluations
        if version.name not in spec.data
    }
    ready = with_paths(spec, {name: Path(file.path) for name, file in places.items()})
    return replace(ready, kept={**spec.kept, **places}), tuple(evaluations)


def with_paths(spec: Spec, paths: Mapping[str, Path]) -> Spec:
    """The spec with paths for the versions it names, and with data it does not name itself."""
    files = {f"{DATA}{name}": str(paths[name]) for name in spec.versions if name in paths}
    ready = {}
    for key in ("command", "baseline"):
        argv = getattr(spec.run, key)
        if isinstance(argv, tuple):
            ready[key] = with_values(argv, files)
    return replace(
        spec,
        run=spec.run.model_copy(update=ready),
        data={**paths, **spec.data},
    )


def _version(spec: Spec, layout: Layout, name: str, text: str) -> DataFile:
    from cockpit.data.files import DataGone

    try:
        with Store(layout).session() as session:
            version = find(session, text)
        return _kept(layout, version)
    except (DatasetNotFound, DataGone) as error:
        raise spec.invalid(("data", name), f"[data] {name}: {error}") from None


def _kept(layout: Layout, version: Version) -> DataFile:
    from cockpit.data.versions import located  # polars, for who has such data

    return DataFile(located(layout, version), version.bytes, version.digest)


def _chosen(spec: Spec, layout: Layout, sets: Sequence[str]) -> dict[str, Version]:
    """The versions of evaluation sets that [data] names, by set; one under the set's own name goes first."""
    from cockpit.data.versions import looked_at

    named = {name: text for name, text in spec.versions.items() if text.partition("@")[0] in sets}
    if not named:
        return {}
    with Store(layout).session() as session:
        meant = {name: find(session, text) for name, text in named.items()}
    found = {version.name: version for version in meant.values()}
    found |= {name: version for name, version in meant.items() if name == version.name}
    return {name: looked_at(layout, version) for name, version in found.items()}


def _set(spec: Spec, layout: Layout, project: Project, name: str) -> Version:
    from cockpit.data.versions import newest, register

    if name in spec.data:
        return register(layout, name, spec.data[name], project=project).version
    return newest(layout, project, name)
