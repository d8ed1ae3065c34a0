"""The command line that says what a screen shows, and what of a run is worth copying. Pure.

Everything the screens do, a command does: this is how people learn which.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cockpit import format as fmt

if TYPE_CHECKING:
    from collections.abc import Mapping

    from storage.runs import Run, RunQuery

_HARMLESS = re.compile(r"""[^"$`\\!]*""")


@dataclass(frozen=True, slots=True)
class Offer:
    """Something that can be copied."""

    what: str
    """`id`, `command`, the name of a metric or a param."""
    text: str


def line(*arguments: str, store: str | None = None) -> str:
    """A command line as one types it; `store` where the shell would not find it by itself."""
    head = ["cockpit", *(["--store", store] if store else [])]
    return " ".join(_quoted(word) for word in (*head, *arguments))


def runs(query: RunQuery, directions: Mapping[str, str], store: str | None = None) -> str:
    """The runs a table shows: `cockpit runs --sweep income --sort auc -w "depth < 8"`."""
    arguments = ["runs"]
    if query.sweep:
        arguments += ["--sweep", query.sweep]
    if query.then:
        for key in query.order:
            way = "desc" if key.descending else "asc"
            usual = key.descending == _expected(key.name, directions)
            arguments += ["--sort", key.name if usual else f"{key.name} {way}"]
    else:
        arguments += ["--sort", query.sort] if query.sort else []
        usual = query.descending == _expected(query.sort, directions)
        arguments += [] if usual else ["--reverse"]
    if query.pinned_first:
        arguments.append("--pinned-first")
    if query.where.strip():
        arguments += ["-w", query.where.strip()]
    return line(*arguments, store=store)


def groups(query: RunQuery, by: str, metric: str, store: str | None = None) -> str:
    """The groups of the runs a table shows: `cockpit runs --group-by params.depth --metric auc`."""
    arguments = ["runs", *(["--sweep", query.sweep] if query.sweep else [])]
    arguments += ["--group-by", by, "--metric", metric]
    arguments += ["-w", query.where.strip()] if query.where.strip() else []
    return line(*arguments, store=store)


def of_sweep(name: str, store: str | None = None) -> tuple[str, ...]:
    """What else there is to see of a sweep."""
    return tuple(
        line(*arguments, store=store)
        for arguments in (("best", name), ("importance", name), ("logs", name, "--follow"))
    )


def of_run(run: Run, sort: str | None = None, store: str | None = None) -> tuple[Offer, ...]:
    """What of a run is worth copying: its id, its name, the value it is sorted by, the command that shows it."""
    offers = [Offer("id", run.id), Offer("name", run.name)]
    name = sort or next(iter(run.metrics), None)
    value = _value(run, name)
    if name and value is not None:
        offers.append(Offer(fmt.plain(name), value))
    if run.note:
        offers.append(Offer("note", run.note))
    return (*offers, Offer("command", line("show", run.id, store=store)))


def _value(run: Run, name: str | None) -> str | None:
    """In full, of a metric or a param."""
    if name is None:
        return None
    kind, dot, rest = name.partition(".")
    for scope, values in (("metrics", run.metrics), ("params", run.params)):
        key = rest if dot and kind == scope else name
        if key in values:
            value = values[key]
            return value if isinstance(value, str) else fmt.exact(value)
    return None


def _expected(sort: str | None, directions: Mapping[str, str]) -> bool:
    """Whether the command sorts downwards by itself."""
    from storage.window import descends

    return descends(sort, directions) if sort else True


def _quoted(word: str) -> str:
    """For a POSIX shell; in double quotes where the text itself has single ones, as filters do."""
    word = fmt.plain(word)
    if "'" in word and _HARMLESS.fullmatch(word):
        return f'"{word}"'
    return shlex.quote(word)
