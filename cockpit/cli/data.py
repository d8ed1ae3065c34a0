"""`cockpit data`: datasets by content, what is in them, and what is odd about it."""

from __future__ import annotations

import importlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from cockpit.cli.common import (
    json_option,
    layout_of,
    layout_to_read,
    names_of,
    open_session,
    store_option,
)
from cockpit.cli.watching import watched

if TYPE_CHECKING:
    from cockpit.data.columns import Remark
    from storage.datasets import Version
    from storage.layout import Layout

CHECKS = ("check", "diff", "drift")
"""Commands of the group that stand in a module of their own."""


class _Group(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return ["register", "list", "show", *CHECKS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in CHECKS:
            return super().get_command(ctx, cmd_name)
        found = getattr(importlib.import_module("cockpit.cli.data_checks"), cmd_name)
        assert isinstance(found, click.Command)
        return found


@click.group("data", cls=_Group, short_help="Register, list, show, check and compare datasets.")
def command() -> None:
    """Datasets by their content: a version is a content under a name.

    Data that a spec names in [data] are versions by themselves; evaluation sets are what cockpit.toml calls so.
    DATASET is a name (its newest version), NAME@v3, or NAME@ and the start of a digest.
    """


@command.command("register")
@click.argument("name")
@click.argument("path", required=False)
@click.option("--key", metavar="A,B", callback=names_of, help="The columns that name a row.")
@click.option("--target", metavar="COLUMN", help="The column of the right answers.")
@click.option("--positive", metavar="VALUE", help="Of two labels, the one that counts as 1.")
@click.option("--keep", is_flag=True, help="Have the store keep a copy of it.")
@json_option
@store_option
@click.pass_context
def register(
    ctx: click.Context,
    name: str,
    path: str | None,
    key: tuple[str, ...],
    target: str | None,
    positive: str | None,
    keep: bool,
    as_json: bool,
    store: str | None,
) -> None:
    """Make a file, or all files of a pattern, a version of the dataset NAME.

    PATH is CSV, TSV, Parquet or JSON lines (quote a pattern: 'rows/*.parquet'). What is not said here, PATH
    too, is taken from [data.NAME] in cockpit.toml.
    """
    from cockpit.data.versions import register as keep_version
    from cockpit.project.reading import find_project
    from cockpit.sweep.given import scalar
    from storage.events import to_json

    layout = layout_of(ctx, store)
    project = find_project(layout)
    if path is None and name not in project.data:
        raise click.UsageError(f"name a PATH, or say it in cockpit.toml: [data.{name}] path = …")
    label = None if positive is None else scalar(positive)
    with watched(f"reading {name}") as watch:
        done = keep_version(
            layout,
            name,
            project.folder / project.data[name].path if path is None else path,
            key=key,
            target=target,
            positive=label,
            keep=keep,
            project=project,
            watch=watch,
        )
    if as_json:
        click.echo(to_json({"new": done.new, **_as_json(layout, done.version)}))
        return
    from cockpit.cli.data_tables import print_registered

    print_registered(done, _remarks(done.version))


@command.command("list")
@click.argument("name", required=False)
@json_option
@store_option
@click.pass_context
def list_(ctx: click.Context, name: str | None, as_json: bool, store: str | None) -> None:
    """List datasets by their newest version, or every version of NAME."""
    from cockpit.cli.data_tables import print_datasets, print_versions
    from storage.datasets import find, versions
    from storage.events import to_json

    layout = layout_to_read(ctx, store)
    found: tuple[Version, ...] = ()
    if layout.exists():
        with open_session(layout) as session:
            found = versions(session, name)
            if name is not None and not found:
                find(session, name)
    if as_json:
        click.echo(to_json([_as_json(layout, version, brief=True) for version in found]))
    elif not found:
        click.echo(
            f"No datasets in {layout.root} yet.\n"
            "  cockpit data register NAME PATH    a file, or the files of a pattern\n"
            "  [data] in a spec                   what its sweep reads is registered by itself"
        )
    elif name is None:
        print_datasets(layout, found)
    else:
        print_versions(layout, found)


@command.command("show")
@click.argument("dataset")
@json_option
@store_option
@click.pass_context
def show(ctx: click.Context, dataset: str, as_json: bool, store: str | None) -> None:
    """Show what is in a DATASET, what is odd about it first.

    A version that nobody looked at yet is read now, and what is found is kept.
    """
    from cockpit.cli.data_tables import print_dataset
    from cockpit.data.versions import looked_at
    from storage.datasets import find
    from storage.events import to_json

    layout = layout_to_read(ctx, store)
    with open_session(layout) as session:
        version = find(session, dataset)
    with watched(f"reading {version.label}") as watch:
        version = looked_at(layout, version, watch)
    if as_json:
        click.echo(to_json(_as_json(layout, version)))
    else:
        print_dataset(layout, version, _remarks(version))


def _as_json(layout: Layout, version: Version, brief: bool = False) -> dict[str, Any]:
    """A version as the object that `--json` prints; `brief` leaves out what is known of its columns."""
    from cockpit.data.keeping import kept_at

    facts = {key: value for key, value in version.facts.items() if key not in ("columns", "bytes")}
    growth = version.growth
    found: dict[str, Any] = {
        "name": version.name,
        "version": version.number,
        "label": version.label,
        "digest": version.digest,
        "path": version.path,
        "kept": kept_at(layout, version),
        "bytes": version.bytes,
        "seen": version.time.isoformat(),
        **facts,
        "growth": growth
        and {
            "parent": growth.parent,
            "reason": growth.reason,
            "run": growth.run,
            "added": growth.added,
            "source": growth.source,
        },
    }
    if brief:
        return found | {"columns": len(version.facts["columns"]) if version.facts else None}
    told = [
        {"column": each.column, "what": each.what, "text": each.text} for each in _remarks(version)
    ]
    return found | {"remarks": told, "columns": version.facts.get("columns", [])}


def _remarks(version: Version) -> tuple[Remark, ...]:
    from cockpit.data.columns import from_facts, remarks

    return remarks(from_facts(version.facts), datetime.now(UTC), version.facts.get("key") or ())
