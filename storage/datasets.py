"""What people ask about datasets: their versions, what is true of each, how one grew from another.

A version is a content under a name. The versions of a name are counted in the order in which their contents
were first seen: v1, v2…
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from storage.errors import UserError
from storage.ids import to_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from storage.session import Session

_SHORTEST = 4
"""Characters of a digest that name a version."""


class DatasetNotFound(UserError):
    """No version, or more than one, answers to the text; the message is a sentence for the user."""


@dataclass(frozen=True, slots=True)
class Growth:
    """Why a version came to be from an earlier one."""

    parent: str
    """The earlier version's digest."""
    reason: str | None
    run: str | None
    """The id of the run whose failures the new rows show."""
    added: int
    """Rows."""
    source: str | None
    """Where the rows came from, in words."""


@dataclass(frozen=True, slots=True)
class Version:
    """A content under a name."""

    name: str
    number: int
    """Counted from 1 in the order in which the contents were first seen."""
    digest: str
    path: str
    """Where it was last seen: absolute, or a pattern of several files."""
    bytes: int
    time: datetime
    """When it was first seen; UTC, timezone-aware."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What was found in it (`rows`, `columns`, `profile`…: see cockpit.data); empty where nobody looked."""
    growth: Growth | None = None

    @property
    def label(self) -> str:
        """`adult-eval@v4`."""
        return f"{self.name}@v{self.number}"

    @property
    def rows(self) -> int | None:
        found: int | None = self.facts.get("rows")
        return found


def versions(session: Session, name: str | None = None) -> tuple[Version, ...]:
    """The versions of a dataset, or of all, by name and number."""
    rows = session.rows(_VERSIONS, name=name)
    return tuple(_version(row) for row in rows)


def find(session: Session, text: str) -> Version:
    """The version people mean: NAME (its newest), NAME@vN, NAME@DIGEST, or a digest, each as far as it is unique.

    Raises `DatasetNotFound`.
    """
    return find_among(versions(session), text)


def find_among(there: Sequence[Version], text: str) -> Version:
    """As `find`, of versions that are known. Raises `DatasetNotFound`."""
    name, _, which = text.rpartition("@") if "@" in text else (text, "", "")
    named = [one for one in there if one.name == name]
    if named and not which:
        return named[-1]
    if which[:1] == "v" and which[1:].isdecimal():
        found = [one for one in named if one.number == int(which[1:])]
    else:
        sought = which or text
        among = named if which else there
        found = [one for one in among if _is_digest(one.digest, sought)]
    if len({one.digest for one in found}) == 1:
        return found[-1]
    if found:
        labels = ", ".join(one.label for one in found[:5])
        raise DatasetNotFound(f"{text!r} could be {labels}; write more of it")
    if named:
        last = f"{name}@v1" if len(named) == 1 else f"{name}@v1 to {name}@v{len(named)}"
        raise DatasetNotFound(f"there is no {text!r}; there is {last}")
    raise DatasetNotFound(
        f"no dataset answers to {text!r}; cockpit data list shows them, cockpit data register adds one"
    )


def by_digest(session: Session, digests: Sequence[str]) -> Mapping[str, Version]:
    """The newest name's version of each of these contents; unknown ones are left out."""
    wanted = set(digests)
    return {one.digest: one for one in versions(session) if one.digest in wanted}


def _version(row: tuple[Any, ...]) -> Version:
    name, number, digest, path, size, time, facts, parent, reason, run, added, source = row
    run = None if run is None else to_text(run)
    return Version(
        name=name,
        number=number,
        digest=digest,
        path=path,
        bytes=size,
        time=_utc(time),
        facts=json.loads(facts or "{}"),
        growth=None if parent is None else Growth(parent, reason, run, added, source),
    )


def _utc(time: datetime) -> datetime:
    return time.replace(tzinfo=UTC)


def _is_digest(digest: str, text: str) -> bool:
    return len(text) >= _SHORTEST and digest.rpartition(":")[2].startswith(text.rpartition(":")[2])


_VERSIONS = """
with seen as (
    select name, digest, min(time) as first, arg_max(path, time) as path, any_value(bytes) as bytes
    from datasets where $name is null or name = $name group by name, digest
), numbered as (
    select *, row_number() over (partition by name order by first, digest) as number from seen
)
select n.name, n.number, n.digest, n.path, n.bytes, n.first, f.content,
    g.parent, g.reason, g.run, g.added, g.source
from numbered n
left join dataset_facts f using (digest)
left join dataset_growth g on g.name = n.name and g.digest = n.digest
order by n.name, n.number
"""
