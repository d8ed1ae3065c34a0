"""`cockpit config`: where the settings are, and the file with all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from storage.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path


class ConfigNotWritten(UserError):
    """The file is there already, or cannot be made."""


@click.command("config", short_help="Show the settings there are, and their file.")
@click.option("--path", "only_path", is_flag=True, help="Print the path of the file only.")
@click.option("--write", is_flag=True, help="Write the file, where there is none.")
def command(only_path: bool, write: bool) -> None:
    """Show the settings of the cockpit's screens: where their file is, and all that it may say.

    What is wrong in your file is said on stderr.
    """
    from cockpit.tui.config import config_path, default_file, near

    path = config_path()
    if only_path:
        click.echo(path)
        return
    from cockpit.tui.keymap import documented, settings

    text = default_file(documented())
    if write:
        _write(path, text)
        click.echo(f"{near(path)} is written; all in it are the defaults")
        return
    there = "your settings" if path.exists() else "not there yet: cockpit config --write makes it"
    click.echo(f"# {near(path)} ({there})")
    click.echo(text, nl=False)
    for problem in settings().problems:
        click.echo(f"cockpit: {problem}", err=True)


def _write(path: Path, text: str) -> None:
    from cockpit.tui.config import near

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise ConfigNotWritten(f"{near(path)} is there already; it stays as it is") from None
    except OSError as error:
        raise ConfigNotWritten(f"{near(path)} cannot be written: {error.strerror}") from error
