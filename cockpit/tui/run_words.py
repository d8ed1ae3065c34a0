"""What the panes of the Run screen say. Pure."""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len

from cockpit import about
from cockpit import format as fmt
from cockpit.gain import figure, gains

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from cockpit.origin import Traces
    from cockpit.tui.widgets.paper import Parts
    from storage.runs import Run, RunDetail
    from storage.sweeps import Sweep

NAME = 24
"""Cells of a name at most."""
NOTE = 68
"""Cells of a note's line."""
Entry = tuple[str, str, str]
"""A name, a value, and the value's tone."""


def summary(found: RunDetail, traces: Traces | None, sweep: Sweep | None) -> Iterator[Parts]:
    """What came out, what went in, what it used and left behind."""
    run = found.run
    yield from _notes(run)
    yield from section("metrics", _metrics(run, sweep))
    yield from section("params", _values(run.params))
    yield from section("attributes", _values(found.user_attrs))
    yield from section("resources", _resources(found))
    if traces:
        told = [(name, text, "") for name, text in traces.predictions.items()]
        yield from section("predictions", told)
    if traces and traces.artifacts:
        title = f"artifacts  {fmt.plain(traces.folder)}"
        yield from section(title, [(name, fmt.size(size), "") for name, size in traces.artifacts])


def origin(traces: Traces | None) -> Iterator[Parts]:
    """Where the run comes from, and the command that makes it again."""
    if traces is None or not traces.origin:
        yield (("nothing is known of where it comes from", "quiet"),)
        return
    yield from section("", [(name, text, "") for name, text in traces.origin.items()])
    command, *meaning = traces.again
    yield ()
    yield (("make it again", "quiet"),)
    yield ((f"  {fmt.plain(command)}", "accent"),)
    yield from (((f"  {fmt.plain(line.removeprefix('# '))}", "quiet"),) for line in meaning)


def section(title: str, entries: Sequence[Entry]) -> Iterator[Parts]:
    """A title and a line each, the values one under the other; nothing where there are none."""
    if not entries:
        return
    names = [fmt.cut(fmt.plain(name), NAME) for name, _, _ in entries]
    width = max(map(cell_len, names)) + 2
    if title:
        yield ((title, "quiet"),)
    for name, (_, value, tone) in zip(names, entries, strict=True):
        yield (("  " * bool(title) + fmt.fit(name, width), "quiet"), (fmt.plain(value), tone))
    if title:
        yield ()


def _notes(run: Run) -> Iterator[Parts]:
    tags = ["pinned"] * run.pinned + [f"+{fmt.plain(tag)}" for tag in run.tags]
    if tags:
        yield (("  ".join(tags), "accent"),)
    written = (run.note or "").splitlines()
    lines = [part for line in written for part in wrap(fmt.plain(line), NOTE) or [""]]
    yield from (((line, ""),) for line in lines)
    if tags or lines:
        yield ()


def _metrics(run: Run, sweep: Sweep | None) -> list[Entry]:
    won = gains(run, sweep) if sweep and not run.baseline else {}
    found = []
    for name, value in run.metrics.items():
        beside = f"  {figure(won[name])} from {fmt.BASELINE}" if name in won else ""
        found.append((name, f"{fmt.exact(value)}{beside}", "bold"))
    return found


def _values(values: Mapping[str, Any]) -> list[Entry]:
    return [(name, fmt.exact(value), "") for name, value in values.items()]


def _resources(found: RunDetail) -> list[Entry]:
    run = found.run
    entries = [("time", fmt.duration(run.seconds), "")]
    entries += [(name, text, "") for name, text in about.resources(found.resources).items()]
    if run.step is not None:
        entries.append(("last step", str(run.step), ""))
    if run.started:
        entries.append(("started", f"{run.started.astimezone():%Y-%m-%d %H:%M:%S}", ""))
    entries.append(("id", run.id, ""))
    return entries
