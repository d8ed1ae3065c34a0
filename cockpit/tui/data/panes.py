"""What stands in a pane of the Data screen: what was found, what goes on, or why there is nothing. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cockpit import format as fmt
from cockpit.tui import clock
from cockpit.tui.data import changes, contract, profile
from cockpit.tui.data.page import Page, sentence
from cockpit.tui.data.shapes import plain_blocks
from cockpit.tui.data.studies import Checked, Drifted, Profiled, Unheld

if TYPE_CHECKING:
    from collections.abc import Collection

    from cockpit.tui.background import Finding, Step
    from cockpit.tui.canvas import Glyphs
    from cockpit.tui.data.desk import Kind
    from cockpit.tui.data.page import Parts
    from storage.datasets import Version

SOON = 1
"""Seconds from which on it is said how long something takes."""
BAR = 24
"""Cells of the bar of what is under way."""


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
            if finding.stopped:
                lines = sentence("Ended before it was done.", width)
                return Page((*lines, *sentence("R begins it again.", width, "quiet")))
            return Page(_under_way(kind, version, other, finding, glyphs, width))
        case difference:
            return changes.difference_page(*ends, difference, width, unfolded)


def _under_way(
    kind: Kind,
    version: Version,
    other: Version | None,
    finding: Finding,
    glyphs: Glyphs,
    width: int,
) -> tuple[Parts, ...]:
    if finding.began is None:
        return sentence("waiting for what was asked before to end …", width, "quiet")
    both = f"{other.label if other else ''} and {version.label}"
    rows = "" if version.rows is None else f", {fmt.count(version.rows)} rows"
    doing = {
        "profile": f"reading {version.label} ({fmt.size(version.bytes)}), for the first time",
        "contract": f"holding {version.label}{rows} against its contract",
        "difference": f"comparing {both} row by row",
        "drift": f"comparing how the columns of {both} are distributed",
    }[kind]
    seconds = (clock.now() - finding.began).total_seconds()
    lines = sentence(f"{doing} …", width, "quiet")
    if seconds < SOON:
        return lines
    ends = "esc ends it; or go on, and it is kept when it is done."
    return (
        *lines,
        (),
        _how_far(finding.step, fmt.duration(float(int(seconds))), glyphs, width),
        (),
        *sentence(ends, width, "quiet"),
    )


def _how_far(step: Step | None, time: str, glyphs: Glyphs, width: int) -> Parts:
    """`████████░░░░   48 %   12s   hours_per_week`."""
    if step is None or not step.of:
        return ((time, ""),)
    share = step.done / step.of
    cells = round(share * BAR)
    drawn = plain_blocks("█" * cells, glyphs)
    ground = ("." if glyphs == "ascii" else "░") * (BAR - cells)
    figures = f"{100 * share:4.0f} %   {time}   "
    what = fmt.cut(fmt.plain(step.what), max(8, width - BAR - len(figures)))
    return ((drawn, "accent"), (ground, "faint"), (figures, ""), (what, "quiet"))


def _nothing_beside(version: Version, width: int) -> Page:
    lines = sentence(f"{version.label} has no version before it to be compared with.", width)
    hint = "b on another version has all others compared with that one."
    return Page((*lines, *sentence(hint, width, "quiet")))
