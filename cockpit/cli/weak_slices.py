"""`cockpit slices --find`: the slices where a run is weakest, found on one half of the rows and proved on the other."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cockpit.cli.scoring import Scored
    from cockpit.evaluate.metrics import Figure
    from cockpit.evaluate.search import Search, WeakSlice

_WIDE = 110
"""Columns of a terminal that has room for differences."""


def find(
    found: Scored, top: int, level: int, metric: str | None, *, everything: bool, as_json: bool
) -> None:
    """Search and print, the variants where `everything` is wanted or as JSON.

    Raises `NoLoss` where the run's rows have no loss.
    """
    from cockpit.cli.scoring import metrics_of
    from cockpit.evaluate.features import set_features
    from cockpit.evaluate.search import find_slices
    from cockpit.evaluate.worst import losses_of
    from storage.events import to_json

    run = found.runs[0]
    answers = found.loaded[run].answers
    search = find_slices(
        found.on.frame,
        losses_of(answers),
        columns=set_features(found.project, found.on),
        k=top,
        level=level,
        progress=_progress(),
    )
    _clear()
    shown = metrics_of(found, [metric] if metric else [])[0]
    kpis = {name: kpi for name, kpi in found.project.kpis.items() if name == shown}
    shown_slices = search.found if everything or as_json else search.own
    expressions = {each.expression: each.expression for each in shown_slices}
    table = found.table(expressions, [] if kpis else [shown], kpis)
    figures = [row.cells[run].figures[shown] for row in table.rows]
    if as_json:
        click.echo(to_json(_as_json(found, search, shown, figures)))
    else:
        _print(found, search, shown_slices, shown, figures)


def _progress() -> Callable[[float], None] | None:
    if not sys.stderr.isatty():
        return None
    said: list[str] = []

    def say(share: float) -> None:
        text = f"\rsearching {share:4.0%}"
        if text not in said[-1:]:
            said.append(text)
            click.echo(text, err=True, nl=False)

    return say


def _clear() -> None:
    if sys.stderr.isatty():
        click.echo("\r\x1b[K", err=True, nl=False)


def _as_json(found: Scored, search: Search, metric: str, figures: list[Figure]) -> dict[str, Any]:
    from dataclasses import asdict

    from cockpit.cli.slice_tables import figure_as_json
    from cockpit.evaluate.worst import loss_words

    run = found.runs[0]
    return {
        **asdict(search),
        "set": found.on.version.label,
        "run": run,
        "loss": loss_words(found.loaded[run].answers),
        "metric": metric,
        "all": figure_as_json(figures[0]),
        "found": [
            {**asdict(each), "figure": figure_as_json(figure)}
            for each, figure in zip(search.found, figures[1:], strict=True)
        ],
    }


def _print(
    found: Scored,
    search: Search,
    slices: Sequence[WeakSlice],
    metric: str,
    figures: list[Figure],
) -> None:
    from rich.text import Text

    from cockpit.cli.slice_tables import figure_text
    from cockpit.cli.tables import console, table_of
    from cockpit.evaluate.worst import loss_words
    from cockpit.format import plain

    out, run = console(), found.runs[0]
    loss = loss_words(found.loaded[run].answers)
    text = f"{found.name(run)} on {found.on.version.label}: weak slices of {search.rows:,} rows by {loss}"
    out.print(Text(plain(f"{text}, {search.searched:,} slices of {search.least}+ rows searched")))
    wide = ["difference"] if out.width >= _WIDE else []
    table = table_of("slice", "n", "there", "elsewhere", *wide, "", metric)
    table.columns[0].no_wrap, table.columns[0].overflow = False, "fold"
    for column in table.columns[1 : 4 + len(wide)]:
        column.justify = "right"
    for each, figure in zip(slices, figures[1:], strict=True):
        table.add_row(
            Text(f"~ {plain(each.expression)}" if each.variant_of else plain(each.expression)),
            Text(f"{each.n:,}"),
            *map(Text, _losses(each)[: 2 + len(wide)]),
            Text(_confirmed(each)),
            figure_text(figure, interval=False),
        )
    table.add_row(
        Text("all rows", style="dim"),
        Text(f"{search.rows:,}"),
        *[Text("")] * (3 + len(wide)),
        figure_text(figures[0], interval=False),
    )
    out.print(table)
    for name, why in search.capped:
        out.print(Text(plain(f"{name}: {why}"), style="dim"))
    if not search.found:
        out.print(Text(f"no slice of {search.least} rows or more is worse than the rest"))
        return
    if hidden := len(search.found) - len(search.own):
        out.print(Text(_variants(hidden, len(slices) > len(search.own)), style="dim"))
    hint = 'found on one half of the rows, judged on the other; -w "SLICE" --save NAME keeps one'
    out.print(Text(hint, style="dim"))


def _variants(count: int, shown: bool) -> str:
    """How many slices repeat better ones, and by what rule."""
    rule = (
        "half of the rows of both are shared with a better slice, or two thirds of one's and it is no "
        "worse by itself"
    )
    many = f"{count} variant{'s' * (count != 1)}"
    if shown:
        return f"~ {many} ({rule})"
    return f"{many} hidden ({rule}); --all shows them"


def _losses(each: WeakSlice) -> list[str]:
    from cockpit.format import MISSING, number
    from cockpit.gain import figure

    shown = [MISSING if value is None else number(value) for value in (each.loss, each.rest)]
    if each.difference is None:
        return [*shown, MISSING]
    within = ""
    if each.low is not None and each.high is not None:
        within = f" [{figure(each.low)}, {figure(each.high)}]"
    return [*shown, f"{figure(each.difference)}{within}"]


def _confirmed(each: WeakSlice) -> str:
    if each.confirmed is None:
        return ""
    return "confirmed" if each.confirmed else "not confirmed"
