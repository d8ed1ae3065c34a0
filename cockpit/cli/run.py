"""`cockpit run`: track one command as a run."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cockpit.cli.common import layout_of, store_option

if TYPE_CHECKING:
    from cockpit.tracking.command import Ended

METRICS_SHOWN = 4


@click.command(
    "run",
    short_help="Track one command as a run.",
    context_settings={"allow_interspersed_args": False},
)
@click.argument("argv", metavar="-- COMMAND [ARGUMENT]...", nargs=-1, type=click.UNPROCESSED)
@click.option("--name", help="The run's name. [default: the script's and a number]")
@click.option("--tag", "tags", metavar="TAG", multiple=True, help="A tag; may come again.")
@click.option("--note", metavar="TEXT", help="A note.")
@click.option(
    "--param", "params", metavar="NAME=VALUE", multiple=True, help="A param; may come again."
)
@click.option(
    "--metrics-file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="A file of JSON lines, or one JSON object, that the command writes its metrics to.",
)
@click.option(
    "--pattern",
    "patterns",
    metavar="REGEX",
    multiple=True,
    help="Named groups found in lines of stdout are metrics: 'AUC: (?P<auc>\\S+)'.",
)
@store_option
@click.pass_context
def command(
    ctx: click.Context,
    argv: tuple[str, ...],
    name: str | None,
    tags: tuple[str, ...],
    note: str | None,
    params: tuple[str, ...],
    metrics_file: Path | None,
    patterns: tuple[str, ...],
    store: str | None,
) -> int:
    """Track one command as a run: its metrics, its log, what it uses and where it comes from.

    \b
    cockpit run -- python train.py --lr 0.1

    A line on its stdout that is a JSON object holds metrics; its own --name value arguments are the
    run's params. The exit code is the command's. Ctrl-C once goes to the command, twice asks it to
    end, three times ends it.
    """
    from cockpit.format import plain
    from cockpit.sweep.executors.metric_lines import PatternError, compile_patterns
    from cockpit.sweep.executors.work import MetricSources
    from cockpit.tracking.command import Asked, run_command
    from cockpit.tracking.plain_run import checked_name, cleaned

    if not argv:
        raise click.UsageError("which command? cockpit run -- python train.py --lr 0.1")
    try:
        compile_patterns(patterns)
        asked = Asked(
            argv=argv,
            folder=Path.cwd(),
            name=None if name is None else checked_name(name),
            tags=tuple(cleaned(tag, "a tag") for tag in tags),
            note=note,
            params=dict(_param(text) for text in params),
            metrics=MetricSources(
                file=None if metrics_file is None else str(metrics_file.absolute()),
                patterns=patterns,
            ),
        )
    except PatternError as error:
        raise click.UsageError(f"--pattern {error}") from error
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    ended = run_command(asked, layout_of(ctx, store))
    try:
        for notice in ended.notices:
            click.echo(f"cockpit: {plain(notice)}", err=True)
        click.echo(sentence(ended), err=True)
    except OSError:  # the terminal has gone; the exit code is still to be the command's
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())
    return ended.code


def sentence(ended: Ended) -> str:
    """How a run went, in one line."""
    from cockpit.format import duration, look, number, plain

    shown = [
        f"{plain(name)} {number(value)}"
        for name, value in list(ended.metrics.items())[:METRICS_SHOWN]
    ]
    if len(ended.metrics) > METRICS_SHOWN:
        shown.append(f"{len(ended.metrics) - METRICS_SHOWN} more")
    how = look(ended.state)
    parts = [
        f"{plain(ended.name)} {how.glyph} {how.word}",
        duration(ended.seconds),
        plain(ended.reason or ""),
        ", ".join(shown),
        ended.id,
    ]
    return "  ".join(filter(None, parts))


def _param(text: str) -> tuple[str, Any]:
    from cockpit.tracking.arguments import typed

    name, given, value = text.partition("=")
    if not given or not name.strip():
        raise click.UsageError(f"--param {text}: a param is given as NAME=VALUE")
    return name.strip(), typed(value)
