"""Reads wandb's local folders as runs, offline or synced, without wandb or protobuf.

A run is a `run-ID.wandb` file; where a run was resumed there are several of one ID, and they are read as one,
in the order of their folders' names. The history comes whole, with `_step` as the step and `_timestamp` as
the time; keys within keys are joined by dots. What is no number (images, tables, histograms, texts) stays
where it is, and `attrs["left out"]` counts it. What the machine was measured by becomes `system.…`.
Source of the records' fields: wandb/proto/wandb_internal.proto
"""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cockpit.interop.errors import NothingToImport
from cockpit.interop.files import listed
from cockpit.interop.foreign import Curve, Damaged, ForeignRun, Skipped
from cockpit.interop.unended import UNENDED, Broken, grows, stamp
from cockpit.interop.wandb_origin import Origin, moment
from cockpit.interop.wire import BYTES, Garbled, Message, spans

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cockpit.interop import wandb_items as items

HISTORY, SUMMARY, CONFIG, STATS, OUTPUT, RUN, EXIT, PREEMPTING, ENVIRONMENT = (
    *(2, 3, 5, 7, 13),
    *(17, 18, 23, 26),
)
"""Of Record's `record_type`."""
LEFT_OUT = "left out"
"""The attribute that counts what was not taken over."""
_EARLY = 20


def read(folder: Path) -> Iterator[ForeignRun | Damaged | Skipped]:
    """The runs, one at a time, in the order in which they were begun; memory holds one.

    Raises `NothingToImport` where there is no run file of wandb's.
    """
    files = _files(folder)
    if not files:
        there = "has no run-*.wandb files in it, nor below" if folder.exists() else "is not there"
        raise NothingToImport(f"{folder} {there}")
    return _runs(files)


def count(folder: Path) -> int:
    """How many runs `read` will give."""
    return len(_files(folder))


def newest(folder: Path) -> tuple[int, ...]:
    """Differs from an earlier answer where a run is new, has grown, or has fallen silent."""
    return stamp(chain.from_iterable(_files(folder).values()))


def _runs(files: dict[tuple[str, str], list[Path]]) -> Iterator[ForeignRun | Damaged | Skipped]:
    for (_, run_id), of_run in files.items():
        found = _Reading(run_id).all_of(of_run)
        yield found
        if isinstance(found, ForeignRun):
            yield from (Skipped(what, n) for what, n in found.attrs.get(LEFT_OUT, {}).items())


def _files(folder: Path) -> dict[tuple[str, str], list[Path]]:
    """Each run's; the folders' names begin with the time."""
    found = [folder] if folder.is_file() and _is_run(folder.name) else []
    for place, below, names in os.walk(folder):
        here = [Path(place, name) for name in names if _is_run(name)]
        below[:] = [] if here else sorted(below)
        found.extend(here)
    found.sort(key=lambda path: (_begun(path), str(path)))
    files: dict[str, list[Path]] = {}
    for path in found:
        files.setdefault(path.name.removeprefix("run-").removesuffix(".wandb"), []).append(path)
    return {
        (project, run_id): own
        for run_id, paths in files.items()
        for project, own in _owned(paths).items()
    }


def _is_run(name: str) -> bool:
    return name.startswith("run-") and name.endswith(".wandb") and len(name) > len("run-.wandb")


def _owned(paths: list[Path]) -> dict[str, list[Path]]:
    """By the project: an ID is a run's in one project only. What is alone need not be looked into for it."""
    if len(paths) == 1:
        return {"": paths}
    first = _project(paths[0])
    files: dict[str, list[Path]] = {}
    for path in paths:
        files.setdefault(_project(path) or first, []).append(path)
    return files


def _project(path: Path) -> str:
    """Of the record that comes soon after the header; empty where it is not there yet."""
    from cockpit.interop.wandb_files import records

    try:
        for data in islice(records(path), _EARLY):
            record = Message(data) if isinstance(data, bytes) else Message(b"")
            if RUN in record:
                return record.message(RUN).text(3)
    except (OSError, Garbled):
        return ""
    return ""


def _begun(path: Path) -> str:
    """`20261121_214145` of `offline-run-20261121_214145-mu7r8v1k`."""
    return path.parent.name.removeprefix("offline-").removeprefix("run-")


@dataclass(slots=True)
class _Reading:
    """What is known of a run so far."""

    run_id: str
    run: Message | None = None
    config: dict[str, Any] = field(default_factory=dict)
    summary: dict[bytes, bytes] = field(default_factory=dict)
    history: items.Items = field(init=False)
    stats: items.Items = field(init=False)
    origin: Origin = field(default_factory=Origin)
    exit: Message | None = None
    preempted: bool = False
    last: float = 0.0
    garbled: int = 0
    read: int = 0

    def __post_init__(self) -> None:
        from cockpit.interop.wandb_items import Items

        self.history, self.stats = Items(1), Items(3)

    def all_of(self, files: list[Path]) -> ForeignRun | Damaged | Skipped:
        """Read them, one after the other."""
        from cockpit.interop.wandb_files import records

        damage: list[str] = []
        for path in files:
            self.exit, self.preempted, garbled = None, False, self.garbled
            try:
                for found in records(path):
                    if not isinstance(found, Broken):
                        self._record(found)
                    elif found.hurts(path):
                        damage.append(f"{path}: byte {found.offset:,}: {found.why}")
            except OSError as error:
                damage.append(f"{path}: cannot be read: {error.strerror}")
            if self.garbled > garbled:
                damage.append(f"{path}: records that are none: {self.garbled - garbled:,}")
        if not self.read and damage:
            return Damaged(f"run {self.run_id}", "; ".join(damage))
        # wandb writes a block at a time
        if not self.read or (self.run is None and grows(files[-1])):
            return Skipped("run of which nothing is written yet")
        return self._foreign(files, damage)

    def _record(self, data: bytes) -> None:
        self.read += 1
        try:
            for number, kind, start, stop in spans(data, 0, len(data)):
                if kind != BYTES:
                    continue
                if number == HISTORY:
                    self.history.add(data, start, stop)
                elif number == SUMMARY:
                    self._summary(data, start, stop)
                elif number == STATS:
                    self.stats.add(data, start, stop)
                else:
                    self._rare(number, data[start:stop])
        except Garbled:
            self.garbled += 1

    def _summary(self, data: bytes, start: int, stop: int) -> None:
        from cockpit.interop.wandb_items import cut, path_of

        heads, raws, rest = cut(data, start, stop, 1)
        self.summary.update(zip(heads, raws, strict=True))
        for item in Message(rest).messages(2) if rest else ():
            gone = path_of(item)
            kept = self.summary.items()
            self.summary = {h: v for h, v in kept if path_of(Message(h))[: len(gone)] != gone}

    def _rare(self, number: int, data: bytes) -> None:
        if number == OUTPUT:
            self.last = max(self.last, moment(Message(data).message(2)) or 0.0)
        elif number == CONFIG:
            self._configure(Message(data))
        elif number == RUN:
            self.run = Message(data)
            self._configure(self.run.message(4))
            self.origin.of_run(self.run)
        elif number == EXIT:
            self.exit = Message(data)
        elif number == PREEMPTING:
            self.preempted = True
        elif number == ENVIRONMENT:
            self.origin.of_environment(Message(data))

    def _configure(self, record: Message) -> None:
        from cockpit.interop.wandb_items import path_of, value_of

        for item in record.messages(1):
            *above, last = path_of(item)
            table = self.config
            for key in above:
                table = _table(table, key)
            try:
                table[last] = value_of(item)
            except (ValueError, RecursionError) as error:
                raise Garbled("a setting that is no JSON") from error
        for item in record.messages(2):
            *above, last = path_of(item)
            table = self.config
            for key in above:
                table = _table(table, key)
            table.pop(last, None)

    def _foreign(self, files: list[Path], damage: list[str]) -> ForeignRun:
        from cockpit.interop.wandb_history import curves, rest_of_summary, system
        from cockpit.interop.wandb_items import flat

        run = self.run or Message(b"")
        left: Counter[str] = Counter()
        found = (*curves(self.history, left), *system(self.stats))
        summary, texts = rest_of_summary(self.summary, {curve.name for curve in found}, left)
        started = moment(run.message(17)) or self.origin.started
        state, reason = self._state(files[-1])
        params = (pair for k, v in self.config.items() if k != "_wandb" for pair in flat((k,), v))
        for path in files:
            self.origin.of_files(path.parent / "files")
        return ForeignRun(
            key="/".join(filter(None, (run.text(3), self.run_id))),  # as wandb tells runs apart
            name=run.text(8) or self.run_id,
            state=state,
            reason=reason,
            group=run.text(3) or None,
            started=started,
            ended=self._ended(found, started),
            params={".".join(path): value for path, value in params},
            summary=summary,
            curves=found,
            tags=tuple(dict.fromkeys(run.texts(10))),
            attrs=self._attrs(run, texts, left),
            note=run.text(9) or None,
            provenance=self.origin.provenance(),
            artifacts=tuple(a for path in files for a in listed(path.parent / "files")),
            damage=tuple(damage),
        )

    def _state(self, file: Path) -> tuple[str, str | None]:
        if self.exit is None or self.exit.natural(3):
            if self.preempted:
                return "stopped", "it was preempted"
            return ("running", None) if grows(file) else ("stopped", UNENDED)
        code = self.exit.integer(1)
        return ("failed", f"exit code {code}") if code else ("complete", None)

    def _ended(self, found: Iterable[Curve], started: float | None) -> float | None:
        times = [self.last, *(float(curve.times.max()) for curve in found if len(curve.times))]
        if self.exit is not None and started is not None:
            times.append(started + self.exit.natural(2))
        return max(times) or None

    def _attrs(self, run: Message, texts: dict[str, str], left: Counter[str]) -> dict[str, Any]:
        attrs: dict[str, Any] = {
            name: run.text(number)
            for name, number in (("entity", 2), ("group", 6), ("job type", 7), ("sweep", 12))
            if run.text(number)
        }
        attrs.update(self.origin.attrs())
        attrs.update(texts)
        if left:
            attrs[LEFT_OUT] = dict(sorted(left.items()))
        return attrs


def _table(table: dict[str, Any], key: str) -> dict[str, Any]:
    """The table of that key within, made where there is none."""
    if not isinstance(table.get(key), dict):
        table[key] = {}
    inner: dict[str, Any] = table[key]
    return inner
