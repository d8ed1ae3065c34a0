"""Where a run of wandb comes from: program, code, interpreter, packages and machine, by our names for them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from cockpit.interop.wire import Message

_TEXTS = {
    "os": 1,
    "python": 2,
    "program": 6,
    "root": 11,
    "host": 12,
    "username": 13,
    "executable": 14,
}
"""Of EnvironmentRecord; the names are those of `wandb-metadata.json`."""
_OTHERS = {"docker": 4, "email": 10, "gpu": 18, "cudaVersion": 25}


@dataclass(slots=True)
class Origin:
    """Gathered from the records, and from the files beside them where those say more."""

    said: dict[str, Any] = field(default_factory=dict)
    """By the names of `wandb-metadata.json`."""
    packages: dict[str, str] = field(default_factory=dict)
    started: float | None = None

    def of_run(self, run: Message) -> None:
        """A RunRecord."""
        self._git(run.message(21))
        if run.text(13):
            self.said["host"] = run.text(13)
        telemetry = run.message(19)
        for name, number in (("python", 4), ("wandb", 5)):
            if telemetry.text(number):
                self.said.setdefault(name, telemetry.text(number))

    def of_environment(self, record: Message) -> None:
        """An EnvironmentRecord; there are several, and each says a part."""
        for name, number in (_TEXTS | _OTHERS).items():
            if record.text(number):
                self.said[name] = record.text(number)
        if record.texts(5):
            self.said["args"] = record.texts(5)
        if record.natural(17) or record.natural(16):
            self.said["cpu_count_logical"] = record.natural(17) or record.natural(16)
        if record.message(21).natural(1):
            self.said["memory"] = {"total": record.message(21).natural(1)}
        self.started = moment(record.message(3)) or self.started
        self._git(record.message(9))

    def of_files(self, folder: Path) -> None:
        """`wandb-metadata.json` of wandb before 0.20, and `requirements.txt`."""
        try:
            metadata = json.loads((folder / "wandb-metadata.json").read_bytes())
        except (OSError, ValueError, RecursionError):
            metadata = None
        if isinstance(metadata, dict):
            # The file is written once; what the records say is later, or the same.
            self.said = {**metadata, **{k: v for k, v in self.said.items() if v}}
            self.started = self.started or _iso(metadata.get("startedAt"))
        try:
            lines = (folder / "requirements.txt").read_text("utf-8", "replace").splitlines()
        except OSError:
            return
        for line in lines:
            name, equal, version = line.partition("==")
            if equal:
                self.packages[name.strip()] = version.strip()

    def provenance(self) -> dict[str, Any]:
        """By the names of `cockpit.sweep.provenance`; only what is known."""
        git = self.said.get("git")
        environment = {
            "interpreter": _text(self.said.get("executable")),
            "python": (_text(self.said.get("python")) or "").rpartition(" ")[2],
            "platform": _text(self.said.get("os")),
            "packages": self.packages,
        }
        machine = {
            "host": _text(self.said.get("host")),
            "platform": _text(self.said.get("os")),
            "cores": _whole(self.said.get("cpu_count_logical") or self.said.get("cpu_count")),
            "memory": _whole(_within(self.said.get("memory"), "total")),
        }
        found = {
            "git": {"commit": _text(git.get("commit")), "remote": _text(git.get("remote"))}
            if isinstance(git, dict)
            else None,
            "command": self._command(),
            "spec_folder": _text(self.said.get("root")),
            "environment": {name: value for name, value in environment.items() if value},
            "machine": {name: value for name, value in machine.items() if value},
        }
        return {name: value for name, value in found.items() if value}

    def attrs(self) -> dict[str, Any]:
        """What has no place in the provenance."""
        found = {
            "host": self.said.get("host"),
            "user": self.said.get("username"),
            "wandb": self.said.get("wandb"),
            **{name: self.said.get(name) for name in _OTHERS},
        }
        return {name: value for name, value in found.items() if isinstance(value, str) and value}

    def _command(self) -> list[str]:
        program, arguments = _text(self.said.get("program")), self.said.get("args")
        if program is None:
            return []
        return [program, *map(str, arguments if isinstance(arguments, list) else ())]

    def _git(self, git: Message) -> None:
        if git.text(2) or git.text(1):
            self.said["git"] = {"remote": git.text(1), "commit": git.text(2)}


def moment(timestamp: Message) -> float | None:
    """Seconds since 1970 of google.protobuf.Timestamp; None of an empty one."""
    found = timestamp.integer(1) + timestamp.integer(2) / 1e9
    return found if found > 0 else None


def _iso(text: object) -> float | None:
    """Times without a zone are UTC, as wandb writes them."""
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _whole(value: object) -> int | None:
    try:
        return int(value) if isinstance(value, int | str) else None
    except ValueError:
        return None


def _within(table: object, key: str) -> object:
    return table.get(key) if isinstance(table, dict) else None
