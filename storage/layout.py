"""Where things lie in a store folder, and how one is found."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

FOLDER = ".cockpit"
VARIABLE = "COCKPIT_STORE"


@dataclass(frozen=True, slots=True)
class Layout:
    """The paths of one store; nothing else in the program knows them."""

    root: Path
    """The store folder, usually `.cockpit/` beside the project."""

    @property
    def database(self) -> Path:
        return self.root / "store.duckdb"

    @property
    def lock(self) -> Path:
        """Held (flock) by whoever has the database open."""
        return self.root / "lock"

    @property
    def spool(self) -> Path:
        """One append-only file a writer."""
        return self.root / "spool"

    @property
    def temporary(self) -> Path:
        """Where DuckDB may spill."""
        return self.root / "tmp"

    @property
    def project(self) -> Path:
        """The folder the store belongs to."""
        return self.root.parent

    def run_folder(self, run: str) -> Path:
        """A run's own folder: its log, later its artifacts."""
        return self.root / "runs" / run

    def log(self, run: str) -> Path:
        """What the run's code wrote to stdout and stderr."""
        return self.run_folder(run) / "log.txt"

    def sweep_log(self, sweep: str) -> Path:
        """What a detached driver itself had to say."""
        return self.root / "sweeps" / f"{sweep}.log"

    def reserve(self, name: str) -> bool:
        """Take a sweep's name; False where somebody has it already, in this very moment even."""
        folder = self.root / "names"
        folder.mkdir(parents=True, exist_ok=True)
        try:
            (folder / quote(name, safe="")).touch(exist_ok=False)
        except FileExistsError:
            return False
        return True

    def exists(self) -> bool:
        return self.root.is_dir()

    def create(self) -> None:
        """Make the folder; a `.gitignore` of its own keeps it out of the user's commits."""
        self.spool.mkdir(parents=True, exist_ok=True)
        ignore = self.root / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n", encoding="utf-8")

    def size(self) -> int:
        """Bytes of the database and of what waits in the spool."""
        files = [self.database, *self.spool.glob("*.ndjson")]
        return sum(file.stat().st_size for file in files if file.exists())


def find_store(explicit: str | None = None, start: Path | None = None) -> Layout:
    """Find the store: `explicit`, else `COCKPIT_STORE`, else upwards from `start` like `.git`.

    Where there is none, the answer is `.cockpit` in `start` (default: the working directory), which
    need not exist yet.
    """
    named = explicit or os.environ.get(VARIABLE)
    if named:
        return Layout(Path(named).expanduser().absolute())
    here = (start or Path.cwd()).absolute()
    for folder in (here, *here.parents):
        if (folder / FOLDER).is_dir():
            return Layout(folder / FOLDER)
    return Layout(here / FOLDER)
