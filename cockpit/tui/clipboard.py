"""The clipboard of the terminal one sits at, however many hops away: OSC 52."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST = 74_994
"""Bytes of text; terminals take no sequence above 100,000 bytes, and base64 adds a third (and xterm's own head)."""
UNABLE = ("linux",)
"""Values of TERM whose terminal has no clipboard."""


def sequence(text: str, environ: Mapping[str, str]) -> str | None:
    """What puts `text` into the clipboard; None where this terminal has none or the text is too long."""
    data = text.encode("utf-8", "replace")
    if environ.get("TERM") in UNABLE or len(data) > LONGEST:
        return None
    plain = f"\x1b]52;c;{base64.b64encode(data).decode()}\x07"
    # GNU screen swallows what it does not know; wrapped it goes through to the terminal outside.
    return f"\x1bP{plain}\x1b\\" if "STY" in environ and "TMUX" not in environ else plain
