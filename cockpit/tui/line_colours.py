"""Twelve colours that keep lines apart, for dark and for light screens, and for colour-blind eyes.

They are colours of Okabe and Ito, "Color universal design" (2008), and of Paul Tol, "Colour schemes"
(SRON/EPS/TN/09-002, issue 3.2, 2021), chosen and ordered so that each next one is far from those before it
for normal sight and, by the matrices of Machado, Oliveira and Fernandes (2009), for protanopia, deuteranopia
and tritanopia. All stand out from their background by 3 : 1 (WCAG 2.1, 1.4.11). Twelve cannot all be told
apart by everybody, so every line carries a letter too.
"""

from __future__ import annotations

LETTERS = "ABCDEFGHIJKL"
DARK = (
    *("#56b4e9", "#d55e00", "#f0e442", "#4477aa", "#e69f00", "#99ddff"),
    *("#bbbbbb", "#009e73", "#cc79a7", "#ddcc77", "#ee7733", "#66ccee"),
)
LIGHT = (
    *("#0072b2", "#cc3311", "#000000", "#663333", "#994455", "#222255"),
    *("#004488", "#882255", "#aa4499", "#666633", "#aa3377", "#332288"),
)
BEHIND = 0.4
"""How much of its colour a line keeps that lies behind another one."""

Colour = tuple[int, int, int]


def tone(place: int, behind: bool = False) -> str:
    """The tone of the line in this place, counted from 0."""
    return f"line-{place % len(LETTERS)}" + "-faint" * behind


def line_colours(dark: bool, background: Colour) -> dict[str, Colour]:
    """The colours by tone, those of lines behind others mixed into the background."""
    found: dict[str, Colour] = {}
    for place, text in enumerate(DARK if dark else LIGHT):
        colour = rgb(text)
        red, green, blue = (
            round(BEHIND * one + (1 - BEHIND) * other)
            for one, other in zip(colour, background, strict=True)
        )
        found[tone(place)] = colour
        found[tone(place, behind=True)] = (red, green, blue)
    return found


def rgb(text: str) -> Colour:
    """`#rrggbb` as three numbers."""
    red, green, blue = bytes.fromhex(text[1:])
    return red, green, blue
