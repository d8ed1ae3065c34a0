"""The table alone as pictures: marks, curves, the order, the list of columns."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from textual.app import App

from cockpit import tui
from cockpit.tui.marks import Held, Marks
from cockpit.tui.theme import COCKPIT, COCKPIT_LIGHT, PALETTES
from cockpit.tui.widgets.group_list import GroupList
from cockpit.tui.widgets.run_table import RunTable
from storage.runs import RunQuery, SortKey
from tests.tui.fake import NOW, FakeSource, income, odd, trial

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from textual.app import ComposeResult
    from textual.pilot import Pilot

    from storage.runs import Run
    from storage.sparks import Spark

SIZES = pytest.mark.parametrize("size", [(80, 24), (200, 50)], ids=["80x24", "200x50"])


class TableApp(App[None]):
    """A table of runs and nothing else."""

    CSS_PATH = Path(tui.__file__).with_name("cockpit.tcss")

    def __init__(self, runs: Sequence[Run], query: RunQuery, light: bool = False) -> None:
        super().__init__()
        self.source = FakeSource(runs)
        self.asked = query
        theme = COCKPIT_LIGHT if light else COCKPIT
        self.register_theme(theme)
        self.theme = theme.name
        self.held = Held(Marks([run.id for run in runs if run.number in (28, 26, 2)]))

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return PALETTES[self.current_theme.dark]

    def compose(self) -> ComposeResult:
        yield RunTable(held=self.held)

    def on_mount(self) -> None:
        page = self.source.runs(self.asked)
        sparks: dict[tuple[str, str], Spark] = {
            (run, "auc"): found
            for run, found in self.source.sparks([run.id for run in page.runs], "auc").items()
        }
        self.query_one(RunTable).show(page, self.asked, NOW, sparks)


def pressing(*keys: str) -> Callable[[Pilot[None]], Any]:
    async def drive(pilot: Pilot[None]) -> None:
        await pilot.pause()
        await pilot.press(*keys)
        await pilot.pause()

    return drive


@SIZES
def test_marks_curves_and_order(snap_compare: Callable[..., bool], size: tuple[int, int]) -> None:
    query = RunQuery(sort="amp", descending=False, then=(SortKey("auc"),))
    app = TableApp(income(), query)
    drive = pressing("j", "j", "right", "right", "right")
    assert snap_compare(app, terminal_size=size, run_before=drive)


@SIZES
def test_list_of_columns(snap_compare: Callable[..., bool], size: tuple[int, int]) -> None:
    drive = pressing("C", "j", "j", "p", "plus", "j", "j", "space")
    assert snap_compare(TableApp(income(), RunQuery()), terminal_size=size, run_before=drive)


@SIZES
def test_list_of_groups(snap_compare: Callable[..., bool], size: tuple[int, int]) -> None:
    app = TableApp([*income(), *odd()], RunQuery())

    async def drive(pilot: Pilot[None]) -> None:
        screen = GroupList("params.max_depth", "auc", "cockpit runs", lambda values: None)
        await app.push_screen(screen)
        groups = app.source.groups(RunQuery(), "params.max_depth", "auc")
        screen.show(groups, {})
        await pressing("j", "j", "enter")(pilot)
        screen.show(groups, {groups[2].value: tuple([*income(), *odd()][2:5])})
        await pressing("j")(pilot)

    assert snap_compare(app, terminal_size=size, run_before=drive)


@SIZES
def test_a_light_table(snap_compare: Callable[..., bool], size: tuple[int, int]) -> None:
    app = TableApp(income(), RunQuery(), light=True)
    assert snap_compare(app, terminal_size=size, run_before=pressing("v", "j", "j"))


@SIZES
def test_odd_runs_with_all_columns(
    snap_compare: Callable[..., bool], size: tuple[int, int]
) -> None:
    app = TableApp(odd(), RunQuery())
    chosen = app.held.columns
    for column in ("note", "tags", "id", "sweep", "step"):
        chosen = chosen.show(column)
    app.held.columns = chosen
    assert snap_compare(app, terminal_size=size, run_before=pressing("space"))


def test_one_run(snap_compare: Callable[..., bool]) -> None:
    app = TableApp([trial(0)], RunQuery())
    assert snap_compare(app, terminal_size=(120, 12), run_before=pressing())
