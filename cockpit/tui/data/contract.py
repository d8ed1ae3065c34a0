"""What a check found, as lines: the rules that are broken first, with rows that break them. Pure."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from cockpit import format as fmt
from cockpit import profile_words as words
from cockpit.data.columns import from_facts
from cockpit.difference_words import shown
from cockpit.tui.data.page import Column, Item, Page, laid_out, sentence

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from cockpit.data.columns import ColumnProfile
    from cockpit.data.contract import RuleResult
    from cockpit.tui.data.page import Cell, Parts
    from cockpit.tui.data.studies import Checked

COLUMNS = (
    Column("", gap=1),
    Column("column", most=24),
    Column("rule", least=24, most=56),
    Column("broken by", right=True),
    Column("of", right=True, rank=2),
    Column("share", right=True, rank=1),
)
_OF_COLUMNS = ("column", "others", "fresh")
"""Kinds of rules that no row breaks."""


def contract_page(checked: Checked, name: str, width: int, unfolded: Collection[str]) -> Page:
    """Every rule with how many rows break it."""
    report = checked.report
    rules = [*report.broken, *(rule for rule in report.rules if rule.passed)]
    titles, lines = laid_out(COLUMNS, [_row(rule) for rule in rules], width)
    items = []
    for rule, line in zip(rules, lines, strict=True):
        key = rule.title
        folds = bool(rule.note or rule.examples)
        under = tuple(_under(rule, width)) if key in unfolded else ()
        items.append(Item(key, line, folds, under))
    return Page(tuple(_above(checked, name, width)), titles, tuple(items))


def _above(checked: Checked, name: str, width: int) -> Iterator[Parts]:
    report = checked.report
    of = len(report.rules)
    rows = f"over {report.rows:,} rows"
    if report.passed:
        yield ("✓ ", "complete"), (f"holds: {of} {'rule' if of == 1 else 'rules'} {rows}", "bold")
    else:
        broken = len(report.broken)
        yield ("✗ ", "failed"), (f"broken: {broken} of {of} rules, {rows}", "bold")
    if not checked.is_held:
        said = "only its key and its target are checked: cockpit.toml has no"
        yield from sentence(f"{said} [data.{_key(name)}.contract]", width, "quiet")
    for leak in checked.leaks:
        yield from sentence(f"! {leak.sentence}", width, "stopped", 2)
    yield ()


def _row(rule: RuleResult) -> list[Cell]:
    of_rows = rule.kind not in _OF_COLUMNS
    tone = "quiet" if rule.passed else ""
    return [
        ("✓", "complete") if rule.passed else ("✗", "failed"),
        (fmt.plain(rule.column or ""), tone),
        (lambda _: fmt.plain(_words(rule)), tone),
        (fmt.count(rule.failed) if of_rows else "", tone if rule.failed else "faint"),
        (fmt.count(rule.of) if of_rows else "", "quiet"),
        (words.share(rule.failed, rule.of) if of_rows and rule.failed else "", tone),
    ]


def _words(rule: RuleResult) -> str:
    """What must hold; for a rule about columns, what is the matter."""
    return f"{rule.name}: {rule.note}" if rule.note else rule.name


def _under(rule: RuleResult, width: int) -> Iterator[Parts]:
    if rule.note:
        for line in sentence(rule.note, width - 4, "stopped"):
            yield ("    ", ""), *line
    if rule.examples:
        names = list(rule.examples[0])
        columns = [Column(fmt.plain(name), most=28, right=name == "row") for name in names]
        rows = [[(_shown(row.get(name)), "") for name in names] for row in rule.examples]
        titles, lines = laid_out(columns, rows, width - 4)
        yield ("    ", ""), *titles
        for line in lines:
            yield ("    ", ""), *line
        if rule.failed > len(rule.examples):
            yield ((f"    and {rule.failed - len(rule.examples):,} more", "quiet"),)
    yield ()


def _shown(raw: Any) -> str:
    return "missing" if raw is None else fmt.plain(shown(raw))


def proposal(name: str, facts: Mapping[str, Any], width: int) -> Page:
    """What to write where there is no contract: one that these data would keep."""
    lines = [
        *sentence(f"Nothing is asked of {name} yet. A contract in cockpit.toml, say", width),
        (),
        *(((line, "accent"),) for line in _toml(name, from_facts(facts))),
        (),
        *sentence(
            "is checked here, by cockpit data check, and before every sweep on these data.",
            width,
            "quiet",
        ),
    ]
    return Page(tuple(lines))


def _toml(name: str, columns: Sequence[ColumnProfile]) -> Iterator[str]:
    yield f"[data.{_key(name)}]"
    yield 'path = "…"'
    yield f"[data.{_key(name)}.contract.columns]"
    numbers = [one for one in columns if one.type in ("int", "float") and one.min is not None]
    for one in numbers[:2]:
        nulls = "" if one.nulls else ", nulls = false"
        ends = f"min = {_rounded(one.min, math.floor)}, max = {_rounded(one.max, math.ceil)}"
        yield f'{_key(one.name)} = {{ type = "{one.type}", {ends}{nulls} }}'
    texts = [one for one in columns if one.type == "text" and 1 < (one.distinct or 0) <= 6]
    for one in texts[:1]:
        allowed = ", ".join(sorted(json.dumps(str(value)) for value, _ in one.top))
        yield f"{_key(one.name)} = {{ allowed = [{fmt.plain(allowed)}] }}"


def _rounded(bound: float, away: Callable[[float], int]) -> str:
    """A bound that a person would write, no tighter than this one."""
    if isinstance(bound, int) or not bound:
        return str(bound)
    step = 10.0 ** (math.floor(math.log10(abs(bound))) - 1)
    return f"{away(bound / step) * step:.3g}"


def _key(name: str) -> str:
    bare = name.replace("-", "").replace("_", "")
    return name if bare.isascii() and bare.isalnum() else fmt.plain(json.dumps(name))
