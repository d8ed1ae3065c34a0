"""Run by hand: `python -m tests.bench [NAME…]`. Ratios in one run count, not the absolute times.

MLflow is compared where it is installed beside cockpit; nothing else is needed.
"""

from __future__ import annotations

import os
import platform
import sys

from tests.bench.benches import BENCHES
from tests.bench.measure import noise, report
from tests.bench.peers import Mlflow, installed


def main() -> int:
    wanted = sys.argv[1:] or list(BENCHES)
    if unknown := [name for name in wanted if name not in BENCHES]:
        print(f"no such bench: {', '.join(unknown)}; there are: {', '.join(BENCHES)}")
        return 2
    python = platform.python_version()
    print(f"{os.cpu_count()} cores, {platform.machine()}, Python {python}; medians")
    if Mlflow not in installed():
        print("MLflow is not installed here, so its figures are left out")
    report("The machine's noise, before", [noise()])
    hit = [report(str(BENCHES[name].__doc__), BENCHES[name]()) for name in wanted]
    report("The machine's noise, after", [noise()])
    print(f"\n{sum(hit)} of {len(hit)} benches hit all their goals")
    return 0


if __name__ == "__main__":
    sys.exit(main())
