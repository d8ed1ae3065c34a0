"""What the Slices screen says in words: above its table, below it, and where there is none. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cockpit import format as fmt
from cockpit.interval_words import by_what
from cockpit.tui.slice_book import CONFIRMED, ORDERS, VERDICTS, signed, span
from cockpit.tui.widgets.line import Piece, Words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cockpit.evaluate.metrics import Figure
    from cockpit.evaluate.search import WeakSlice
    from cockpit.evaluate.significance import Difference
    from cockpit.tui.judged import Judged
    from cockpit.tui.slice_book import Book, Entry, Order

Parts = list[tuple[str, str]]
"""Texts and their tones."""

MOST = 3
"""Lines about what is left out."""


def headline(judged: Judged, order: Order, refining: int | None = None) -> Words:
    """On which rows, by which metric, against which run; `refining`: how far that is, in per cent."""
    table = judged.table
    pieces = [
        Piece(fmt.plain(judged.set), "bold"),
        Piece(f"{judged.rows:,} rows", "quiet", gap=1),
    ]
    if len(judged.sets) > 1:
        place = judged.sets.index(judged.set) + 1 if judged.set in judged.sets else 0
        pieces.append(Piece(f"{place} of {len(judged.sets)} (v)", "quiet", rank=5, gap=1))
    better = "higher" if judged.direction == "maximize" else "lower"
    unit = f" in {fmt.plain(judged.unit)}" if judged.unit else ""
    pieces += [
        Piece("by", "quiet"),
        Piece(fmt.plain(judged.metric), "bold accent", gap=1),
        Piece(f"{unit.strip()}{', ' * bool(unit)}{better} is better", "quiet", rank=2, gap=1),
    ]
    right: list[Piece] = []
    if table:
        few = f"few: under {table.fewest} rows"
        right.append(Piece(few, "faint", rank=6))
        if table.base:
            alpha = f"{100 * (1 - table.confidence):g} %"
            right.append(Piece(f"false alarms ≤ {alpha} (BH)", "faint", rank=4))
            if how := _intervals(judged, refining):
                tone, rank = ("faint", 3) if refining is None else ("quiet", 0)
                right.append(Piece(how, tone, rank=rank))
        right.append(Piece(_sorted(judged, order), "quiet", rank=1))
    return Words(tuple(pieces), tuple(right))


def _intervals(judged: Judged, refining: int | None) -> str:
    """`intervals normal`; while they are refined, how far that is."""
    table = judged.table
    if table is None:
        return ""
    cells = [cell for row in table.rows for cell in row.cells.values()]
    there = [one for cell in cells if (one := cell.differences.get(judged.metric))]
    if refining is not None:
        return f"refining intervals {refining} % (i ends it)"
    how = by_what(there, table.resamples)
    return f"intervals: {how}" if how else ""


def _sorted(judged: Judged, order: Order) -> str:
    if order == "value":
        return "lowest value first"
    base = judged.table.base if judged.table else None
    by = " by difference" if order == "worst" and base else " by value" if order == "worst" else ""
    return f"{ORDERS[order]}{by}"


def beside(judged: Judged) -> list[Parts]:
    """What is not in the table, and why; what was derived."""
    lines: list[Parts] = [
        [("≠ ", "stopped"), (fmt.plain(why), "stopped")] for why in judged.left_out.values()
    ]
    for name, why in judged.broken.items():
        what = f"slice {name!r} of cockpit.toml" if name in judged.slices else f"slice {name!r}"
        lines.append([("✗ ", "failed"), (fmt.plain(f"{what}: {why}"), "failed")])
    lines += [[("  ", ""), (fmt.plain(note), "faint")] for note in judged.notes[:1]]
    if len(lines) > MOST:
        more = len(lines) - MOST + 1
        lines = [*lines[: MOST - 1], [(f"  and {more} more that cannot be compared here", "quiet")]]
    return lines


def detail(book: Book, entry: Entry | None, run: str | None, narrow: bool = False) -> list[Parts]:
    """The slice under the cursor in full, and how the chosen run does on it; `narrow`: how far apart below that."""
    if entry is None or entry.row is None or run is None:
        return []
    row = entry.row
    name = (
        [] if row.name == row.expression or not row.expression else [(fmt.plain(row.name), "bold")]
    )
    condition = fmt.plain(row.expression) if row.expression else "all rows"
    first: Parts = [*name, ("  " * bool(name), ""), (condition, "" if name else "bold")]
    figures = list(_figures(book, entry, run))
    apart = row.cells[run].differences.get(book.judged.metric)
    if narrow and apart is not None and apart.value is not None and book.base:
        # Not within an interval is where the line may end.
        place = next((at for at, (text, _) in enumerate(figures) if text.startswith("   ")), 0) + 1
        (text, tone), *rest = figures[place:]
        return [first, figures[:place], [(text.lstrip(), tone), *rest]]
    return [first, figures]


def _figures(book: Book, entry: Entry, run: str) -> Iterator[tuple[str, str]]:
    row, judged = entry.row, book.judged
    assert row is not None
    cell = row.cells[run]
    metric, found = judged.metric, cell.figures[judged.metric]
    yield f"{fmt.plain(judged.names.get(run, run))} ", ""
    yield f"{fmt.plain(metric)} {_value(found)}", ""
    yield f" on {row.n:,} row{'s' * (row.n != 1)}", "quiet"
    apart = cell.differences.get(metric)
    if apart is not None and book.base:
        yield from _apart(apart, row.cells[book.base].figures[metric], book)
    if entry.weak:
        yield from _weak(entry.weak)


def _value(found: Figure) -> str:
    if found.value is None:
        return f"has no value: {fmt.plain(found.reason or '')}"
    if found.low is None or found.high is None:
        return fmt.number(found.value, keep_zeros=True)
    ends = f"[{fmt.number(found.low, keep_zeros=True)}, {fmt.number(found.high, keep_zeros=True)}]"
    return f"{fmt.number(found.value, keep_zeros=True)} {ends}"


def _apart(apart: Difference, first: Figure, book: Book) -> Iterator[tuple[str, str]]:
    base = fmt.plain(book.judged.names.get(book.base or "", ""))
    if apart.value is None:
        yield f"   no difference: {fmt.plain(apart.reason or '')}", "quiet"
        return
    yield f"   {base} {_value(first).split(' ')[0]}", "quiet"
    digits, ends = book.places_after_point, ""
    if apart.low is not None and apart.high is not None:
        ends = f" {span(apart, digits)}"
    yield f"   {signed(apart.value, digits)}{ends}", ""
    if apart.low is None and apart.reason:
        yield f"   {fmt.plain(apart.reason)}", "faint"
        return
    glyph, word, tone = VERDICTS[apart.verdict]
    yield f" {glyph} {word}".replace("  ", " "), tone
    chance = "" if apart.p is None else f"{_chance(apart.p)}, "
    yield f" ({chance}{apart.method})", "faint"


def _chance(p: float) -> str:
    return f"p {p:.2g}" if p >= 1e-4 else "p < 0.0001"


def _weak(weak: WeakSlice) -> Iterator[tuple[str, str]]:
    glyph, word, tone = CONFIRMED[weak.confirmed]
    if weak.variant_of is not None:
        yield f"   a variant of {fmt.plain(weak.variant_of)}", "quiet"
    if weak.loss is None or weak.rest is None:
        return
    yield f"   loss {fmt.number(weak.loss)} here, {fmt.number(weak.rest)} elsewhere", "quiet"
    if word:
        yield f"  {glyph} {word}", tone
        chance = "" if weak.p is None else f" ({_chance(weak.p)}, {weak.judged:,} other rows)"
        yield chance, "faint"


def to_do(judged: Judged, runs: int) -> Parts:
    """What to press or to write so that there is something to show."""
    if judged.problem:
        return [("Not judged yet.\n\n", "bold"), (f"  {_lines(judged.problem)}\n", "stopped")]
    if judged.lacking == "set":
        return list(_without_set())
    if judged.lacking == "runs":
        return [
            ("No run is chosen.", "bold"),
            (" Mark some with space on Runs (", ""),
            ("1", "accent"),
            ("), then press ", ""),
            ("4", "accent"),
            (".\n", ""),
        ]
    name = judged.name or "adult-eval"
    if judged.left_out and not judged.lacking:
        return [
            (f"None of these runs can be shown on {fmt.plain(judged.set)}.\n\n", "bold"),
            *(
                part
                for why in judged.left_out.values()
                for part in [("  ≠ ", "stopped"), (f"{fmt.plain(why)}\n", "")]
            ),
            *(
                [("\n  v", "accent"), (" shows another version\n", "quiet")]
                * (len(judged.sets) > 1)
            ),
        ]
    return list(_without_predictions(judged, name, runs))


def _without_set() -> Iterator[tuple[str, str]]:
    yield "No evaluation set yet.", "bold"
    yield " Write into cockpit.toml, beside your spec\n\n", ""
    lines = (
        ("[data.adult-eval]", ""),
        ('path = "adult_test.parquet"', "rows that no run has learnt from"),
        ('target = "income"', "the column of the right answers"),
        ("evaluation = true", "runs are scored on it"),
        ("[slices]", ""),
        ('young = "age < 30"', "a condition over its columns, as many as you like"),
    )
    for text, meaning in lines:
        yield f"  {text:<30}", "accent"
        yield f"  {meaning}\n", "quiet"
    yield "\nIt shows up here by itself. ", "quiet"
    yield "cockpit demo", "accent"
    yield " writes a project that has all of it.", "quiet"


def _without_predictions(judged: Judged, name: str, runs: int) -> Iterator[tuple[str, str]]:
    whose = "This run has no" if runs == 1 else "These runs have no"
    who = "No run has" if judged.lacking == "any" else whose
    yield f"{who} predictions on {fmt.plain(name)} yet.", "bold"
    yield " In your code, at the end of a trial\n\n", ""
    yield f'  trial.log_predictions("{fmt.plain(name)}", y_pred=…, y_score=…)\n\n', "accent"
    yield (
        "one answer for each row of the set. Of a run that has ended, a file of its answers will do\n\n",
        "",
    )
    yield f"  cockpit evaluate RUN --on {fmt.plain(name)} --predictions FILE\n", "accent"
    if judged.lacking == "predictions":
        yield "\nOther runs have some: mark those on Runs (", "quiet"
        yield "1", "accent"
        yield ") with space, then press ", "quiet"
        yield "4", "accent"
        yield ".", "quiet"


def _lines(text: str) -> str:
    return "\n  ".join(fmt.plain(line) for line in text.splitlines())
