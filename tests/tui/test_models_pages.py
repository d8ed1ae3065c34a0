"""The lines of models and gates fit into any width, and say what matters first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from cockpit.tui.models.desk import Shelf
from cockpit.tui.models.gates import failed_slice, gates_page, proposal_page, slice_of, words_of
from cockpit.tui.models.pages import grounds_page, history_page, lasting, versions_page
from storage.models import Move, Version
from tests.tui.fake import HOSTILE, NOW

if TYPE_CHECKING:
    from cockpit.tui.data.page import Page, Parts

PAIR = {"value": -0.0861, "low": -0.1213, "high": -0.0521, "p": 0.001, "method": "paired"}


def figure(value: float) -> dict[str, Any]:
    return {"value": value, "low": value - 0.01, "high": value + 0.01, "reason": None}


def slice_told(name: str, verdict: str) -> dict[str, Any]:
    return {
        "slice": name, "n": 1204, "verdict": verdict, "value": 0.412, "bound": 0.468,
        "reason": None, "figure": figure(0.412), "incumbent": figure(0.498), "difference": PAIR,
    }  # fmt: skip


EVERY = "every slice: recall >= incumbent.recall - 0.03 where n >= 200"
GATES: list[dict[str, Any]] = [
    {**slice_told("all rows", "pass"), "name": "auc", "gate": "auc >= 0.9", "sentence": "0.93"},
    {
        "name": EVERY, "gate": EVERY, "verdict": "fail", "sentence": "fails on 1 of 3 slices",
        "slices": [
            slice_told("young women", "fail"), slice_told(HOSTILE, "chance"),
            {"slice": "few", "n": 3, "verdict": "not judged", "reason": "fewer than 30 rows"},
        ],
    },
    {"name": "contract", "gate": "contract = 'passed'", "verdict": "pass", "sentence": "passed",
     "slice": "all rows", "n": 9, "value": "passed", "bound": "passed"},
]  # fmt: skip


def lines(page: Page) -> list[Parts]:
    within = [line for item in page.items for line in (item.parts, *item.under)]
    return [*page.above, page.titles, *within, *page.below]


def text(parts: Parts) -> str:
    return "".join(part for part, _ in parts)


@given(width=st.integers(44, 240))
def test_gates_and_slices_fit_into_any_width(width: int) -> None:
    unfolded = [f"gate {place}" for place in range(3)]
    for page in (
        gates_page(GATES, (), width, unfolded),
        proposal_page(GATES, {"young women": "age < 25"}, False, width),
    ):
        assert all(cell_len(text(line)) <= width for line in lines(page))
        said = "\n".join(map(text, lines(page)))
        assert "0.4120" in said
        assert "✗" in said


def test_the_cursor_begins_on_the_worst_slice_and_says_all_of_it() -> None:
    key = failed_slice(GATES)
    assert key == "slice 1 0"
    told = slice_of(GATES, key)
    assert told is not None
    assert told["slice"] == "young women"
    title, words, tone = words_of(GATES, key)
    assert (title, tone) == ("young women", "failed")
    assert words == (
        "fails: 0.4120, must be >= 0.4680; the incumbent has 0.4980, "
        "-0.0861 [-0.1213, -0.0521]; n 1,204"
    )
    assert slice_of(GATES, "gate 0") is None, "all rows are no slice"
    assert failed_slice(GATES[:1]) is None


CHANGES: dict[str, Any] = {
    "name": "auc", "gate": "auc", "slices_left_out": 0,
    "slices": [
        {**slice_told("young women", "worse"), "bound": None},
        {**slice_told(HOSTILE, "unclear"), "bound": None},
    ],
}  # fmt: skip


def test_what_changes_for_whom_is_no_gate_and_has_a_line_a_slice() -> None:
    told = [GATES[0], CHANGES]
    page = proposal_page(told, {"young women": "age < 30"}, False, 120)
    assert [item.key for item in page.items] == ["gate 0", "slice 1 0", "slice 1 1"]
    titles, *found = [
        text(parts) for parts in lines(page) if "young" in text(parts) or "slice" in text(parts)
    ]
    assert "What changes for whom" in "".join(map(text, lines(page)))
    assert "must be" not in titles
    assert found[0].lstrip().startswith("▼")
    assert slice_of(told, "slice 1 0") == CHANGES["slices"][0]
    title, words, tone = words_of(told, "slice 1 0")
    assert (title, tone) == ("young women", "failed")
    assert words == (
        "worse than the incumbent: auc 0.4120; the incumbent has 0.4980,"
        " -0.0861 [-0.1213, -0.0521]; n 1,204"
    )
    assert failed_slice(told) is None, "it stops nobody"


def test_without_slices_it_says_what_would_tell() -> None:
    page = proposal_page(GATES[:1], {}, False, 120)
    assert "[slices] in cockpit.toml names whom" in text(page.below[-1])
    page = proposal_page(GATES[:1], {"young": "age < 30"}, False, 120)
    assert "one of the two has no answers" in text(page.below[-1])
    assert "nothing changes" in text(proposal_page(GATES[:1], {}, True, 120).below[-1])


def version(number: int, **content: Any) -> Version:
    digest = f"sha256:{number:064}"
    return Version("income", number, digest, "0" * 12, digest, content, NOW)


def move(number: int, how: str = "promote", **evidence: Any) -> Move:
    return Move(
        "income", number, "production", number - 1 or None, number, f"sha256:{number:064}", how,
        "ada@lab-1", "the [board] wants it " * 9, NOW, evidence,
    )  # fmt: skip


@pytest.mark.parametrize("width", [44, 60, 77, 120, 200])
def test_versions_and_history_fit_and_name_their_metric(width: int) -> None:
    known = tuple(version(n, name=f"{HOSTILE}{n}", metrics={"auc": 0.91 + n / 1e3}) for n in (2, 1))
    shelf = Shelf("income", known, 2, (move(2, "forced"),), frozenset({known[0].digest}))
    page = versions_page((shelf,), ("other",), "cockpit.toml is broken", NOW, width)
    said = "\n".join(map(text, lines(page)))
    assert all(cell_len(text(line)) <= width for line in lines(page))
    assert "! forced" in said
    assert "other" in said
    assert width < 60 or "auc" in said
    trail = history_page([move(2, gates=GATES), move(1)], 900, NOW, width, ["move 2"])
    assert all(cell_len(text(line)) <= width for line in lines(trail))
    assert "2 of 900 moves" in text(trail.below[0])
    grounds = grounds_page(known[0], move(2, gates=GATES), {"auc": "auc > 1"}, NOW, width, [])
    assert all(cell_len(text(line)) <= width for line in lines(grounds))
    assert any("other gates by now" in text(line) for line in grounds.above)


def test_what_began_just_now_has_no_age() -> None:
    assert lasting(NOW, NOW) == "just now"
