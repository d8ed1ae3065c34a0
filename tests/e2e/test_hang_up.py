"""The cockpit ends with its terminal, also where no signal tells of that."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.e2e


def test_a_terminal_that_is_gone_without_a_word_ends_the_screen(tmp_path: Path) -> None:
    ours, theirs = os.openpty()
    # No TIOCSCTTY: it is a terminal to them, and not the one whose end the kernel tells them of.
    app = subprocess.Popen(
        [sys.executable, "-m", "cockpit", "--store", str(tmp_path / ".cockpit")],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        env={**os.environ, "TERM": "xterm-256color"},
    )
    os.close(theirs)
    try:
        painted = b""
        while b"No runs yet" not in painted:
            assert select.select([ours], [], [], 60)[0], painted
            painted += os.read(ours, 1 << 16)
        os.close(ours)
        assert app.wait(60) == -signal.SIGHUP
    finally:
        app.kill()
        app.wait()
