"""What it takes to ask a long history, and to add to it: 10,000 versions, 100,000 moves of their aliases."""

from __future__ import annotations

from functools import partial
from itertools import count
from typing import TYPE_CHECKING

from cockpit.models.promotion import check, promote, rollback
from cockpit.project.reading import load_project
from cockpit.tracking.plain_run import PlainRun
from storage import models
from storage.events import AliasMoved, ModelRegistered
from storage.ids import to_text
from storage.spool import SpoolWriter
from storage.store import Store
from tests.bench.measure import Figure, median, seconds
from tests.bench.stores import BEGAN, empty
from tests.unit.saved_models import fitted, people, save

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from storage.layout import Layout

VERSIONS, MOVES = 10_000, 100_000
ALIASES = ("production", "production", "candidate", "shadow")
GATES = 5
LIMIT = 0.1
"""Seconds, from opening the store to having closed it."""


def promotions() -> Iterator[Figure]:
    """History, show and promote on 10,000 versions and 100,000 moves, the store opened each time"""
    layout = empty("promotions")
    layout.create()
    _tell(layout)
    yield Figure("fold all of it in", seconds(partial(_listed, layout)), "s")
    yield Figure("history, the newest 50", median(partial(_history, layout), 15), "s", LIMIT)
    yield Figure("history --at a moment", median(partial(_at, layout), 15), "s", LIMIT)
    yield Figure("models", median(partial(_listed, layout), 15), "s", LIMIT)
    yield Figure("model show", median(partial(_shown, layout), 15), "s", LIMIT)
    yield Figure("  one version by alias", median(partial(_found, layout), 15), "s", LIMIT)
    (layout.project / "cockpit.toml").write_text("[models.income]\ngates = []\n")
    rows = people(100)
    model, runs = fitted(rows), count()

    def another() -> str:
        run = PlainRun(layout)
        run.claim()
        run.begin(f"train-{next(runs)}", "train")
        run.settle("complete", None)
        save(layout.bundle(run.id), model, rows, target="rich")
        return run.id

    ready = iter([another() for _ in range(16)])
    yield Figure(
        "promote, without gates", median(lambda: _promote(layout, next(ready)), 15), "s", LIMIT
    )
    yield Figure("rollback", median(partial(_back, layout), 9), "s", LIMIT)


def _tell(layout: Layout) -> None:
    """As promotions tell it, each with the figures of some gates."""
    writer = SpoolWriter(layout)
    run = writer.new_id()
    content = {"run": to_text(run), "name": "train", "data": {}, "rules": [], "params": {"lr": 0.1}}
    for start in range(0, VERSIONS, 1_000):
        writer.append(
            *(
                ModelRegistered(
                    *("income", n, _digest(n), run, _digest(n), content, BEGAN + 10 * n)
                )
                for n in range(start + 1, start + 1_001)
            )
        )
    figures = {"value": 0.91, "low": 0.9, "high": 0.92, "reason": None}
    gate = {"gate": "auc >= incumbent.auc - 0.002", "verdict": "pass", "figure": figures}
    gate |= {"sentence": "0.9105, must be >= 0.8985; the incumbent has 0.9005: +0.01 [0, 0.02]"}
    evidence = {"gates": [gate] * GATES, "passed": True, "policy": _digest(0)}
    last: dict[str, str] = {}
    for start in range(0, MOVES, 1_000):
        moves = []
        for n in range(start + 1, start + 1_001):
            alias, to = ALIASES[n % len(ALIASES)], _digest(1 + n % VERSIONS)
            moves.append(
                AliasMoved(
                    *("income", n, alias, last.get(alias), to, "promote", "ada@lab", "better"),
                    *(evidence, BEGAN + n),
                )
            )
            last[alias] = to
        writer.append(*moves)
    writer.close()


def _digest(number: int) -> str:
    return f"sha256:{number:064x}"


def _listed(layout: Layout) -> None:
    with Store(layout).session(60) as session:
        (found,) = models.models(session)
    assert found.versions >= VERSIONS


def _history(layout: Layout) -> None:
    with Store(layout).session() as session:
        found, total = models.history(session, "income")
    assert (len(found), total >= MOVES) == (50, True)


def _at(layout: Layout) -> None:
    with Store(layout).session() as session:
        found = models.aliases(session, "income", _moment())
    assert len(found) == len(set(ALIASES))


def _moment() -> datetime:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(BEGAN + MOVES / 2, UTC)


def _shown(layout: Layout) -> None:
    with Store(layout).session() as session:
        found = models.versions(session, "income", 20)
        models.aliases(session, "income")
    assert len(found) == 20


def _found(layout: Layout) -> None:
    with Store(layout).session() as session:
        assert models.find(session, "income@production")


def _promote(layout: Layout, run: str) -> None:
    checked = check(layout, load_project(layout.project), "income", run, "production")
    assert promote(layout, checked, None).target is not None


def _back(layout: Layout) -> None:
    assert rollback(layout, "income", "production", None).target is not None
