"""The evaluation sets of a project, each in the version that counts now."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cockpit.project.model import Project
    from storage.datasets import Version
    from storage.layout import Layout


def current(layout: Layout, project: Project | None = None) -> tuple[Version, ...]:
    """The newest version of each evaluation set that cockpit.toml names; one never seen is registered.

    Raises `ProjectError`, `DataError`.
    """
    from cockpit.data.versions import newest
    from cockpit.project.reading import find_project

    project = find_project(layout) if project is None else project
    return tuple(newest(layout, project, name) for name in evaluation_sets(project))


def evaluation_sets(project: Project) -> tuple[str, ...]:
    """The names that cockpit.toml gives them."""
    return tuple(name for name, table in project.data.items() if table.evaluation)


def brought_up(layout: Layout, project: Project, text: str | None) -> None:
    """See that the set meant is in the store in its newest version, where `text` asks for no other.

    Raises `DataError`.
    """
    from cockpit.data.versions import newest

    names = evaluation_sets(project)
    meant = text or project.evaluation.on or (names[0] if len(names) == 1 else None)
    if meant in names:
        newest(layout, project, meant)
