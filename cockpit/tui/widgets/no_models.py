"""How the first model comes to the Models screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content
from textual.widgets import Static

from cockpit import format as fmt
from cockpit.tui.theme import css

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cockpit.tui.models.desk import Asked

TABLE = ("[models.income]", 'gates = ["auc >= incumbent.auc - 0.002"]')
SAVE = "trial.save_model(model, example=rows)"


class NoModels(Static):
    """Tells exactly what to write, and which key or command makes the first version."""

    DEFAULT_CSS = """
    NoModels { display: none; height: 1fr; padding: 1 2; }
    """

    def show(self, asked: Asked) -> None:
        """Say what is missing, as far as cockpit.toml is written."""
        self.update(Content.assemble(*_parts(asked)))


def _parts(asked: Asked) -> Iterator[str | tuple[str, str]]:
    if asked.problem:
        yield f"{fmt.plain(asked.problem[:1].upper() + asked.problem[1:])}\n\n", css("stopped")
    yield "No model has a version yet.", "bold"
    model = next(iter(asked.gates), None)
    if model is None:
        yield " What a version must hold stands in cockpit.toml:\n\n"
        for line in TABLE:
            yield f"  {line}\n", css("accent")
        model = "income"
    else:
        count = len(asked.gates[model])
        text = f" {fmt.plain(model)} has {count} gate{'s' * (count != 1)} in cockpit.toml.\n"
        yield text
    yield "\nA run keeps its model by a line in its code:\n\n"
    yield f"  {SAVE}\n", css("accent")
    yield "\nThen p on that run (1) promotes it; in a shell, type\n\n"
    command = f"cockpit promote RUN --model {fmt.plain(model)} --to production"
    yield f"  {command}\n", css("accent")
