"""Says what a Python interpreter is and has, as JSON: `PYTHON describe.py`.

On the standard library alone (Python 3.8 and later), since it runs under the user's interpreter.
"""

from __future__ import annotations

import json
import platform
import sys
from typing import Any


def describe() -> dict[str, Any]:
    """`interpreter` (path), `python` (version), `platform` (text), `packages` (name to version)."""
    import importlib.metadata

    packages: dict[str, str] = {}
    for distribution in importlib.metadata.distributions():
        name = distribution.metadata["Name"]
        if name:  # a half-removed package has none; the first on the path is the one imported
            packages.setdefault(name, distribution.version)
    return {
        "interpreter": sys.executable,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": dict(sorted(packages.items())),
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(describe()))
