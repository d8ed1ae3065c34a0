"""Reads TensorBoard's log folders as runs, without TensorFlow, TensorBoard or protobuf.

A run is a folder with event files, as for TensorBoard itself. All its files are read in the order of
their names, and every point is kept: nothing is sampled, and nothing is purged where a run was started
again at an earlier step (TensorBoard hides the points that are written over). Scalars come whole, with
the hyperparameters, the outcome and the last text of each tag; images, histograms, audio and graphs stay
where they are, and `attrs["left out"]` counts them.

Two writers give one run more folders than one: SummaryWriter's `add_scalars` (a folder a line of the
chart) and `add_hparams` (a folder named by the time). Such a folder is read into the run above it.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cockpit.interop.errors import NothingToImport
from cockpit.interop.foreign import Curve, Damaged, ForeignRun, Skipped
from cockpit.interop.unended import UNENDED, Broken, grows, stamp
from cockpit.interop.wire import Garbled, Message

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cockpit.interop.event_points import Gathered

_TIME = re.compile(r"\d{9,10}(\.\d+)?")
"""How `add_hparams` names a folder."""
_NAME = re.compile(r"tfevents\.\d+\.(?P<host>.+?)(\.\d+)*(\.v2)?$")
LEFT_OUT = "left out"
"""The attribute that counts what was not taken over."""
_PEEK, _EVENTS = 1 << 16, 100
"""Bytes and events that are looked at to learn what a folder is."""
_SESSION = "_hparams_/session_start_info"
_SUCCESS, _FAILURE = 1, 2
"""Of tensorboard/plugins/hparams/api.proto."""


@dataclass(frozen=True, slots=True)
class _Part:
    """A folder with event files."""

    folder: Path
    files: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class _Plan:
    """A run: its folder, and those below that are its own by the way they are named."""

    main: _Part
    lines: tuple[tuple[_Part, str], ...]
    """With the name that the curve gets."""
    hparams: _Part | None


@dataclass(slots=True)
class _Read:
    """What a folder's files hold."""

    gathered: Gathered
    curves: tuple[Curve, ...]
    damage: list[str]


@dataclass(slots=True)
class _Session:
    """What the plugin for hyperparameters knows of a run."""

    params: dict[str, Any]
    attrs: dict[str, Any]
    state: str | None = None
    """None: nothing was said of it."""
    reason: str | None = None
    started: float | None = None
    ended: float | None = None


def read(logdir: Path) -> Iterator[ForeignRun | Damaged | Skipped]:
    """The runs, one at a time, in the order of their folders' names; memory holds one.

    Raises `NothingToImport` where no folder has an event file.
    """
    plans = _plans(logdir)
    if not plans:
        there = "has no event files in it, nor below" if logdir.exists() else "is not there"
        raise NothingToImport(f"{logdir} {there}")
    return _runs(logdir.parent if logdir.is_file() else logdir, plans)


def count(logdir: Path) -> int:
    """How many runs `read` will give; looks at the beginning of some files only."""
    return len(_plans(logdir))


def newest(logdir: Path) -> tuple[int, ...]:
    """Differs from an earlier answer where an event file is new, has grown, or has fallen silent."""
    return stamp(path for part in _parts(logdir) for path in part.files)


def _parts(logdir: Path) -> list[_Part]:
    found: list[_Part] = []
    if logdir.is_file() and "tfevents" in logdir.name:
        found.append(_Part(logdir.parent, (logdir,)))
    for folder, below, names in os.walk(logdir):
        below.sort()
        files = sorted(name for name in names if "tfevents" in name)
        if files:
            here = Path(folder)
            found.append(_Part(here, tuple(here / name for name in files)))
    return found


def _plans(logdir: Path) -> list[_Plan]:
    parts = _parts(logdir)
    folders = {part.folder for part in parts}
    owned: dict[Path, list[_Part]] = {}
    for part in parts:
        above = next((p for p in part.folder.parents if p in folders), None)
        if above is not None:
            owned.setdefault(above, []).append(part)
    plans: list[_Plan] = []
    taken: set[Path] = set()
    for part in parts:  # a folder comes before those in it
        if part.folder in taken:
            continue
        below = owned.get(part.folder, [])
        timed = [p for p in below if p.folder.parent == part.folder and _is_session(p)]
        lines = [
            (p, name) for p in below if (name := _line(part, p)) is not None and p not in timed
        ]
        plan = _Plan(part, tuple(lines), timed[0] if len(timed) == 1 else None)
        taken.update(p.folder for p, _ in lines)
        if plan.hparams is not None:
            taken.add(plan.hparams.folder)
        plans.append(plan)
    return plans


def _line(above: _Part, part: _Part) -> str | None:
    """The name of the curve, where `add_scalars` made the folder: `loss/train` of `loss_train` or `loss/train`."""
    place = part.folder.relative_to(above.folder).as_posix()
    if "_" not in place and "/" not in place:
        return None
    tags = _tags(part)
    for tag in tags if len(tags) == 1 else ():
        for start in (tag + "/", tag.replace("/", "_") + "_"):
            if place.startswith(start) and place != start:
                return f"{tag}/{place.removeprefix(start)}"
    return None


def _is_session(part: _Part) -> bool:
    """Whether `add_hparams` made the folder."""
    return _TIME.fullmatch(part.folder.name) is not None and _SESSION in _tags(part)


def _tags(part: _Part) -> set[str]:
    """The tags of a folder, as far as the beginning of its first file tells."""
    from cockpit.interop.event_files import Records, records

    tags: set[str] = set()
    try:
        for found in islice(records(part.files[0], _PEEK), 1):
            if isinstance(found, Records):
                for start, end in zip(found.starts[:_EVENTS], found.ends[:_EVENTS], strict=True):
                    values = Message(found.data[start:end]).message(5).messages(1)
                    tags.update(value.text(1) for value in values)
    except (OSError, Garbled):
        return set()
    return tags


def _read(part: _Part) -> _Read:
    from cockpit.interop.event_files import records
    from cockpit.interop.event_points import Gathered

    gathered, damage = Gathered(), []
    for path in part.files:
        garbled = gathered.garbled
        try:
            for found in records(path):
                if not isinstance(found, Broken):
                    gathered.add(found)
                elif found.hurts(path):
                    damage.append(f"{path}: byte {found.offset:,}: {found.why}")
        except OSError as error:
            damage.append(f"{path}: cannot be read: {error.strerror}")
        if gathered.garbled > garbled:
            damage.append(f"{path}: records that are no events: {gathered.garbled - garbled:,}")
    return _Read(gathered, gathered.curves(), damage)


def _runs(logdir: Path, plans: list[_Plan]) -> Iterator[ForeignRun | Damaged | Skipped]:
    for plan in plans:
        found = _run(logdir, plan)
        yield found
        if isinstance(found, ForeignRun):
            yield from (Skipped(what, n) for what, n in found.attrs.get(LEFT_OUT, {}).items())


def _run(logdir: Path, plan: _Plan) -> ForeignRun | Damaged | Skipped:
    main = _read(plan.main)
    parts = [main]
    curves = list(main.curves)
    for part, name in plan.lines:
        line = _read(part)
        parts.append(line)
        curves.extend(
            Curve(name if len(line.curves) == 1 else f"{name}/{c.name}", c.steps, c.times, c.values)
            for c in line.curves
        )
    if plan.hparams is not None:
        session = _read(plan.hparams)
        parts.append(session)
        curves.extend(session.curves)
    damage = [sentence for part in parts for sentence in part.damage]
    times = [t for p in parts for t in (p.gathered.first, p.gathered.last) if t is not None]
    if not times and damage:
        return Damaged(str(plan.main.folder), "; ".join(damage))
    if not times:
        return Skipped("folder whose event files are empty")
    place = plan.main.folder.relative_to(logdir).as_posix()
    session_of = _session(content for part in parts for content in part.gathered.hparams)
    state, reason = session_of.state or "complete", session_of.reason
    if (session_of.state is None or reason == UNENDED) and any(map(grows, plan.main.files)):
        state, reason = "running", None
    return ForeignRun(
        # The folder may be emptied, and another run be written there.
        key=str(plan.main.files[0].absolute()),
        name=(logdir.resolve().name or place) if place == "." else place,
        state=state,
        endless=session_of.state is None,
        reason=reason,
        group=place.rpartition("/")[0] or None,
        started=session_of.started or min(times),
        ended=session_of.ended or max(times),
        params=session_of.params,
        curves=_named_once(curves),
        attrs=_attrs(plan.main, parts, session_of),
        damage=tuple(damage),
    )


def _named_once(curves: Iterable[Curve]) -> tuple[Curve, ...]:
    """Two folders of a run may have a curve of one name each: the later one is numbered."""
    found: dict[str, Curve] = {}
    for curve in curves:
        name, number = curve.name, 1
        while name in found:
            number += 1
            name = f"{curve.name} ({number})"
        found[name] = Curve(name, curve.steps, curve.times, curve.values)
    return tuple(found.values())


def _attrs(main: _Part, parts: list[_Read], session: _Session) -> dict[str, Any]:
    attrs: dict[str, Any] = dict(session.attrs)
    host = _NAME.search(main.files[0].name)
    if host:
        attrs["host"] = host["host"]
    for part in parts:
        attrs.update(part.gathered.texts)
    left = sum((part.gathered.left_out for part in parts), Counter[str]())
    if left.total():
        attrs[LEFT_OUT] = {what: number for what, number in sorted(left.items()) if number}
    return attrs


def _session(contents: Iterable[bytes]) -> _Session:
    """Of HParamsPluginData (tensorboard/plugins/hparams/plugin_data.proto), in the order of writing."""
    session = _Session({}, {})
    for content in contents:
        try:
            _tell(session, Message(content))
        except (Garbled, RecursionError):
            session.attrs["left out hparams"] = "they are no HParamsPluginData"
    return session


def _tell(session: _Session, data: Message) -> None:
    if 3 in data:
        start = data.message(3)
        session.state, session.reason = "stopped", UNENDED
        session.started = start.double(5) or None
        session.params.update((e.text(1), _value(e.message(2))) for e in start.messages(1))
        for number, name in ((4, "session group"), (2, "model"), (3, "monitor")):
            if start.text(number):
                session.attrs[name] = start.text(number)
    elif 4 in data:
        end = data.message(4)
        session.ended = end.double(2) or None
        status = end.natural(1)
        if status in (_SUCCESS, _FAILURE):
            session.state = "complete" if status == _SUCCESS else "failed"
            session.reason = None if status == _SUCCESS else "its session ended as failed"
    elif 2 in data:
        experiment = data.message(2)
        for number, name in ((6, "experiment"), (1, "description"), (3, "user")):
            if experiment.text(number):
                session.attrs[name] = experiment.text(number)


def _value(value: Message) -> Any:
    """Of google.protobuf.Value."""
    if 2 in value:
        number = value.double(2)
        return int(number) if number.is_integer() and abs(number) < 2**53 else number
    if 3 in value:
        return value.text(3)
    if 4 in value:
        return bool(value.natural(4))
    if 6 in value:
        return [_value(one) for one in value.message(6).messages(1)]
    return None
