"""A study of Optuna's as a reader hands it over, and how what its storages keep is read."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from optuna.distributions import BaseDistribution

STATES = {
    "RUNNING": "running",
    "COMPLETE": "complete",
    "PRUNED": "pruned",
    "FAIL": "failed",
    "WAITING": "waiting",
}
"""By Optuna's name, ours."""


@dataclass(frozen=True, slots=True)
class ForeignStudy:
    """A study; its trials come after it, by number."""

    name: str
    """Unique within its storage: a second import finds it by this."""
    directions: tuple[str, ...]
    """`maximize` or `minimize`, one an objective."""
    user_attrs: Mapping[str, Any] = field(default_factory=dict)
    system_attrs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ForeignTrial:
    """A trial as its storage has it."""

    key: str
    """Its id within the storage."""
    number: int
    state: str
    """One of ours; `running` also where its process died."""
    values: list[float] | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    distributions: Mapping[str, str] = field(default_factory=dict)
    """Optuna's JSON, for each of the params."""
    reports: Mapping[int, float] = field(default_factory=dict)
    """Intermediate values by step; NaN and infinities included."""
    user_attrs: Mapping[str, Any] = field(default_factory=dict)
    system_attrs: Mapping[str, Any] = field(default_factory=dict)
    started: float | None = None
    ended: float | None = None
    """Seconds since 1970, UTC; so below."""
    seen: float | None = None
    """When its process gave the last sign of life."""
    damage: tuple[str, ...] = ()
    """Sentences on what could not be read; the rest is here."""


class Unreadable(ValueError):
    """A part of a trial that cannot be read; the message says which and why."""


@lru_cache(maxsize=4096)
def distribution_of(text: str) -> BaseDistribution:
    """A distribution, of earlier versions of Optuna too. Raises `Unreadable`."""
    from optuna.distributions import json_to_distribution

    try:
        return json_to_distribution(text)
    except (ValueError, KeyError, TypeError) as error:
        raise Unreadable(f"unknown distribution {text[:80]}") from error


@lru_cache(maxsize=4096)
def as_written_now(text: str) -> str:
    """The distribution's JSON as this version of Optuna writes it. Raises `Unreadable`."""
    from optuna.distributions import distribution_to_json

    return distribution_to_json(distribution_of(text))


def value_of(internal: Any, text: str) -> Any:
    """A param's value, of the number that stands for it in the storage. Raises `Unreadable`."""
    distribution = distribution_of(text)
    try:
        return distribution.to_external_repr(internal)
    except (IndexError, TypeError, ValueError) as error:
        raise Unreadable(f"{internal!r} is nothing of {text[:80]}: {error}") from error


def attr_of(text: str | None) -> Any:
    """An attribute's value. Raises `Unreadable`."""
    try:
        return json.loads(text or "")
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"{str(text)[:80]!r} is no JSON") from error
