"""Identities of sweeps and runs: made by any writer without asking anybody.

An id is a whole number of 60 bits: 41 bits of milliseconds since 2024, then the writer's 19-bit tag. It
rises with time, so the newest runs are a range; and two writers never share one, because a tag belongs to
the spool file that carries it in its name. People see it as twelve characters, scrambled so that the first
few of them already tell runs apart.
"""

from __future__ import annotations

import time

TAG_BITS = 19
_BITS = 60
_EPOCH_MS = 1_704_067_200_000
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_SCRAMBLE = 0x9E3779B97F4A7C1 | 1
_UNSCRAMBLE = pow(_SCRAMBLE, -1, 1 << _BITS)
_DIGIT = {character: value for value, character in enumerate(_ALPHABET)}


def to_text(identity: int) -> str:
    """Show an id as twelve characters."""
    scrambled = identity * _SCRAMBLE % (1 << _BITS)
    return "".join(_ALPHABET[scrambled >> shift & 31] for shift in range(_BITS - 5, -1, -5))


def from_text(text: str) -> int:
    """Read twelve characters back; `ValueError` where they are no id."""
    if len(text) != _BITS // 5 or any(character not in _DIGIT for character in text):
        raise ValueError(f"{text!r} is not an id")
    scrambled = 0
    for character in text:
        scrambled = scrambled << 5 | _DIGIT[character]
    return scrambled * _UNSCRAMBLE % (1 << _BITS)


class IdMaker:
    """Hands out rising ids for one writer's tag."""

    def __init__(self, tag: int) -> None:
        self._tag = tag
        self._last = 0

    def __call__(self) -> int:
        tick = max(self._last + 1, time.time_ns() // 1_000_000 - _EPOCH_MS)
        self._last = tick
        return tick << TAG_BITS | self._tag
