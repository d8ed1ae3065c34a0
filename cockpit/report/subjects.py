"""What there are reports of, and what a template of each is given."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from storage.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from storage.layout import Layout

SUBJECTS = {
    "run": "a run",
    "sweep": "a sweep",
    "compare": "runs side by side",
    "model": "a model: its card",
    "promotion": "a promotion, from its evidence",
    "data": "a dataset's version",
}


class NoSuchSubject(UserError):
    """There is no report of that."""


def gather(layout: Layout, subject: str, ids: Sequence[str], on: str | None = None) -> Any:
    """Read what a report says: a `RunReport`, `SweepReport`, …, all of it frozen.

    `ids` are a run, a sweep, several runs, MODEL[@ALIAS], MODEL and the number of a move, or DATASET[@V]. Raises
    what the subject's own `gather` does.
    """
    from cockpit.report import compare, data, model, promotion, run, sweep

    if subject == "compare":
        return compare.gather(layout, ids, on)
    if subject == "promotion":
        return promotion.gather(layout, *ids)
    alone = {"run": run.gather, "sweep": sweep.gather, "model": model.gather, "data": data.gather}
    if subject not in alone:
        raise NoSuchSubject(f"there is no report of {subject!r}; there are: {', '.join(SUBJECTS)}")
    return alone[subject](layout, ids[0], on)


def context(subject: str) -> list[str]:
    """What a template of a subject is given, a name a line, and what it can do with it."""
    from cockpit.report.compare import CompareReport
    from cockpit.report.data import DataReport
    from cockpit.report.model import ModelReport
    from cockpit.report.promotion import PromotionReport
    from cockpit.report.render import FILTERS, names
    from cockpit.report.run import RunReport
    from cockpit.report.sweep import SweepReport

    of: dict[str, type] = {
        "run": RunReport,
        "sweep": SweepReport,
        "compare": CompareReport,
        "model": ModelReport,
        "promotion": PromotionReport,
        "data": DataReport,
    }
    if subject not in of:
        raise NoSuchSubject(f"there is no report of {subject!r}; there are: {', '.join(SUBJECTS)}")
    return [
        f"A template of {SUBJECTS[subject]} is given (Jinja2; what is missing is an error):",
        *_fields(of[subject]),
        "",
        "A Table puts itself there; chart(NAME) puts a Chart or Bars there, as SVG or text.",
        f"Filters besides Jinja2's own: {', '.join(FILTERS)}.",
        "Everything is escaped, but what is Markdown; a macro's outcome needs | safe.",
        f'To change a part: {{% extends "{subject}.md.j2" %}}, and its blocks: {", ".join(_blocks(subject))}.',
        f"Templates that come with cockpit: {', '.join(names())}.",
    ]


def _fields(of: type) -> Iterator[str]:
    said = dict(_docstrings(of))
    wide = max(len(one.name) for one in fields(of))
    for one in fields(of):
        kind = re.sub(r"^tuple\[(.+), \.\.\.\]$", r"several \1", str(one.type))
        text = f"{kind}. {said[one.name]}" if one.name in said else kind
        yield from textwrap.wrap(
            text, 100, initial_indent=f"  {one.name:<{wide}}  ", subsequent_indent=" " * (wide + 4)
        )


def _docstrings(of: type) -> Iterator[tuple[str, str]]:
    """The texts below the fields of a dataclass."""
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(of))).body
    assert isinstance(tree, ast.ClassDef)
    for one, after in zip(tree.body, tree.body[1:], strict=False):
        if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name):
            value = after.value if isinstance(after, ast.Expr) else None
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                yield one.target.id, " ".join(value.value.split())


def _blocks(subject: str) -> list[str]:
    from importlib.resources import files

    text = (files("cockpit.report") / "templates" / f"{subject}.md.j2").read_text("utf-8")
    return re.findall(r"{% block (\w+)", text)
