"""Which file system a folder lies on, where that matters: flock between machines is not to be trusted."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

_MOUNTS = Path("/proc/self/mountinfo")
_NETWORK = re.compile(
    r"9p|afs|beegfs|ceph|cifs|(fuse\.)?glusterfs|fuse\.sshfs|gpfs|lustre|nfs4?|pvfs2|smb3|smbfs|vboxsf"
)


@cache
def network_file_system(folder: Path) -> str | None:
    """The kind of network file system that `folder` lies on; None on a local one, or where none can tell."""
    try:
        table = _MOUNTS.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return None
    kind = file_system(folder.resolve(), table)
    return kind if _NETWORK.fullmatch(kind) else None


def file_system(folder: Path, table: str) -> str:
    """The kind of file system of the deepest mount above `folder`, of a `mountinfo` table (proc(5))."""
    best, kind = -1, ""
    for line in table.splitlines():
        before, _, after = line.partition(" - ")
        point = Path(re.sub(r"\\(\d{3})", lambda m: chr(int(m[1], 8)), before.split()[4]))
        # Of two mounts on one place the later one is on top.
        if folder.is_relative_to(point) and len(point.parts) >= best:
            best, kind = len(point.parts), after.split()[0]
    return kind
