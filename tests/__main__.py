"""All checks in one go: lint, types, import contracts, tests. Ends at the first that fails."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

WORKERS = min(4, (os.cpu_count() or 1) + 1)
"""One more than there are cores, since many a test waits for processes."""
CHECKS = (
    ("ruff", "check", "."),
    ("ruff", "format", "--check", "."),
    ("mypy",),
    ("lint-imports",),
    ("pytest", "-n", str(WORKERS), "--dist", "worksteal", *sys.argv[1:]),
)


def main() -> int:
    tools = Path(sys.executable).parent
    top = Path(__file__).parent.parent
    for tool, *arguments in CHECKS:
        print(f"\n── {tool} {' '.join(arguments)}", flush=True)
        began = time.monotonic()
        code = subprocess.run([tools / tool, *arguments], cwd=top, check=False).returncode
        print(
            f"── {tool}: {'ok' if code == 0 else f'exit code {code}'}, {time.monotonic() - began:.0f} s",
            flush=True,
        )
        if code:
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main())
