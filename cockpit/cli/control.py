"""The commands that change a running sweep, from any other terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cockpit.cli.common import layout_to_read, store_option

if TYPE_CHECKING:
    from cockpit.sweep.control import Request

_SWEEP = "[SWEEP]"


@click.command("stop", short_help="Stop a running sweep.")
@click.argument("sweep", required=False, metavar=_SWEEP)
@click.option("--now", is_flag=True, help="End the running trials too.")
@store_option
@click.pass_context
def stop(ctx: click.Context, sweep: str | None, now: bool, store: str | None) -> None:
    """Stop a running sweep: no further trial starts, those that run come to their end.

    SWEEP may be left out where only one runs. `cockpit sweep --resume SWEEP` goes on with it.
    """
    from cockpit.sweep.control import Request

    _ask(ctx, store, sweep, Request("stop", now=now))


@click.command("pause", short_help="Pause a running sweep.")
@click.argument("sweep", required=False, metavar=_SWEEP)
@store_option
@click.pass_context
def pause(ctx: click.Context, sweep: str | None, store: str | None) -> None:
    """Start no further trial until `cockpit continue`; those that run come to their end."""
    from cockpit.sweep.control import Request

    _ask(ctx, store, sweep, Request("pause"))


@click.command("continue", short_help="Go on with a paused sweep.")
@click.argument("sweep", required=False, metavar=_SWEEP)
@store_option
@click.pass_context
def go_on(ctx: click.Context, sweep: str | None, store: str | None) -> None:
    """Go on with a paused sweep."""
    from cockpit.sweep.control import Request

    _ask(ctx, store, sweep, Request("continue"))


@click.command("add", short_help="Add trials to a running sweep.")
@click.argument("sweep_and_count", nargs=-1, required=True, metavar="[SWEEP] N")
@store_option
@click.pass_context
def add(ctx: click.Context, sweep_and_count: tuple[str, ...], store: str | None) -> None:
    """Let a running sweep try N trials more."""
    from cockpit.sweep.control import Request

    sweep, count = _with_count(sweep_and_count)
    _ask(ctx, store, sweep, Request("add", count=count))


@click.command("workers", short_help="Change how many trials run at a time.")
@click.argument("sweep_and_count", nargs=-1, required=True, metavar="[SWEEP] N")
@store_option
@click.pass_context
def workers(ctx: click.Context, sweep_and_count: tuple[str, ...], store: str | None) -> None:
    """Run N trials at a time from now on; of more that run already none is ended."""
    from cockpit.sweep.control import Request

    sweep, count = _with_count(sweep_and_count)
    _ask(ctx, store, sweep, Request("workers", count=count))


@click.command("kill", short_help="End one running trial.")
@click.argument("run", metavar="RUN")
@store_option
@click.pass_context
def kill(ctx: click.Context, run: str, store: str | None) -> None:
    """End one running trial; it is settled as stopped, and its sweep goes on.

    RUN is an id, the start of one, or SWEEP#NUMBER.
    """
    _ask_of_run(ctx, store, run, "kill")


@click.command("prune", short_help="Prune one running trial.")
@click.argument("run", metavar="RUN")
@store_option
@click.pass_context
def prune(ctx: click.Context, run: str, store: str | None) -> None:
    """End one running trial as not worth going on with; the sampler is told so.

    RUN is an id, the start of one, or SWEEP#NUMBER.
    """
    _ask_of_run(ctx, store, run, "prune")


@click.command("enqueue", short_help="Put a point in line for a running sweep.")
@click.argument("point", nargs=-1, required=True, metavar="[SWEEP] PARAM=VALUE…")
@store_option
@click.pass_context
def enqueue(ctx: click.Context, point: tuple[str, ...], store: str | None) -> None:
    """Let a running sweep try this point next; params that are left out are the sampler's.

    VALUE is a number, true, false, or a text.
    """
    from cockpit.sweep.control import Request

    sweep = None if "=" in point[0] else point[0]
    params = dict(_param(text) for text in point[0 if sweep is None else 1 :])
    if not params:
        raise click.UsageError("give at least one PARAM=VALUE")
    _ask(ctx, store, sweep, Request("enqueue", params=params))


def _ask(ctx: click.Context, store: str | None, sweep: str | None, request: Request) -> None:
    from cockpit.format import plain
    from cockpit.sweep.remote import ask_sweep

    click.echo(plain(ask_sweep(layout_to_read(ctx, store), sweep, request)))


def _ask_of_run(ctx: click.Context, store: str | None, run: str, what: str) -> None:
    from cockpit.format import plain
    from cockpit.sweep.control import Request
    from cockpit.sweep.remote import ask_of_run

    click.echo(plain(ask_of_run(layout_to_read(ctx, store), run, Request(what))))


def _with_count(words: tuple[str, ...]) -> tuple[str | None, int]:
    *sweep, count = words
    if len(sweep) > 1 or not count.isdecimal() or int(count) < 1:
        raise click.UsageError(
            f"give a sweep and a whole number from 1 up, not {' '.join(words)!r}"
        )
    return (sweep[0] if sweep else None), int(count)


def _param(text: str) -> tuple[str, Any]:
    from cockpit.sweep.given import scalar

    name, equals, value = text.partition("=")
    if not equals or not name:
        raise click.UsageError(f"{text!r} is not PARAM=VALUE")
    return name, scalar(value)
