"""Histograms and bars of characters. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cockpit.tui.canvas import Glyphs

EIGHTHS = " ▁▂▃▄▅▆▇█"
PARTS = " ▏▎▍▌▋▊▉█"
_ASCII = str.maketrans("▁▂▃▄▅▆▇█", "..::||##")


def plain_blocks(text: str, glyphs: Glyphs) -> str:
    """Blocks of a histogram in one line, in ASCII where the terminal has no others."""
    return text.translate(_ASCII) if glyphs == "ascii" else text


def histogram(counts: Sequence[int], cells: int, rows: int, glyphs: Glyphs) -> list[str]:
    """Upright bars, each `cells` wide, in `rows` lines: a bin that has rows is never blank."""
    most = max(counts, default=0)
    if not most:
        return []
    heights = [max(1, round(count / most * rows * 8)) if count else 0 for count in counts]
    lines = []
    for row in range(rows - 1, -1, -1):
        signs = [EIGHTHS[max(0, min(8, height - 8 * row))] for height in heights]
        lines.append("".join(sign * cells for sign in signs))
    return [plain_blocks(line, glyphs) for line in lines]


def bar(share: float, cells: int, glyphs: Glyphs) -> str:
    """A lying bar of `cells` cells where the share is 1."""
    whole, eighths = divmod(round(min(1.0, max(0.0, share)) * cells * 8), 8)
    if glyphs == "ascii":
        return ("#" * (whole + eighths // 4))[:cells]
    return "█" * whole + PARTS[eighths].strip()
