"""A lock that somebody else has is waited for, and not for ever."""

from __future__ import annotations

import fcntl
import time
from typing import TYPE_CHECKING

from storage.locking import taken

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_a_lock_is_waited_for_until_the_deadline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (tmp_path / "lock").open("w") as holder, (tmp_path / "lock").open("w") as waiter:
        fcntl.flock(holder, fcntl.LOCK_EX)
        assert not taken(waiter.fileno(), fcntl.LOCK_EX, time.monotonic())
        monkeypatch.setattr(time, "sleep", lambda _: fcntl.flock(holder, fcntl.LOCK_UN))
        assert taken(waiter.fileno(), fcntl.LOCK_EX, time.monotonic() + 60)
