"""The group of commands; each is imported when it is asked for."""

from __future__ import annotations

import errno
import importlib
import os
import sys
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from cockpit import __version__
from storage.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

SECTIONS = {
    "Try something": {
        "sweep": "Run a sweep, go on with one, or replay it.",
        "run": "Track one command as a run.",
        "rerun": "Make a run again; does it come out the same?",
        "demo": "Write a small project and run its sweep.",
    },
    "Change a running sweep": {
        "stop": "Stop it.",
        "pause": "Start no further trial.",
        "continue": "Go on with a paused one.",
        "add": "Add trials.",
        "workers": "Change how many trials run at a time.",
        "enqueue": "Put a point in line.",
        "kill": "End one trial.",
        "prune": "Prune one trial.",
    },
    "Look": {
        "runs": "List runs.",
        "show": "Show one run.",
        "compare": "Compare runs: only what differs.",
        "logs": "Show what runs printed.",
        "sweeps": "List sweeps.",
        "best": "Show a sweep's best runs.",
        "importance": "Show which params mattered in a sweep.",
        "sql": "Ask the store in SQL, read-only.",
        "watch": "Wait for something; run a command or call a webhook.",
        "report": "Markdown of a run, a sweep, a comparison, a model, data.",
    },
    "Data and slices": {
        "data": "Register, list, show, check, diff and drift datasets.",
        "slices": "Where does a run fail? Metrics by slice, weak slices found.",
        "evaluate": "Score runs on an evaluation set.",
        "eval": "List, show and grow evaluation sets.",
    },
    "Promote": {
        "models": "List models, and what their aliases mean.",
        "model": "Show a model, or one of its versions.",
        "promote": "Make a run's model what an alias means, if its gates let it.",
        "rollback": "Go back to the version before.",
        "history": "What was live when, and why?",
        "predict": "Predict the rows of a file.",
        "export": "Write a model into a folder of its own.",
    },
    "Move in, take out": {
        "import": "Take in runs from MLflow, TensorBoard, wandb, Optuna or a CSV file.",
        "dump": "Write runs or metrics as files, or into MLflow; sweeps as Optuna's.",
    },
    "Keep": {
        "tag": "Tag runs.",
        "note": "Write a note on a run.",
        "pin": "Pin runs.",
        "unpin": "Unpin runs.",
        "rename": "Rename a run.",
        "delete": "Delete runs or sweeps.",
        "undelete": "Bring runs or sweeps back from the trash.",
        "trash": "List what was deleted.",
        "config": "Show the settings of the screens, and their file.",
        "store": "Look after the run store: check, compact, back up, restore.",
    },
}
COMMANDS = frozenset(name for section in SECTIONS.values() for name in section)
_TOGETHER = {name: name for name in SECTIONS["Change a running sweep"]} | {"continue": "go_on"}
"""Commands that share the module `control`."""
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
_CALLED = {"import": "import_"}
"""Modules that cannot be called as their command is."""


@dataclass
class Settings:
    """What stands before the command."""

    store: str | None = None
    traceback: bool = False


class _Lazy(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for section in SECTIONS.values() for name in section]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = "control" if cmd_name in _TOGETHER else _CALLED.get(cmd_name, cmd_name)
        found = importlib.import_module(f"cockpit.cli.{module}")
        command = getattr(found, _TOGETHER.get(cmd_name, "command"))
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for title, commands in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl(list(commands.items()))


@click.group(
    cls=_Lazy, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(__version__, prog_name="cockpit")
@click.option(
    "--store", metavar="DIR", help="The store folder. [default: .cockpit, looked for upwards]"
)
@click.option(
    "--inline",
    is_flag=False,
    flag_value="",
    metavar="[SWEEP]",
    help="Show a sweep in a few lines below the prompt: the one that runs, or SWEEP.",
)
@click.option("--traceback", is_flag=True, help="Show where in cockpit an error came from.")
@click.pass_context
def cli(ctx: click.Context, store: str | None, inline: str | None, traceback: bool) -> None:
    """Launch sweeps, watch them live and compare runs, in the terminal.

    Without a command it opens the cockpit; where there is no terminal it lists the runs.
    """
    ctx.obj = Settings(store, traceback)
    if inline is not None:
        if ctx.invoked_subcommand is not None:
            raise click.UsageError("--inline stands alone, or before the name of a sweep")
        from cockpit.cli.common import layout_to_read
        from cockpit.cli.inline import show_inline

        show_inline(layout_to_read(ctx, store), inline)
    elif ctx.invoked_subcommand is None:
        from cockpit.cli.common import layout_to_read
        from cockpit.cli.open import open_cockpit

        open_cockpit(layout_to_read(ctx, store))


def run(arguments: Sequence[str]) -> int:
    """Run a command line; returns its exit code. No traceback unless it was asked for."""
    try:
        outcome: Any = cli.main(list(arguments), prog_name="cockpit", standalone_mode=False)
        sys.stdout.flush()
        return outcome if isinstance(outcome, int) else 0
    except click.exceptions.Exit as leave:
        return int(leave.exit_code)
    except click.ClickException as error:
        error.show()
        return int(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        return 130
    except BrokenPipeError:  # `cockpit runs | head`
        _print_no_more()
        return 141
    except UserError as error:
        _complain(str(error), "--traceback" in arguments)
        return 2
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _FULL and error.filename is None:
            _print_no_more()
            _complain(f"what it prints cannot be written: {error.strerror}", False)
            return os.EX_IOERR
        what = f"{type(error).__name__}: {error}"
        _complain(
            f"this is a fault of cockpit's own: {what}\n(cockpit --traceback … shows where)",
            "--traceback" in arguments,
        )
        return 70


def _print_no_more() -> None:
    """What is still to be printed would be refused again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _complain(message: str, with_traceback: bool) -> None:
    if with_traceback:
        traceback.print_exc()
    from cockpit.format import plain

    for line in message.splitlines():
        click.echo(f"cockpit: {plain(line)}", err=True)
