"""The datasets that something was made of, and what is in a dataset's version, a line a column."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cockpit import format as fmt
from cockpit.report.markdown import Markdown, Table, code, say
from cockpit.report.words import moment, short
from storage.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from storage.datasets import Version
    from storage.layout import Layout


@dataclass(frozen=True, slots=True)
class DataUsed:
    """A dataset's version that the model was made of, or is judged on."""

    title: Markdown
    profile: Table
    """A line a column; empty where nobody can look any more."""


def looked_into(
    layout: Layout, known: Sequence[Version], used: Mapping[str, str]
) -> tuple[Version, ...]:
    """The same versions; those of the contents `used` (digests by name) with what is in them, found now if need be."""
    digests = set(used.values())
    return tuple(_looked(layout, one) if one.digest in digests else one for one in known)


def _looked(layout: Layout, version: Version) -> Version:
    from cockpit.data.versions import looked_at

    try:
        return looked_at(layout, version)
    except UserError:
        return version  # it is gone, or nothing can be kept: then its profile is not there, and that shows


def used_data(
    known: Sequence[Version], used: Mapping[str, str], on: str | None
) -> tuple[DataUsed, ...]:
    """The versions of the contents `used`, by name; `on` is the one that runs are judged on."""
    return tuple(_one(known, name, digest, on) for name, digest in used.items())


def _one(known: Sequence[Version], name: str, digest: str, on: str | None) -> DataUsed:
    there = [one for one in known if one.digest == digest]
    found = next((one for one in there if one.name == name), there[0] if there else None)
    if found is None:
        told = "{name}: {digest}, which the store knows no more"
        return DataUsed(say(told, name=name, digest=code(short(digest))), Table((), ()))
    told = say(
        "{label}{judged}: {rows}{size}, {digest}, first seen {when}",
        label=code(found.label),
        judged=" (it is judged on it)" if found.label == on else "",
        rows=f"{found.rows:,} rows, " if found.rows is not None else "",
        size=fmt.size(found.bytes),
        digest=code(short(digest)),
        when=moment(found.time),
    )
    return DataUsed(told, profile_table(found))


def profile_table(version: Version) -> Table:
    """A line a column of a dataset's version; empty where nobody looked."""
    from cockpit.data.columns import from_facts
    from cockpit.profile_words import distinct, missing, values

    rows = [
        (code(each.name), each.type, missing(each) or "0 %", distinct(each), values(each))
        for each in from_facts(version.facts)
    ]
    return Table(("column", "type", "missing", "distinct", "values"), tuple(rows), right=2, left=1)
