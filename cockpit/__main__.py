"""The command `cockpit`, also as `python -m cockpit`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import NoReturn


def main() -> NoReturn:
    """Run the command line and leave with its exit code."""
    _ignore_working_directory()
    _open_what_is_closed()
    from cockpit.cli.main import run

    code = run(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    if "duckdb" in sys.modules:
        os._exit(code)  # DuckDB's bindings print their leaks at a regular exit
    sys.exit(code)


def _ignore_working_directory() -> None:
    """`python -m` puts the working directory first; a user's storage.py must not become ours."""
    home = Path(__file__).resolve().parent.parent
    if sys.path and sys.path[0] in ("", str(Path.cwd())) and Path.cwd().resolve() != home:
        del sys.path[0]


def _open_what_is_closed() -> None:
    """`>&-`: else the first file that we open takes the number, and what is printed goes into it."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # the lowest number is free
            setattr(sys, name, open(number, "w" if number else "r", closefd=False))  # noqa: SIM115


if __name__ == "__main__":
    main()
