"""What people ask about models: their versions, what an alias means or meant, and how it came to be there.

A version is a run's bundle with its rules, under a model's name; v1, v2… in the order in which they were
registered. An alias is moved by an event each time, and none of those is ever taken back: going back is one
more move.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from storage.annotate import say
from storage.errors import UserError
from storage.events import AliasMoved, ModelRegistered
from storage.ids import from_text, to_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from storage.events import Event
    from storage.session import Session

_SHORTEST = 4
"""Characters of a digest that name a version."""
HOWS = ("promote", "forced", "rollback")


class ModelNotFound(UserError):
    """No model, version or alias answers to the text; the message is a sentence for the user."""


class AliasTaken(UserError):
    """The alias is no longer where it was when the gates were judged."""


class NothingBefore(UserError):
    """There is nothing to go back to."""


@dataclass(frozen=True, slots=True)
class Version:
    """A registered version of a model."""

    model: str
    number: int
    """Counted from 1."""
    digest: str
    run: str
    """The id of the run that it is from."""
    bundle: str
    """The digest of the bundle's manifest."""
    content: Mapping[str, Any] = field(default_factory=dict)
    """Where it comes from, as it was known then, and its `rules`: see cockpit.models.promotion."""
    time: datetime | None = None
    """When it was registered; UTC, timezone-aware."""

    @property
    def label(self) -> str:
        """`income@v3`."""
        return f"{self.model}@v{self.number}"


@dataclass(frozen=True, slots=True)
class Move:
    """An alias went from one version to another."""

    model: str
    number: int
    """Counted from 1 within the model: the order of the moves."""
    alias: str
    origin: int | None
    """The number of the version it was on; None where it was nowhere."""
    target: int | None
    """The number of the version it went to; None where it was taken away."""
    digest: str | None
    """Of the version it went to."""
    how: str
    """One of `HOWS`."""
    who: str
    reason: str | None
    time: datetime
    """UTC, timezone-aware."""
    evidence: Mapping[str, Any] = field(default_factory=dict)
    """What it rests on; empty where it was not asked for."""


@dataclass(frozen=True, slots=True)
class Model:
    """A model in a list of all."""

    name: str
    versions: int
    moves: int
    newest: datetime
    """When its last version was registered; UTC, timezone-aware."""
    aliases: tuple[Move, ...]
    """Where each alias is now, without evidence."""


@dataclass(frozen=True, slots=True)
class NewVersion:
    """What is to become a version, unless it is one already."""

    digest: str
    run: str
    bundle: str
    content: Mapping[str, Any]


def models(session: Session) -> tuple[Model, ...]:
    """All models by name."""
    there: dict[str, list[Move]] = {}
    for row in session.rows(_LIVE.format(evidence="'{}'"), model=None, at=None):
        move = _move(row)
        there.setdefault(move.model, []).append(move)
    return tuple(
        Model(name, versions, moves, _utc(newest), tuple(there.get(name, ())))
        for name, versions, moves, newest in session.rows(_ALL)
    )


def versions(session: Session, model: str, limit: int | None = None) -> tuple[Version, ...]:
    """A model's versions, the newest first. Raises `ModelNotFound`."""
    found = session.rows(
        f"{_VERSION} where model = $model order by number desc limit $limit",
        model=model,
        limit=limit,
    )
    if not found:
        raise ModelNotFound(_no_model(session, model))
    return tuple(map(_version, found))


def count(session: Session, model: str) -> int:
    """How many versions a model has."""
    found: int = session.rows("select count(*) from models where model = $m", m=model)[0][0]
    return found


def find(session: Session, text: str) -> Version:
    """The version people mean: MODEL@ALIAS, MODEL@vN or MODEL@DIGEST. Raises `ModelNotFound`."""
    model, _, which = text.rpartition("@")
    if not model:
        raise ModelNotFound(
            f"which version of {text!r}? write {text}@production, another alias, or {text}@v1"
        )
    ask, values = _asked(session, model, which)
    found = session.rows(
        f"{_VERSION} where model = $model and {ask} limit 2", model=model, **values
    )
    if len(found) == 1:
        return _version(found[0])
    if found:
        raise ModelNotFound(f"{text!r} could be several versions; write more of the digest")
    if not count(session, model):
        raise ModelNotFound(_no_model(session, model))
    there = [move.alias for move in aliases(session, model)]
    last = count(session, model)
    named = ", ".join([*there, "v1" if last == 1 else f"v1 to v{last}"])
    raise ModelNotFound(f"{model} has no {which!r}; it has {named}")


def by_digest(session: Session, model: str, digest: str) -> Version | None:
    """The version of that digest; None where it was never registered."""
    found = session.rows(
        f"{_VERSION} where model = $model and digest = $digest", model=model, digest=digest
    )
    return _version(found[0]) if found else None


def aliases(session: Session, model: str, at: datetime | None = None) -> tuple[Move, ...]:
    """The move that put each alias where it is, or was at a time; those taken away are left out."""
    asked = None if at is None else at.astimezone(UTC).replace(tzinfo=None)
    return tuple(map(_move, session.rows(_LIVE.format(evidence="evidence"), model=model, at=asked)))


def live(session: Session, model: str, alias: str) -> Version | None:
    """The version that an alias is on now."""
    found = session.rows(_ON, model=model, alias=alias)
    return by_digest(session, model, found[0][0]) if found and found[0][0] else None


def history(
    session: Session, model: str, alias: str | None = None, limit: int | None = 50
) -> tuple[tuple[Move, ...], int]:
    """The moves of a model's aliases, the newest first, and how many there are. Raises `ModelNotFound`."""
    total = session.rows(_COUNT, model=model, alias=alias)[0][0]
    if not total and not count(session, model):
        raise ModelNotFound(_no_model(session, model))
    rows = session.rows(_HISTORY, model=model, alias=alias, limit=limit)
    return tuple(map(_move, rows)), total


def grounds(
    session: Session, model: str, digest: str | None, back: Move | None = None
) -> Move | None:
    """The last move that judged a version and put an alias onto it, with what it rests on.

    With `back`, a rollback to it, the last one before that, of the same alias: why it was good enough then.
    """
    alias, until = (back.alias, back.number) if back else (None, None)
    rows = session.rows(_GROUNDS, model=model, digest=digest, alias=alias, until=until)
    return _move(rows[0]) if rows else None


def forced(session: Session, model: str) -> frozenset[str]:
    """Digests of the versions that an alias was ever put onto against the gates."""
    return frozenset(digest for (digest,) in session.rows(_FORCED, model=model))


def before(session: Session, model: str, alias: str) -> str:
    """The digest of the version that the alias goes back to; each rollback goes one further. Raises `NothingBefore`."""
    found = session.rows(_BEFORE, model=model, alias=alias)
    if found and found[0][0]:
        digest: str = found[0][0]
        return digest
    if live(session, model, alias) is None:
        raise NothingBefore(f"{model} has no {alias!r} to roll back; cockpit model show {model}")
    raise NothingBefore(f"nothing was {alias} of {model} before: there is nothing to go back to")


def move(
    session: Session,
    model: str,
    alias: str,
    to: NewVersion | Version,
    expected: str | None,
    *,
    how: str,
    who: str,
    reason: str | None,
    evidence: Mapping[str, Any],
) -> Move:
    """Put an alias onto a version, registered with it where it is new: one write, under the store's lock.

    `expected` is the digest of the version the alias was on when it was decided. Raises `AliasTaken` where it is
    on another by now, `StoreReadOnly` and `StoreFull`.
    """
    here = live(session, model, alias)
    if (here.digest if here else None) != expected:
        last = history(session, model, alias, limit=1)[0][0]
        raise AliasTaken(
            f"{last.who} moved {alias} of {model} to {here.label if here else 'nothing'} meanwhile; nothing "
            "was changed: look again, the gates were judged against another version"
        )
    now = time.time()
    events: list[Event] = []
    if by_digest(session, model, to.digest) is None:
        number = session.rows(_NEXT.format(table="models"), model=model)[0][0]
        events.append(
            ModelRegistered(
                model, number, to.digest, from_text(to.run), to.bundle, dict(to.content), now
            )
        )
    number = session.rows(_NEXT.format(table="promotions"), model=model)[0][0]
    events.append(
        AliasMoved(model, number, alias, expected, to.digest, how, who, reason, dict(evidence), now)
    )
    say(session, events)
    return history(session, model, alias, limit=1)[0][0]


def _asked(session: Session, model: str, which: str) -> tuple[str, dict[str, Any]]:
    if which[:1] == "v" and which[1:].isdecimal() and len(which) < 10:
        return "number = $number", {"number": int(which[1:])}
    found = session.rows(_ON, model=model, alias=which)
    if found and found[0][0]:
        return "digest = $digest", {"digest": found[0][0]}
    if len(which) >= _SHORTEST:
        start = which.rpartition(":")[2]
        return "starts_with(split_part(digest, ':', 2), $start)", {"start": start}
    return "false", {}


def _no_model(session: Session, model: str) -> str:
    import difflib

    known = [name for (name,) in session.rows("select distinct model from models")]
    if not known:
        return f"there is no model {model!r} yet; cockpit promote RUN --model {model} --to candidate makes it"
    near = difflib.get_close_matches(model, known, 1)
    hint = f"did you mean {near[0]}?" if near else "cockpit models lists those there are"
    return f"there is no model {model!r}; {hint}"


def _version(row: tuple[Any, ...]) -> Version:
    model, number, digest, run, bundle, content, registered = row
    return Version(
        model, number, digest, to_text(run), bundle, json.loads(content), _utc(registered)
    )


def _move(row: tuple[Any, ...]) -> Move:
    model, number, alias, origin, target, digest, how, who, reason, moved, evidence = row
    return Move(
        model,
        number,
        alias,
        origin,
        target,
        digest,
        how,
        who,
        reason,
        _utc(moved),
        json.loads(evidence),
    )


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC)


_VERSION = "select model, number, digest, run, bundle, content, time from models"
_NEXT = "select coalesce(max(number), 0) + 1 from {table} where model = $model"
_ON = """
select to_digest from promotions where model = $model and alias = $alias order by number desc limit 1
"""
_COUNT = """
select count(*) from promotions where model = $model and ($alias is null or alias = $alias)
"""
_ALL = """
select m.model, m.versions, coalesce(p.moves, 0), m.newest
from (select model, count(*) as versions, max(time) as newest from models group by model) m
left join (select model, count(*) as moves from promotions group by model) p using (model)
order by m.model
"""
_MOVE = """
select p.model, p.number, p.alias, f.number, t.number, p.to_digest, p.how, p.who, p.reason, p.time, {evidence}
from p
left join models f on f.model = p.model and f.digest = p.from_digest
left join models t on t.model = p.model and t.digest = p.to_digest
"""
_LIVE = f"""
with last as (
    select model, alias, max(number) as number from promotions
    where ($model is null or model = $model) and ($at is null or time <= $at) group by model, alias
), p as (
    select q.* from promotions q join last using (model, number) where q.to_digest is not null
)
{_MOVE} order by p.model, p.alias
"""
_HISTORY = f"""
with p as (
    select * from promotions where model = $model and ($alias is null or alias = $alias)
    order by number desc limit $limit
)
{_MOVE.format(evidence="evidence")} order by p.number desc
"""
_GROUNDS = f"""
with p as (
    select * from promotions where model = $model and to_digest = $digest and how <> 'rollback'
        and ($alias is null or alias = $alias) and ($until is null or number < $until)
    order by number desc limit 1
)
{_MOVE.format(evidence="evidence")}
"""
_FORCED = """
select distinct to_digest from promotions where model = $model and how = 'forced'
"""
# A promotion lays a version onto a pile, a rollback takes one off; what lies below the top is what was there before.
_BEFORE = """
with piled as (
    select number, to_digest, how <> 'rollback' as laid,
        sum(if(how = 'rollback', -1, 1)) over (order by number) as height
    from promotions where model = $model and alias = $alias
)
select to_digest from piled
where laid and height = (select height - 1 from piled order by number desc limit 1)
order by number desc limit 1
"""
