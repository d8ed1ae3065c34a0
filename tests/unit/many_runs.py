"""Runs with everything in them that a filter may meet, and the store that holds them."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from storage.events import (
    Event,
    MetricLogged,
    ParamSet,
    RunChanged,
    RunCreated,
    SweepChanged,
    SweepCreated,
)

if TYPE_CHECKING:
    from storage.spool import SpoolWriter

NUMBERS = [-2.5, -1.0, 0.0, 0.05, 0.3, 0.5, 0.93, 1.0, 2.0, 100.0, math.inf, -math.inf]
WORDS = ["adam", "sgd", "Adam", "", "it's", "50%", "a_b", "naïve", "0.3", "true", '"quoted"']
TAGS = ["keep", "Baseline run", "x"]


@dataclass(frozen=True)
class Row:
    """A run as a filter sees it."""

    name: str
    sweep: str | None
    number: int | None
    state: str
    note: str | None
    pinned: bool
    tags: tuple[str, ...]
    step: int | None
    params: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)


def make_rows(count: int, seed: int = 7) -> list[Row]:
    """Rows in which anything may be missing."""
    chance = random.Random(seed)

    def some(pool: dict[str, list[Any]]) -> dict[str, Any]:
        return {
            name: chance.choice(values) for name, values in pool.items() if chance.random() < 0.8
        }

    return [
        Row(
            name=f"income#{number}",
            sweep="income",
            number=number,
            state=chance.choice(["complete", "failed", "pruned"]),
            note=chance.choice([None, "a Note with KEEP", "naïve, 50% of it"]),
            pinned=chance.random() < 0.3,
            tags=tuple(sorted(tag for tag in TAGS if chance.random() < 0.3)),
            step=chance.choice([None, 0, 3, 100]),
            params=some(
                {
                    "lr": [*NUMBERS, math.nan, 7, "adam", None],
                    "opt": [*WORDS, 3, 0.5, True],
                    "amp": [True, False],
                    "learning rate": [0.1, 0.2],
                    "model.depth": [1, 2, 3],
                    "both": [1, 2],
                    "name": ["inner"],
                }
            ),
            metrics=some({"auc": [*NUMBERS, math.nan], "both": [10.0, 20.0]}),
        )
        for number in range(count)
    ]


def write_rows(writer: SpoolWriter, rows: list[Row]) -> None:
    sweep = writer.new_id()
    events: list[Event] = [
        SweepCreated(sweep, "income", ["maximize"], 10.0),
        SweepChanged(sweep, {"metrics": ["auc"], "state": "complete"}),
    ]
    for row in rows:
        events += _events(writer.new_id(), sweep, row)
    writer.append(*events)


def _events(run: int, sweep: int, row: Row) -> list[Event]:
    events: list[Event] = [RunCreated(run, sweep, row.number, row.name, "running", 100.0)]
    events += [ParamSet(run, name, value, "") for name, value in row.params.items()]
    if row.step is not None:
        events.append(MetricLogged(run, "loss", row.step, 101.0, 1.0))
    events += [RunChanged(run, {"tag": tag}) for tag in row.tags]
    changes = {"state": row.state, "ended": 160.0, "note": row.note, "pinned": row.pinned}
    return [*events, RunChanged(run, {**changes, "metrics": row.metrics})]
