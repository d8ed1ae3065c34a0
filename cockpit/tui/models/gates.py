"""Gates as a table of pass and fail, and the slices behind them; from what is kept of a promotion. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len

from cockpit import format as fmt
from cockpit.models.gates.words import number
from cockpit.tui.data.page import Column, Item, Page, ended, laid_out, sentence

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from cockpit.tui.data.page import Cell, Parts

Told = Mapping[str, Any]
"""A gate, or one of its slices, as `cockpit.models.gates.evidence` keeps it."""
LOOKS = {
    "pass": ("✓", "complete"),
    "fail": ("✗", "failed"),
    "first": ("◦", "quiet"),
    "chance": ("~", "stopped"),
    "not judged": (fmt.MISSING, "faint"),
    "worse": ("▼", "failed"),
    "unclear": ("~", "faint"),
    "equivalent": ("≈", "quiet"),
    "better": ("▲", "complete"),
}
COLUMNS = (
    Column(""),
    Column("gate", least=24),
    Column("of", most=24, rank=5),
    Column("found", right=True),
    Column("incumbent", right=True, rank=2),
    Column("difference", rank=1),
    Column("n", right=True, rank=4),
)
SLICES = (
    Column(""),
    Column("slice", least=12),
    Column("where", most=40, rank=5),
    Column("n", right=True, rank=2),
    Column("now", right=True),
    Column("new", right=True),
    Column("must be", right=True, rank=4),
    Column("difference", rank=1),
)
SHOWN = 40
"""Slices of a gate that are shown, the worst."""
ALL = "all rows"


def gates_page(
    gates: Sequence[Told], above: tuple[Parts, ...], width: int, unfolded: Collection[str]
) -> Page:
    """The gates of a promotion that was carried out; those about every slice unfold."""
    if not gates:
        return Page(above, items=(), below=sentence("No gate was asked of it.", width, "quiet"))
    titles, lines = _table(gates, width)
    items = []
    for place, (gate, line) in enumerate(zip(gates, lines, strict=True)):
        key = f"gate {place}"
        under: list[Parts] = []
        if key in unfolded:
            under += _indented(sentence(_in_full(gate), width - 2, "quiet"))
            if gate.get("slices"):
                titles_under, found = _slices_table(gate, {}, width - 2)
                under += _indented([titles_under, *found])
        items.append(Item(key, line, folds=True, under=tuple(under)))
    return Page(above, titles, tuple(items))


def proposal_page(
    gates: Sequence[Told], conditions: Mapping[str, str], first: bool, width: int
) -> Page:
    """The gates of a promotion that may be, and below them what changes for whom; slices have a line each.

    `conditions` are those of the slices, by name. The keys of the lines are those of `slice_of`. What stands in
    `gates` without a verdict is no gate: what changes for whom where none is about every slice.
    """
    asked = [gate for gate in gates if "verdict" in gate]
    if not asked:
        return Page(sentence("No gate is asked of it: [models] in cockpit.toml has none.", width))
    titles, lines = _table(asked, width)
    items = [Item(f"gate {place}", line) for place, line in enumerate(lines)]
    sections = list(_sections(gates, conditions, width))
    for title, heads, found in sections:
        last = items[-1]
        items[-1] = Item(last.key, last.parts, under=((("", ""),), *title, heads))
        items += found
    below = () if sections else (((("", ""),)), *_no_section(first, bool(conditions), width))
    return Page((), titles, tuple(items), below)


def slice_of(gates: Sequence[Told], key: str | None) -> Told | None:
    """What a line of `proposal_page` is about, where that is a slice."""
    kind, _, rest = (key or "").partition(" ")
    if kind == "slice":
        gate, place = map(int, rest.split())
        found: Told = gates[gate]["slices"][place]
        return found
    if kind == "gate":
        told = gates[int(rest)]
        return told if told.get("slice") not in (None, ALL) else None
    return None


def words_of(gates: Sequence[Told], key: str | None) -> tuple[str, str, str]:
    """The line under the cursor in full: a title, a sentence, the title's tone."""
    kind, _, rest = (key or "").partition(" ")
    if kind == "gate":
        gate = gates[int(rest)]
        return _named(gate), str(gate.get("sentence", "")), LOOKS[_verdict(gate)][1]
    if kind == "slice":
        one = slice_of(gates, key) or {}
        gate = gates[int(rest.split()[0])]
        why = _slice_words(one, str(gate.get("gate", "")))
        return str(one.get("slice", "")), why, LOOKS[_verdict(one)][1]
    return "", "", ""


def failed_slice(gates: Sequence[Told]) -> str | None:
    """The key of the worst slice that stops it; of a gate that fails where no slice does."""
    for place, gate in enumerate(gates):
        if _verdict(gate) == "fail" and gate.get("slices"):
            return f"slice {place} 0"
    failed = (place for place, gate in enumerate(gates) if _verdict(gate) == "fail")
    return next((f"gate {place}" for place in failed), None)


def _verdict(told: Told) -> str:
    verdict = str(told.get("verdict"))
    return verdict if verdict in LOOKS else "not judged"


def _named(gate: Told) -> str:
    name, text = str(gate.get("name", "")), str(gate.get("gate", ""))
    return fmt.plain(text if name == text else f"{name}: {text}")


def _in_full(gate: Told) -> str:
    """Its text, and what came of it where no table says so."""
    return _named(gate) if gate.get("slices") else f"{_named(gate)}: {gate.get('sentence', '')}"


def _table(gates: Sequence[Told], width: int) -> tuple[Parts, list[Parts]]:
    return _laid_out(COLUMNS, [_row(gate) for gate in gates], width, list(map(_named, gates)))


def _laid_out(
    columns: Sequence[Column], rows: Sequence[Sequence[Cell]], width: int, names: Sequence[str]
) -> tuple[Parts, list[Parts]]:
    """Without the columns that say nothing; that of the names, the second, is no wider than they are."""
    wide = max([columns[1].least, *map(cell_len, names)])
    columns = [columns[0], replace(columns[1], most=wide), *columns[2:]]
    telling = [place for place in range(len(columns)) if any(row[place][0] for row in rows)]
    return laid_out(
        [columns[place] for place in telling],
        [[row[place] for place in telling] for row in rows],
        width,
    )


def _row(gate: Told) -> list[Cell]:
    """Of a gate about every slice the figures of the worst."""
    verdict = _verdict(gate)
    mark, tone = LOOKS[verdict]
    slices = gate.get("slices") or ()
    told: Told = slices[0] if slices else gate
    place = told.get("slice")
    where = "" if place in (None, ALL) else fmt.plain(str(place))
    few = verdict == "first" or told.get("value") is None
    beside = "nothing to compare with" if verdict == "first" else apart(told.get("difference"))
    return [
        (mark, tone),
        (lambda cells: ended(_named(gate), cells), "bold" if verdict == "fail" else ""),
        (where, "quiet"),
        (_found(told, verdict), "failed" if verdict == "fail" else ""),
        (_value(told.get("incumbent")), "quiet"),
        (beside, "quiet" if verdict == "first" else ""),
        ("" if few or told.get("figure") is None else fmt.count(told["n"]), "quiet"),
    ]


def _found(told: Told, verdict: str) -> str:
    if told.get("value") is None:
        return "" if verdict == "first" else fmt.MISSING
    return _plain_number(told["value"])


def _value(figure: Told | None) -> str:
    value = figure.get("value") if figure else None
    return "" if value is None else _plain_number(value)


def _plain_number(value: float | str) -> str:
    if isinstance(value, str):
        return fmt.plain(value)
    return f"{value:.4f}" if 1e-3 <= abs(value) < 1 else number(value)


def apart(difference: Told | None) -> str:
    """`+0.0025 [+0.0011, +0.0039]`."""
    if not difference or difference.get("value") is None:
        return ""
    text, low, high = _signed(difference["value"]), difference.get("low"), difference.get("high")
    return text if low is None or high is None else f"{text} [{_signed(low)}, {_signed(high)}]"


def _signed(value: float) -> str:
    if abs(value) >= 1000:
        return f"{value:+,.0f}"
    return f"{value:+.4f}" if abs(value) < 10 else f"{value:+.1f}"


def _sections(
    gates: Sequence[Told], conditions: Mapping[str, str], width: int
) -> Iterator[tuple[tuple[Parts, ...], Parts, list[Item]]]:
    """Of each gate about every slice: a heading, titles, and a line a slice, the worst first."""
    for place, gate in enumerate(gates):
        slices = (gate.get("slices") or ())[:SHOWN]
        if not slices:
            continue
        heads, lines = _slices_table(gate, conditions, width)
        text = ended(f"  {_named(gate)}", max(0, width - 38))
        title: Parts = (("What changes for whom, the worst first", "bold"), (text, "quiet"))
        keys = [f"slice {place} {number}" for number in range(len(slices))]
        items = [Item(key, line) for key, line in zip(keys, lines, strict=True)]
        yield (title,), heads, items


def _slices_table(
    gate: Told, conditions: Mapping[str, str], width: int
) -> tuple[Parts, list[Parts]]:
    slices = (gate.get("slices") or ())[:SHOWN]
    rows = [_slice_row(one, conditions) for one in slices]
    return _laid_out(SLICES, rows, width, [fmt.plain(str(one.get("slice"))) for one in slices])


def _slice_row(one: Told, conditions: Mapping[str, str]) -> list[Cell]:
    verdict = _verdict(one)
    mark, tone = LOOKS[verdict]
    dim = "faint" if verdict == "not judged" else ""
    reason = fmt.plain(str(one.get("reason") or ""))
    figure, value = one.get("figure"), one.get("value")
    new = _value(figure) or ("" if value is None else _plain_number(value))
    bound = one.get("bound")
    named = fmt.plain(str(one.get("slice")))
    where = fmt.plain(conditions.get(str(one.get("slice")), ""))
    return [
        (mark, tone),
        (lambda cells: ended(named, cells), "bold" if verdict == "fail" else dim),
        (where if where != named else "", "quiet"),
        (fmt.count(one.get("n") or 0), "quiet"),
        (_value(one.get("incumbent")), dim),
        (new, "failed" if verdict == "fail" else dim),
        ("" if bound is None else _plain_number(bound), "quiet"),
        (apart(one.get("difference")) or reason, dim),
    ]


def _slice_words(one: Told, gate: str) -> str:
    """What came of a slice."""
    verdict, reason = _verdict(one), one.get("reason")
    meant = {
        "pass": "holds",
        "fail": "fails",
        "chance": "below it by its figures, and no more than chance may be",
        "not judged": f"not judged: {reason}" if reason else "not judged",
        "worse": "worse than the incumbent",
        "unclear": "the difference may be chance",
        "equivalent": "a difference within the margin",
        "better": "better than the incumbent",
    }[verdict]
    told = []
    if one.get("bound") is None and one.get("value") is not None:
        told.append(f"{gate} {_plain_number(one['value'])}")
    elif one.get("value") is not None:
        sign = next((sign for sign in ("<=", ">=", "<", ">", "=") if sign in gate), "")
        told.append(f"{_plain_number(one['value'])}, must be {sign} {_plain_number(one['bound'])}")
    if beside := _value(one.get("incumbent")):
        told.append(f"the incumbent has {beside}, {apart(one.get('difference'))}".rstrip(", "))
    told.append(f"n {fmt.count(one.get('n') or 0)}")
    return f"{meant}: {'; '.join(told)}"


def _no_section(first: bool, slices: bool, width: int) -> tuple[Parts, ...]:
    if first:
        text = "A first promotion: nothing changes for anybody, nothing was there before."
    elif slices:
        text = "What changes for whom is not known: one of the two has no answers."
    else:
        text = (
            "What changes for whom is not known: [slices] in cockpit.toml names whom to look at, as "
            "young = 'age < 30' does."
        )
    return sentence(text, width, "quiet")


def _indented(lines: Sequence[Parts]) -> list[Parts]:
    return [(("  ", ""), *parts) for parts in lines]
