"""A clean work tree of a commit, for a while: the folder in it that stands for a project's own.

It lies in a temporary folder that mirrors the file system, so that a relative path out of the repository
(`../data/rows.csv`) leads, within the mirror, to where a link to the file can be put.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from cockpit.sweep.provenance.git import git, git_environment
from storage.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class CheckoutFailed(UserError):
    """git could not give the commit, or the diff does not go onto it."""


class Mirror:
    """A work tree, and where it lies in the temporary folder."""

    def __init__(self, root: Path, folder: Path, original: Path) -> None:
        self._root = root
        self.folder = folder
        """What the project's folder is in the mirror."""
        self._original = original

    def place(self, path: Path) -> Path | None:
        """Where a file of the original must lie to be found from `folder`; None where nowhere in the mirror."""
        relative = os.path.relpath(path, self._original)
        place = Path(os.path.normpath(self.folder / relative))
        return place if place.is_relative_to(self._root) else None

    def link(self, path: Path) -> None:
        """Have the original's file in the mirror, in place of what the commit has there."""
        place = self.place(path)
        # A folder in the tree may itself be a link, to the very folder of the data.
        if place is not None and Path(os.path.realpath(place.parent)).is_relative_to(self._root):
            place.parent.mkdir(parents=True, exist_ok=True)
            place.unlink(missing_ok=True)
            place.symlink_to(os.path.realpath(path))


@contextmanager
def checked_out(folder: Path, commit: str, patch: Path | None) -> Iterator[Mirror]:
    """The commit's tree with the patch on it, as a worktree that is removed afterwards.

    `folder` lies in the repository. Raises `CheckoutFailed`, and leaves nothing then.
    """
    original, folder = folder, Path(os.path.realpath(folder))
    top = git(folder, "rev-parse", "--show-toplevel")
    if top is None:
        raise CheckoutFailed(f"{folder} is in no git repository any more")
    top = top.rstrip("\n")
    with _ended_in_order():
        root = Path(os.path.realpath(tempfile.mkdtemp(prefix="cockpit-rerun-")))
        tree = root / os.path.relpath(top, "/")
        try:
            _check_out(folder, tree, commit, patch)
            inside = tree / folder.relative_to(top)
            inside.mkdir(parents=True, exist_ok=True)  # git knows no empty folder
            yield Mirror(root, inside, original)
        finally:
            for number in _ENDING:  # a second Ctrl-C must not leave half of it behind
                signal.signal(number, signal.SIG_IGN)
            git(folder, "worktree", "remove", "--force", "--force", str(tree))
            shutil.rmtree(root, ignore_errors=True)


def submodules(folder: Path) -> list[str]:
    """The repositories within that of a folder which are not checked out."""
    lines = (git(folder, "submodule", "status") or "").splitlines()
    return [line.partition(" ")[2] for line in lines if line.startswith("-")]


def _check_out(folder: Path, tree: Path, commit: str, patch: Path | None) -> None:
    tree.parent.mkdir(parents=True, exist_ok=True)
    # The user's own hooks are for the user's own checkouts.
    quiet = ("-c", "core.hooksPath=/dev/null", "-c", "advice.detachedHead=false")
    try:
        _must(folder, *quiet, "worktree", "add", "--detach", str(tree), commit)
    except CheckoutFailed:
        if git(folder, "cat-file", "-e", f"{commit}^{{commit}}") is not None:
            raise
        text = f"the commit {commit[:12]} is not in the repository of {folder} any more"
        raise CheckoutFailed(f"{text}; --here runs what is there now") from None
    if patch is not None:
        _must(tree, "apply", "--whitespace=nowarn", str(patch.absolute()))


@contextmanager
def _ended_in_order() -> Iterator[None]:
    """SIGTERM and a hang-up end it as Ctrl-C does, so that what is temporary goes."""
    before = {number: signal.getsignal(number) for number in _ENDING}
    try:
        for number, handler in before.items():
            if handler is not signal.SIG_IGN:  # as under nohup
                signal.signal(number, _interrupt)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _must(folder: Path, *arguments: str) -> None:
    done = subprocess.run(
        ["git", "-C", os.fspath(folder), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=git_environment(),
        start_new_session=True,  # Ctrl-C is ours to answer
        check=False,
    )
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        what = "the kept diff does not go onto its commit" if "apply" in arguments else "git failed"
        raise CheckoutFailed(f"{what}: {said[-1] if said else 'it does not say why'}")
