"""Moves in from a place whoever's it is: counts first or takes in, tells how far it is, and can be ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cockpit.interop.errors import NothingToImport
from cockpit.interop.foreign import ForeignRun
from cockpit.interop.landing import Landed, Landing, Source
from cockpit.interop.optuna_studies import ForeignTrial
from cockpit.interop.peers import guess, place_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from storage.layout import Layout

USUAL = (
    *("mlflow.db", "mlruns", "mlruns.db", "optuna.db", "study.db", "optuna.log", "journal.log"),
    *("wandb", "lightning_logs", "tb_logs", "runs", "logs", "optuna.sqlite3", "db.sqlite3"),
)
"""What peers call what they write, unless they are told otherwise."""


@dataclass(frozen=True, slots=True)
class Seen:
    """How far it is."""

    runs: int
    points: int


@dataclass(frozen=True, slots=True)
class Moved:
    """What came of it."""

    peer: str
    place: Path
    landed: Landed
    complete: bool
    """False where it was ended before."""


def here(*folders: Path) -> list[Path]:
    """What lies in these folders, under a usual name, that can be moved in from."""
    places = dict.fromkeys((folder / name).absolute() for folder in folders for name in USUAL)
    return [place for place in places if _known(place)]


def _known(place: Path) -> bool:
    try:
        guess(place)
    except (NothingToImport, OSError):
        return False
    return True


def _points(one: ForeignRun | ForeignTrial) -> int:
    if isinstance(one, ForeignTrial):
        return len(one.reports)
    return sum(len(curve.steps) for curve in one.curves)


def move_in(
    layout: Layout,
    text: str,
    *,
    dry: bool,
    told: Callable[[Seen], None],
    cancelled: Callable[[], bool],
) -> Moved:
    """Take in what lies at `text` (a path or URL), as `cockpit import` does; `dry`: only count.

    `told` hears of every run that was read. What was taken in until it is `cancelled` stays; doing it again goes
    on with the rest. Raises `UserError`.
    """
    place = place_of(text)
    peer = guess(place)
    complete = True

    def watched(found: Iterable[Any]) -> Iterator[Any]:
        nonlocal complete
        runs = points = 0
        for one in found:
            if cancelled():
                complete = False
                return
            if isinstance(one, ForeignRun | ForeignTrial):
                runs += 1
                points += _points(one)
                told(Seen(runs, points))
            yield one

    source = Source(peer.name, str(place), peer.unique)
    found = watched(peer.reader.read(place))
    if peer.name == "optuna":
        from cockpit.interop.optuna_landing import StudyLanding

        with StudyLanding(layout, source, dry=dry) as studies:
            landed = studies.take(found)
    else:
        with Landing(layout, source, dry=dry) as landing:
            landed = landing.take(found)
    return Moved(peer.name, place, landed, complete)
