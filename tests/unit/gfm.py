"""Markdown as GitHub shows it, by a library of its own: for the tests of reports."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from markdown_it import MarkdownIt

from cockpit.report.markdown import JOINER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markdown_it.token import Token

OURS = re.compile(
    r'</?code>|<picture><source media="\(prefers-color-scheme: dark\)" srcset="[^"<>]*">'
    r'<img alt="[^"<>]*" src="[^"<>]*"></picture>|<!-- cockpit report [^<>]* -->\n?'
)
"""All HTML that a report has."""
HOSTILE = [
    *"|`*_~[]()<>!\\$@#&;:/-+=.,'\" ab1é\n\r\t\x1b\x00",
    *[
        "<!--",
        "-->",
        "<script>alert(1)</script>",
        "</picture>",
        "<img src=x onerror=y>",
        "&lt;",
        "&#124;",
    ],
    *[
        "http://",
        "www.",
        "@boss",
        "[a](b)",
        "![a](b)",
        "```",
        "~~~",
        "**",
        "__",
        "---",
        "# ",
        "1. ",
    ],
    *[
        "{{ 7 * 7 }}",
        "{% raw %}",
        "\\|",
        "$x$",
        "a | b",
        "\u202e",
        "\ud7ff",
        "漢字",
        "\u2028",
        "    ",
    ],
]
"""Pieces of names that mean something to somebody."""


@cache
def parser() -> MarkdownIt:
    """With tables, strikethrough and the links that GitHub makes: not of a bare `train.py` or `model.tk`."""
    made = MarkdownIt("gfm-like", {"html": True, "linkify": True})
    links: Any = made.linkify
    links.set({"fuzzy_link": False, "fuzzy_email": False})
    links.add("ftp:", None)
    links.add("www.", {"validate": _host, "normalize": _as_link})
    return made


def _host(_: object, text: str, place: int) -> int:
    """Characters after `www.` that belong to the link; 0 where it is none."""
    found = re.compile(r"[\w-]+(?:\.[\w-]+)*").match(text, place)
    return len(found[0]) if found else 0


def _as_link(_: object, found: Any) -> None:
    found.url = f"http://{found.url}"


@dataclass
class Shown:
    """What a reader sees."""

    html: str
    tokens: list[Token]
    headings: list[str] = field(default_factory=list)
    tables: list[list[list[str]]] = field(default_factory=list)
    """Rows of cells as text, the titles first."""
    paragraphs: list[str] = field(default_factory=list)
    fences: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    """HTML that is not a report's own."""


def shown(text: str) -> Shown:
    """Render and take apart."""
    made = parser()
    tokens = made.parse(text)
    found = Shown(made.render(text), tokens)
    for place, token in enumerate(tokens):
        opened = tokens[place - 1].type if place else ""
        if token.type == "table_open":
            found.tables.append([])
        elif token.type == "tr_open":
            found.tables[-1].append([])
        elif token.type == "fence":
            found.fences.append(token.content)
        elif token.type == "html_block":
            found.foreign += _foreign(token.content)
        elif token.type == "inline":
            children = token.children or []
            said = plain_text(children)
            if opened in ("th_open", "td_open"):
                found.tables[-1][-1].append(said)
            elif opened == "heading_open":
                found.headings.append(said)
            elif opened == "paragraph_open":
                found.paragraphs.append(said)
            found.links += [str(one.attrs["href"]) for one in children if one.type == "link_open"]
            found.links += re.findall(r'(?:src|srcset)="([^"]*)"', token.content)
            found.foreign += [
                one.content
                for one in children
                if one.type == "html_inline" and not _known(one.content)
            ]
    return found


def _known(content: str) -> bool:
    return bool(re.fullmatch(r"</?code>|</?picture>|<(?:source|img) [^<>]*>", content))


def _foreign(block: str) -> list[str]:
    rest = OURS.sub("", block).strip()
    return [rest] if rest else []


def plain_text(children: Sequence[Token]) -> str:
    """What stands there, without what it looks like."""
    parts = []
    for one in children:
        if one.type in ("text", "code_inline", "text_special"):
            parts.append(one.content)
        elif one.type in ("softbreak", "hardbreak"):
            parts.append("\n")
    return "".join(parts).replace(JOINER, "")


def drawn(svg: str) -> ET.Element:
    """The root of a picture."""
    return ET.fromstring(svg)  # noqa: S314 - we have drawn it ourselves
