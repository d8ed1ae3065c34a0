"""The colours: a dark and a light theme of our own, and our tones in whatever theme is chosen."""

from __future__ import annotations

from textual.theme import Theme

COCKPIT = Theme(
    name="cockpit",
    primary="#6cb6ff",
    secondary="#6cb6ff",
    accent="#6cb6ff",
    foreground="#d3d8de",
    background="#14171c",
    surface="#1a1e24",
    panel="#222831",
    success="#7fc58a",
    warning="#e0b565",
    error="#f2777a",
    dark=True,
    variables={"input-cursor-background": "#6cb6ff", "input-cursor-foreground": "#14171c"},
)

COCKPIT_LIGHT = Theme(
    name="cockpit-light",
    primary="#0a5cad",
    secondary="#0a5cad",
    accent="#0a5cad",
    foreground="#1d232a",
    background="#fbfbfa",
    surface="#f1f2f3",
    panel="#e4e7ea",
    success="#176b2c",
    warning="#7d5200",
    error="#b3202a",
    dark=False,
    variables={"input-cursor-background": "#0a5cad", "input-cursor-foreground": "#fbfbfa"},
)
THEMES = {theme.name: theme for theme in (COCKPIT, COCKPIT_LIGHT)}

# Textual's themes disagree on accents (in one of them accent and warning are the same colour),
# so the tones that carry a meaning are ours in all of them.
PALETTES = {
    True: {
        "quiet": "#8b949e",
        "faint": "#566069",
        "tone": "#6cb6ff",
        "cursor": "#242b35",
        "complete": "#7fc58a",
        "failed": "#f2777a",
        "stopped": "#e0b565",
        "lost": "#c99bdf",
    },
    False: {
        "quiet": "#4d5560",
        "faint": "#80878f",
        "tone": "#0a5cad",
        "cursor": "#c6cdd6",
        "complete": "#176b2c",
        "failed": "#b3202a",
        "stopped": "#7d5200",
        "lost": "#6f3590",
    },
}


def css(tone: str) -> str:
    """A tone (words such as `bold` may stand before it) as Textual's markup names it."""
    *words, name = tone.split(" ") if tone else [""]
    colour = "tone" if name == "accent" else name
    return " ".join([*words, f"${colour}"]) if colour in PALETTES[True] else tone
