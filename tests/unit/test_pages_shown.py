"""The pages that people see first: every link and every picture of them is a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.gfm import shown

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "README.md", *sorted((ROOT / "screenshots").glob("*.md")))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_of_a_page_is_a_file(page: Path) -> None:
    found = shown(page.read_text(encoding="utf-8"))
    pictures = [
        str(one.attrs["src"])
        for token in found.tokens
        for one in token.children or []
        if one.type == "image"
    ]
    links = [link for link in (*found.links, *pictures) if "://" not in link]
    assert [link for link in links if not (page.parent / link).is_file()] == []


def test_the_readme_shows_the_reports_of_the_demo() -> None:
    links = shown(PAGES[0].read_text(encoding="utf-8")).links
    assert {f"screenshots/{page.name}" for page in PAGES[1:]} <= set(links)
