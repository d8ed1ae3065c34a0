"""What stands in a pane of the Data screen: what was found, what goes on, or why there is nothing. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cockpit import format as fmt
from cockpit.tui import clock
from cockpit.tui.data import changes, contract, profile
from cockpit.tui.data.desk import Checked, Drifted, Profiled, Unheld
from cockpit.tui.data.page import Page, sentence

if TYPE_CHECKING:
    from collections.abc import Collection

    from cockpit.tui.canvas import Glyphs
    from cockpit.tui.data.desk import Finding, Kind
    from storage.datasets import Version

SOON = 1
"""Seconds from which on it is said how long something takes."""


def page(
    kind: Kind,
    version: Version,
    other: Version | None,
    finding: Finding,
    glyphs: Glyphs,
    width: int,
    unfolded: Collection[str],
) -> Page:
    """One of the four panes, about `version` and, of two of them, the `other` it is compared with."""
    if kind in ("difference", "drift") and other is None:
        return _nothing_beside(version, width)
    if finding.problem:
        return Page(sentence(finding.problem[:1].upper() + finding.problem[1:], width, "stopped"))
    ends = (other.label if other else "", version.label)
    match finding.found:
        case Checked() as checked:
            return contract.contract_page(checked, version.name, width, unfolded)
        case Unheld():
            return contract.proposal(version.name, version.facts, width)
        case Drifted() as drifted:
            return changes.drift_page(*ends, drifted, width, unfolded)
        case Profiled(facts, gone):
            facts = version.facts if "columns" in version.facts else facts
            return profile.profile_page(facts, gone, clock.now(), width, glyphs, unfolded)
        case None:
            if kind == "profile" and "columns" in version.facts:
                return profile.profile_page(version.facts, "", clock.now(), width, glyphs, unfolded)
            return Page(sentence(_under_way(kind, version, other, finding), width, "quiet"))
        case difference:
            return changes.difference_page(*ends, difference, width, unfolded)


def _under_way(kind: Kind, version: Version, other: Version | None, finding: Finding) -> str:
    if finding.began is None:
        return "waiting for what was asked before to end …"
    both = f"{other.label if other else ''} and {version.label}"
    rows = "" if version.rows is None else f", {fmt.count(version.rows)} rows"
    doing = {
        "profile": f"reading {version.label} ({fmt.size(version.bytes)}), for the first time",
        "contract": f"holding {version.label}{rows} against its contract",
        "difference": f"comparing {both} row by row",
        "drift": f"comparing how the columns of {both} are distributed",
    }[kind]
    seconds = (clock.now() - finding.began).total_seconds()
    if seconds < SOON:
        return f"{doing} …"
    return (
        f"{doing} … {fmt.duration(float(int(seconds)))}. You can go on: it is kept when it is done."
    )


def _nothing_beside(version: Version, width: int) -> Page:
    lines = sentence(f"{version.label} has no version before it to be compared with.", width)
    hint = "b on another version has all others compared with that one."
    return Page((*lines, *sentence(hint, width, "quiet")))
