"""What the list of columns to choose from says. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cockpit import format as fmt
from cockpit.tui.columns import FIELDS, arranged, known

if TYPE_CHECKING:
    from cockpit.tui.columns import Columns
    from cockpit.tui.measure import Measure
    from storage.runs import RunsPage

KINDS = {"metrics": "metric", "params": "param", "curves": "curve"}
KIND_WIDTH = 8
STATE_WIDTH = 20


@dataclass(frozen=True, slots=True)
class Choice:
    """A column that there can be."""

    id: str
    name: str
    kind: str
    note: str = ""
    """The one value that all rows have."""

    def holds(self, words: str) -> bool:
        """Whether each of some words is part of its name or its kind, case ignored."""
        text = f"{self.kind} {self.name}".lower()
        return all(word in text for word in words.lower().split())


def choices(measure: Measure, page: RunsPage, chosen: Columns) -> tuple[Choice, ...]:
    """Those shown, in their order, then the others by kind."""
    shown = arranged(measure, page, chosen)
    constant = measure.constants(page)
    return tuple(
        _choice(one, measure, constant)
        for one in (*shown, *(one for one in known(page) if one not in shown))
    )


def _choice(one: str, measure: Measure, constant: tuple[str, ...]) -> Choice:
    scope, _, name = one.partition(".")
    if one in FIELDS:
        return Choice(one, FIELDS[one][0], "field")
    same = scope == "params" and name in constant
    note = f"={fmt.value(measure.values[name])} everywhere" if same else ""
    return Choice(one, fmt.plain(name), KINDS[scope], note)


def line(choice: Choice, shown: bool, chosen: Columns, width: int) -> str:
    """`✓ auc   metric   pinned, 9 wide`."""
    wide = dict(chosen.widths).get(choice.id)
    said = ["pinned"] * (choice.id in chosen.pinned) + [f"{wide} wide"] * (wide is not None)
    state = ", ".join(said) or choice.note
    name = fmt.fit(choice.name, max(1, width - KIND_WIDTH - STATE_WIDTH - 4))
    text = f"{'✓' if shown else ' '} {name} {fmt.fit(choice.kind, KIND_WIDTH)} {state}"
    return fmt.fit(text, width)
