"""Where things lie in a store folder, and how one is found."""

from __future__ import annotations

import fcntl
import itertools
import os
from dataclasses import dataclass
from datetime import UTC, datetime
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
    def log_ahead(self) -> Path:
        """DuckDB's own log beside the database; gone once the database was closed in peace."""
        return self.root / "store.duckdb.wal"

    @property
    def fresh(self) -> Path:
        """A database in the making, which is to take the place of the present one."""
        return self.root / "store.duckdb.new"

    @property
    def backups(self) -> Path:
        """Databases kept beside the present one."""
        return self.root / "backups"

    @property
    def network_told(self) -> Path:
        """Exists once somebody was told that the store lies on a network file system."""
        return self.root / "network"

    @property
    def lock(self) -> Path:
        """Held (flock) by whoever has the database open."""
        return self.root / "lock"

    @property
    def line(self) -> Path:
        """Held (flock) by whoever is the next to have the lock."""
        return self.root / "line"

    @property
    def spool(self) -> Path:
        """One append-only file a writer."""
        return self.root / "spool"

    @property
    def drained(self) -> Path:
        """Spools of writers that are gone, wholly in the tables; kept as a way back."""
        return self.spool / "drained"

    def segment(self, writer: str, number: int = 0) -> Path:
        """One file of a writer's spool; the writer holds a flock on the first."""
        return self.spool / f"{writer}-{number:06d}.ndjson"

    @property
    def temporary(self) -> Path:
        """Where DuckDB may spill."""
        return self.root / "tmp"

    @property
    def diffs(self) -> Path:
        """What work trees had besides their commits, a patch a content."""
        return self.root / "diffs"

    @property
    def project(self) -> Path:
        """The folder the store belongs to."""
        return self.root.parent

    def run_folder(self, run: str) -> Path:
        """A run's own folder: its log, its artifacts, what its program was given."""
        return self.root / "runs" / run

    def run_folders(self) -> list[Path]:
        """The folders that runs have so far."""
        return [folder for folder in (self.root / "runs").glob("*") if folder.is_dir()]

    def log(self, run: str) -> Path:
        """What the run's code wrote to stdout and stderr."""
        return self.run_folder(run) / "log.txt"

    def dataset(self, digest: str, suffix: str) -> Path:
        """Where the content of a dataset's version is kept, if it is; `suffix` tells its format (`.parquet`)."""
        return self.root / "datasets" / f"{digest.rpartition(':')[2][:32]}{suffix}"

    def bundle(self, run: str) -> Path:
        """The folder of the model that a run saved, if it did."""
        return self.run_folder(run) / "model"

    @property
    def models(self) -> Path:
        """The folder of the registered bundles."""
        return self.root / "models"

    def model(self, digest: str) -> Path:
        """A registered bundle (by its own digest), kept whatever becomes of its run."""
        return self.models / digest.rpartition(":")[2][:32]

    def predictions(self, run: str) -> Path:
        """The folder of what a run predicted."""
        return self.run_folder(run) / "predictions"

    def artifacts(self, run: str) -> Path:
        """The folder a run may write to; what lies there when it ended is kept as its artifacts."""
        return self.run_folder(run) / "artifacts"

    def sampler(self, sweep_key: str) -> tuple[Path, Path]:
        """The state of a sweep's sampler, to go on from: two files that are written in turn."""
        stem = self.root / "sweeps" / sweep_key
        return stem.with_suffix(".state-a"), stem.with_suffix(".state-b")

    def control(self, sweep_key: str) -> Path:
        """The folder through which other processes speak to a sweep's driver."""
        return self.root / "sweeps" / f"{sweep_key}.control"

    @property
    def screens(self) -> Path:
        """Where the cockpit's screens were left; may be lost."""
        return self.root / "screens.json"

    @property
    def hashes(self) -> Path:
        """Digests of data files by size and time of change, so that a file is read once; may be lost."""
        return self.root / "hashes.json"

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

    def release(self, name: str) -> None:
        """Give a sweep's name free again."""
        (self.root / "names" / quote(name, safe="")).unlink(missing_ok=True)

    def next_name(self, stem: str) -> str:
        """Name a run that nobody named: `train-1`, `train-2`…, none of them twice."""
        folder = self.root / "counts"
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / quote(stem, safe="")[:200]).open("a+", encoding="ascii") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            before = file.read()
            number = (int(before) if before.isdecimal() else 0) + 1
            file.truncate(0)
            file.write(str(number))
        return f"{stem}-{number}"

    def new_backup(self, why: str) -> Path:
        """A path for a backup that does not exist yet: `WHY-TIME.duckdb`, the time in UTC."""
        self.backups.mkdir(exist_ok=True)
        stem = f"{why}-{datetime.now(UTC):%Y%m%dT%H%M%S}"
        names = itertools.chain([stem], (f"{stem}-{n}" for n in itertools.count(2)))
        paths = (self.backups / f"{name}.duckdb" for name in names)
        return next(path for path in paths if not path.exists())

    def kept_backups(self, why: str = "") -> list[Path]:
        """The backups kept here, oldest first."""
        found = self.backups.glob(f"{why}*.duckdb")
        return sorted(found, key=lambda path: (path.stat().st_mtime_ns, path.name))

    def is_writable(self) -> bool:
        """Whether all that a reader has to write can be written."""
        paths = (self.root, self.spool, self.lock, self.database)
        return all(os.access(path, os.W_OK) for path in paths if path.exists())

    def exists(self) -> bool:
        return self.root.is_dir()

    def create(self) -> None:
        """Make the folder; a `.gitignore` of its own keeps it out of the user's commits."""
        self.spool.mkdir(parents=True, exist_ok=True)
        ignore = self.root / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n", encoding="utf-8")

    def size(self) -> int:
        """Bytes of the database and of the spools, waiting and drained."""
        files = [self.database, *self.spool.glob("*.ndjson"), *self.drained.glob("*.ndjson")]
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


def stores_below(folder: Path) -> list[Layout]:
    """The stores of the folders directly in this one."""
    return [Layout(path) for path in sorted(folder.glob(f"*/{FOLDER}")) if path.is_dir()]
