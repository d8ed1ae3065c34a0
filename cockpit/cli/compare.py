"""`cockpit compare`: runs side by side, only what differs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cockpit.cli.common import json_option, layout_to_read, open_session, store_option
from cockpit.cli.drawing import resamples_option
from cockpit.cli.scoring import on_option

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.text import Text

    from cockpit.compare import Comparison, Row
    from cockpit.evaluate.compare import Scores
    from cockpit.seeds import Seeded
    from storage.layout import Layout

_WIDE = 100
"""Columns of a terminal that has room for the intervals of two runs."""


@click.command("compare", short_help="Compare runs: only what differs.")
@click.argument("runs", metavar="RUN…", nargs=-1, required=True)
@click.option("--all", "everything", is_flag=True, help="What does not differ too.")
@click.option(
    "--base", metavar="RUN", help="What the others are measured against. [default: the first]"
)
@click.option("--diff", is_flag=True, help="The code's difference from the base's instead.")
@on_option
@resamples_option
@json_option
@store_option
@click.pass_context
def command(
    ctx: click.Context,
    runs: tuple[str, ...],
    everything: bool,
    base: str | None,
    diff: bool,
    on: str | None,
    resamples: int,
    as_json: bool,
    store: str | None,
) -> None:
    """Show up to 12 runs side by side: metrics, params, data, code, resources, environment.

    Only what differs is shown. RUN is an id, the start of one, SWEEP#NUMBER, SWEEP#best,
    SWEEP#baseline or @latest. The base need not be among them. Runs that have answered the same
    version of an evaluation set are compared on its rows, pair by pair, with the KPIs and slices of
    cockpit.toml. Of runs that are alike but for their seed the mean is told too.
    """
    from cockpit.code_diff import code_diff
    from cockpit.compare import compare
    from cockpit.scored_rows import scored_rows
    from cockpit.seeds import seeded
    from storage.events import to_json
    from storage.runs import detail
    from storage.sweeps import all_sweeps

    layout = layout_to_read(ctx, store)
    with open_session(layout) as session:
        asked = [detail(session, text) for text in ((base, *runs) if base else runs)]
        details = list({one.run.id: one for one in asked}.values())
        found, sweeps = compare(details), all_sweeps(session)
    if diff:
        for other in details[1:]:
            for line in code_diff(layout, details[0], other):
                click.echo(line)
        return
    ids = [run.id for run in found.runs]
    scores = _scores(layout, ids, on)
    if scores and resamples:
        from cockpit.cli.drawing import told
        from cockpit.evaluate.compare import refined_scores

        with told() as progress:
            scores = refined_scores(scores, resamples, progress)
    found = compare(details, sweeps, scored_rows(scores, ids) if scores else ())
    alike = seeded(found, details)
    if as_json:
        click.echo(to_json(as_json_object(found, scores, alike)))
    else:
        _print(found, everything, scores, alike)


def _scores(layout: Layout, runs: Sequence[str], on: str | None) -> Scores | None:
    """What the runs' answers say, the store being left; None where they gave none."""
    from storage.predictions import predictions

    with open_session(layout) as session:
        if on is None and not predictions(session, runs):
            return None  # and polars need not be imported
        from cockpit.evaluate.evaluation import look

        known = look(session, runs)
    from cockpit.evaluate.compare import Comparer, Scores
    from cockpit.project.reading import ProjectError, find_project

    try:
        project = find_project(layout)
    except ProjectError as error:
        return Scores(problems=tuple(str(error).splitlines()))
    return Comparer().scores(project, known, runs, runs[0], on)


def as_json_object(
    found: Comparison, scores: Scores | None = None, alike: Sequence[Seeded] = ()
) -> dict[str, Any]:
    """The comparison, the first run its base."""
    from dataclasses import asdict

    from cockpit.cli.tables import run_as_json
    from cockpit.compare import ABSENT

    ids = [run.id for run in found.runs]
    return {
        "runs": [run_as_json(run) for run in found.runs],
        "base": ids[0],
        "differ": len(found.differing),
        "of": len(found.rows),
        "rows": [
            {
                "group": row.group,
                "name": row.name,
                **({} if row.count is None else {"n": row.count}),
                "differs": row.differs,
                "values": {
                    identity: value
                    for identity, value in zip(ids, row.values, strict=True)
                    if value is not ABSENT
                },
                "best": [ids[place] for place in sorted(found.best(row, 0))],
                **_judged(row, ids),
            }
            for row in found.rows
        ],
        "not_comparable": {
            ids[place]: list(names)
            for place in range(1, len(ids))
            if (names := found.clash(0, place))
        },
        "evaluation": scores
        and {
            "set": scores.on,
            "rows": scores.rows,
            "newest": scores.newest,
            "confidence": scores.confidence,
            "resamples": scores.resamples,
            "problems": list(scores.problems),
            "notes": list(scores.notes),
        },
        "seeds": [
            {
                "runs": [ids[place] for place in one.runs],
                "seeds": list(one.seeds),
                "means": [asdict(mean) for mean in one.means],
            }
            for one in alike
        ],
    }


def _judged(row: Row, ids: Sequence[str]) -> dict[str, Any]:
    from cockpit.cli.slice_tables import difference_as_json

    if not row.judged:
        return {}
    judged = zip(ids, row.judged, strict=True)
    return {
        "differences": {
            run: difference_as_json(one)["difference"] for run, one in judged if one is not None
        }
    }


def _print(
    found: Comparison, everything: bool, scores: Scores | None, alike: Sequence[Seeded]
) -> None:
    from rich.text import Text

    from cockpit.cli.tables import console, name, table_of
    from cockpit.compare import clashes, counted
    from cockpit.format import plain
    from cockpit.scored_rows import legend
    from cockpit.seeds import seed_lines

    out = console()
    out.print(Text(counted(found, everything, "--all")))
    for sentence in (*clashes(found, 0), *(scores.problems if scores else ())):
        out.print(Text(plain(sentence)))
    table = table_of("", *(name(run) for run in found.runs))
    intervals = len(found.runs) == 2 and out.width >= _WIDE
    group = ""
    for row in found.rows if everything else found.differing:
        if row.group != group:
            group = row.group
            table.add_row(Text(plain(row.title or group), style="dim"))
        table.add_row(*_cells(found, row, intervals))
    out.print(table)
    for line in seed_lines(alike, [run.name for run in found.runs]):
        out.print(Text(line))
    for note in (legend(scores, found.runs[0].name), *scores.notes) if scores else ():
        if note:
            out.print(Text(plain(note), style="dim"))


def _cells(found: Comparison, row: Row, intervals: bool) -> list[Text]:
    from rich.text import Text

    from cockpit.compare import shown
    from cockpit.format import plain

    best = found.best(row, 0)
    cells = [Text(f"  {plain(row.label)}")]
    for place in range(len(found.runs)):
        mark = "▲" if place in best else ""
        beside = found.difference(row, place, 0)
        within = found.interval(row, place, 0) if intervals else ""
        text = "  ".join(filter(None, [f"{shown(row, place)}{mark}", beside, within]))
        cells.append(Text(text, style="bold" if mark else ""))
    return cells
