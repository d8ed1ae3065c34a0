"""A run that belongs to no sweep, as the events it consists of. Standard library only."""

from __future__ import annotations

import contextlib
import os
import re
import threading
import time
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cockpit.models.safety import sealed
from storage.events import (
    Event,
    MetricLogged,
    ParamSet,
    PredictionsSeen,
    ProvenanceSeen,
    RunAttr,
    RunChanged,
    RunCreated,
)
from storage.ids import to_text
from storage.spool import SpoolError, SpoolWriter

if TYPE_CHECKING:
    from storage.layout import Layout

SYNC_SECONDS = 1.0
LONGEST_NAME = 100
LONGEST_STEM = 80
"""A number follows."""
WRITING = threading.RLock()
"""Held by the thread that writes, and while the process forks: else a child could wait for ever."""
os.register_at_fork(
    before=WRITING.acquire, after_in_parent=WRITING.release, after_in_child=WRITING.release
)


class PlainRun:
    """Writes a run to a spool of its own; while this process lives the run counts as running.

    What cannot be written once the run has begun (a full disk) is a warning, not an error: the
    training is worth more than its record.
    """

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self._spool = SpoolWriter(layout)
        self._number = 0
        self._sync_at = 0.0
        self._refused = False
        self.id = self.name = ""

    def claim(self) -> str:
        """The run's id, before there is anything of it. Raises SpoolError, or OSError."""
        with WRITING:
            self._number = self._spool.new_id()
        self.id = to_text(self._number)
        return self.id

    def begin(self, name: str | None, stem: str) -> None:
        """Without a name it is the stem and a number.

        Raises SpoolError, or OSError, where the store cannot be written.
        """
        self.name = name or self.layout.next_name(_as_name(stem))
        now = time.time()
        with WRITING:
            self._spool.append(RunCreated(self._number, None, None, self.name, "running", now))
        self._sync_at = time.monotonic() + SYNC_SECONDS

    def log(self, *points: tuple[int, Mapping[str, float]]) -> None:
        """Metrics by name, each table with its step."""
        now, run = time.time(), self._number
        self._say(
            *[
                MetricLogged(run, name, step, now, metrics[name])
                for step, metrics in points
                for name in metrics
            ]
        )

    def take(self, content: Mapping[str, Any]) -> None:
        """What is told of the run: `params`, `attrs` (by name), `tags`, `note`; what is empty is not said.

        Anybody may have written it: what is of the wrong kind is left out.
        """
        run = self._number
        events: list[Event] = []
        for name, value in _named(content.get("params")):
            events.append(ParamSet(run, name, plain(value), ""))
        for name, value in _named(content.get("attrs")):
            events.append(RunAttr(run, "user", name, plain(value)))
        tags = content.get("tags")
        for tag in tags if isinstance(tags, list) else ():
            with contextlib.suppress(ValueError):
                events.append(RunChanged(run, {"tag": cleaned(str(tag), "a tag")}))
        if isinstance(note := content.get("note"), str) and note:
            events.append(RunChanged(run, {"note": note}))
        self._say(*events)

    def origin(self, digest: str, content: dict[str, Any]) -> None:
        """Where the run comes from: its provenance."""
        self._say(ProvenanceSeen(digest, content), RunChanged(self._number, {"provenance": digest}))

    def predicted(self, *seen: PredictionsSeen) -> None:
        """The run's answers on evaluation sets."""
        self._say(*seen)

    def settle(self, state: str, reason: str | None, **changes: Any) -> None:
        """The run is over; nothing is to be written after it."""
        changes = {"state": state, "reason": reason, "ended": time.time(), **changes}
        bundle = sealed(self.layout.bundle(self.id), self._number)
        self._say(*bundle, RunChanged(self._number, changes))
        self.close()

    def close(self) -> None:
        """Let go. A run that was not settled is lost from here on."""
        try:
            with WRITING:
                self._spool.close()
        except SpoolError as error:
            self._warn(error)

    def sync(self) -> bool:
        """Once a second, force to the disk what was written; True where that was due."""
        now = time.monotonic()
        if now < self._sync_at:
            return False
        self._sync_at = now + SYNC_SECONDS
        try:
            with WRITING:
                self._spool.sync()
        except SpoolError as error:
            self._warn(error)
        return True

    def _say(self, *events: Event) -> None:
        if not events:
            return
        try:
            with WRITING:
                self._spool.append(*events)
        except SpoolError as error:
            self._warn(error)

    def _warn(self, error: SpoolError) -> None:
        if not self._refused:
            self._refused = True
            text = (
                f"cockpit {error.strerror}; the run goes on, and what cannot be written is missing"
            )
            warnings.warn(text, RuntimeWarning, stacklevel=2)


def _named(found: Any) -> list[tuple[str, Any]]:
    return [(str(k), v) for k, v in found.items()] if isinstance(found, Mapping) else []


def plain(value: Any) -> Any:
    """A value as JSON has it: numpy's and torch's numbers are numbers, what is none becomes its text."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [plain(item) for item in value]
    try:
        number = value.item()
    except (AttributeError, TypeError, ValueError, RuntimeError):  # an array says so in many ways
        return str(value)
    return number if isinstance(number, bool | int | float | str) else str(value)


def flat(params: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """Params by name, those of tables within tables joined by a dot."""
    found: dict[str, Any] = {}
    for key, value in params.items():
        if isinstance(value, Mapping) and value:
            found |= flat(value, f"{before}{key}.")
        else:
            found[f"{before}{key}"] = value
    return found


def cleaned(text: str, what: str) -> str:
    """A name or a tag without what cannot be seen. Raises ValueError."""
    kept = _printable(text)
    if not 0 < len(kept) <= LONGEST_NAME:
        raise ValueError(
            f"{what} has 1 to {LONGEST_NAME} printable characters, this one has {len(kept)}"
        )
    return kept


def _printable(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _as_name(stem: str) -> str:
    """What a file may be called, as a name that a run can have."""
    return _printable(re.sub("[#@]", " ", stem))[:LONGEST_STEM].strip() or "run"


def checked_name(text: str) -> str:
    """A run's name. Raises ValueError."""
    if "#" in text or text.startswith("@"):
        raise ValueError(
            f"{text!r} cannot be a name: # and @ are for SWEEP#NUMBER, SWEEP#best and @latest"
        )
    return cleaned(text, "a name")
