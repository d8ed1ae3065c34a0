"""`cockpit sweep`: run a sweep in the foreground, or detached from the terminal."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cockpit.cli.common import layout_of, store_option

if TYPE_CHECKING:
    from storage.layout import Layout


@click.command("sweep", short_help="Run a sweep.")
@click.argument("target", metavar="SPEC.toml|FILE.py:FUNCTION")
@click.option(
    "--trials",
    type=click.IntRange(min=1),
    metavar="N",
    help="How many trials (the spec's otherwise).",
)
@click.option(
    "--workers", type=click.IntRange(min=1), metavar="N", help="How many at the same time."
)
@click.option("--name", help="The sweep's name.")
@click.option(
    "--direction",
    type=click.Choice(["minimize", "maximize"]),
    help="For FILE.py:FUNCTION. [default: minimize]",
)
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="One JSON object a settled trial; the last is the summary.",
)
@click.option(
    "--detach", is_flag=True, help="Start it and return; it goes on when the terminal closes."
)
@click.option(
    "--resume", is_flag=True, help="Go on with the sweep of this name instead of starting another."
)
@click.option("--detached", is_flag=True, hidden=True)
@store_option
@click.pass_context
def command(
    ctx: click.Context,
    target: str,
    trials: int | None,
    workers: int | None,
    name: str | None,
    direction: str | None,
    as_json: bool,
    detach: bool,
    resume: bool,
    detached: bool,
    store: str | None,
) -> int:
    """Run a sweep: from a spec file, or straight from an Optuna objective.

    \b
    cockpit sweep sweep.toml
    cockpit sweep train.py:objective --trials 50 --direction maximize

    Ctrl-C once lets the running trials end, twice ends them. Exit code 0: it did what was asked;
    3: not one trial was complete; 130: it was stopped.
    """
    from cockpit.cli.progress import foreground, in_background
    from cockpit.sweep.spec import load_spec, spec_from_function

    if ".py:" in target:
        spec = spec_from_function(
            target,
            trials=trials,
            direction=direction or "minimize",
            name=name,
            workers=workers,
        )
    elif direction:
        raise click.UsageError(
            "--direction belongs to FILE.py:FUNCTION; a spec file says it itself"
        )
    else:
        spec = load_spec(Path(target), name=name, trials=trials, workers=workers)
    layout = layout_of(ctx, store)
    if detach:
        return _detach(target, layout, name, trials, workers, direction, resume)
    if detached:
        return in_background(spec, layout, resume)
    return foreground(spec, layout, as_json, resume)


def _detach(
    target: str,
    layout: Layout,
    name: str | None,
    trials: int | None,
    workers: int | None,
    direction: str | None,
    resume: bool,
) -> int:
    from cockpit.sweep.launch import detach

    arguments = [target, "--store", str(layout.root), *(["--resume"] if resume else [])]
    for option, value in (
        ("--name", name),
        ("--trials", trials),
        ("--workers", workers),
        ("--direction", direction),
    ):
        if value is not None:
            arguments += [option, str(value)]
    started = detach(arguments)
    click.echo(f"{started.name} runs detached (pid {started.pid}). Watch it: cockpit")
    return 0
