"""`cockpit import`: runs from where people come from."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import click

from cockpit.cli.common import json_option, layout_of, names_of, store_option

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from cockpit.interop.foreign import Damaged, ForeignRun
    from cockpit.interop.landing import Landed
    from cockpit.interop.peers import Reader
    from cockpit.interop.table import CsvFile

DAMAGED = 1
"""Exit code where something could not be read; the rest was imported."""
SHOWN = 20
"""Sentences on damage; --json has all of them."""


class _Guessing(click.Group):
    """Takes a path where a peer's name could stand, and looks what lies there."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self.commands:
            if len(args) > 1 and not args[0].startswith("-") and not args[1].startswith("-"):
                self._refuse(ctx, args[0])
            args = [_GUESS, *args]
        return super().resolve_command(ctx, args)

    def _refuse(self, ctx: click.Context, word: str) -> None:
        from cockpit.sweep.spec.errors import hint

        ctx.fail(f"{word!r} is nothing to import from{hint(word, self.list_commands(ctx))}")

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for name in self.commands if name != _GUESS]


_GUESS = "PATH"


@click.group(
    "import",
    cls=_Guessing,
    short_help="Take in runs from MLflow, TensorBoard, wandb, Optuna or a CSV file.",
    subcommand_metavar="[PEER] PATH",
    context_settings={"ignore_unknown_options": True},  # --dry-run PATH, with no peer before
)
def command() -> None:
    """Take in runs from elsewhere; the import can be done again, and adds only what is new.

    Without PEER it looks at what lies at PATH. Nothing is written there.

    \b
      cockpit import mlruns                    MLflow's folder
      cockpit import mlflow sqlite:///mlflow.db
      cockpit import tensorboard logs --follow as it grows, until Ctrl-C
      cockpit import wandb wandb --dry-run     what would be imported?
      cockpit import optuna sqlite:///study.db to go on with as a sweep
      cockpit import csv runs.csv --metrics auc,loss --name run

    Params, whole metric curves (NaN and infinities too), tags, notes, times and files are kept, a run's
    experiment or project as its tag. A run whose name is taken already gets a number behind its own. What
    still runs there is here a stopped run, until an import finds that it went on.

    A run that you renamed, tagged or put in the trash here stays as you left it; one that was deleted for good
    comes back with the next import. Exit code 1: something could not be read (it is said what), the rest was
    imported.
    """


def _options(body: Callable[..., Any]) -> Callable[..., Any]:
    """What all peers have."""
    for option in reversed(
        (
            click.argument("path", metavar="PATH"),
            click.option("--dry-run", is_flag=True, help="Only count; write nothing."),
            click.option("--follow", is_flag=True, help="Take in what is added, until Ctrl-C."),
            click.option(
                "--every",
                type=click.FloatRange(min=0.1),
                default=2.0,
                show_default=True,
                metavar="SECONDS",
                help="How long --follow waits between two looks; longer where reading takes long.",
            ),
            click.option(
                "--copy",
                is_flag=True,
                help="Copy the runs' files into the store. [default: only note where they lie]",
            ),
            json_option,
            store_option,
            click.pass_context,
        )
    ):
        body = option(body)
    return body


@command.command(_GUESS, hidden=True)
@_options
def guessed(ctx: click.Context, path: str, **options: Any) -> int:
    """Take in what lies at PATH."""
    from cockpit.format import plain
    from cockpit.interop.peers import guess, others, place_of

    place = place_of(path)
    peer = guess(place)
    taken = "a table" if peer.name == "csv" else peer.name
    click.echo(plain(f"({place.name}: taken for {taken})"), err=True)
    for other in others(place, peer):
        more = f"{other.name} has something there too: cockpit import {other.name} {path}"
        click.echo(plain(f"({more})"), err=True)
    if peer.name == "csv":
        return _csv(ctx, place, None, **options)
    return _import(ctx, peer.name, place, **options)


@command.command("mlflow")
@_options
def mlflow(ctx: click.Context, path: str, **options: Any) -> int:
    """Take in the runs of an MLflow store: PATH is its sqlite file (or sqlite:/// URL), or its mlruns folder.

    MLflow need not be installed. Params become the numbers and booleans that their texts spell; a metric
    system/… is called system.… here. A tag KEY is kept as an attribute, and as the tag KEY=VALUE where it is
    short. Deleted runs and traces are passed over.

    Of registered models their versions and aliases are kept as tags of their runs (tag = 'income@champion')
    and as attributes. They are no versions of cockpit's: a model that MLflow saved is no bundle that cockpit
    promote could check; save it anew with trial.save_model.
    """
    from cockpit.interop.peers import place_of

    return _import(ctx, "mlflow", place_of(path), **options)


@command.command("tensorboard")
@_options
def tensorboard(ctx: click.Context, path: str, **options: Any) -> int:
    """Take in the scalars and hparams of TensorBoard's event files in the folder PATH and those below.

    Every point is read, none left out; TensorFlow need not be installed. TensorBoard does not write that a run
    ended: it is complete here, and with --follow running as long as something was written in the last minutes.
    """
    from cockpit.interop.peers import place_of

    return _import(ctx, "tensorboard", place_of(path), **options)


@command.command("wandb")
@_options
def wandb(ctx: click.Context, path: str, **options: Any) -> int:
    """Take in the runs that wandb wrote to the folder PATH, offline or not; PATH may be one .wandb file."""
    from cockpit.interop.peers import place_of

    return _import(ctx, "wandb", place_of(path), **options)


@command.command("optuna")
@click.option(
    "--study", "studies", multiple=True, metavar="NAME", help="Only this; again for another."
)
@click.option(
    "--metrics", callback=names_of, metavar="A,B", help="What the objectives are called. [value]"
)
@click.option("--spec", metavar="FILE", help="Write a spec there to go on with the study.")
@_options
def optuna(
    ctx: click.Context,
    path: str,
    studies: tuple[str, ...],
    metrics: tuple[str, ...],
    spec: str | None,
    **options: Any,
) -> int:
    """Take in the studies of an Optuna storage, each as a sweep that can be gone on with.

    PATH is a sqlite file (or sqlite:/// URL), or the file of a JournalStorage; it is only read, and a study
    that runs meanwhile is not held up. Params with their distributions, intermediate values, values,
    constraints, attributes, states and times are kept. A trial that runs there, or whose process died, is here
    a stopped run, which does not run again.

    \b
      cockpit import optuna study.db --spec sweep.toml
      cockpit sweep train.py:objective --resume NAME --trials 200     with the same objective, or
      cockpit sweep sweep.toml --resume                               with a spec
    """
    from cockpit.cli import studies as after
    from cockpit.interop.optuna import Studies
    from cockpit.interop.peers import place_of

    if options["copy"]:
        raise click.UsageError("there are no files in an Optuna storage that --copy could copy")
    after.check_spec(spec, options["dry_run"] or options["follow"])
    return _import(
        ctx, "optuna", place_of(path), Studies(studies), metrics=metrics, spec=spec, **options
    )


@command.command("csv")
@click.option("--metrics", callback=names_of, metavar="A,B", help="Columns that are metrics.")
@click.option("--params", callback=names_of, metavar="A,B", help="Columns that are params.")
@click.option("--name", "named", metavar="COLUMN", help="The column of the run's name.")
@click.option(
    "--key",
    metavar="COLUMN",
    help="The column that tells runs apart. [default: id; without one, a changed row is a new run]",
)
@_options
def csv(
    ctx: click.Context,
    path: str,
    metrics: tuple[str, ...],
    params: tuple[str, ...],
    named: str | None,
    key: str | None,
    **options: Any,
) -> int:
    """Take in a CSV file in which every row is a run.

    Columns metrics.NAME and params.NAME are that, as cockpit dump runs writes them; id, name, state, reason,
    started, ended, tags, note and experiment are the run's own. Of the others, numbers in a column whose
    name says that it measures something (val_loss, auc, f1…) are a metric, and all else is a param;
    --metrics and --params say otherwise, --dry-run shows what is taken for what.
    """
    from cockpit.interop.peers import place_of
    from cockpit.interop.table import CsvFile

    return _csv(ctx, place_of(path), CsvFile(metrics, params, named, key), **options)


def _csv(ctx: click.Context, place: Path, reader: CsvFile | None, **options: Any) -> int:
    from cockpit.interop.table import CsvFile

    reader = replace(reader or CsvFile(), live=options["follow"])
    if options["dry_run"] and not options["as_json"]:
        from cockpit.format import plain

        click.echo(plain(reader.columns(place).words))
    return _import(ctx, "csv", place, reader, **options)


def _import(
    ctx: click.Context,
    name: str,
    place: Path,
    reader: Any = None,
    *,
    metrics: tuple[str, ...] = (),
    spec: str | None = None,
    dry_run: bool,
    follow: bool,
    every: float,
    copy: bool,
    as_json: bool,
    store: str | None,
) -> int:
    from cockpit.cli import studies
    from cockpit.interop.landing import Landing, Source
    from cockpit.interop.peers import PEERS
    from storage.events import to_json

    if dry_run and follow:
        raise click.UsageError("--dry-run counts once; say one of --dry-run and --follow")
    peer = PEERS[name]
    reader = reader or peer.reader
    source = Source(name, str(place), peer.unique)
    layout = layout_of(ctx, store)

    def say(landed: Landed) -> None:
        if as_json:
            told = {"peer": name, "source": str(place), "dry_run": dry_run, "same": landed.same}
            click.echo(to_json({**told, **asdict(landed), **studies.as_json(landing)}))
        else:
            _say(landed, dry_run)

    landing: Any
    if name == "optuna":
        landing = studies.landing(layout, source, dry=dry_run, live=follow, metrics=metrics)
    else:
        landing = Landing(layout, source, copies=copy, dry=dry_run, live=follow)
    with landing:
        if follow:
            _follow(reader, place, landing, every, say)
            return 0
        with _progress(reader, place) as watched:
            landed = landing.take(watched(reader.read(place)))
    say(landed)
    if name == "optuna":
        studies.tell(landing, spec, dry_run or as_json)
    return DAMAGED if landed.damaged else 0


def _follow(
    reader: Reader, place: Path, landing: Any, every: float, say: Callable[[Landed], None]
) -> None:
    from cockpit.format import plain
    from cockpit.interop.following import follow

    click.echo(plain(f"following {place}; Ctrl-C ends it"), err=True)
    heard: set[str] = set()

    def told(landed: Landed) -> None:
        fresh = tuple(sentence for sentence in landed.damaged if sentence not in heard)
        heard.update(fresh)
        if landed.new or landed.changed or fresh:
            say(replace(landed, damaged=fresh))

    try:
        for _ in follow(reader, place, landing, every, told):
            sys.stdout.flush()
    except KeyboardInterrupt:
        click.echo("no longer following", err=True)


@contextmanager
def _progress(reader: Reader, place: Path) -> Iterator[Callable[..., Any]]:
    """A bar on stderr while runs are read, where that is a terminal."""
    if not sys.stderr.isatty():
        yield iter
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    from cockpit.format import plain
    from cockpit.interop.foreign import Skipped

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(24),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(plain(place.name), total=reader.count(place) or None)

        def watched(
            found: Iterator[ForeignRun | Damaged | Skipped],
        ) -> Iterator[ForeignRun | Damaged | Skipped]:
            for one in found:
                if not isinstance(one, Skipped):
                    bar.advance(task)
                yield one

        yield watched


def _say(landed: Landed, dry: bool) -> None:
    from cockpit.format import listed, plain

    parts = [
        f"{landed.new:,} new",
        f"{landed.changed:,} updated",
        f"{landed.same:,} unchanged",
    ]
    kept = [part for part in parts if not part.startswith("0 ")]
    click.echo(
        f"{_many(landed.runs, 'run')}: {listed(kept) or 'none'}{' (dry run: nothing is written)' * dry}"
    )
    added = [
        _many(n, what) for n, what in ((landed.params, "param"), (landed.points, "point")) if n
    ]
    if added:
        click.echo(f"  {'to add' if dry else 'added'} {listed(added)}")
    if landed.artifacts:
        copied = f", {landed.copied:,} copied" if landed.copied else ""
        click.echo(f"  {_many(landed.artifacts, 'file')} belong to them{copied}")
    for what, times in landed.skipped.items():
        if times:
            click.echo(f"  left out: {times:,} × {plain(what)}")
    for sentence in landed.damaged[:SHOWN]:
        click.echo(f"cockpit: {plain(sentence)}", err=True)
    if len(landed.damaged) > SHOWN:
        click.echo(f"cockpit: and {len(landed.damaged) - SHOWN:,} more (--json)", err=True)


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"
