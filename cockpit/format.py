"""Turns values into the words and figures of the screens. Pure: text in, text out."""

from __future__ import annotations

import json
import math
import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len, set_cell_size

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

MISSING = "·"
ELLIPSIS = "…"
BASELINE = "◇"
"""Marks the run that its sweep is measured against."""

_UNITS = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
_EMOJI_CHANGES = frozenset("\u200d\ufe0e\ufe0f\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff")
"""What joins emoji, dresses or colours them: terminals disagree on the width of what comes out."""
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")


@dataclass(frozen=True, slots=True)
class Look:
    """How a state shows itself: glyph and word first, colour last."""

    glyph: str
    word: str
    tone: str
    """A colour's name, see `theme.PALETTES`."""


LOOKS = {
    "waiting": Look("◌", "waiting", "quiet"),
    "running": Look("●", "running", "accent"),
    "paused": Look("‖", "paused", "stopped"),
    "complete": Look("✓", "complete", "complete"),
    "pruned": Look("✂", "pruned", "quiet"),
    "failed": Look("✗", "failed", "failed"),
    "timeout": Look("◷", "timeout", "stopped"),
    "oom": Look("⊠", "oom", "failed"),
    "stopped": Look("■", "stopped", "stopped"),
    "lost": Look("?", "lost", "lost"),
}


def look(state: str) -> Look:
    """How a state shows itself; one never heard of is shown by its own name."""
    return LOOKS.get(state) or Look("?", plain(state), "lost")


def number(value: float, keep_zeros: bool = False) -> str:
    """Four significant digits: `0.9312`, `12.3k`, `1.2e-3`; `keep_zeros` for columns of scores."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    if value == 0:
        return "0"
    if abs(value) >= 10_000:
        return _large(value)
    if isinstance(value, int):
        return str(value)
    return _small(value) if abs(value) < 1e-3 else _digits(value, keep_zeros)


def _digits(value: float, keep_zeros: bool) -> str:
    text = f"{value:.{max(0, 3 - math.floor(math.log10(abs(value))))}f}"
    return text if keep_zeros or "." not in text else text.rstrip("0").rstrip(".")


def _small(value: float) -> str:
    mantissa, exponent = f"{value:.3e}".split("e")
    return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"


def _large(value: float) -> str:
    if abs(value) >= 1e15:
        return _small(float(value) if abs(value) < 1e300 else math.copysign(1e300, value))
    for scale, unit in _UNITS:
        # 999_950 rounds up to 1000.0k, which is 1.0M
        if abs(value) >= scale * 0.99995:
            scaled = value / scale
            return f"{scaled:.1f}{unit}" if abs(scaled) >= 9.995 else f"{scaled:.2f}{unit}"
    return str(value)


def value(raw: Any) -> str:
    """A param's value (JSON) in one line, safe to paint."""
    if isinstance(raw, str):
        return plain(raw)
    if isinstance(raw, int | float) and not isinstance(raw, bool):
        return number(raw)
    return plain(json.dumps(raw, ensure_ascii=False, default=str))


def exact(raw: Any) -> str:
    """The full value, for the place where the cursor is."""
    if isinstance(raw, float):
        return repr(raw) if math.isfinite(raw) else number(raw)
    return str(raw) if isinstance(raw, int) and not isinstance(raw, bool) else value(raw)


def align(texts: Sequence[str], head: int, tail: int) -> list[str]:
    """Numbers one under the other by their decimal points, `head` cells before them."""
    padded = []
    for text in texts:
        before, after = halves(text)
        padded.append(" " * (head - before) + text + " " * (tail - after))
    return padded


def halves(text: str) -> tuple[int, int]:
    """Cells before the decimal point (or what stands for one), and from it on."""
    match = re.search(r"[.e]|[kMGT]$", text)
    before = cell_len(text[: match.start()]) if match and text[0] in "-0123456789" else None
    whole = cell_len(text)
    return (whole, 0) if before is None else (before, whole - before)


def duration(seconds: float | None) -> str:
    """`4.1s`, `41s`, `3m 12s`, `2h 05m`, `3d 04h`."""
    if seconds is None or not math.isfinite(seconds):
        return MISSING
    seconds = max(0.0, seconds)
    if seconds < 9.95:
        return f"{seconds:.1f}s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m {whole % 60:02d}s"
    if whole < 86_400:
        return f"{whole // 3600}h {whole % 3600 // 60:02d}m"
    return f"{whole // 86_400}d {whole % 86_400 // 3600:02d}h"


_DAY = 86_400
_AGES = (
    *(("y", 365 * _DAY, 365 * _DAY), ("w", 7 * _DAY, 100 * _DAY), ("d", _DAY, _DAY)),
    *(("h", 3600, 3600), ("m", 60, 60)),
)
"""Units of an age, their seconds, and from how many seconds on they are taken; none needs three digits."""


def age(then: datetime | None, now: datetime) -> str:
    """`now`, `20s ago`, `3m ago`, `2h ago`, `5d ago`, `15w ago`: coarse, so that it seldom changes."""
    if then is None:
        return MISSING
    seconds = (now - then).total_seconds()
    if seconds < 10:
        return "now"
    if seconds < 60:
        return f"{int(seconds // 10) * 10}s ago"
    for unit, length, least in _AGES:
        if seconds >= least:
            return f"{int(seconds // length)}{unit} ago"
    raise AssertionError("sixty seconds are a minute")


def size(count: int) -> str:
    """Bytes as `412 B`, `4.1 MB`."""
    scaled = float(count)
    for unit in ("B", "KB", "MB", "GB"):
        if scaled < 999.95:
            return f"{scaled:.0f} {unit}" if unit == "B" else f"{scaled:.1f} {unit}"
        scaled /= 1000
    return f"{scaled:.1f} TB"


def count(total: int) -> str:
    """`12,304`."""
    return f"{total:,}"


def listed(names: Sequence[str]) -> str:
    """`auc`, `auc and size`, `auc, size and time`."""
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def plain(text: str) -> str:
    """One line without control characters: nothing in it can move a cursor or hide."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_visible(char) for char in text)


def _visible(char: str) -> str:
    if char in _EMOJI_CHANGES:
        return ""
    if ord(char) < 0x20:
        return chr(0x2400 + ord(char))
    if char == "\x7f":
        return "␡"
    return "�" if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp") else char


def log_line(text: str) -> str:
    """A line of a log as a terminal would leave it, without its colours."""
    shown = [part for part in _ESCAPES.sub("", text).rstrip("\r\n").split("\r") if part]
    return plain(shown[-1].expandtabs(4)) if shown else ""


def cut(text: str, width: int) -> str:
    """At most `width` cells, the middle gone: `income-hgb…#27`."""
    if cell_len(text) <= width:
        return text
    if width <= 1:
        return ELLIPSIS[:width]
    tail = (width - 1) // 2
    end = _last_cells(text, tail)
    return _first_cells(text, width - 1 - cell_len(end)) + ELLIPSIS + end


def _first_cells(text: str, width: int) -> str:
    end, used = 0, 0
    for end, char in enumerate(text):  # noqa: B007
        used += cell_len(char)
        if used > width:
            break
    return text[:end]


def _last_cells(text: str, width: int) -> str:
    start, used = len(text), 0
    while start and used + cell_len(text[start - 1]) <= width:
        start -= 1
        used += cell_len(text[start])
    return text[start:]


def fit(text: str, width: int, right: bool = False) -> str:
    """Exactly `width` cells: cut in the middle or padded."""
    text = cut(text, width)
    short = width - cell_len(text)
    if short < 0:
        return set_cell_size(text, width)
    return " " * short + text if right else text + " " * short
