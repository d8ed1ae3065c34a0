"""`cockpit promote`: put an alias of a model onto a run's model, if its gates let it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cockpit.cli.common import json_option, layout_to_read, store_option

if TYPE_CHECKING:
    from cockpit.models.promotion import Checked
    from storage.models import Move

FAILED = 1


@click.command("promote", short_help="Make a run's model what an alias means, if its gates let it.")
@click.argument("what", metavar="RUN")
@click.option("--model", metavar="MODEL", help="The model. [default: the only one in cockpit.toml]")
@click.option(
    "--to",
    "alias",
    metavar="ALIAS",
    required=True,
    help="candidate, shadow, production or another.",
)
@click.option("--check", "dry", is_flag=True, help="Judge the gates only; change nothing.")
@click.option("--reason", metavar="TEXT", help="Why; kept with it.")
@click.option(
    "--force", is_flag=True, help="Against gates that fail; needs --reason, and is marked."
)
@click.option("--markdown", "as_markdown", is_flag=True, help="Print markdown.")
@json_option
@store_option
@click.pass_context
def command(
    ctx: click.Context,
    what: str,
    model: str | None,
    alias: str,
    dry: bool,
    reason: str | None,
    force: bool,
    as_markdown: bool,
    as_json: bool,
    store: str | None,
) -> int:
    """Judge the gates of a model and, where they pass, move its alias onto the model of RUN.

    RUN may be a version too: income@candidate, income@v3. The gates stand in cockpit.toml, [models.MODEL];
    the incumbent is what the alias means now. drift.psi_max is the greatest drift of a feature between the
    data that the run recorded ([data] of its sweep, evaluation sets left out) and the evaluation set, and
    contract = 'passed' is of the same data. Exit code 0: passed, or it is there already; 1: a gate failed and
    nothing was moved; 2: it could not be judged.
    """
    from cockpit.models.candidates import AlreadyThere
    from cockpit.models.promotion import check, promote
    from cockpit.project.reading import find_project

    if as_json and as_markdown:
        raise click.UsageError("--json or --markdown")
    if dry and force:
        raise click.UsageError("--check changes nothing; there is nothing to --force")
    if force and not (reason or "").strip():
        raise click.UsageError("--force needs a --reason: it is kept beside it for ever")
    layout = layout_to_read(ctx, store)
    project = find_project(layout)
    named = _model(model, tuple(project.models), what)
    try:
        checked = check(layout, project, named, what, alias)
    except AlreadyThere as there:
        _print_already(named, alias, str(there), as_json)
        return 0
    done = None
    if not dry and (checked.passed or force):
        done = promote(layout, checked, reason, force)
    _print(checked, done, as_json, as_markdown)
    return 0 if checked.passed or done else FAILED


def _model(named: str | None, known: tuple[str, ...], what: str) -> str:
    if named is not None:
        return named
    if (model := what.rpartition("@")[0]) in known:
        return model
    if len(known) == 1:
        return known[0]
    there = f"cockpit.toml has {', '.join(known)}" if known else "cockpit.toml names none"
    raise click.UsageError(f"which model? --model NAME; {there}")


def _print_already(model: str, alias: str, sentence: str, as_json: bool) -> None:
    from cockpit.format import plain
    from storage.events import to_json

    if not as_json:
        click.echo(plain(sentence))
        return
    told = {"model": model, "alias": alias, "passed": None, "promoted": False, "already": True}
    click.echo(to_json(told))


def _print(checked: Checked, done: Move | None, as_json: bool, as_markdown: bool) -> None:
    from cockpit.cli.model_tables import change_lines, checked_as_json, gate_lines
    from cockpit.cli.tables import console
    from cockpit.format import plain
    from cockpit.models.gates.evidence import check_markdown
    from storage.events import to_json

    if as_json:
        click.echo(to_json(checked_as_json(checked, done)))
        return
    if as_markdown:
        click.echo(check_markdown(checked, _outcome(checked, done)), nl=False)
        return
    from rich.text import Text

    out = console()
    against = checked.incumbent.label if checked.incumbent else "nothing: a first promotion"
    on = f" on {checked.on}" if checked.on else ""
    out.print(Text(plain(f"{checked.candidate.name} against {against}{on}")))
    for line in gate_lines(checked.results):
        out.print(line)
    if not checked.results:
        out.print(Text("no gates: nothing is asked of it", style="dim"))
    for line in change_lines(changes) if (changes := checked.evidence["changes"]) else ():
        out.print(line)
    for note in checked.notes:
        out.print(Text(plain(note), style="dim"))
    out.print(Text(plain(_outcome(checked, done)), style="bold"))


def _outcome(checked: Checked, done: Move | None) -> str:
    failed = sum(not result.passed for result in checked.results)
    gates = f"{failed} of {len(checked.results)} gates failed"
    if done is not None:
        how = f", against the gates: {gates}" if done.how == "forced" else ""
        return f"{done.alias} of {done.model} is {done.model}@v{done.target} now{how}"
    if failed:
        return f"{gates}; {checked.alias} of {checked.model} stays where it is"
    return f"passes; without --check it becomes {checked.alias} of {checked.model}"
