"""The Compare screen with scores on an evaluation set: they come when they are known, judged against the base."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from cockpit.evaluate.compare import Score, Scores
from cockpit.evaluate.metrics import Figure
from cockpit.evaluate.significance import Difference
from cockpit.tui.app import CockpitApp
from tests.tui.conftest import settled, until
from tests.tui.fake import HOSTILE, FakeSource, trial
from tests.tui.test_compare_screen import SIZES, comparing, opened
from tests.tui.test_live import painted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cockpit.evaluate.significance import Verdict
    from storage.runs import Run


def runs() -> list[Run]:
    return [trial(0), trial(3), trial(2)]


def difference(value: float, verdict: Verdict) -> Difference:
    return Difference(value, value - 0.004, value + 0.004, 0.02, "delong", None, verdict)


def scores(of: Sequence[Run], base: int = 0, **fields: object) -> Scores:
    """Of the runs, each figure a little lower than the one before."""
    ids = [run.id for run in of]
    verdicts: tuple[Verdict, ...] = ("equivalent", "worse", "unclear", "better", "not judged")

    def score(place: int, group: str, name: str, first: float, unit: str = "") -> Score:
        steps = (0.0, -0.0004, -0.0121)
        judged = group != "kpis"
        return Score(
            group,  # type: ignore[arg-type]  # one of them
            name,
            "auc",
            "maximize",
            16_281 if group != "slices" else 1_204,
            unit,
            {
                run: Figure(first * (1 + step), None, 9)
                for run, step in zip(ids, steps, strict=False)
            },
            {
                run: difference(steps[at] - steps[base], verdicts[(place + at) % 5])
                for at, run in enumerate(ids)
                if judged and at != base
            },
            0.001 if name == "auc" else None,
        )

    told = (
        score(0, "evaluation", "auc", 0.9312),
        score(2, "evaluation", "recall", 0.6487),
        score(0, "kpis", "profit", 288_225.0, "$"),
        score(0, "slices", "young women", 0.9773),
        score(3, "slices", HOSTILE[:60], 0.9498),
    )
    return Scores("adult-eval@v4", 16_281, True, ids[base], 0.95, told, **fields)  # type: ignore[arg-type]


async def test_scores_come_when_they_are_known_and_what_was_there_stays() -> None:
    source = FakeSource(runs())
    source.scored, source.scoring = scores(runs()), True
    app = CockpitApp(source)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await opened(pilot, runs())
        assert "scoring" in painted(app)
        assert "learning_rate" in painted(app)
        assert "adult-eval" not in painted(app)
        row = screen.values.row
        source.scoring = False
        await until(pilot, lambda: "on adult-eval@v4, 16,281 rows" in painted(app))
        assert "scoring" not in painted(app)
        assert screen.values.row == row, "the cursor stays where it was"
        text = painted(app)
        assert re.search(r"0\.9308 +-3\.72e-4 ▼ +0\.9199 +-0\.0113 ~", text)
        assert "auc by slice" in text
        assert "288.2k $▲" in text


async def test_the_interval_of_the_line_under_the_cursor_is_told() -> None:
    source = FakeSource(runs())
    source.scored = scores(runs())
    app = CockpitApp(source)
    async with app.run_test(size=(200, 50)) as pilot:
        screen = await opened(pilot, runs())
        while screen.values.row is None or screen.values.row.group != "slices":
            await pilot.press("j")
        assert "1,204 rows" in painted(app)
        assert "Δ [-0.0044, +0.0036]" in painted(app)
        assert "▼ worse than income#0" in painted(app)


async def test_what_is_not_comparable_is_told_above() -> None:
    source = FakeSource(runs())
    said = "income#2 is scored on adult-eval@v3, not on adult-eval@v4: cockpit evaluate x --on y"
    source.scored = scores(runs(), problems=(said,))
    app = CockpitApp(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, runs())
        assert "income#2 is scored on adult-eval@v3, not on adult-eval@v4" in painted(app)


async def test_runs_alike_but_for_their_seed_are_told_as_a_mean() -> None:
    first = trial(1, metrics={"auc": 0.91})
    source = FakeSource([first, trial(18, params=first.params, metrics={"auc": 0.93})])
    source.provenance = {source.all[1].id: {"seed": 8}}
    app = CockpitApp(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, source.all)
        assert "income#1 and income#18 differ in their seed alone: auc 0.9200 ±" in painted(app)


@pytest.mark.parametrize("size", [(80, 24), (100, 30), (200, 50)])
async def test_no_difference_loses_its_mark(size: tuple[int, int]) -> None:
    source = FakeSource(runs())
    source.scored = scores(runs())
    app = CockpitApp(source)
    async with app.run_test(size=size) as pilot:
        await opened(pilot, runs())
        await settled(pilot)
        strips = app.screen._compositor.render_strips()
        assert {strip.cell_length for strip in strips} == {size[0]}
        lines = [line for line in painted(app).splitlines() if re.match(r"[ ▌] recall ", line)]
        assert all(re.search(r"e-4 [▲▼≈~·]", line) for line in lines)
        assert len(lines) == 1


@SIZES
def test_scored_runs(snap_compare: Callable[..., bool], size: tuple[int, int]) -> None:
    source = FakeSource(runs())
    source.scored = scores(runs())
    drive = comparing(runs(), "right", "j", "j", "j")
    assert snap_compare(CockpitApp(source), terminal_size=size, run_before=drive)
