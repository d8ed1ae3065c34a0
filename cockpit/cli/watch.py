"""`cockpit watch`: wait for something, and tell of it."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

import click

from cockpit.cli.common import json_option, layout_of, store_option

if TYPE_CHECKING:
    from collections.abc import Callable

    from cockpit.alerts.watcher import Alert

NOT_DELIVERED = 1


def _seconds(ctx: click.Context, param: click.Parameter, value: str) -> float:
    from cockpit.sweep.spec.units import seconds

    try:
        return float(seconds(float(value) if value.replace(".", "", 1).isdecimal() else value))
    except ValueError as error:
        raise click.BadParameter("is no time such as 5s, 10m or 1h30m") from error


@click.command("watch", short_help="Wait for something; run a command or call a webhook.")
@click.argument("condition", metavar="CONDITION")
@click.option("--sweep", metavar="NAME", help="Only of this sweep.")
@click.option("--run", "run", metavar="COMMAND", help="What to run, each time; no shell reads it.")
@click.option("--webhook", metavar="URL", help="Where to POST it as JSON, each time.")
@click.option("--once", is_flag=True, help="End once it has come about.")
@click.option("--all", "everything", is_flag=True, help="Tell of what holds already, too.")
@click.option(
    "--every",
    default="5s",
    show_default=True,
    metavar="TIME",
    callback=_seconds,
    help="Between looks.",
)
@click.option(
    "--timeout",
    default="60s",
    show_default=True,
    metavar="TIME",
    callback=_seconds,
    help="How long COMMAND may take; then it is ended.",
)
@json_option
@store_option
@click.pass_context
def command(
    ctx: click.Context,
    condition: str,
    sweep: str | None,
    run: str | None,
    webhook: str | None,
    once: bool,
    everything: bool,
    every: float,
    timeout: float,
    as_json: bool,
    store: str | None,
) -> int:
    """Wait until CONDITION holds for a run or a sweep for which it did not, and tell of it; until Ctrl-C.

    \b
      cockpit watch "auc > 0.95" --run "notify-send {name} {auc}"
      cockpit watch "trial failed" --sweep income --webhook https://example.org/hook
      cockpit watch "sweep ended" --sweep income --once --all && ./next.sh

    \b
    CONDITION is one of
      sweep started|paused|ended|complete|stopped|failed
      trial started|ended|complete|pruned|failed|timeout|oom|stopped|lost     run … likewise
      an expression over runs, as in cockpit runs --where; it is told once for each run

    A line is printed each time. COMMAND gets the run as JSON on its stdin, some of it as COCKPIT_WATCH_NAME,
    _RUN, _SWEEP, _STATE…, and {name} {run} {sweep} {number} {state} {reason} {condition}, {METRIC},
    {metrics.NAME} and {params.NAME} in its words; of a sweep, these are of its best run. Nothing is sent
    anywhere but to --webhook. What does not get there is told, and the exit code is 1 with --once.
    """
    from cockpit.alerts.conditions import parse
    from cockpit.alerts.deliver import command_of, webhook_of
    from cockpit.alerts.watcher import Watcher
    from cockpit.format import plain

    actions: list[Callable[[Alert], None]] = []
    if run is not None:
        actions.append(command_of(run, timeout))
    if webhook is not None:
        actions.append(webhook_of(webhook))

    def notice(sentence: str) -> None:
        click.echo(f"cockpit: {plain(sentence)}", err=True)

    layout = layout_of(ctx, store)
    if not layout.exists():
        everything = True  # all that will ever hold comes about from now on
        notice(f"there is no run store at {layout.root} yet; waiting for it")
    watcher = Watcher(layout, parse(condition), sweep, notice, everything)
    while True:
        whole = True
        alerts = watcher.look()
        for alert in alerts:
            _print(alert, as_json)
            for action in actions:
                whole = _deliver(action, alert, notice) and whole
        if alerts and once:
            return 0 if whole else NOT_DELIVERED
        time.sleep(every)


def _deliver(action: Callable[[Alert], None], alert: Alert, notice: Callable[[str], None]) -> bool:
    from cockpit.alerts.deliver import NotDelivered

    try:
        action(alert)
    except NotDelivered as error:
        notice(f"{alert.fields()['name']}: {error}")
        return False
    return True


def _print(alert: Alert, as_json: bool) -> None:
    from storage.events import to_json

    click.echo(to_json(alert.as_json()) if as_json else line(alert))
    sys.stdout.flush()


def line(alert: Alert) -> str:
    """An alert in one line: when, who, how it stands, its figures."""
    from cockpit.format import number, plain

    told: dict[str, Any] = alert.fields()
    shown = alert.shown
    figures = [f"{plain(k)} {number(v)}" for k, v in (shown.metrics if shown else {}).items()]
    best = ["best"] if alert.sweep is not None and figures else []
    reason = [f"({plain(told['reason'])})"] if told["reason"] else []
    at = alert.time.astimezone().strftime("%H:%M:%S")
    parts = (at, plain(told["name"]), told["state"], *best, *figures[:4], *reason)
    return "  ".join(parts)
