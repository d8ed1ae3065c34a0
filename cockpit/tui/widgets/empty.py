"""What to do when there is nothing to show yet."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

from cockpit.tui.theme import css

KEYS = (
    ("L", "a sweep from a spec here, changed as you like"),
    ("D", "the demo: a real sweep on real data, in about a minute"),
    ("I", "import runs of MLflow, Optuna, TensorBoard, wandb, or a CSV file"),
)
NEXT = (
    ("cockpit sweep sweep.toml", "your own sweep, from its spec"),
    ("cockpit sweep train.py:objective --trials 50", "an Optuna objective, as it is"),
)


class Empty(Static):
    """Tells a newcomer exactly what to press and to type."""

    DEFAULT_CSS = """
    Empty { height: 1fr; padding: 1 2; }
    """

    def render(self) -> Content:
        width = max(len(command) for command, _ in NEXT) + 3
        wide = self.content_size.width > width + max(len(text) for _, text in NEXT)
        parts: list[str | tuple[str, str]] = [("No runs yet.", "bold"), " Press\n\n"]
        for key, meaning in KEYS:
            parts.append((f"  {key:<{width}}" if wide else f"  {key}   ", css("accent")))
            parts.append((f"{meaning}\n", css("quiet")))
        parts.append("\nor in a shell, type\n\n")
        for command, meaning in NEXT:
            parts.append((f"  {command:<{width}}" if wide else f"  {command}\n", css("accent")))
            parts.append((f"{meaning}\n" if wide else f"    {meaning}\n", css("quiet")))
        parts.append(("\nRuns show up here by themselves as they start.", css("quiet")))
        return Content.assemble(*parts)
