"""What all tests need."""

from __future__ import annotations

import signal

import pytest
from hypothesis import settings

# What takes long is no fault: benches measure. A plain run draws the same examples each time, so that it says
# something of the change alone; `--hypothesis-profile=anew` looks for faults that nobody has met.
settings.register_profile("anew", deadline=None)
settings.register_profile("same", deadline=None, derandomize=True)
settings.load_profile("same")


@pytest.fixture(scope="session", autouse=True)
def _ctrl_c_works() -> None:
    """A shell that starts the tests in the background has SIGINT ignored, for all that they start too."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
