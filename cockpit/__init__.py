"""Launch, watch, compare and promote machine-learning runs from one terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cockpit.tracking import Run as Run
    from cockpit.tracking import track as track

__version__ = "0.1.0"
__all__ = ["Run", "__version__", "track"]


def __getattr__(name: str) -> Any:
    """`cockpit.track` for scripts: imported when it is asked for, since the screens need none of it."""
    if name in ("Run", "track"):
        from cockpit import tracking

        return getattr(tracking, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
