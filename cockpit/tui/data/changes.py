"""What differs between two versions and what drifted, as lines. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cockpit import difference_words as words
from cockpit import format as fmt
from cockpit import profile_words
from cockpit.tui.data.page import Column, Item, Page, ended, laid_out, sentence

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from cockpit.data.diff import ColumnChange, Difference
    from cockpit.data.drift import ColumnDrift
    from cockpit.data.effects import Effect
    from cockpit.tui.data.page import Cell, Parts
    from cockpit.tui.data.studies import Drifted

SIGNS = {
    "added": ("+", "complete"),
    "removed": ("−", "failed"),
    "changed": ("≠", "stopped"),
    "same": ("=", "quiet"),
}
"""What became of rows."""
MEASURES = {
    "psi": "population stability index",
    "js": "Jensen–Shannon distance",
    "ks": "Kolmogorov–Smirnov statistic",
    "v": "Cramér's V of chi-squared",
    "missing": "Cohen's h of missing values",
}
TONES = {"large": "failed", "moderate": "stopped", "none": "faint", "not judged": "quiet"}
CHANGES = (
    Column("column", most=24),
    Column("cells", right=True),
    Column("share", right=True, rank=2),
    Column("type", rank=1, most=20),
    Column("for example", least=20),
)
DRIFT = (
    Column("column", most=24),
    Column("drift"),
    *(Column(name, right=True, rank=2 + place) for place, name in enumerate(MEASURES)),
    Column("", rank=1, least=16),
)
FIGURES = (
    Column("measure"),
    Column("value", right=True),
    Column("moderate from", right=True, rank=1),
    Column("large from", right=True, rank=1),
    Column("chance up to", right=True, rank=2),
)


def difference_page(
    before: str, after: str, found: Difference, width: int, unfolded: Collection[str]
) -> Page:
    """Rows that came, went and changed, then the columns whose cells changed, most of them first."""
    above = list(sentence(words.how_compared(before, after, found), width, "quiet"))
    if not found.differs:
        return Page((*above, (), (("no difference: the same rows and columns", "bold"),)))
    above += [_counts(found), ()]
    for text in words.row_sentences(before, after, found):
        above += sentence(text, width, "", 2)
    if above[-1]:
        above.append(())
    changed = [one for one in found.columns if one.changed or one.old_type != one.new_type]
    changed.sort(key=lambda one: -one.changed)
    both = found.changed + found.same
    titles, lines = laid_out(CHANGES, [_change(one, both) for one in changed], width)
    items = tuple(
        Item(
            one.name,
            line,
            bool(one.examples),
            tuple(_cells(one, width)) if one.name in unfolded else (),
        )
        for one, line in zip(changed, lines, strict=True)
    )
    same = [one.name for one in found.columns if one not in changed]
    below = sentence(f"the same in all rows that both have: {', '.join(same)}", width, "quiet", 2)
    return Page(tuple(above), titles if items else (), items, ((), *below) if same else ())


def _counts(found: Difference) -> Parts:
    parts: list[tuple[str, str]] = []
    for word, rows in words.row_counts(found).items():
        sign, tone = SIGNS[word]
        shown = tone if rows else "faint"
        parts += [(f"{sign} {fmt.count(rows)} ", f"bold {shown}"), (f"{word}   ", shown)]
    return tuple(parts)


def _change(one: ColumnChange, both: int) -> list[Cell]:
    kind = one.old_type if one.old_type == one.new_type else f"{one.old_type} → {one.new_type}"
    first = words.changed_cell(one.examples[0]) if one.examples else ""
    share = profile_words.share(one.changed, both) if one.changed and both else ""
    return [
        (fmt.plain(one.name), ""),
        (fmt.count(one.changed), ""),
        (share, "quiet"),
        (fmt.plain(kind), "quiet" if one.old_type == one.new_type else "stopped"),
        (lambda room: ended(fmt.plain(first), room), "quiet"),
    ]


def _cells(one: ColumnChange, width: int) -> Iterator[Parts]:
    rows: list[list[Cell]] = []
    for cell in one.examples:
        old, new = words.old_and_new(cell)
        rows.append(
            [
                (fmt.plain(words.pairs(cell.key)), "quiet"),
                (f"− {fmt.plain(old)}", "failed"),
                (f"+ {fmt.plain(new)}", "complete"),
            ]
        )
    half = max(8, (width - 8) // 3)
    columns = [Column("", most=half), Column("", most=half), Column("", most=half)]
    for line in laid_out(columns, rows, width - 4)[1]:
        yield ("    ", ""), *line
    if one.changed > len(one.examples):
        yield ((f"    and {one.changed - len(one.examples):,} more", "quiet"),)
    yield ()


def drift_page(
    before: str, after: str, drifted: Drifted, width: int, unfolded: Collection[str]
) -> Page:
    """A line a column, the worst first."""
    found = drifted.drift
    old, new = found.rows
    worst = found.drifted
    said = f"{before} ({fmt.count(old)} rows) → {after} ({fmt.count(new)} rows)"
    above: list[Parts] = list(sentence(said, width, "quiet"))
    many = f"{len(worst)} of {len(found.columns)} columns drifted"
    above.append(((many if worst else f"no drift in {len(found.columns)} columns", "bold"),))
    for word, columns in (("gone", found.only_old), ("new", found.only_new)):
        if columns:
            above += sentence(f"columns that are {word}: {', '.join(columns)}", width, "stopped", 2)
    above.append(())
    others = [one for one in found.columns if one not in worst]
    others.sort(key=lambda one: (one.verdict != "not judged", -_strength(one)))
    shown = [*worst, *others]
    titles, lines = laid_out(DRIFT, [_drift(one, drifted) for one in shown], width)
    items = tuple(
        Item(one.name, line, True, tuple(_figures(one, width)) if one.name in unfolded else ())
        for one, line in zip(shown, lines, strict=True)
    )
    return Page(tuple(above), titles, items)


def _strength(column: ColumnDrift) -> float:
    return max((one.value / one.large for one in column.effects), default=0.0)


def _drift(one: ColumnDrift, drifted: Drifted) -> list[Cell]:
    calm = one.verdict == "none"
    name = f"{fmt.plain(one.name)} (label)" if one.name in drifted.labels else fmt.plain(one.name)
    cells: list[Cell] = [
        (name, "quiet" if calm else ""),
        ("· none" if calm else words.verdict(one), TONES[one.verdict]),
    ]
    for measure in MEASURES:
        effect = one.effect(measure)
        if effect is None:
            cells.append(("", ""))
        else:
            tone = "faint" if effect.verdict == "none" else f"bold {TONES[effect.verdict]}"
            cells.append((f"{effect.value:.3f}", tone))
    notes = fmt.plain("; ".join(words.drift_notes(one)))
    cells.append((lambda room: ended(notes, room), "quiet"))
    return cells


def _figures(one: ColumnDrift, width: int) -> Iterator[Parts]:
    for note in words.drift_notes(one):
        for line in sentence(note, width - 4, "", 2):
            yield ("    ", ""), *line
    if one.effects:
        titles, lines = laid_out(FIGURES, [_figure(effect) for effect in one.effects], width - 4)
        for line in (titles, *lines):
            yield ("    ", ""), *line
    yield ()


def _figure(effect: Effect) -> list[Cell]:
    tone = TONES[effect.verdict]
    return [
        (MEASURES[effect.name], "quiet"),
        (f"{effect.value:.3f}", "" if tone == "faint" else f"bold {tone}"),
        (f"{effect.moderate:g}", "quiet"),
        (f"{effect.large:g}", "quiet"),
        (f"{effect.noise:.3f}", "quiet"),
    ]
