"""The lines' colours can be seen on both backgrounds, and told apart by colour-blind eyes."""

from __future__ import annotations

import math
from itertools import combinations

import pytest

from cockpit.tui.line_colours import DARK, LETTERS, LIGHT, line_colours, rgb, tone
from cockpit.tui.theme import COCKPIT

# Machado, Oliveira, Fernandes: A physiologically-based model for simulation of color vision
# deficiency (2009), severity 1.0, over linear RGB.
SIGHTS = {
    "normal": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritanopia": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}  # fmt: skip
Three = tuple[float, float, float]


def linear(text: str) -> Three:
    red, green, blue = (
        c / 255 / 12.92 if c <= 10 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in rgb(text)
    )
    return red, green, blue


def luminance(text: str) -> float:
    """WCAG 2.1, relative luminance."""
    return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear(text), strict=True))


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def oklab(colour: Three) -> Three:
    """Björn Ottosson, A perceptual color space for image processing (2020)."""
    red, green, blue = (min(1.0, max(0.0, value)) for value in colour)
    long = (0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue) ** (1 / 3)
    middle = (0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue) ** (1 / 3)
    short = (0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue) ** (1 / 3)
    return (
        0.2104542553 * long + 0.7936177850 * middle - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * middle + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * middle - 0.8086757660 * short,
    )


def seen(text: str, sight: str) -> Three:
    red, green, blue = (
        sum(m * c for m, c in zip(row, linear(text), strict=True)) for row in SIGHTS[sight]
    )
    return oklab((red, green, blue))


@pytest.mark.parametrize(
    "palette, backgrounds",
    [(DARK, (COCKPIT.background or "", "#1e1e1e")), (LIGHT, ("#e0e0e0", "#ffffff"))],
    ids=["dark", "light"],
)
def test_every_line_stands_out_from_its_background(
    palette: tuple[str, ...], backgrounds: tuple[str, ...]
) -> None:
    assert len(set(palette)) == len(LETTERS) == 12
    for background in backgrounds:
        assert min(contrast(colour, background) for colour in palette) >= 3


@pytest.mark.parametrize("sight", SIGHTS)
@pytest.mark.parametrize("palette", [DARK, LIGHT], ids=["dark", "light"])
def test_lines_are_told_apart_by_every_sight(palette: tuple[str, ...], sight: str) -> None:
    """In OKLab, where 0.02 is about what can just be told apart side by side."""

    def nearest(first: int) -> float:
        colours = [seen(colour, sight) for colour in palette[:first]]
        return min(math.dist(*pair) for pair in combinations(colours, 2))

    assert nearest(6) >= 0.09
    assert nearest(12) >= 0.035


def test_a_line_behind_another_fades_into_the_background() -> None:
    dark = line_colours(True, (0, 0, 0))
    assert dark[tone(0)] == rgb(DARK[0])
    assert sum(dark[tone(0, behind=True)]) < sum(dark[tone(0)]) / 2
    assert len(dark) == 24
