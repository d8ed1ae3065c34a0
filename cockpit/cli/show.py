"""`cockpit show`: one run, with everything that identifies it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cockpit.cli.common import json_option, layout_to_read, open_session, store_option

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from storage.layout import Layout
    from storage.predictions import Predictions
    from storage.runs import RunDetail

LOG_LINES = 10
ARTIFACTS = 20
"""How many are named; --json names all."""


@click.command("show", short_help="Show one run.")
@click.argument("run", metavar="RUN")
@json_option
@store_option
@click.pass_context
def command(ctx: click.Context, run: str, as_json: bool, store: str | None) -> None:
    """Show one run: its state, params, metrics, artifacts, where it comes from and the end of its log.

    RUN is an id, the start of one, SWEEP#NUMBER, SWEEP#best, SWEEP#baseline or @latest.
    """
    from cockpit.origin import answered
    from storage.events import to_json
    from storage.predictions import predictions
    from storage.runs import detail

    layout = layout_to_read(ctx, store)
    with open_session(layout) as session:
        found = detail(session, run)
        told = predictions(session, [found.run.id])
        labels = answered(session, found.run.id)
    if as_json:
        click.echo(to_json({**_as_json(found, layout), "predictions": _told(told, labels)}))
    else:
        for line in _lines(found, layout, labels):
            click.echo(line)


def _as_json(found: RunDetail, layout: Layout) -> dict[str, Any]:
    from cockpit.about import artifacts
    from cockpit.cli.tables import run_as_json
    from cockpit.origin import how_again

    run, log = found.run, layout.log(found.run.id)
    return {
        **run_as_json(run),
        "ended": found.ended and found.ended.isoformat(),
        "user_attrs": found.user_attrs,
        "resources": found.resources,
        "provenance": found.provenance,
        "imported": found.imported,
        "again": how_again(run, found.provenance),
        "artifacts": {
            "folder": str(layout.artifacts(run.id)),
            "files": dict(artifacts(layout.artifacts(run.id))),
        },
        "log": str(log) if log.exists() else None,
        "last_lines": found.log,
    }


def _told(told: Sequence[Predictions], labels: Mapping[str, str]) -> list[dict[str, Any]]:
    return [
        {
            "set": label,
            "dataset": one.dataset,
            "rows": one.rows,
            "columns": list(one.columns),
            "time": one.time.isoformat(),
        }
        for label, one in zip(labels, told, strict=True)
    ]


def _lines(found: RunDetail, layout: Layout, labels: Mapping[str, str]) -> Iterator[str]:
    from cockpit.about import resources
    from cockpit.format import plain
    from cockpit.origin import again_lines, origin

    run = found.run
    yield _title(found)
    if run.reason:
        yield f"  {plain(run.reason)}"
    if run.tags or run.pinned:
        yield "  " + "  ".join([*["pinned"] * run.pinned, *(f"+{plain(tag)}" for tag in run.tags)])
    if run.note:
        yield from (f"  {plain(line)}" for line in run.note.splitlines())
    yield from _section("metrics", run.metrics)
    yield from _section("params", run.params)
    yield from _section("user attributes", found.user_attrs)
    yield from _section("resources", resources(found.resources))
    yield from _section("predictions", labels)
    yield from _artifact_lines(layout.artifacts(run.id))
    yield from _imported(found, layout.artifacts(run.id))
    if found.provenance:
        yield from _section("provenance", origin(found.provenance, layout))
        yield "again"
        yield from (f"  {plain(line)}" for line in again_lines(run, found.provenance))
    yield from _log(found, layout.log(run.id))


def _title(found: RunDetail) -> str:
    from cockpit.format import duration, look, plain

    run, shown = found.run, look(found.run.state)
    parts = [plain(run.name), f"{shown.glyph} {shown.word}", duration(run.seconds), f"id {run.id}"]
    if run.baseline:
        parts.append("the baseline")
    if run.attempt:
        parts.append(f"attempt {run.attempt + 1}")
    return "  ".join(parts)


def _section(title: str, entries: Mapping[str, Any]) -> Iterator[str]:
    from cockpit.format import exact, plain

    if entries:
        yield title
        width = max(len(plain(name)) for name in entries)
        for name, raw in entries.items():
            yield f"  {plain(name):<{width}}  {plain(raw if isinstance(raw, str) else exact(raw))}"


def _artifact_lines(folder: Path) -> Iterator[str]:
    from cockpit.about import artifacts
    from cockpit.format import plain, size
    from cockpit.origin import near

    files = list(artifacts(folder))
    if files:
        shown = {name: size(count) for name, count in files[:ARTIFACTS]}
        yield from _section(f"artifacts ({plain(near(folder))})", shown)
        if len(files) > ARTIFACTS:
            rest = sum(count for _, count in files[ARTIFACTS:])
            yield f"  {len(files) - ARTIFACTS} more, {size(rest)}"


def _imported(found: RunDetail, folder: Path) -> Iterator[str]:
    """Where a run was taken in from, and which of its files lie there still and not with us."""
    from cockpit.format import size

    if (origin := found.imported) is None:
        return
    yield from _section(
        "imported", {"from": origin["peer"], **{k: origin[k] for k in ("source", "key")}}
    )
    away = [file for file in origin["artifacts"] if not folder.joinpath(file[0]).is_file()]
    shown = {
        name: source if count is None else f"{size(count)}  {source}"
        for name, source, count in away[:ARTIFACTS]
    }
    yield from _section("files elsewhere", shown)
    if len(away) > ARTIFACTS:
        yield f"  {len(away) - ARTIFACTS} more (--json names all)"


def _log(found: RunDetail, path: Path) -> Iterator[str]:
    from cockpit.format import log_line, plain
    from cockpit.logs import LogFile
    from cockpit.origin import near

    log = LogFile(path)
    log.seek_last(LOG_LINES)
    lines = [line for piece in log.read() for line in piece] + log.rest()
    title = f"log ({plain(near(path))})"
    if not lines and found.log:  # the file has gone, its end was kept with the run
        title, lines = "log (its file is gone)", found.log.splitlines()[-LOG_LINES:]
    if lines:
        yield title
        yield from (f"  {log_line(line)}" for line in lines)
