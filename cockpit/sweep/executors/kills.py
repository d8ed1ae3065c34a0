"""Whether it was the kernel that ran out of memory: its own count of those it killed for that."""

from __future__ import annotations

from pathlib import Path


class OomKills:
    """Tells whether the count has grown since the last `look`."""

    def __init__(self, proc: Path = Path("/proc"), cgroups: Path = Path("/sys/fs/cgroup")) -> None:
        self._file = _counter(proc, cgroups)
        self._count = self._read()

    def look(self) -> None:
        self._count = self._read()

    def grew(self) -> bool | None:
        """None where the system does not count. One kill may end several runs: this forgets nothing."""
        now = self._read()
        return None if now is None or self._count is None else now > self._count

    def _read(self) -> int | None:
        try:
            lines = self._file.read_text(encoding="ascii").splitlines() if self._file else []
        except OSError:
            return None
        counts = (line.split() for line in lines)
        return next((int(words[1]) for words in counts if words[:1] == ["oom_kill"]), None)


def _counter(proc: Path, cgroups: Path) -> Path | None:
    """That of our own control group, which the workers are in too; else the whole machine's."""
    try:
        lines = (proc / "self" / "cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    for line in lines:
        _, controllers, path = line.split(":", 2)
        inside = path.lstrip("/")
        if controllers == "":
            place = cgroups / inside / "memory.events"
        elif "memory" in controllers.split(","):
            place = cgroups / "memory" / inside / "memory.oom_control"
        else:
            continue
        if place.is_file() and "oom_kill " in place.read_text(encoding="ascii"):
            return place
    place = proc / "vmstat"
    return place if place.is_file() else None
