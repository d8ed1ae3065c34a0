"""What a sweep that is started from a screen had to warn of is said there too."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import cockpit.sweep.launch as launching
from cockpit.sweep.launch import Detached
from cockpit.tui.control import StoreControl

if TYPE_CHECKING:
    import pytest

    from storage.layout import Layout


def test_a_start_tells_its_warnings_first(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    def start(_arguments: object) -> Detached:
        child = os.spawnv(os.P_NOWAIT, sys.executable, [sys.executable, "-S", "-c", ""])
        return Detached("fast", child, ("rows breaks its contract: 1 of 2 rules", "  age: …"))

    monkeypatch.setattr(launching, "detach", start)
    control = StoreControl(layout)
    name, said = control.launch(("sweep.toml",))
    warned = "rows breaks its contract: 1 of 2 rules; age: …; "
    assert name == "fast"
    assert said.startswith(warned)
    assert control.resume("fast", None).startswith(warned + "fast: goes on")
