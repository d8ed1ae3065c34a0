"""Scores the runs that are compared while nobody waits for the store; the screen shows the rest meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable

    from cockpit.evaluate.compare import Comparer, Scores
    from cockpit.evaluate.evaluation import Known

_Key = tuple["Hashable", ...]


class Comparing:
    """Is told inside a look at the store what there is to score, and scores it outside. For one thread."""

    def __init__(self) -> None:
        self._comparer: Comparer | None = None
        self._found: tuple[_Key, Scores] | None = None
        self._pending: tuple[_Key, Known, str] | None = None
        self._news = 0

    def scores(
        self, known: Known, base: str, project: tuple[int, ...]
    ) -> tuple[Scores | None, bool]:
        """The last that was found of these runs, and whether more is on its way.

        `project` differs when cockpit.toml does.
        """
        key = _key(known, base, project)
        last, scores = self._found or (None, None)
        self._pending = None if last == key else (key, known, base)
        same = last is not None and last[0] == key[0]
        return scores if same else None, self._pending is not None

    def stamp(self) -> int:
        """Differs when there is something new to show."""
        if self._pending is not None:
            key, known, base = self._pending
            self._found, self._pending = (key, self._score(known, base)), None
            self._news += 1
        return self._news

    def _score(self, known: Known, base: str) -> Scores:
        from cockpit.evaluate.compare import Comparer, Scores
        from cockpit.project.reading import ProjectError, find_project

        self._comparer = self._comparer or Comparer()
        try:
            project = find_project(known.layout)
        except ProjectError as error:
            return Scores(problems=tuple(str(error).splitlines()))
        return self._comparer.scores(project, known, tuple(known.names), base)


def _key(known: Known, base: str, project: tuple[int, ...]) -> _Key:
    """What scores follow from."""
    told = tuple((one.run, one.evaluation, one.dataset, one.digest) for one in known.predictions)
    versions = tuple((one.label, one.digest) for one in known.versions)
    return tuple(known.names), base, told, versions, tuple(known.features.items()), project
