"""What runs answer on evaluation sets, on its way to the store: told by a function, or left in files by a command."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from storage.events import PredictionsSeen
from storage.ids import from_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cockpit.sweep.executors.seam import Predicted
    from storage.datasets import Version
    from storage.layout import Layout

FOLDER = "predictions"
"""In the folder of its outputs, where a command leaves NAME.parquet, NAME.csv, NAME.ndjson or NAME.json."""

Marks = dict[str, tuple[int, ...]]
"""By a file's path, what tells whether it was written since."""


class Answered:
    """The evaluation sets that runs may answer, each in the version that counts now."""

    def __init__(self, layout: Layout, versions: Sequence[Version]) -> None:
        self._layout = layout
        self._sets = {version.name: version for version in versions}

    def known(self) -> dict[str, dict[str, Any]]:
        """Of each set `rows` and `key`, by which a program checks its answers, and the `path` it lies at."""
        from cockpit.data.keeping import kept_at

        return {
            name: {
                "rows": version.rows,
                "key": list(version.facts.get("key") or ()),
                "path": kept_at(self._layout, version) or version.path,
            }
            for name, version in self._sets.items()
        }

    def environment(self, run: str) -> dict[str, str]:
        """Variables for a run, from which its program knows where its answers go and which are wanted."""
        return {
            "COCKPIT_EVALUATIONS": json.dumps(self.known()),
            "COCKPIT_PREDICTIONS": str(self._layout.predictions(run)),
            "COCKPIT_MODEL": str(self._layout.bundle(run)),
        }

    def told(self, run: str, said: Predicted) -> PredictionsSeen:
        """What a function said by `trial.log_predictions`."""
        place = self._layout.predictions(run) / said.file
        version = self._sets.get(said.evaluation)
        return PredictionsSeen(
            from_text(run),
            said.evaluation,
            version.digest if version else "",
            self._below(run, place),
            said.digest,
            said.rows,
            list(said.columns),
            time.time(),
        )

    def forget_model(self, run: str) -> None:
        """An attempt that follows is not to be taken for the author of the model that is there."""
        folder = self._layout.bundle(run)
        for half_written in (folder, *folder.parent.glob(f".{folder.name}-*")):
            shutil.rmtree(half_written, ignore_errors=True)

    def marks(self, run: str) -> Marks:
        """The files there are now; an attempt that follows is not to be taken for their author."""
        return {str(path): _mark(path) for path in _files(self._layout.artifacts(run))}

    def handed_in(
        self, run: str, before: Mapping[str, tuple[int, ...]] | None = None
    ) -> tuple[list[PredictionsSeen], list[str]]:
        """What a command left in files that were not there `before`, and sentences on what cannot be taken.

        Imports polars where there is a file.
        """
        found: list[PredictionsSeen] = []
        problems: list[str] = []
        for path in _files(self._layout.artifacts(run)):
            if (before or {}).get(str(path)) == _mark(path):
                continue
            from cockpit.evaluate.prediction_files import BadPredictions, inspect

            try:
                seen = inspect(path, self._sets)
            except BadPredictions as error:
                problems.append(f"{FOLDER}/{path.name} is not kept: {error}")
                continue
            found.append(
                PredictionsSeen(
                    from_text(run),
                    seen.evaluation,
                    seen.dataset,
                    self._below(run, path),
                    seen.digest,
                    seen.rows,
                    list(seen.columns),
                    time.time(),
                )
            )
        return found, problems

    def _below(self, run: str, path: Path) -> str:
        return path.relative_to(self._layout.run_folder(run)).as_posix()


def _files(folder: Path) -> list[Path]:
    """Oldest first: of two for one set the later one counts."""
    try:
        with os.scandir(folder / FOLDER) as entries:
            found = [Path(each.path) for each in entries if each.is_file() and each.name[0] != "."]
    except OSError:  # as a rule there is none
        return []
    return sorted(found, key=lambda path: (path.stat().st_mtime_ns, path.name))


def _mark(path: Path) -> tuple[int, ...]:
    seen = path.stat()
    return seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns
