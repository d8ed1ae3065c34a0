"""`cockpit model show`: a model with its versions, or one of them with where it comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cockpit.cli.common import json_option, layout_to_read, open_session, store_option

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from storage.models import Move, Version

VERSIONS = 20
"""The newest, where a model has more."""


@click.group("model", short_help="Show a model, or one of its versions.")
def command() -> None:
    """Show a model, or one of its versions."""


@command.command("show", short_help="Show a model, or one of its versions.")
@click.argument("text", metavar="MODEL[@ALIAS]")
@json_option
@store_option
@click.pass_context
def show(ctx: click.Context, text: str, as_json: bool, store: str | None) -> None:
    """Show the versions of MODEL and its aliases; or of MODEL@ALIAS, MODEL@vN or MODEL@DIGEST where it comes from."""
    from cockpit.cli.model_tables import move_as_json, move_line, version_as_json
    from cockpit.format import plain
    from storage import models
    from storage.datasets import versions
    from storage.events import to_json

    moves: tuple[Move, ...]
    found: tuple[Version, ...]
    with open_session(layout_to_read(ctx, store)) as session:
        if "@" in text:
            found = (models.find(session, text),)
            named = {one.digest: one.label for one in versions(session)}
            moves = _of(models.aliases(session, found[0].model), found[0])
            total = 1
        else:
            found = models.versions(session, text, VERSIONS)
            moves, total = models.aliases(session, text), models.count(session, text)
    if as_json:
        told: dict[str, Any] = {
            "aliases": {move.alias: move_as_json(move) for move in moves},
            "versions": [version_as_json(version) for version in found],
            "total": total,
        }
        click.echo(to_json(told))
        return
    if "@" in text:
        for line in _lines(found[0], moves, named):
            click.echo(line)
        return
    for move in moves:
        click.echo(move_line(move))
    for version in found:
        at = " ".join(move.alias for move in moves if move.target == version.number)
        click.echo(f"{_line(version)}  {plain(at)}".rstrip())
    if total > len(found):
        click.echo(f"{len(found)} of {total:,} versions, the newest")


def _of(moves: tuple[Move, ...], version: Version) -> tuple[Move, ...]:
    return tuple(move for move in moves if move.target == version.number)


def _line(version: Version) -> str:
    from cockpit.cli.model_tables import moment
    from cockpit.format import plain

    name = str(version.content.get("name") or version.run)
    return f"{plain(version.label)}  {moment(version.time)}  {plain(name)} ({version.run})"


def _lines(version: Version, moves: tuple[Move, ...], named: Mapping[str, str]) -> Iterator[str]:
    """`named` are the labels of data by their digests."""
    from cockpit.cli.model_tables import move_line, why_lines
    from cockpit.format import exact, plain

    content = version.content
    yield _line(version)
    git = content.get("git") or {}
    dirty = " with changes" * bool(git.get("dirty"))
    told = {
        "version": version.digest,
        "bundle": version.bundle,
        "run": f"{content.get('name') or ''} {version.run}".strip(),
        "sweep": content.get("sweep"),
        "commit": f"{git['commit']}{dirty}" if git.get("commit") else None,
        "seed": content.get("seed"),
        "spec": content.get("spec"),
        **{
            f"data {name}": f"{named.get(digest, 'unknown')} {digest}"
            for name, digest in (content.get("data") or {}).items()
        },
        **{f"rule {place}": rule for place, rule in enumerate(content.get("rules") or (), 1)},
        **{f"param {name}": value for name, value in (content.get("params") or {}).items()},
    }
    given = {plain(name): value for name, value in told.items() if value is not None}
    width = max(map(len, given))
    for name, value in given.items():
        yield f"  {name:<{width}}  {plain(value if isinstance(value, str) else exact(value))}"
    for move in moves:
        yield move_line(move)
        yield from why_lines(move)
