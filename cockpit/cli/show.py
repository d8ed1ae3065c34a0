"""`cockpit show`: one run, with everything that identifies it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cockpit.cli.common import json_option, layout_to_read, open_session, store_option

if TYPE_CHECKING:
    from collections.abc import Iterable

    from storage.layout import Layout
    from storage.runs import RunDetail

LOG_LINES = 10


@click.command("show", short_help="Show one run.")
@click.argument("run", metavar="RUN")
@json_option
@store_option
@click.pass_context
def command(ctx: click.Context, run: str, as_json: bool, store: str | None) -> None:
    """Show one run: its state, params, metrics, provenance and the end of its log.

    RUN is an id, the start of one, SWEEP#NUMBER, SWEEP#best or @latest.
    """
    from cockpit.cli.tables import run_as_json
    from storage.events import to_json
    from storage.runs import detail

    layout = layout_to_read(ctx, store)
    with open_session(layout) as session:
        found = detail(session, run)
    log = layout.log(found.run.id)
    if as_json:
        more = {
            "ended": found.ended and found.ended.isoformat(),
            "user_attrs": found.user_attrs,
            "resources": found.resources,
            "provenance": found.provenance,
            "log": str(log) if log.exists() else None,
        }
        click.echo(to_json({**run_as_json(found.run), **more}))
    else:
        for line in _lines(found, layout):
            click.echo(line)


def _lines(found: RunDetail, layout: Layout) -> Iterable[str]:
    from cockpit.format import LOOKS, duration, log_line, plain

    run = found.run
    look = LOOKS[run.state]
    yield f"{plain(run.name)}  {look.glyph} {look.word}  {duration(run.seconds)}  id {run.id}"
    if run.reason:
        yield f"  {plain(run.reason)}"
    if run.tags or run.pinned:
        yield "  " + "  ".join([*["pinned"] * run.pinned, *(f"+{plain(tag)}" for tag in run.tags)])
    if run.note:
        yield from (f"  {plain(line)}" for line in run.note.splitlines())
    yield from _section("metrics", run.metrics)
    yield from _section("params", run.params)
    yield from _section("user attributes", found.user_attrs)
    yield from _section("resources", {k: v for k, v in found.resources.items() if v is not None})
    if found.provenance:
        yield from _section("provenance", _summary(found.provenance))
    log = layout.log(run.id)
    if log.exists():
        text = log.read_text(encoding="utf-8", errors="replace").rstrip("\n")
        if text:
            yield f"log ({log})"
            yield from (f"  {log_line(line)}" for line in text.split("\n")[-LOG_LINES:])


def _section(title: str, entries: Any) -> Iterable[str]:
    from cockpit.format import exact, plain

    if entries:
        yield title
        width = max(len(name) for name in entries)
        for name, raw in entries.items():
            yield f"  {plain(name):<{width}}  {plain(raw if isinstance(raw, str) else exact(raw))}"


def _summary(provenance: Any) -> dict[str, str]:
    """The parts of the provenance that fit a line each; `--json` has all of it."""
    git = provenance.get("git") or {}
    environment = provenance.get("environment") or {}
    machine = provenance.get("machine") or {}
    packages = environment.get("packages") or {}
    looked = {True: "with changes", False: "clean", None: "not looked at whole"}
    commit = (
        f"{git['commit'] or 'no commit yet'} on {git['branch']}, {looked[git['dirty']]}"
        if git
        else ""
    )
    lines: dict[str, str] = {
        "git": commit,
        "seed": "" if provenance.get("seed") is None else str(provenance["seed"]),
        "python": f"{environment.get('python', '')} {environment.get('interpreter', '')}",
        "packages": f"{len(packages)} (--json lists them)" if packages else "",
        "host": f"{machine['host']}, {machine['cores']} cores" if machine else "",
        "command": " ".join(provenance.get("command") or ()),
    }
    for name, entry in (provenance.get("data") or {}).items():
        lines[f"data {name}"] = f"{entry['path']}  {entry['digest'][:24]}…"
    return {name: text for name, text in lines.items() if text.strip()}
