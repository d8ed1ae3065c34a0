"""The scores of runs as rows of a comparison, and what has to be said of them. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cockpit import format as fmt
from cockpit.compare import ABSENT, MARKS, Row
from cockpit.interval_words import by_what

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cockpit.compare import Comparison
    from cockpit.evaluate.compare import Score, Scores
    from cockpit.evaluate.metrics import Figure


def scored_rows(found: Scores, runs: Sequence[str]) -> Iterator[Row]:
    """A row a score, of these runs (ids) in their order."""
    against = runs.index(found.base) if found.base in runs else None
    for score in found.scores:
        figures = [score.figures.get(run) for run in runs]
        yield Row(
            group=score.group,
            name=score.name,
            values=tuple(ABSENT if one is None else one.value for one in figures),
            words=tuple(_words(one, score) for one in figures),
            unit="number",
            direction=score.direction,
            title=_title(found, score),
            against=against,
            judged=tuple(score.differences.get(run) for run in runs) if score.differences else (),
            margin=score.margin,
            count=score.n if score.group == "slices" else None,
        )


def rescored(found: Comparison, scores: Scores) -> Comparison:
    """The comparison with these scores in the place of those that stand there."""
    rows = scored_rows(scores, [run.id for run in found.runs])
    new = {(row.group, row.name): row for row in rows}
    return replace(found, rows=tuple(new.get((row.group, row.name), row) for row in found.rows))


def legend(found: Scores, base: str) -> str:
    """What the marks that are there mean; empty where nothing was judged."""
    differences = [one for score in found.scores for one in score.differences.values()]
    there = {one.verdict for one in differences}
    margins = ", ".join(
        dict.fromkeys(
            f"{score.metric} ±{fmt.number(score.margin)}"
            for score in found.scores
            if score.margin is not None
        )
    )
    words = {
        "better": f"better than {base}",
        "worse": f"worse than {base}",
        "equivalent": f"within the margin ({margins})",
        "unclear": "may be chance",
        "not judged": "not judged",
    }
    marks = [f"{MARKS[verdict]} {text}" for verdict, text in words.items() if verdict in there]
    how = by_what(differences, found.resamples)
    how = f"; intervals: {how}" if how else ""
    return f"{', '.join(marks)}: row by row, {100 * found.confidence:g} %{how}" if marks else ""


def _title(found: Scores, score: Score) -> str:
    if score.group == "evaluation":
        newest = "" if found.newest else " (not the newest)"
        return f"on {found.on}{newest}, {found.rows:,} rows"
    return f"{score.metric} by slice" if score.group == "slices" else "kpis"


def _words(figure: Figure | None, score: Score) -> str:
    if figure is None:
        return ""
    if figure.value is None:
        return figure.reason or fmt.MISSING
    unit = f" {score.unit}" if score.unit else ""
    return f"{fmt.number(figure.value, keep_zeros=True)}{unit}"
