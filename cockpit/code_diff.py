"""In what the code of two runs differs, as a person reads it: a unified diff under headings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from cockpit import format as fmt

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from storage.layout import Layout
    from storage.runs import RunDetail

LINES = 2000
"""Of a diff, the first so many are shown."""
BYTES = 400_000
SECONDS = 5.0
HEAD = "# "
"""How a line begins that is ours and none of the diff's."""


def code_diff(layout: Layout, base: RunDetail, other: RunDetail) -> tuple[str, ...]:
    """The lines: between the commits, as far as their repository is here, then each run's own changes."""
    return tuple(_lines(layout, base, other))


def _lines(layout: Layout, base: RunDetail, other: RunDetail) -> Iterator[str]:
    mine, theirs = base.provenance.get("git") or {}, other.provenance.get("git") or {}
    unknown = [one.run.name for one, git in ((base, mine), (other, theirs)) if not git]
    if unknown:
        yield f"{HEAD}no git repository is known of {fmt.listed(list(map(fmt.plain, unknown)))}"
    if mine and theirs:
        yield from _between(base, mine, other, theirs)
    if mine and theirs and _diff_of(mine) == _diff_of(theirs):
        same = "the same changes besides it" if _diff_of(mine) else "no changes kept besides it"
        yield f"{HEAD}both have {same}"
        return
    for one, git in ((base, mine), (other, theirs)):
        if git:
            yield from _own_changes(layout, one.run.name, git)


def _between(
    base: RunDetail, mine: Mapping[str, Any], other: RunDetail, theirs: Mapping[str, Any]
) -> Iterator[str]:
    from cockpit.sweep.provenance.git import git

    old, new = mine.get("commit") or "", theirs.get("commit") or ""
    if old == new:
        yield f"{HEAD}both at commit {old[:12] or '(none yet)'}"
        return
    yield f"{HEAD}from commit {old[:12]} of {fmt.plain(base.run.name)} to {new[:12]} of {fmt.plain(other.run.name)}"
    how = ("diff", "--no-color", "--no-ext-diff", "--no-textconv", "--stat", "--patch")
    for folder in dict.fromkeys(_folder(one) for one in (base, other)):
        said = (
            git(folder, *how, old, new, "--", seconds=SECONDS, enough=BYTES)
            if old and new
            else None
        )
        if said is not None:
            yield from _cut(said)
            return
    yield f"{HEAD}their repository is not here, or has not got both commits any more"


def _folder(one: RunDetail) -> Path:
    return Path(one.provenance.get("spec_folder") or ".")


def _own_changes(layout: Layout, name: str, git: Mapping[str, Any]) -> Iterator[str]:
    from cockpit.sweep.provenance.git import diff_path

    digest = _diff_of(git)
    if not digest:
        yield f"{HEAD}{fmt.plain(name)} has no changes kept besides its commit"
        return
    yield f"{HEAD}what {fmt.plain(name)} has besides its commit"
    try:
        with diff_path(layout, digest).open("rb") as file:
            yield from _cut(file.read(BYTES).decode(errors="backslashreplace"))
    except OSError:
        yield f"{HEAD}its diff is gone"


def _diff_of(git: Mapping[str, Any]) -> str:
    return (git.get("diff") or {}).get("digest") or ""


def _cut(text: str) -> Iterator[str]:
    lines = text.splitlines()
    yield from lines[:LINES]
    if len(lines) > LINES or len(text) >= BYTES:
        yield f"{HEAD}the rest is left out"
