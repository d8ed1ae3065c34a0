"""`cockpit sweep`: run a sweep in the foreground, or detached from the terminal."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cockpit.cli.common import layout_of, store_option

if TYPE_CHECKING:
    from cockpit.sweep.spec import Spec
    from storage.layout import Layout


@click.command("sweep", short_help="Run a sweep.")
@click.argument("target", required=False, metavar="SPEC.toml|FILE.py:FUNCTION")
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
    "--set",
    "settings",
    multiple=True,
    metavar="TABLE.KEY=VALUE",
    help="Any value of the spec, as in sweep.seed=7; again for another.",
)
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
    "--resume",
    is_flag=False,
    flag_value="",
    metavar="[NAME]",
    help="Go on with a sweep exactly where it was: that of the spec's name, or of NAME.",
)
@click.option(
    "--replay",
    metavar="NAME",
    help="Run a sweep once more, asking and telling in the recorded order, and compare.",
)
@click.option("--detached", is_flag=True, hidden=True)
@store_option
@click.pass_context
def command(
    ctx: click.Context,
    target: str | None,
    trials: int | None,
    workers: int | None,
    name: str | None,
    settings: tuple[str, ...],
    direction: str | None,
    as_json: bool,
    detach: bool,
    resume: str | None,
    replay: str | None,
    detached: bool,
    store: str | None,
) -> int:
    """Run a sweep: from a spec file, or straight from an Optuna objective.

    \b
    cockpit sweep sweep.toml
    cockpit sweep train.py:objective --trials 50 --direction maximize
    cockpit sweep sweep.toml --set sweep.sampler=random --set params.lr.high=0.3
    cockpit sweep --resume income --trials 60

    Ctrl-C once lets the running trials end, twice ends them. Exit code 0: it did what was asked;
    1: a replay came out otherwise; 3: not one trial was complete; 130: it was stopped.
    """
    from cockpit.cli import sweeping

    layout = layout_of(ctx, store)
    if resume and target is None and (resume.endswith(".toml") or ".py:" in resume):
        target, resume = resume, ""
    more = settings or trials or workers or name or direction
    if replay is not None and (target or resume is not None or more):
        raise click.UsageError("--replay takes the name of a sweep and nothing else")
    if replay is None:
        _check(target, resume, name, direction)
    given = _settings(settings)
    if detach:
        options = {"--trials": trials, "--workers": workers, "--name": name}
        options |= {"--direction": direction, "--resume": resume, "--replay": replay}
        return _detach(target, layout, options, settings, as_json)
    if replay is not None:
        return sweeping.replayed(replay, layout, as_json, detached)
    short = {"sweep.trials": trials, "executor.workers": workers}
    if target is None:
        short = {place: value for place, value in short.items() if value is not None}
        specs = _stored(resume or "", layout, given | short)
    else:
        specs = _specs(target, trials, workers, resume or name, direction, given)
    return sweeping.swept(specs, layout, as_json, resume is not None, detached)


def _check(target: str | None, resume: str | None, name: str | None, direction: str | None) -> None:
    """Whether the options go together; none of them may be given and do nothing."""
    if resume and name:
        raise click.UsageError(f"--resume {resume} names the sweep already; leave out --name")
    if target is None and resume and direction:
        raise click.UsageError("--direction belongs to FILE.py:FUNCTION; the sweep knows its own")
    if target is None and not resume:
        raise click.UsageError(
            "name a spec file (cockpit sweep sweep.toml) or a function (train.py:objective)"
        )


def _settings(texts: tuple[str, ...]) -> dict[str, Any]:
    from cockpit.sweep.given import toml_value

    found = {}
    for text in texts:
        place, equals, value = text.partition("=")
        if not equals or not all(place.split(".")) or "." not in place:
            raise click.UsageError(f"{text!r} is not TABLE.KEY=VALUE, as in sweep.seed=7")
        found[place] = toml_value(value)
    return found


def _stored(name: str, layout: Layout, given: dict[str, Any]) -> tuple[Spec, ...]:
    from cockpit.sweep.launch import stored_spec

    return (stored_spec(name, layout, given),)


def _specs(
    target: str,
    trials: int | None,
    workers: int | None,
    name: str | None,
    direction: str | None,
    given: dict[str, Any],
) -> tuple[Spec, ...]:
    from cockpit.sweep.spec import load_specs, spec_from_function

    if ".py:" in target:
        return (
            spec_from_function(
                target,
                trials=trials,
                direction=direction or "minimize",
                name=name,
                workers=workers,
                overrides=given,
            ),
        )
    if target.endswith(".py"):
        raise click.UsageError(f"name the function in it too, as in {target}:objective")
    if direction:
        raise click.UsageError(
            "--direction belongs to FILE.py:FUNCTION; a spec file says it itself"
        )
    return load_specs(Path(target), name=name, trials=trials, workers=workers, overrides=given)


def _detach(
    target: str | None,
    layout: Layout,
    options: dict[str, Any],
    settings: tuple[str, ...],
    as_json: bool,
) -> int:
    from cockpit.sweep.launch import detach
    from cockpit.sweep.linger import advice
    from storage.events import to_json

    arguments = [*([target] if target else []), "--store", str(layout.root)]
    for option, value in options.items():
        if value == "":
            arguments.append(option)
        elif value is not None:
            arguments += [option, str(value)]
    for setting in settings:
        arguments += ["--set", setting]
    started = detach(arguments)
    for line in started.said:
        click.echo(f"cockpit: {line}", err=True)
    told = {"sweep": started.name, "pid": started.pid}
    line = f"{started.name} runs detached (pid {started.pid}). Watch it: cockpit"
    click.echo(to_json(told) if as_json else line)
    if (sentence := advice()) is not None:
        click.echo(f"cockpit: {sentence}", err=True)
    return 0
