"""A real store with runs that answered an evaluation set: for the screens that show where they fail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from textual.widgets import Input

from cockpit.evaluate.sets import current
from cockpit.tui.app import CockpitApp
from cockpit.tui.config import Settings
from cockpit.tui.deeds import StoreDeeds
from cockpit.tui.screens.slices import SlicesScreen
from cockpit.tui.source import StoreSource
from storage.layout import Layout
from tests.tui.conftest import settled, until
from tests.tui.test_live import painted
from tests.unit.scored_runs import Bought

if TYPE_CHECKING:
    from pathlib import Path

    from textual.pilot import Pilot

    from cockpit.tui.deeds import Deeds

TOML = """\
# judged by these
[data.buyers]
path = "buyers.csv"
key = ["id"]
target = "bought"
positive = "yes"
evaluation = true

[data.lately]
path = "lately.csv"
key = ["id"]
target = "bought"
positive = "yes"
evaluation = true

[evaluation]
on = "buyers"
metrics = ["auc", "recall", "log_loss"]
margins = { auc = 0.001 }

[kpis]
profit = { expression = "sum(case when y_pred and y_true then 12 when y_pred then -2 else 0 end)", unit = "$" }

[slices]
"young women" = "sex = 'f' and age < 30"
"the old" = "age >= 70"
"big spenders" = "spent > 300"
"""
Shop = tuple[Bought, tuple[str, ...]]
"""A project, and the ids of its runs."""
SLICES = ("young women", "the old", "big spenders")


def buyers(rows: int, first: int = 0) -> pl.DataFrame:
    """Customers, their ids counted from `first`."""
    rng = np.random.default_rng(7 + first)
    return pl.DataFrame(
        {
            "id": np.arange(first, first + rows),
            "age": rng.integers(18, 90, rows),
            "sex": rng.choice(["f", "m"], rows),
            "home": rng.choice(["flat", "house", "farm [red]", "o'brien"], rows),
            "spent": np.round(rng.exponential(60, rows), 2),
            "bought": rng.choice(["no", "yes"], rows, p=[0.7, 0.3]),
        }
    )


def scores(frame: pl.DataFrame, noise: float, seed: int) -> Any:
    """Probabilities; of young women nearly nothing is known."""
    rng = np.random.default_rng(seed)
    truth = (frame["bought"] == "yes").to_numpy()
    hard = ((frame["sex"] == "f") & (frame["age"] < 30)).to_numpy()
    spread = np.where(hard, 1.2, noise)
    return np.clip(0.5 + (truth - 0.5) * 0.6 + rng.normal(0, spread), 0.01, 0.99)


def shop_in(folder: Path, rows: int = 1200) -> Shop:
    """The project, and its runs: the better the later; the last has answered nothing."""
    (folder / "cockpit.toml").write_text(TOML)
    made = Bought(folder, Layout(folder / ".cockpit"))
    made.layout.create()
    frame = buyers(rows)
    made.write("buyers", frame)
    made.write("lately", buyers(300, 10_000))
    current(made.layout, made.project)
    runs = [
        made.run(name, "buyers", y_score=scores(frame, noise, seed))
        for seed, (name, noise) in enumerate([("first", 0.5), ("second", 0.42), ("third", 0.3)])
    ]
    made.answer(runs[0], "lately", y_score=made_up(300))
    silent = made.run("silent", "lately", y_score=made_up(300))
    return made, (*runs, silent)


def made_up(rows: int) -> Any:
    """Scores without sense."""
    return np.random.default_rng(1).random(rows)


class Store(StoreSource):
    """The store, whose size on the disk is no part of a picture."""

    def size(self) -> int:
        return 4_100_000


def app_on(
    layout: Layout, *marked: str, deeds: Deeds | None = None, settings: Settings | None = None
) -> CockpitApp:
    """The app on a store, these runs marked; it begins where the settings say, else on Runs."""
    settings = settings or Settings(restore=False)
    app = CockpitApp(Store(layout), deeds=deeds or StoreDeeds(layout), settings=settings)
    app.shared.held.marks.add(marked)
    return app


async def opened(pilot: Pilot[None]) -> SlicesScreen:
    """The Slices screen, by its digit."""
    await settled(pilot)
    await pilot.press("4")
    await settled(pilot)
    screen = pilot.app.screen
    assert isinstance(screen, SlicesScreen)
    return screen


async def press(pilot: Pilot[None], *keys: str) -> None:
    """Each key, when what the one before asked for has come."""
    for key in keys:
        await pilot.press(key)
        await settled(pilot)


def said(app: CockpitApp) -> str:
    """All words on the screen, a blank between two of them."""
    return " ".join(painted(app).split())


def lines_of(app: CockpitApp, name: str) -> list[str]:
    """The lines that a text stands in."""
    return [line for line in painted(app).splitlines() if name in line]


async def write(pilot: Pilot[None], text: str) -> None:
    """Into the line for a slice, until its rows are counted."""
    screen = pilot.app.screen
    assert isinstance(screen, SlicesScreen)
    await pilot.press("slash")
    screen.query_one("#expression Input", Input).value = text
    await until(pilot, lambda: screen.editor.matching is not None)
    await until(pilot, lambda: screen.editor.matching.text == text.strip())  # type: ignore[union-attr]
