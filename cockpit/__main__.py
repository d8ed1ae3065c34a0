"""The command `cockpit`, also as `python -m cockpit`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import NoReturn


def main() -> NoReturn:
    """Run the command line and leave with its exit code."""
    _ignore_working_directory()
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


if __name__ == "__main__":
    main()
