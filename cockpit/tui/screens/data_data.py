"""What the Data screen asks, and what comes back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cockpit.tui.data.desk import View
from cockpit.tui.feed import Question, Snapshot

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cockpit.tui.background import Finding
    from cockpit.tui.data.desk import Kind, Listed
    from cockpit.tui.feed import Look
    from cockpit.tui.seam import Source
    from storage.datasets import Version


@dataclass(frozen=True, slots=True)
class DataQuestion(Question):
    """The versions there are, and one thing about one of them."""

    chosen: str | None = None
    """Label of the version that is looked at; the newest of the first dataset without."""
    other: str | None = None
    """Label of the version it is compared with; the one before it without."""
    kind: Kind = "profile"
    ended: bool = False
    """Whether finding that out is to end, or has been ended."""

    def stamp(self, source: Source) -> tuple[int, ...]:
        return source.data.stamp()

    def read(self, look: Look) -> DataSnapshot:
        versions = look.once("datasets", look.source.datasets)
        chosen = _chosen(versions, self.chosen)
        other = _other(versions, chosen, self.other)
        view = look.source.data.view(versions, chosen, other, self.kind, self.ended)
        return DataSnapshot(
            question=self,
            view=view,
            chosen=_listed(view.listed, chosen),
            other=_listed(view.listed, other),
            **look.frame(),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSnapshot(Snapshot):
    """All versions, and what is known of what was asked."""

    question: DataQuestion
    view: View = field(default_factory=View)
    chosen: Listed | None = None
    other: Listed | None = None

    @property
    def finding(self) -> Finding:
        return self.view.finding


def _chosen(versions: Sequence[Version], label: str | None) -> Version | None:
    known = {version.label: version for version in versions}
    if label in known:
        return known[label]
    # One that has gone gives way to its dataset's newest.
    name = (label or "").rpartition("@")[0]
    named = [version for version in versions if version.name == name] or [
        version for version in versions if version.name == versions[0].name
    ]
    return named[-1] if named else None


def _other(
    versions: Sequence[Version], chosen: Version | None, label: str | None
) -> Version | None:
    if chosen is None:
        return None
    for version in versions:
        if version.label == label and version.label != chosen.label:
            return version
    before = [one for one in versions if one.name == chosen.name and one.number < chosen.number]
    return before[-1] if before else None


def _listed(listed: Sequence[Listed], version: Version | None) -> Listed | None:
    return next((one for one in listed if one.version is version), None)
