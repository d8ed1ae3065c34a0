"""A sweep's trials as pictures: over time, over a param, side by side, and what mattered."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from cockpit.tui import charts
from cockpit.tui.plot import Plot, draw
from cockpit.tui.text_charts import importance_bars, param_lines
from tests.tui.fake import HOSTILE, NOW, income, odd, trial

COLOURS = dict.fromkeys(("plain", "accent", "quiet", "faint"), (90, 160, 250))


def plain(plot: Plot, width: int = 60, height: int = 12) -> str:
    return draw(plot, width, height, COLOURS).plain


def test_trials_stand_where_they_were_started() -> None:
    plot = charts.trials_by_time(income(), "auc", maximize=True)
    assert [one.glyph for one in plot.series] == ["·", "•", "○", "▲"]
    best = plot.series[-1]
    assert best.ys == (max(run.metrics["auc"] for run in income() if run.state == "complete"),)
    assert min(x for one in plot.series for x in one.xs) == 0
    assert "30m" in plain(plot)
    assert sum(len(one.xs) for one in plot.series[:-1]) == sum(
        math.isfinite(run.metrics.get("auc", math.nan)) for run in income()
    )


def test_the_lowest_is_best_where_less_is_better() -> None:
    plot = charts.trials_by_time(income(), "auc", maximize=False)
    complete = [run.metrics["auc"] for run in income() if run.state == "complete"]
    assert plot.series[-1].ys == (min(complete),)


def test_one_bad_trial_does_not_flatten_the_rest_and_is_counted() -> None:
    runs = [*income(), trial(40, metrics={"auc": -1e6})]
    plot = charts.trials_by_time(runs, "auc", maximize=True)
    assert charts.beyond(plot) >= 1
    assert "-1" not in plain(plot)


def test_a_param_over_factors_stands_on_a_log_axis_unless_asked_otherwise() -> None:
    plot = charts.slice_plot(income(), "l2", "auc", maximize=True)
    assert plot.log_x
    assert "0.001" in plain(plot)
    assert not charts.slice_plot(income(), "l2", "auc", maximize=True, log=False).log_x
    assert not charts.slice_plot(income(), "max_depth", "auc", maximize=True).log_x


def test_choices_stand_beside_each_other() -> None:
    plot = charts.slice_plot(income(), "amp", "auc", maximize=True)
    assert plot.x_names == ("false", "true")
    below = plain(plot).split("\n")[-1]
    assert below.index("false") < below.index("true") < below.index("amp")


@pytest.mark.parametrize("param", ["x[/red]", "n", "nothing", "loss"])
def test_odd_params_and_values_break_nothing(param: str) -> None:
    for runs in (odd(), [], [trial(1, params={param: HOSTILE}), trial(2, params={param: 3})]):
        text = plain(charts.slice_plot(runs, param, "auc", maximize=True))
        assert "\x1b" not in text
        assert all(len(line) <= 60 for line in text.split("\n")) or not text.isascii()
        assert plain(charts.trials_by_time(runs, "auc", maximize=True)) is not None
        assert "\x1b" not in param_lines(runs, [param], "auc", True, 60).plain


def test_a_trial_that_waits_has_no_place_in_time() -> None:
    waiting = replace(trial(3), started=None)
    assert charts.trials_by_time([waiting], "auc", maximize=True).series == ()
    alone = charts.trials_by_time([replace(trial(3), started=NOW)], "auc", maximize=True)
    assert "▲" in plain(alone)


# Lines of text


def test_parallel_axes_fit_sixty_by_ten() -> None:
    lines = param_lines(income(60), list(income()[0].params), "auc", True, 60).plain.split("\n")
    assert len(lines) <= 10
    assert max(map(len, lines)) <= 60
    assert lines[0] == "▲ best   • best 5 of 41   · others"
    rate = next(line for line in lines if line.startswith("learning_rate"))
    assert rate.count("▲") == 1
    assert 1 <= rate.count("•") <= 4
    assert rate.split()[1] == "0.01522"
    assert not any(line.startswith("loss") for line in lines), "the same everywhere"


def test_choices_are_counted_best_of_all() -> None:
    text = param_lines(income(60), ["amp"], "auc", True, 60).plain
    assert "▲ false 5/27   true 0/14" in text
    assert param_lines(income(60), ["amp"], "auc", True, 60, "ascii").plain.isascii()


@given(st.integers(0, 120), st.integers(0, 40), st.booleans())
def test_parallel_axes_at_any_width(width: int, count: int, maximize: bool) -> None:
    runs = [*income(count), *odd()]
    text = param_lines(runs, ["l2", "amp", "x[/red]", "max_depth"], "auc", maximize, width).plain
    assert all(len(line) <= max(width, 0) for line in text.split("\n"))


def test_importance_is_a_bar_a_param_with_its_share() -> None:
    shares = [("learning_rate", 0.61), ("leaves", 0.22), ("depth", 0.11), ("l2", 0.06)]
    lines = importance_bars(shares, 40, 4).plain.split("\n")
    assert [line.split()[-1] for line in lines] == ["0.61", "0.22", "0.11", "0.06"]
    assert lines[0].count("█") > 2 * lines[1].count("█") > 0
    assert len({line.rindex("0.") for line in lines}) == 1
    assert importance_bars(shares, 40, 3).plain.split("\n")[-1] == "2 more  0.17"
    assert importance_bars(shares, 40, 4, "ascii").plain.isascii()


@given(
    st.lists(st.tuples(st.text(max_size=8), st.floats(0, 1)), max_size=6),
    st.integers(0, 60),
    st.integers(0, 6),
)
def test_importance_at_any_size(shares: list[tuple[str, float]], width: int, rows: int) -> None:
    lines = importance_bars(shares, width, rows).plain.split("\n")
    assert len(lines) <= max(1, rows)
    assert all(cell_len(line) <= max(width, 14) for line in lines)
