"""Where a run comes from, in lines, and what would make it again."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from storage.layout import Layout
    from storage.runs import Run, RunDetail
    from storage.session import Session

_OURS = ("cockpit", "__main__.py")
NAMED = 3
"""Of files, how many are named in a line."""


@dataclass(frozen=True, slots=True)
class Traces:
    """What can be said of a run beside its own values."""

    origin: Mapping[str, str] = field(default_factory=dict)
    """Where it comes from: a name and a line each."""
    again: tuple[str, ...] = ()
    """The command that makes it again, then what that means; empty where nothing is known of its origin."""
    folder: str = ""
    """Where its artifacts lie."""
    artifacts: tuple[tuple[str, int], ...] = ()
    """Names and sizes in bytes."""
    predictions: Mapping[str, str] = field(default_factory=dict)
    """By version of an evaluation set, what the run answered on it."""


def traces(
    found: RunDetail, layout: Layout, predictions: Mapping[str, str] | None = None
) -> Traces:
    """Look at what is known and at what lies in the run's folder; `predictions` are those of `answered`."""
    from cockpit.about import artifacts

    folder, known = layout.artifacts(found.run.id), found.provenance
    return Traces(
        origin(known, layout) if known else {},
        tuple(again_lines(found.run, known)) if known else (),
        near(folder),
        tuple(artifacts(folder)),
        predictions or {},
    )


def answered(session: Session, run: str) -> dict[str, str]:
    """By version of an evaluation set (`adult-eval@v4`), what a run (its id) answered on it: rows and columns."""
    from storage.datasets import versions
    from storage.predictions import predictions

    found: dict[str, str] = {}
    for told in predictions(session, [run]):
        there = {one.digest: one.label for one in versions(session, told.evaluation)}
        label = there.get(
            told.dataset, f"{told.evaluation}@{told.dataset.rpartition(':')[2][:8] or '?'}"
        )
        found[label] = f"{told.rows:,} rows: {', '.join(told.columns)}"
    return found


def origin(known: Mapping[str, Any], layout: Layout) -> dict[str, str]:
    """The parts of the provenance that fit a line each; `--json` has all of it."""
    environment, machine = known.get("environment") or {}, known.get("machine") or {}
    packages, git = environment.get("packages") or {}, known.get("git") or {}
    lines = {
        "git": _commit(git, bool(known.get("imported"))),
        "changed": _few(git.get("changed") or ()),
        "diff": _diff(git, layout),
        "untracked": _few(git.get("untracked") or ()),
        "spec": near(Path(known["spec_path"])) if known.get("spec_path") else "",
        "matrix": known.get("cell") or "",
        "instead": "  ".join(f"{k}={v}" for k, v in (known.get("overrides") or {}).items()),
        "seed": "" if known.get("seed") is None else str(known["seed"]),
        **{f"data {name}": _file(entry) for name, entry in (known.get("data") or {}).items()},
        "python": f"{environment.get('python', '')} {environment.get('interpreter', '')}",
        "packages": f"{len(packages)} (--json lists them)" if packages else "",
        "host": _host(machine),
        "command": _command(known.get("command") or ()),
    }
    return {name: text.strip() for name, text in lines.items() if text.strip()}


def near(path: Path) -> str:
    """A path as it is shortest to type from here."""
    return min(os.fspath(path), os.path.relpath(path), key=len)


def how_again(run: Run, known: Mapping[str, Any]) -> str | None:
    """The command that makes the run again; None where too little is known."""
    if not known or run.state in ("running", "waiting") or known.get("imported"):
        return None
    git = known.get("git") or {}
    option = " --here" if not git.get("commit") else "" if _is_whole(git) else " --force"
    return f"cockpit rerun {run.id}{option}"


def again_lines(run: Run, known: Mapping[str, Any]) -> Iterator[str]:
    """The command that makes the run again, and what that means."""
    command = how_again(run, known)
    if known.get("imported"):
        yield f"not from here: it was made elsewhere and imported from {known['imported']}"
        return
    if command is None:
        yield "once it has ended"
        return
    yield command
    git = known.get("git") or {}
    if git.get("commit"):
        changes = ", its diff applied" if git.get("diff") else ""
        changes = changes if _is_whole(git) else ", not all of its changes: they were not kept"
        where = f"a git worktree of {git['commit'][:12]}{changes}"
    else:
        where = f"in {known.get('spec_folder', 'its folder')} as it is now (no git commit)"
    yield f"# {where}"
    what = "its command" if known.get("spec") is None else "its spec"
    params = f", {len(run.params)} param{'s' * (len(run.params) != 1)} fixed" * bool(run.params)
    seed = "" if known.get("seed") is None else f", seed {known['seed']}"
    data = ", data checked by content" * bool(known.get("data"))
    yield f"# {what}{params}{seed}{data}"


def _commit(git: Mapping[str, Any], imported: bool) -> str:
    if not git:
        return ""
    if not git["commit"] and git["dirty"] is None and not imported:
        return "not known: git refuses this repository; git status there says why"
    looked = {True: "with changes", False: "clean", None: "not looked at whole"}
    branch = f" on {git['branch']}" if git["branch"] else ""
    return f"{git['commit'] or 'no commit yet'}{branch}, {looked[git['dirty']]}"


def _host(machine: Mapping[str, Any]) -> str:
    cores = machine.get("cores")
    return str(machine.get("host") or "") + (f", {cores} cores" if cores else "")


def _is_whole(git: Mapping[str, Any]) -> bool:
    """Whether all that differed from the commit in the files that git knows was kept."""
    diff = git.get("diff")
    return not diff["truncated"] if diff else not git.get("changed")


def _diff(git: Mapping[str, Any], layout: Layout) -> str:
    from cockpit.format import size
    from cockpit.sweep.provenance.git import diff_path

    diff = git.get("diff")
    if not diff:
        return "not kept" if git.get("changed") else ""
    if not diff["bytes"]:
        return f"not kept, larger than {size(diff['cap'])}"
    cut = f", cut at {size(diff['cap'])}" if diff["truncated"] else ""
    path = diff_path(layout, diff["digest"])
    return f"{size(diff['bytes'])}{cut}  {near(path) if path.exists() else '(gone)'}"


def _file(entry: Mapping[str, Any]) -> str:
    from cockpit.format import size

    return f"{entry['digest'][:19]}…  {size(entry['bytes'])}  {near(Path(entry['path']))}"


def _few(names: list[str] | tuple[str, ...]) -> str:
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + f" and {more} more" * (more > 0)


def _command(argv: list[str] | tuple[str, ...]) -> str:
    first = [Path(word).name for word in argv[:1]]
    ours = ["cockpit"] if first and first[0] in _OURS else list(argv[:1])
    return shlex.join([*ours, *argv[1:]])
