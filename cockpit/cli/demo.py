"""`cockpit demo`: a small project with real data, and its sweep."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cockpit.cli.common import open_session, store_option

if TYPE_CHECKING:
    from cockpit.demo.write import Written
    from cockpit.sweep.spec import Spec
    from storage.layout import Layout
    from storage.sweeps import Sweep


@click.command("demo", short_help="Write a small project and run its sweep.")
@click.argument("folder", metavar="[DIR]", default="cockpit-demo", type=click.Path(path_type=Path))
@click.option("--no-tui", is_flag=True, help="Print the progress, also on a terminal.")
@store_option
@click.pass_context
def command(ctx: click.Context, folder: Path, no_tui: bool, store: str | None) -> int:
    """Write a small project into DIR (cockpit-demo), run its sweep and open the cockpit on it.

    A model of who earns more than 50,000 dollars a year, tuned in 30 trials: about a minute. Run it
    again and it goes on where it was; a file that you changed is left as it is.
    """
    from cockpit.cli.open import has_terminal, open_app
    from cockpit.demo.write import write_project
    from cockpit.sweep.spec import load_spec
    from storage.layout import FOLDER, VARIABLE, find_store

    _tell(folder, write_project(folder))
    spec = load_spec(folder / "sweep.toml")
    _need_scikit_learn(spec)
    named = store or ctx.find_root().obj.store or os.environ.get(VARIABLE)
    layout = find_store(named or str(folder / FOLDER))  # the demo is whole in its folder
    there = _find(layout, spec.sweep.name)
    if has_terminal() and not no_tui:
        name = _start_detached(folder / "sweep.toml", layout, spec, there)
        open_app(layout, name)
        return 0
    return _here(folder / "sweep.toml", layout, spec, there)


def _tell(folder: Path, written: tuple[Written, ...]) -> None:
    new = [entry.path.name for entry in written if entry.outcome == "written"]
    kept = [entry.path.name for entry in written if entry.outcome == "kept"]
    if new:
        click.echo(f"Wrote {', '.join(new)} into {folder}")
    else:
        click.echo(f"The project is in {folder} already")
    if kept:
        click.echo(f"Left as you changed them: {', '.join(kept)}")


def _find(layout: Layout, name: str) -> Sweep | None:
    from storage.sweeps import all_sweeps

    if not layout.exists():
        return None
    with open_session(layout) as session:
        return next((sweep for sweep in all_sweeps(session) if sweep.name == name), None)


def _start_detached(spec_file: Path, layout: Layout, spec: Spec, there: Sweep | None) -> str:
    from cockpit.sweep.launch import detach

    if there is None:
        return detach([str(spec_file), "--store", str(layout.root)]).name
    if there.state != "running" and there.settled < _trials(spec):
        detach([str(spec_file), "--store", str(layout.root), "--resume"])
    return there.name


def _here(spec_file: Path, layout: Layout, spec: Spec, there: Sweep | None) -> int:
    from cockpit.cli.sweeping import swept
    from cockpit.cli.tables import print_sweeps

    if there is not None and (there.state == "running" or there.settled >= _trials(spec)):
        running = there.state == "running"
        click.echo(f"Its sweep {there.name} {'runs already' if running else 'is complete'}:")
        print_sweeps((there,))
        click.echo(_next(spec_file.parent))
        return 0
    if there is not None:
        click.echo(
            f"Going on with its sweep {there.name}: {there.settled} of {_trials(spec)} trials are done"
        )
    code = swept((spec,), layout, as_json=False, resume=there is not None, detached=False)
    click.echo(_next(spec_file.parent))
    return code


def _trials(spec: Spec) -> int:
    return spec.sweep.trials or 0


def _next(folder: Path) -> str:
    return f"Next: cd {folder}, then cockpit (the app), cockpit runs --sort auc, or cockpit show income#best"


def _need_scikit_learn(spec: Spec) -> None:
    """The demo's own dependency is an extra; the worker's error would not say how to get it."""
    import sys

    from cockpit.demo.write import lacking

    if Path(spec.python) == Path(sys.executable) and (missing := lacking()):
        raise click.ClickException(missing)
