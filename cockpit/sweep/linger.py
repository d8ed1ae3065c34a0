"""Whether logging out would end what was detached: systemd's logind can be told to kill all of a user's.

Sources: logind.conf(5), KillUserProcesses=, KillOnlyUsers=, KillExcludeUsers=; loginctl(1), enable-linger;
systemd.unit(5) and systemd-system.conf(5) for which file goes before which.
"""

from __future__ import annotations

import os
import pwd
import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_PLACES = ("etc/systemd", "run/systemd", "usr/local/lib/systemd", "usr/lib/systemd", "lib/systemd")
"""Where logind looks; an earlier place's file hides a later one's of the same name."""
_SETTING = re.compile(r"^\s*(?P<comment>[#;]?)(?P<key>Kill\w+)\s*=\s*(?P<value>.*?)\s*$")
_YES = frozenset(("yes", "y", "true", "t", "on", "1"))


def advice(user: str | None = None, root: Path = Path("/")) -> str | None:
    """One sentence on what logging out would do to detached processes and how to prevent it; or None."""
    user = pwd.getpwuid(os.getuid()).pw_name if user is None else user
    if not ends_at_logout(user, root):
        return None
    return (
        f"this machine ends the processes of {user} at logout (KillUserProcesses in logind.conf), this sweep "
        "too; to let it go on: loginctl enable-linger"
    )


def ends_at_logout(user: str, root: Path = Path("/")) -> bool:
    """Whether logind kills this user's processes when the last session closes."""
    if not (root / "run/systemd/system").is_dir() or not _in_session(root):
        return False
    if (root / "var/lib/systemd/linger" / user).exists():
        return False
    settings = dict(_settings(root))
    only = settings.get("KillOnlyUsers", "").split()
    spared = settings.get("KillExcludeUsers", "root").split()
    kills = settings.get("KillUserProcesses", "no").lower() in _YES
    return kills and user not in spared and (not only or user in only)


def _in_session(root: Path) -> bool:
    """Whether we are part of a login, as a program that the system itself started is not."""
    try:
        return "user.slice" in (root / "proc/self/cgroup").read_text()
    except OSError:
        return True


def _settings(root: Path) -> Iterator[tuple[str, str]]:
    """Settings in the order in which a later one goes before an earlier one."""
    main = next(filter(Path.is_file, (root / p / "logind.conf" for p in _PLACES)), None)
    if main is not None:
        # The file that comes with systemd has in comments what was built into it.
        yield from _lines(main, comments=True)
        yield from _lines(main)
    pieces: dict[str, Path] = {}
    for place in _PLACES:
        for piece in (root / place / "logind.conf.d").glob("*.conf"):
            pieces.setdefault(piece.name, piece)
    for _, piece in sorted(pieces.items()):
        yield from _lines(piece)


def _lines(file: Path, comments: bool = False) -> Iterator[tuple[str, str]]:
    try:
        text = file.read_text(encoding="utf-8", errors="replace")
    except OSError:  # not ours to read: it cannot be told
        return
    for found in filter(None, map(_SETTING.match, text.splitlines())):
        if bool(found["comment"]) == comments and found["value"]:
            yield found["key"], found["value"]
