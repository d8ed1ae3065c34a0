"""The git repository around a folder: its commit, what differs from it, and the difference itself."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cockpit.sweep.provenance.data import digest_of, write_whole
from storage.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from storage.layout import Layout

NAMES_KEPT = 200
DIFF_BYTES = 5_000_000
"""The most that is kept of a difference."""
GIT_SECONDS = 10.0
OUR_OWN = frozenset((".cockpit", "__pycache__"))
"""What comes of running alone, the store and Python's cache, makes no tree dirty."""

_NOT_OURS = (
    *("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"),
    *("GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY", "GIT_DIFF_OPTS"),
)
"""Set inside a git hook they name another repository than the spec's; the last one is as the settings below."""
_DIFF = (
    *("diff", "HEAD", "--binary", "--full-index", "--no-renames", "--ignore-submodules=dirty"),
    # The user's own settings, each of which makes a diff that `git apply` would not take.
    *("--no-color", "--no-ext-diff", "--no-textconv", "--no-relative"),
    *("--src-prefix=a/", "--dst-prefix=b/", "--unified=3"),
)
_FILE = b"\ndiff --git "


class DiffNotKept(UserError, OSError):
    """The store has no place for the diff; the message is a sentence for the user."""


@dataclass(frozen=True, slots=True)
class Diff:
    """What the tracked files of a work tree have besides their commit, kept in the store."""

    digest: str
    """`blake3:` and 64 hex digits, of what is kept."""
    bytes: int
    truncated: bool
    """Whether files were left out, for the whole was larger than `cap`."""
    cap: int
    """Bytes."""


@dataclass(frozen=True, slots=True)
class Git:
    """The repository that holds a folder."""

    commit: str | None
    """None before the first commit, and where git refuses to look."""
    branch: str | None
    """None on a detached head."""
    dirty: bool | None
    """Whether a file differs from the commit or is unknown to it; None where git took too long, or refuses."""
    changed: tuple[str, ...] = ()
    """Names from the repository's top; the first `NAMES_KEPT`."""
    untracked: tuple[str, ...] = ()
    """As `changed`; a folder of which nothing is known to git by its own name and a slash."""
    names_left_out: int = 0
    diff: Diff | None = None
    """None where no tracked file differs, where git took too long, and where no store was named."""


def not_kept(git: Git | None) -> str | None:
    """What of the code cannot be had again later, in a sentence; None where all can."""
    if git is None:
        return None
    if git.commit is None and git.dirty is None:
        return "git refuses this repository, so that the code of its runs is not known: git status says why"
    if git.diff is not None and git.diff.truncated:
        return (
            f"the work tree has more changes than are kept ({git.diff.cap:,} bytes):"
            " cockpit rerun will not have all of them; commit what is large"
        )
    return None


def git_state(folder: Path, layout: Layout | None = None) -> Git | None:
    """The state of the repository that holds the folder; the store keeps the diff of a changed tree.

    None outside a repository, or where git is not installed. Raises DiffNotKept.
    """
    status = git(
        *(folder, "status", "--porcelain=v2", "--branch", "-z", "--no-renames"),
        "--untracked-files=normal",
    )
    if status is None:
        commit = git(folder, "rev-parse", "--verify", "--quiet", "HEAD")
        if commit is not None:
            return Git(commit.strip(), None, None)
        return Git(None, None, None) if _refuses(folder) else None
    found = _parsed(status)
    if found.changed and found.commit and layout is not None:
        return replace(found, diff=_keep_diff(folder, layout))
    return found


def _refuses(folder: Path) -> bool:
    """Whether there is a repository that git will not look at: another user's as a rule, or a damaged one."""
    try:
        done = subprocess.run(
            ["git", "-C", os.fspath(folder), "rev-parse", "--git-dir"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=git_environment(),
            timeout=GIT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode != 0 and b"not a git repository" not in done.stderr


def git(
    folder: Path, *arguments: str, seconds: float = GIT_SECONDS, enough: int = -1
) -> str | None:
    """What git says, its first `enough` bytes; None where it is absent, refuses or takes too long."""
    said = _said(folder, arguments, seconds, enough)
    return None if said is None else said.decode(errors="backslashreplace")


def git_environment() -> dict[str, str]:
    """Our environment, without what would turn git to another repository than the folder's."""
    environment = {k: v for k, v in os.environ.items() if k not in _NOT_OURS}
    return environment | {"GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}


def diff_path(layout: Layout, digest: str) -> Path:
    """Where the store keeps the diff of this digest: short enough a name to type."""
    return layout.diffs / f"{digest.rpartition(':')[2][:16]}.patch"


def _parsed(status: str) -> Git:
    head: dict[str, str] = {}
    changed, untracked = [], []
    for line in filter(None, status.split("\0")):
        kind, _, rest = line.partition(" ")
        if kind == "#":
            key, _, head[key] = rest.partition(" ")
        elif kind == "?":
            untracked.append(rest)
        else:
            changed.append(rest.split(" ", 9 if kind == "u" else 7)[-1])
    return _git_of(head, changed, untracked)


def _git_of(head: Mapping[str, str], changed: Sequence[str], untracked: Iterable[str]) -> Git:
    others = [name for name in untracked if OUR_OWN.isdisjoint(name.split("/"))]
    commit, branch = head.get("branch.oid"), head.get("branch.head")
    return Git(
        commit=None if commit == "(initial)" else commit,
        branch=None if branch == "(detached)" else branch,
        dirty=bool(changed or others),
        changed=tuple(changed[:NAMES_KEPT]),
        untracked=tuple(others[:NAMES_KEPT]),
        names_left_out=max(0, len(changed) - NAMES_KEPT) + max(0, len(others) - NAMES_KEPT),
    )


def _keep_diff(folder: Path, layout: Layout) -> Diff | None:
    content = _diff(folder)
    if not content:
        return None
    whole = len(content) <= DIFF_BYTES
    if not whole:  # in whole files, so that what is kept can still be applied
        content = content[: content.rfind(_FILE, 0, DIFF_BYTES) + 1]
    digest = digest_of(content)
    path = diff_path(layout, digest)
    if content and not path.exists():
        try:
            write_whole(path, content)
        except OSError as error:
            text = f"the changes since the last commit cannot be kept in {path.parent}"
            raise DiffNotKept(f"{text}: {error.strerror}; make room, or commit them") from error
    return Diff(digest, len(content), not whole, DIFF_BYTES)


def _diff(folder: Path) -> bytes | None:
    """No more of the diff than tells that it is too long; None where git failed or took too long."""
    return _said(folder, _DIFF, GIT_SECONDS, DIFF_BYTES + 1)


def _said(folder: Path, arguments: Iterable[str], seconds: float, enough: int = -1) -> bytes | None:
    command = ["git", "--no-pager", "-C", os.fspath(folder), "-c", "core.fsmonitor=false"]
    try:
        process = subprocess.Popen(
            [*command, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=git_environment(),
            start_new_session=True,  # what git starts goes with it, and Ctrl-C is ours to answer
        )
    except OSError:
        return None
    assert process.stdout is not None
    timer = threading.Timer(seconds, _end, [process])
    timer.start()
    try:
        said = process.stdout.read(enough)
        if len(said) == enough:
            _end(process)
            return said
        return said if process.wait() == 0 else None
    finally:
        timer.cancel()
        _end(process)
        process.stdout.close()
        process.wait()


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
