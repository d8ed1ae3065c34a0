"""`cockpit store`: where the runs are kept, and how to keep them well."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cockpit.cli.common import json_option, layout_of, layout_to_read, store_option

if TYPE_CHECKING:
    from collections.abc import Iterable

    from storage.care.check import CheckReport
    from storage.care.compare import Difference

DIFFERENT = 1
"""Exit code of a check that found differences."""


@click.group("store", short_help="Look after the run store.")
def command() -> None:
    """Look after the run store: where it is, whether it is whole, how to keep it small and safe."""


@command.command("path")
@json_option
@store_option
@click.pass_context
def path(ctx: click.Context, as_json: bool, store: str | None) -> None:
    """Print the store's folder."""
    from storage.events import to_json

    layout = layout_to_read(ctx, store)
    if as_json:
        there = layout.exists()
        size = layout.size() if there else 0
        click.echo(to_json({"path": str(layout.root), "exists": there, "bytes": size}))
    else:
        click.echo(str(layout.root))


@command.command("check")
@json_option
@store_option
@click.pass_context
def check(ctx: click.Context, as_json: bool, store: str | None) -> int:
    """Prove that every acknowledged event is in the tables.

    Folds all spools that are still there anew and compares. Exit code 0 where all is well, 1 where the
    tables say something else than the spools.
    """
    from storage.care.check import check as prove
    from storage.events import to_json
    from storage.store import Store

    report = prove(Store(layout_to_read(ctx, store)))
    if as_json:
        click.echo(to_json({"passed": report.passed, **asdict(report)}))
    else:
        for line in _report(report):
            click.echo(line)
    return 0 if report.passed else DIFFERENT


@command.command("compact")
@click.option("--purge", is_flag=True, help="Remove drained spools that no check has proven, too.")
@json_option
@store_option
@click.pass_context
def compact(ctx: click.Context, purge: bool, as_json: bool, store: str | None) -> None:
    """Give disk space back: rewrite the database, remove drained spools that a check has proven.

    Half copied models go too, which a promotion left that was killed.
    """
    from cockpit.format import size
    from cockpit.models.keeping import sweep_strays
    from storage.care import compact as rewrite
    from storage.events import to_json
    from storage.store import Store

    layout = layout_to_read(ctx, store)
    done = rewrite(Store(layout), purge)
    sweep_strays(layout.models)
    if as_json:
        click.echo(to_json(asdict(done)))
        return
    click.echo(f"{size(done.before)} before, {size(done.after)} now")
    if done.removed.files:
        click.echo(f"removed {_files(done.removed.files)} ({size(done.removed.bytes)})")
    if done.kept:
        click.echo(
            f"kept {_files(done.kept)} that no check has proven yet: "
            "cockpit store check, then compact again"
        )


@command.command("backup")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="Write over FILE where it exists.")
@store_option
@click.pass_context
def backup(ctx: click.Context, file: Path, force: bool, store: str | None) -> None:
    """Write a consistent copy of the database to FILE; sweeps may go on meanwhile."""
    from cockpit.format import plain, size
    from storage.care import back_up
    from storage.store import Store

    done = back_up(Store(layout_to_read(ctx, store)), file.absolute(), force)
    click.echo(
        f"{plain(str(done.file))}  {size(done.bytes)}: {done.sweeps:,} sweeps, {done.runs:,} runs"
    )


@command.command("restore")
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option("--from-spools", is_flag=True, help="Without a backup: fold all spools anew.")
@store_option
@click.pass_context
def restore(ctx: click.Context, file: Path | None, from_spools: bool, store: str | None) -> None:
    """Put the backup FILE in the database's place, and fold in what was written since.

    The database that is there now, damaged or not, is kept aside.
    """
    from cockpit.format import plain, size
    from storage.care import restore as bring_back
    from storage.store import Store

    if (file is None) != from_spools:
        raise click.UsageError("name a FILE, or say --from-spools")
    done = bring_back(Store(layout_of(ctx, store)), file and file.absolute())
    click.echo(
        f"restored: {done.sweeps:,} sweeps, {done.runs:,} runs"
        f" ({size(done.folded)} of spools folded in)"
    )
    if done.aside is not None:
        click.echo(f"what was there is now {plain(str(done.aside))}")
    if done.missing:
        click.echo(
            f"cockpit: {_files(len(done.missing))} had been read further before and were removed "
            "since; what they said beyond the backup is only in the file kept aside",
            err=True,
        )


def _files(count: int) -> str:
    return f"{count:,} spool file{'' if count == 1 else 's'}"


def _report(report: CheckReport) -> Iterable[str]:
    from cockpit.format import plain, size

    yield f"folded {_files(report.files)} ({size(report.bytes)}) anew:"
    yield f"  {report.sweeps:,} sweeps, {report.runs:,} runs, {report.points:,} points"
    if report.removed_files:
        yield (
            f"  {report.unproven_runs:,} runs are older than the spools that are left"
            f" ({report.removed_files:,} removed, {report.removed_unproven:,} of them never proven)"
        )
    for file in report.torn:
        yield f"  {plain(file)} ends in the middle of a line: never acknowledged, not lost"
    if report.quarantined:
        yield f"  {report.quarantined:,} lines could not be understood and are kept apart:"
        for bad in report.bad_lines:
            yield f"    {plain(bad.file)} at {bad.position:,}: {plain(bad.problem[:100])}"
    if report.passed:
        yield "all that they say is in the tables" if report.files else "nothing is left to prove"
        return
    yield "the tables say something else:"
    for difference in report.differences:
        yield f"  {plain(_difference(difference))}"
    yield "cockpit store compact reads what was not read; cockpit store restore --from-spools folds all anew"


def _difference(found: Difference) -> str:
    where = f"{found.table} {found.what}" + (f" {found.column}" if found.column else "")
    like = f" (one of {found.count:,})" if found.count > 1 else ""
    if found.kind == "missing":
        return f"{where}: not in the tables{like}"
    if found.kind == "extra":
        return f"{where}: in the tables, in no spool{like}"
    return f"{where}: spools {found.told}, tables {found.stored}{like}"
