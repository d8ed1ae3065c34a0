"""`cockpit data check`, `diff` and `drift`: do data keep their contract, and what changed between two of them?"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from cockpit import difference_words as words
from cockpit.cli.common import json_option, layout_to_read, names_of, store_option
from cockpit.cli.watching import watched
from cockpit.format import MISSING, count, plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.table import Table
    from rich.text import Text

    from cockpit.data.contract import Report, RuleResult
    from cockpit.data.contracts import Data
    from cockpit.data.diff import ColumnChange, Difference
    from cockpit.data.drift import ColumnDrift, Drift
    from cockpit.data.leaks import Leak

BROKEN = 1
DIFFERENT = 1
_SHOWN = 3
"""Examples in a line of a table."""
_MEASURES = ("psi", "js", "ks", "v", "missing")

exit_code_option = click.option(
    "--exit-code",
    "exits",
    is_flag=True,
    help="End with 1 where something differs, as git diff does.",
)


@click.command("check", short_help="Do data keep their contract?")
@click.argument("data", metavar="NAME[@V]|PATH")
@click.option(
    "--contract", metavar="FILE", help="A contract in a file of its own. [default: cockpit.toml's]"
)
@click.option("--all", "everything", is_flag=True, help="The rules that hold too.")
@json_option
@store_option
@click.pass_context
def check(
    ctx: click.Context,
    data: str,
    contract: str | None,
    everything: bool,
    as_json: bool,
    store: str | None,
) -> int:
    """Check data against their contract: every rule with how many rows break it, and some of them.

    NAME is a dataset of cockpit.toml (what lies at its path now), NAME@V a registered version. Where there is a
    target, features that tell it all by themselves are named. Exit code 0: it holds; 1: it is broken.
    """
    from cockpit.data.contract import check as check_contract
    from cockpit.data.contracts import find_data, on_rows, with_contract
    from cockpit.data.leaks import leaks_of
    from cockpit.project.reading import find_project
    from storage.events import to_json

    layout = layout_to_read(ctx, store)
    asked = with_contract(find_data(layout, find_project(layout), data), contract)
    table = asked.table
    with watched(f"checking {asked.label}") as watch:
        report = on_rows(lambda frame: check_contract(frame, table, watch=watch), asked)
        found = on_rows(lambda frame: leaks_of(frame, table, watch), asked)
    if as_json:
        click.echo(to_json(_writable(_report_as_json(asked, report, found))))
    else:
        _print_report(asked, report, found, everything)
    return 0 if report.passed else BROKEN


@click.command("diff", short_help="Which rows and cells differ between two?")
@click.argument("old", metavar="OLD")
@click.argument("new", metavar="NEW")
@click.option(
    "--key",
    metavar="A,B",
    callback=names_of,
    help="Columns that name a row. [default: the dataset's]",
)
@exit_code_option
@json_option
@store_option
@click.pass_context
def diff(
    ctx: click.Context,
    old: str,
    new: str,
    key: tuple[str, ...],
    exits: bool,
    as_json: bool,
    store: str | None,
) -> int:
    """Show rows added, removed and changed by key, and the cells that changed by column.

    OLD and NEW are NAME@V, NAME or PATH. Without a key, rows are compared by their places.
    """
    from cockpit.data.contracts import on_rows
    from cockpit.data.diff import diff as compare
    from storage.events import to_json

    before, after = _pair(ctx, store, old, new)
    key = key or before.table.key or after.table.key
    with watched(f"comparing {before.label} and {after.label}") as watch:
        found = on_rows(lambda a, b: compare(a, b, key, watch), before, after)
    if as_json:
        said = {"old": before.label, "new": after.label, "differs": found.differs}
        click.echo(to_json(_writable({**said, "cells": found.cells, **asdict(found)})))
    else:
        _print_difference(before, after, found)
    return DIFFERENT if exits and found.differs else 0


@click.command("drift", short_help="Are the columns still distributed alike?")
@click.argument("old", metavar="OLD")
@click.argument("new", metavar="NEW")
@click.option(
    "--columns", metavar="A,B", callback=names_of, help="Only these. [default: all but the key]"
)
@click.option("--all", "everything", is_flag=True, help="The columns that did not drift too.")
@exit_code_option
@json_option
@store_option
@click.pass_context
def drift(
    ctx: click.Context,
    old: str,
    new: str,
    columns: tuple[str, ...],
    everything: bool,
    exits: bool,
    as_json: bool,
    store: str | None,
) -> int:
    """Show which columns of NEW are distributed otherwise than those of OLD, the worst first.

    \b
    Judged by effect size, never by a p-value; moderate from, large from:
      psi      population stability index     0.1   0.25
      js       Jensen-Shannon distance        0.1   0.2
      ks       Kolmogorov-Smirnov statistic   0.1   0.2
      v        Cramér's V of chi-squared      0.1   0.3
      missing  Cohen's h of missing values    0.2   0.5

    What chance alone can do with so few rows is kept out. OLD and NEW are NAME@V, NAME or PATH.
    """
    from cockpit.data.contracts import on_rows
    from cockpit.data.drift import drift as compare
    from storage.events import to_json

    before, after = _pair(ctx, store, old, new)
    names = {name for data in (before, after) for name in (*data.table.key, *data.table.ignore)}
    with watched(f"comparing {before.label} and {after.label}") as watch:
        found = on_rows(lambda a, b: compare(a, b, columns or None, names, watch), before, after)
    if as_json:
        click.echo(to_json(_drift_as_json(before, after, found)))
    else:
        _print_drift(before, after, found, everything)
    return DIFFERENT if exits and found.drifted else 0


def _pair(ctx: click.Context, store: str | None, old: str, new: str) -> tuple[Data, Data]:
    from cockpit.data.contracts import find_data
    from cockpit.project.reading import find_project

    layout = layout_to_read(ctx, store)
    project = find_project(layout)
    return find_data(layout, project, old), find_data(layout, project, new)


def _writable(value: Any) -> Any:
    """Dates, times and the like as texts, in what is to be JSON."""
    if isinstance(value, dict):
        return {key: _writable(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_writable(inner) for inner in value]
    return value if isinstance(value, bool | int | float | str | None) else str(value)


def _report_as_json(data: Data, report: Report, found: Iterable[Leak]) -> dict[str, Any]:
    return {
        "data": data.label,
        "path": data.path,
        "rows": report.rows,
        "passed": report.passed,
        "rules": [{**asdict(rule), "passed": rule.passed} for rule in report.rules],
        "leaks": [asdict(leak) for leak in found],
    }


def _drift_as_json(before: Data, after: Data, found: Drift) -> dict[str, Any]:
    columns = []
    for column in found.columns:
        entry = asdict(column)
        for effect, one in zip(entry["effects"], column.effects, strict=True):
            effect["verdict"] = one.verdict
        columns.append(entry)
    return {
        "old": before.label,
        "new": after.label,
        "rows": found.rows,
        "drifted": [column.name for column in found.drifted],
        "only_old": found.only_old,
        "only_new": found.only_new,
        "columns": columns,
    }


def _print_report(data: Data, report: Report, found: Iterable[Leak], everything: bool) -> None:
    from rich.text import Text

    from cockpit.cli.tables import console

    out = console()
    many = len(report.broken)
    kept = "keeps its contract" if report.passed else f"breaks {many} of {len(report.rules)} rules"
    out.print(Text(f"{plain(data.label)} {kept} ({count(report.rows)} rows)", style="bold"))
    shown = [*report.broken, *(rule for rule in report.rules if rule.passed and everything)]
    if shown:
        table = _table("", "column", "rule", "break it", "for example", right=slice(3, 4))
        for rule in shown:
            *cells, example = _rule_cells(rule)
            table.add_row(*map(Text, cells), _cut(example))
        out.print(table)
    for leak in found:
        out.print(Text(f"warning: {plain(leak.sentence)}"))


def _table(*names: str, right: slice) -> Table:
    """A table whose last column gives way where the terminal is narrow."""
    from cockpit.cli.tables import table_of

    table = table_of(*names)
    for column in table.columns[right]:
        column.justify = "right"
    table.columns[-1].no_wrap = False
    return table


def _cut(text: str) -> Text:
    from rich.text import Text

    return Text(text, no_wrap=True, overflow="ellipsis")


def _rule_cells(rule: RuleResult) -> tuple[str, ...]:
    from cockpit.data.contract import example_words

    share = "" if rule.kind in ("column", "others", "fresh") else count(rule.failed)
    example = rule.note or "; ".join(example_words(row) for row in rule.examples[:_SHOWN])
    mark = "✓" if rule.passed else "✗"
    return mark, plain(rule.column or ""), plain(rule.name), share, plain(example)


def _print_difference(before: Data, after: Data, found: Difference) -> None:
    from rich.text import Text

    from cockpit.cli.tables import console

    out = console()
    for line in _difference_lines(before, after, found):
        out.print(Text(plain(line)))
    changed = [one for one in found.columns if one.changed or one.old_type != one.new_type]
    if not changed:
        return
    table = _table("column", "cells", "type", "for example", right=slice(1, 2))
    for one in changed:
        kind = one.old_type if one.old_type == one.new_type else f"{one.old_type} → {one.new_type}"
        table.add_row(Text(plain(one.name)), Text(count(one.changed)), Text(kind), _cells(one))
    out.print(table)


def _difference_lines(before: Data, after: Data, found: Difference) -> Iterable[str]:
    yield words.how_compared(before.label, after.label, found)
    if not found.differs:
        yield "no difference"
        return
    yield "   ".join(f"{word} {count(rows)}" for word, rows in words.row_counts(found).items())
    yield from words.row_sentences(before.label, after.label, found)


def _cells(change: ColumnChange) -> Text:
    parts = map(words.changed_cell, change.examples[:_SHOWN])
    return _cut(plain("; ".join(parts)))


def _print_drift(before: Data, after: Data, found: Drift, everything: bool) -> None:
    from rich.text import Text

    from cockpit.cli.tables import console

    out = console()
    old, new = found.rows
    names = f"{plain(before.label)} ({count(old)} rows) → {plain(after.label)} ({count(new)} rows)"
    drifted = found.drifted
    out.print(Text(f"{names}: {len(drifted)} of {len(found.columns)} columns drifted"))
    for word, columns in (("gone", found.only_old), ("new", found.only_new)):
        if columns:
            out.print(Text(plain(f"columns that are {word}: {', '.join(columns)}")))
    others = [column for column in found.columns if column not in drifted]
    unjudged = [column for column in others if column.verdict == "not judged"]
    shown = [*drifted, *(others if everything else unjudged)]
    if not shown:
        return
    table = _table("column", "drift", *_MEASURES, right=slice(2, 7))
    labels = {data.table.target for data in (before, after)}
    for one in shown:
        name = f"{plain(one.name)} (label)" if one.name in labels else plain(one.name)
        table.add_row(Text(name), Text(words.verdict(one)), *_figures(one))
    out.print(table)
    for one in shown:
        if notes := "; ".join(words.drift_notes(one)):
            out.print(Text(plain(f"{one.name}: {notes}")))


def _figures(column: ColumnDrift) -> Sequence[Text]:
    from rich.text import Text

    found = (column.effect(name) for name in _MEASURES)
    return [
        Text(
            MISSING if one is None else f"{one.value:.3f}",
            style="bold" if one and one.verdict != "none" else "",
        )
        for one in found
    ]
