"""How the first dataset comes to the Data screen."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

from cockpit.tui.theme import css

NEXT = (
    ("cockpit data register adult adult.parquet", "a file: CSV, Parquet or JSON lines"),
    ("cockpit data register logs 'logs/*.csv'", "all files of a pattern"),
    ('[data]  train = "adult.parquet"', "in a spec: what its sweeps read is registered by itself"),
)


class NoData(Static):
    """Tells exactly what to type."""

    DEFAULT_CSS = """
    NoData { display: none; height: 1fr; padding: 1 2; }
    """

    def render(self) -> Content:
        width = max(len(command) for command, _ in NEXT) + 3
        wide = self.content_size.width > width + max(len(text) for _, text in NEXT)
        parts: list[str | tuple[str, str]] = [("No datasets yet.", "bold"), " In a shell, type\n\n"]
        for command, meaning in NEXT:
            parts.append((f"  {command:<{width}}" if wide else f"  {command}\n", css("accent")))
            parts.append((f"{meaning}\n" if wide else f"    {meaning}\n", css("quiet")))
        told = (
            "\nVersions show up here by themselves, with what is in them and what is odd about it."
        )
        parts.append((told, css("quiet")))
        return Content.assemble(*parts)
