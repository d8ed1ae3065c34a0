"""Makes a run again from what is known of it, and tells whether it comes out the same.

The code is the run's commit with its kept diff, in a temporary worktree (or the folder as it is now); spec,
params, seed, interpreter and threads are those of then; data files are checked against their digests.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cockpit.sweep.provenance import diff_path
from cockpit.sweep.provenance.data import digest_of
from cockpit.sweep.rerun.checkout import CheckoutFailed, checked_out, submodules
from cockpit.sweep.rerun.data import bring
from cockpit.sweep.rerun.errors import RerunError
from cockpit.sweep.rerun.execute import execute
from cockpit.sweep.rerun.original import Original, read
from cockpit.sweep.rerun.sameness import Compared, Figures, How, compare, worst
from cockpit.sweep.rerun.words import few

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from cockpit.sweep.rerun.checkout import Mirror
    from storage.layout import Layout
    from storage.runs import Run

__all__ = ["CheckoutFailed", "Compared", "Figures", "How", "RerunError", "Result", "rerun"]

_OWN_END = ("complete", "pruned", "failed")


@dataclass(frozen=True, slots=True)
class Result:
    """How it came out."""

    original: Run
    again: Run
    decides: tuple[Compared, ...]
    """The sweep's objectives, or what was asked for; of a plain run all metrics."""
    beside: tuple[Compared, ...]
    """The other metrics, a time measured among them perhaps."""
    how: How
    """Of those that decide, how the least alike of them is."""

    @property
    def ended_alike(self) -> bool:
        """Whether it ended as the original did, where that came to an end of its own."""
        return self.original.state not in _OWN_END or self.original.state == self.again.state

    @property
    def same(self) -> bool:
        """Whether it came out the same: to the last digit, or within `sameness.CLOSE`."""
        return self.ended_alike and self.how != "different" and self.again.state != "stopped"


def rerun(
    layout: Layout,
    text: str,
    say: Callable[[str], None],
    *,
    here: bool = False,
    force: bool = False,
    metrics: Sequence[str] = (),
) -> Result:
    """Make the run again that answers to `text`, as a plain run of its own.

    `here` takes the folder as it is now; `force` goes on with changed data and half a diff; `metrics`
    decide whether it is the same. `say` gets sentences, on what is otherwise than then among them.

    Raises `RunNotFound`, `RerunError`, `CheckoutFailed`, `SpecError` and `ExecutorError`.
    """
    original = read(layout, text)
    _check(original, metrics)
    with _placed(layout, original, here, force, say) as (folder, mirror):
        data = bring(layout, original, mirror, force, say)
        key, objectives = execute(layout, original, folder, data, here, say)
    again = read(layout, key)
    compared = compare(original.figures, again.figures)
    names = metrics or objectives or [each.metric for each in compared]
    decides = tuple(each for each in compared if each.metric in names)
    beside = tuple(each for each in compared if each.metric not in names)
    return Result(original.run, again.run, decides, beside, worst(decides))


def _check(original: Original, metrics: Sequence[str]) -> None:
    run = original.run
    if run.state in ("running", "waiting"):
        raise RerunError(f"{run.name} has not ended yet; there is nothing to compare with")
    if not original.provenance:
        raise RerunError(
            f"where {run.name} comes from was not written down; it cannot be made again"
        )
    if peer := original.provenance.get("imported"):
        raise RerunError(f"{run.name} was imported from {peer}; it cannot be made again from here")
    known = {**original.figures.points, **original.figures.final}
    for name in metrics:
        if name not in known:
            raise RerunError(
                f"{run.name} has no metric {name!r}; it has: {few(list(known)) or 'none'}"
            )


@contextmanager
def _placed(
    layout: Layout, original: Original, here: bool, force: bool, say: Callable[[str], None]
) -> Iterator[tuple[Path, Mirror | None]]:
    """The folder to run in, and the mirror where it is a worktree."""
    run, git = original.run, original.provenance["git"] or {}
    folder = Path(original.provenance["spec_folder"])
    if not folder.is_dir():
        raise RerunError(f"{run.name} was run in {folder}, which is not there any more")
    if here:
        say(f"in {folder} as it is now, not as it was")
        yield folder, None
        return
    if not git.get("commit"):
        raise RerunError(
            f"{run.name} was run from a folder without a git commit; "
            f"cockpit rerun {run.id} --here runs it in {folder} as it is now"
        )
    patch = _patch(layout, original, force, say)
    say(f"commit {git['commit'][:12]}{' with the changes it had' if patch else ''}")
    _tell_missing(git["untracked"], git["names_left_out"], say)
    with checked_out(folder, git["commit"], patch) as mirror:
        if missing := submodules(mirror.folder):
            say(f"git keeps {few(missing)} as a submodule: missing here")
        yield mirror.folder, mirror


def _patch(
    layout: Layout, original: Original, force: bool, say: Callable[[str], None]
) -> Path | None:
    git = original.provenance["git"]
    if not git["changed"]:
        if git["dirty"] is None:
            say("git did not answer in time then: whether files were changed is not known")
        return None
    diff = git["diff"]
    patch = _kept(layout, diff["digest"]) if diff else None
    if patch and not diff["truncated"]:
        return patch
    lost = "was larger than is kept" if diff and diff["truncated"] else "is not in the store"
    if not force:
        raise RerunError(
            f"the diff of {few(git['changed'])} {lost}; --force goes on without what is missing"
        )
    say(f"the diff {lost}: not all of its changes are here")
    return patch


def _kept(layout: Layout, digest: str) -> Path | None:
    """The diff's file, where it is there and what it was."""
    path = diff_path(layout, digest)
    return path if path.exists() and digest_of(path.read_bytes()) == digest else None


def _tell_missing(untracked: Sequence[str], left_out: int, say: Callable[[str], None]) -> None:
    if untracked:
        more = f" (and perhaps {left_out} more)" if left_out else ""
        say(f"git does not know {few(untracked)}{more}: missing here")
