"""What time it is, in one place, so that a test can stop it."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> datetime:
    """UTC, timezone-aware."""
    return datetime.now(UTC)
