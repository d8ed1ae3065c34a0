"""The models and their versions as lines, their history, and what there is to know of one version. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from cockpit import format as fmt
from cockpit.models.gates.words import number
from cockpit.tui.data.page import Column, Item, Page, fields, laid_out, sentence
from cockpit.tui.models.desk import BundleFacts
from cockpit.tui.models.gates import LOOKS, gates_page

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from datetime import datetime

    from cockpit.tui.background import Finding
    from cockpit.tui.data.page import Cell, Parts
    from cockpit.tui.models.desk import Shelf
    from storage.models import Move, Version

FORCED = "! forced"
HOWS = {
    "promote": ("promoted", "complete"),
    "forced": ("! FORCED", "stopped"),
    "rollback": ("rolled back", "accent"),
}
VERSIONS = (
    Column(""),
    Column("run", least=10, most=24),
    Column("metric", right=True, rank=3),
    Column("made", right=True, rank=2),
    Column("aliases", rank=1),
)
TRAIL = (
    Column("when", right=True),
    Column("alias", rank=1),
    Column("from", right=True),
    Column(""),
    Column("to"),
    Column("how"),
    Column("by", rank=4, most=20),
    Column("gates", rank=2),
    Column("why", rank=3, least=12),
)


def label_of(version: Version) -> str:
    """The run it is from, as people call it."""
    return fmt.plain(str(version.content.get("name") or version.run))


def metric_of(version: Version) -> tuple[str, float] | None:
    """The first of its metrics."""
    found: Mapping[str, Any] = version.content.get("metrics") or {}
    for name, value in found.items():
        if isinstance(value, int | float):
            return name, float(value)
    return None


# The list


def versions_page(
    shelves: Sequence[Shelf], lonely: Sequence[str], problem: str, now: datetime, width: int
) -> Page:
    """A line a version, the models below each other; `lonely` are models of cockpit.toml without a version.

    `problem` is what is wrong with cockpit.toml.
    """
    rows = [_version_row(shelf, one, now) for shelf in shelves for one in shelf.versions]
    told = [metric_of(one) for shelf in shelves for one in shelf.versions]
    names = {found[0] for found in told if found}
    metric = fmt.cut(fmt.plain(names.pop()), 12) if len(names) == 1 else "metric"
    columns = [
        replace(column, title=metric) if column.title == "metric" else column
        for column in VERSIONS
        if column.title != "metric" or any(told)
    ]
    if not any(told):
        rows = [[*row[:2], *row[3:]] for row in rows]
    titles, lines = laid_out(columns, rows, width)
    left = iter(lines)
    items: list[Item] = []
    above: tuple[Parts, ...] = ()
    for shelf in shelves:
        head = _shelf_lines(shelf, now, width)
        if items:
            items[-1] = Item(items[-1].key, items[-1].parts, under=((("", ""),), *head))
        else:
            above = head
        items += [Item(one.label, next(left)) for one in shelf.versions]
    below = list(_lonely(lonely, width))
    if problem:
        below += [(("", ""),), *sentence(problem, width, "stopped")]
    return Page(above, titles if items else (), tuple(items), tuple(below))


def _shelf_lines(shelf: Shelf, now: datetime, width: int) -> tuple[Parts, ...]:
    """`income · 3 versions`, and what each of its aliases means."""
    count = f" · {fmt.count(shelf.total)} version{'s' * (shelf.total != 1)}"
    if shelf.total > len(shelf.versions):
        count += f", the newest {len(shelf.versions)} of them"
    lines: list[Parts] = [((fmt.plain(shelf.name), "bold"), (count, "quiet"))]
    wide = max((len(move.alias) for move in shelf.aliases), default=0)
    for move in shelf.aliases:
        version = shelf.version(move.target)
        run = f" · {label_of(version)}" if version else ""
        since = f" · {lasting(move.time, now)}"
        forced = f" {FORCED}" if move.how == "forced" else ""
        room = width - wide - 10 - len(since) - len(forced)
        lines.append(
            (
                (f"  {fmt.fit(fmt.plain(move.alias), wide)} → ", "accent"),
                (f"v{move.target}", "bold"),
                (fmt.cut(run, max(6, room)), ""),
                (since, "quiet"),
                (forced, "stopped"),
            )
        )
    if not shelf.aliases:
        lines.append((("  no alias means one of them", "quiet"),))
    return tuple(lines)


def lasting(then: datetime, now: datetime) -> str:
    """How long something has been so: `for 8d`, `just now`."""
    text = fmt.age(then, now)
    return "just now" if text == "now" else f"for {text.removesuffix(' ago')}"


def _version_row(shelf: Shelf, version: Version, now: datetime) -> list[Cell]:
    found = metric_of(version)
    aliases = ", ".join(map(fmt.plain, shelf.on(version)))
    forced = FORCED if version.digest in shelf.forced else ""
    return [
        (f"v{version.number}", "bold" if aliases else ""),
        (lambda cells: fmt.cut(label_of(version), cells), ""),
        (fmt.MISSING if found is None else fmt.number(found[1], keep_zeros=True), ""),
        (fmt.age(version.time, now), "quiet"),
        (f"{aliases} {forced}".strip(), "stopped" if forced else "accent"),
    ]


def _lonely(names: Sequence[str], width: int) -> Iterator[Parts]:
    for name in names:
        yield (("", ""),)
        yield ((fmt.plain(name), "bold"), (" · no version yet", "quiet"))
        text = "p on a run (1) that saved its model makes the first"
        yield from ((("  ", ""), *parts) for parts in sentence(text, width - 2, "quiet"))


# Gates


def grounds_page(
    version: Version,
    grounds: Move | None,
    asked: Mapping[str, str],
    now: datetime,
    width: int,
    unfolded: Collection[str],
) -> Page:
    """What the gates said when an alias was put onto a version."""
    if grounds is None:
        return Page(sentence("Nothing is known of how it was judged.", width, "quiet"))
    evidence = grounds.evidence
    above = [*_move_lines(grounds, now, width)]
    if evidence.get("on"):
        on = evidence["on"]
        against = f"v{grounds.origin}" if grounds.origin else "nothing: a first promotion"
        text = f"on {on.get('set')}, {fmt.count(on.get('rows') or 0)} rows, against {against}"
        above += sentence(text, width, "quiet")
    gates = evidence.get("gates") or ()
    before = {str(gate.get("name")): str(gate.get("gate")) for gate in gates}
    if asked and before and dict(asked) != before:
        text = "cockpit.toml asks for other gates by now: p judges it by them"
        above += sentence(text, width, "stopped")
    above.append((("", ""),))
    page = gates_page(gates, tuple(above), width, unfolded)
    notes = [
        line for note in evidence.get("notes") or () for line in sentence(note, width, "quiet")
    ]
    below = ((("", ""),), *notes) if notes else ()
    return Page(page.above, page.titles, page.items, (*page.below, *below))


def _move_lines(move: Move, now: datetime, width: int) -> Iterator[Parts]:
    word, tone = HOWS.get(move.how, (fmt.plain(move.how), ""))
    told = f" to {fmt.plain(move.alias)} {fmt.age(move.time, now)} by {fmt.plain(move.who)}"
    yield (word, f"bold {tone}" if move.how == "forced" else tone), (told, "")
    if move.reason:
        yield from sentence(f"“{move.reason}”", width, "", 1)


# History


def history_page(
    moves: Sequence[Move], total: int, now: datetime, width: int, unfolded: Collection[str]
) -> Page:
    """Every move of a model's aliases, the newest first; each unfolds to what it rests on."""
    titles, lines = laid_out(TRAIL, [_move_row(move, now) for move in moves], width)
    items = []
    for move, line in zip(moves, lines, strict=True):
        key = key_of(move)
        under = tuple(_why(move, width)) if key in unfolded else ()
        items.append(Item(key, line, folds=True, under=under))
    below: tuple[Parts, ...] = ()
    if total > len(moves):
        text = f"{len(moves)} of {fmt.count(total)} moves; cockpit history --limit N shows more"
        below = sentence(text, width, "quiet")
    return Page((), titles, tuple(items), below)


def key_of(move: Move) -> str:
    """Of its line in the history."""
    return f"move {move.number}"


def _move_row(move: Move, now: datetime) -> list[Cell]:
    word, tone = HOWS.get(move.how, (fmt.plain(move.how), ""))
    gates = move.evidence.get("gates") or ()
    passed = sum(gate.get("verdict") != "fail" for gate in gates)
    return [
        (fmt.age(move.time, now), "quiet"),
        (fmt.plain(move.alias), ""),
        (_v(move.origin), "quiet"),
        ("→", "quiet"),
        (_v(move.target), "bold"),
        (word, f"bold {tone}" if move.how == "forced" else tone),
        (fmt.plain(move.who), "quiet"),
        (f"{passed} of {len(gates)}" if gates else "", "quiet"),
        (fmt.plain(move.reason or ""), ""),
    ]


def _v(number: int | None) -> str:
    return fmt.MISSING if number is None else f"v{number}"


def _why(move: Move, width: int) -> Iterator[Parts]:
    evidence = move.evidence
    indent = (("  ", ""),)
    git = evidence.get("git") or {}
    on = evidence.get("on") or {}
    dirty = ", with changes" * bool(git.get("dirty"))
    told = {
        "when": f"{move.time:%Y-%m-%d %H:%M:%S} UTC",
        "by": move.who,
        "why": move.reason,
        "on": on.get("set"),
        "policy": _short(evidence.get("policy")),
        "model": _short((evidence.get("model") or {}).get("bundle")),
        "code": f"{str(git['commit'])[:12]}{dirty}" if git.get("commit") else None,
    }
    pairs = tuple((name, str(text)) for name, text in told.items() if text)
    yield from ((*indent, *parts) for parts in fields(pairs, width - 2))
    for gate in evidence.get("gates") or ():
        mark, tone = LOOKS.get(str(gate.get("verdict")), ("?", "lost"))
        lines = sentence(f"{gate.get('name')}: {gate.get('sentence')}", width - 4, "quiet")
        for place, parts in enumerate(lines):
            yield (*indent, (f"{mark} " if not place else "  ", tone), *parts)


def _short(digest: Any) -> str | None:
    return str(digest).rpartition(":")[2][:12] if digest else None


# Facts


def facts_page(version: Version, finding: Finding, now: datetime, width: int) -> Page:
    """Where a version comes from, what it takes and gives, how large and how fast it is."""
    lines: list[Parts] = []
    for title, pairs in _facts(version, finding, now):
        if pairs:
            lines += [((title, "bold"),), *fields(pairs, width), (("", ""),)]
    if finding.problem:
        lines += sentence(finding.problem[:1].upper() + finding.problem[1:], width, "stopped")
    return Page(tuple(lines))


def about(version: Version, now: datetime, width: int) -> tuple[Parts, ...]:
    """Where a version comes from, in a few lines."""
    return fields(tuple(_origin(version, now).items()), width)


Pairs = tuple[tuple[str, str], ...]


def _origin(version: Version, now: datetime) -> dict[str, str]:
    content = version.content
    git = content.get("git") or {}
    dirty = ", with changes" * bool(git.get("dirty"))
    origin = {
        "run": content.get("name") or version.run,
        "sweep": content.get("sweep"),
        "made": fmt.age(version.time, now),
        "code": f"{git['commit'][:12]} on {git.get('branch')}{dirty}"
        if git.get("commit")
        else None,
        "seed": content.get("seed"),
        "spec": _short(content.get("spec")),
        **{f"data {name}": _short(digest) for name, digest in (content.get("data") or {}).items()},
    }
    return dict(_pairs(origin))


def _facts(version: Version, finding: Finding, now: datetime) -> Iterator[tuple[str, Pairs]]:
    content = version.content
    origin = _origin(version, now)
    run = f"{origin['run']} ({version.run})"
    yield "origin", tuple({**origin, "run": run}.items())
    yield "model", tuple(_model_facts(version, finding))
    rules = content.get("rules") or ()
    yield "rules before it", tuple((str(place), str(rule)) for place, rule in enumerate(rules, 1))
    yield "metrics of its run", _pairs(content.get("metrics") or {})
    yield "config", _pairs(content.get("params") or {})


def _model_facts(version: Version, finding: Finding) -> Iterator[tuple[str, str]]:
    yield "version", version.digest.rpartition(":")[2][:12]
    yield "bundle", version.bundle.rpartition(":")[2][:12]
    found = finding.found
    if not isinstance(found, BundleFacts):
        if not finding.problem:
            yield "format", "reading the bundle, and timing it …"
        return
    yield "format", ", ".join(found.formats)
    yield "size", fmt.size(found.size)
    if found.p50_ms is not None and found.p99_ms is not None:
        times = f"{number(found.p50_ms)} ms a row, 99 % in {number(found.p99_ms)} ms"
        yield "latency", f"{times} (here, {found.rows} rows one by one)"
    else:
        yield "latency", f"not known: {found.slow}"
    labels = f": {', '.join(found.classes)}" if found.classes else ""
    yield "answers", f"{found.target or 'the target'} ({found.task}{labels})"
    yield "takes", f"{len(found.columns)} columns"
    yield from ((f"  {fmt.plain(name)}", kind) for name, kind in found.columns)


def _pairs(told: Mapping[str, Any]) -> Pairs:
    return tuple(
        (fmt.plain(str(name)), value if isinstance(value, str) else fmt.exact(value))
        for name, value in told.items()
        if value is not None
    )
