"""`cockpit rerun`: make a run again, and say whether it came out the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cockpit.cli.common import json_option, layout_to_read, store_option

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cockpit.sweep.rerun import Compared, Result

SAME, DIFFERENT, STOPPED = 0, 1, 130


@click.command("rerun", short_help="Make a run again; does it come out the same?")
@click.argument("run", metavar="RUN")
@click.option("--here", is_flag=True, help="In its folder as it is now, not in its commit.")
@click.option(
    "--metric",
    "metrics",
    multiple=True,
    metavar="NAME",
    help="What decides whether it is the same.",
)
@click.option("--force", is_flag=True, help="Go on with changed data, and with half a diff.")
@json_option
@store_option
@click.pass_context
def command(
    ctx: click.Context,
    run: str,
    here: bool,
    metrics: tuple[str, ...],
    force: bool,
    as_json: bool,
    store: str | None,
) -> int:
    """Make a run again, as a new one: its commit and diff in a temporary worktree, its params, its data.

    What is compared: each value it reported, step by step, and what it ended with. The sweep's
    objectives decide, or all metrics of a plain run. A pruned run is pruned at the same step.
    Contracts are not checked: the data are those of then, and are to be.

    Exit code 0: the same to the last digit, or within a billionth. 1: not the same.
    """
    from cockpit.format import plain
    from cockpit.sweep.rerun import rerun
    from storage.events import to_json

    said: list[str] = []

    def say(sentence: str) -> None:
        said.append(sentence)
        if not as_json:
            click.echo(f"  {plain(sentence)}")

    layout = layout_to_read(ctx, store)
    result = rerun(layout, run, say, here=here, force=force, metrics=metrics)
    if as_json:
        click.echo(to_json({**_as_json(result), "said": said}))
    else:
        for line in _lines(result):
            click.echo(line)
    if result.again.state == "stopped":
        return STOPPED
    return SAME if result.same else DIFFERENT


def _as_json(result: Result) -> dict[str, Any]:
    from dataclasses import asdict

    from cockpit.cli.tables import run_as_json

    return {
        "original": run_as_json(result.original),
        "run": run_as_json(result.again),
        "same": result.same,
        "how": result.how,
        "compared": [asdict(each) for each in result.decides],
        "beside": [asdict(each) for each in result.beside],
    }


def _lines(result: Result) -> Iterator[str]:
    from cockpit.format import look, plain

    again, original = result.again, result.original
    if again.state == "stopped":
        yield f"{look('stopped').glyph} stopped; nothing is compared"
    else:
        if not result.ended_alike:
            reason = f": {plain(again.reason)}" if again.reason else ""
            yield f"✗ {plain(original.name)} was {original.state}, this one is {again.state}{reason}"
        for each in result.decides:
            yield _sentence(each)
        if not result.decides and result.again.metrics:
            yield f"  {plain(original.name)} was {original.state} before it told a metric; this one is {again.state}"
        elif not result.decides:
            yield "  neither reported a metric; there is nothing more to compare"
        off = [plain(each.metric) for each in result.beside if each.how == "different"]
        if off:
            yield f"  not the same, though it does not decide: {', '.join(off)}"
    yield f"{plain(again.name)}  id {again.id}"


def _sentence(each: Compared) -> str:
    from cockpit.format import plain

    name, steps = plain(each.metric), f"at {each.steps} step{'s' * (each.steps != 1)}"
    if each.how != "different":
        degree = "to the last digit" if each.how == "exact" else f"but for {each.off:.1e} of it"
        where = f" ({'and ' * each.at_end}{steps})" * (each.steps > 0)
        return f"✓ {name} is {_figure(each.original)} again, {degree}{where}"
    at = "" if each.first is None else f"; it differs from step {each.first} on"
    return f"✗ {name} was {_figure(each.original)} and is {_figure(each.again)}{at}"


def _figure(value: float | None) -> str:
    from cockpit.format import exact

    return "missing" if value is None else exact(value)
