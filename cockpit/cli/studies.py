"""What `cockpit import optuna` has beyond the others: each study's sweep, and how to go on with it."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from cockpit.interop.landing import Source
    from cockpit.interop.optuna_landing import StudyLanded, StudyLanding
    from storage.layout import Layout

SHOWN = 10
"""Studies that are told one by one."""


def check_spec(spec: str | None, not_now: bool) -> None:
    """Refuse to write over a file."""
    if spec is None:
        return
    if not_now:
        raise click.UsageError("--spec goes with neither --dry-run nor --follow")
    if Path(spec).exists():
        raise click.UsageError(f"{spec} is there already; name another file for --spec")


def landing(layout: Layout, source: Source, **options: Any) -> StudyLanding:
    """The import of studies."""
    from cockpit.interop.optuna_landing import StudyLanding

    return StudyLanding(layout, source, **options)


def as_json(landing: Any) -> dict[str, Any]:
    """What there is to say of studies; nothing of another import."""
    found = getattr(landing, "studies", None)
    if found is None:
        return {}
    return {
        "studies": [
            {"study": one.study.name, "sweep": one.sweep, "trials": one.trials} for one in found
        ]
    }


def tell(landing: StudyLanding, spec: str | None, quiet: bool) -> None:
    """Write the spec, and say how each study is gone on with."""
    from cockpit.format import plain

    if spec is not None:
        _write(landing.studies, Path(spec))
    if quiet:
        return
    for one in landing.studies[:SHOWN]:
        if one.study.name != one.sweep:
            click.echo(f"  the study {plain(one.study.name)} is the sweep {plain(one.sweep)}")
        click.echo(plain(f"  go on: {_command(one, spec)}"))
    if len(landing.studies) > SHOWN:
        click.echo(f"  and {len(landing.studies) - SHOWN:,} studies more (cockpit sweeps)")


def _command(one: StudyLanded, spec: str | None) -> str:
    from cockpit.interop.optuna_spec import MORE

    if spec is not None:
        return f"cockpit sweep {shlex.quote(spec)} --resume, once [run] in it names your function"
    name = shlex.quote(one.sweep)
    if len(one.study.directions) > 1:
        return f"cockpit sweep SPEC.toml --resume {name} (--spec FILE drafts one)"
    way = "" if one.study.directions[0] == "minimize" else f" --direction {one.study.directions[0]}"
    metric = (
        ""
        if one.metrics[0] == "value"
        else f" --set {shlex.quote('sweep.metric=' + one.metrics[0])}"
    )
    trials = max(one.there, one.trials) + MORE
    return f"cockpit sweep FILE.py:OBJECTIVE --resume {name} --trials {trials}{way}{metric}"


def _write(found: list[StudyLanded], spec: Path) -> None:
    from cockpit.interop.optuna_spec import drafted
    from storage.errors import UserError

    if len(found) != 1:
        raise UserError(
            f"{len(found)} studies were imported, and a spec is for one; choose it with --study"
        )
    try:
        with spec.open("x", encoding="utf-8") as file:
            file.write(drafted(found[0]))
    except OSError as error:
        raise UserError(f"{spec} cannot be written: {error.strerror}") from error
