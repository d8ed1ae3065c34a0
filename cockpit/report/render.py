"""Turns what was gathered into markdown by a template: Jinja2, in a sandbox, everything escaped that is not markdown.

A template may come from elsewhere: it reaches the report's own values and nothing else, neither files nor code.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Literal, NoReturn

from jinja2 import (
    ChoiceLoader,
    FunctionLoader,
    StrictUndefined,
    TemplateError,
    TemplateNotFound,
    TemplateSyntaxError,
)
from jinja2.sandbox import ImmutableSandboxedEnvironment

from cockpit import format as fmt
from cockpit.report import svg, text_plot
from cockpit.report.markdown import Markdown, Table, code, fence, markdown, picture, strong
from cockpit.report.words import figure, moment, percent
from storage.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from cockpit.report.charts import Picture

Charts = Literal["svg", "text", "none"]
_FAULTS = (
    TemplateError,
    TypeError,
    ValueError,
    ArithmeticError,
    LookupError,
    AttributeError,
    RecursionError,
)
"""What a template's expressions can raise."""


class BadTemplate(UserError):
    """A template cannot be used; one sentence: what, in which file and line."""


@dataclass(slots=True)
class Rendered:
    """A report as text, and the files beside it."""

    text: str = ""
    files: dict[str, str] = field(default_factory=dict)
    """Pictures by the names of their files."""


def render(
    subject: str, report: Any, charts: Charts, folder: str = "", template: Path | None = None
) -> Rendered:
    """A report of `subject` (its template's name) with what was gathered; `folder` is where its pictures will lie.

    The same input gives the same bytes. Raises `BadTemplate`.
    """
    done = Rendered()
    environment = _environment(template)
    environment.globals["chart"] = _charts(done, charts, folder)
    given = {one.name: getattr(report, one.name) for one in fields(report)}
    if template is None:
        text = environment.get_template(f"{subject}.md.j2").render(given)
    else:
        try:
            text = environment.get_template(str(template)).render(given)
        except _FAULTS as error:
            _refuse(error, template)
    done.text = (
        re.sub(r"\n{3,}", "\n\n", re.sub(r"[ \t]+$", "", text, flags=re.MULTILINE)).strip() + "\n"
    )
    return done


def _environment(template: Path | None) -> ImmutableSandboxedEnvironment:
    own = FunctionLoader(_own)
    loaders = [own] if template is None else [FunctionLoader(_given(template)), own]
    environment = ImmutableSandboxedEnvironment(
        loader=ChoiceLoader(loaders),
        undefined=StrictUndefined,
        finalize=_put,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        # Our finalize escapes what is put out, as markdown needs it; HTML's escaping is another.
        autoescape=False,
    )
    environment.filters |= FILTERS
    return environment


def _own(name: str) -> tuple[str, str, None] | None:
    """A template that comes with cockpit; `None` where there is none of that name."""
    if not re.fullmatch(r"[a-z]+\.md\.j2", name):
        return None
    found = files("cockpit.report") / "templates" / name
    return (found.read_text("utf-8"), name, None) if found.is_file() else None


def _given(template: Path) -> Callable[[str], tuple[str, str, None] | None]:
    """The template that was asked for, and no other file."""

    def load(name: str) -> tuple[str, str, None] | None:
        if name != str(template):
            return None
        try:
            return template.read_text("utf-8"), name, None
        except OSError as error:
            raise BadTemplate(f"the template {template} cannot be read: {error.strerror}") from None
        except UnicodeDecodeError:
            raise BadTemplate(f"the template {template} is not UTF-8 text") from None

    return load


def _refuse(error: BaseException, template: Path) -> NoReturn:
    if isinstance(error, TemplateSyntaxError):
        raise BadTemplate(
            f"{error.filename or template}, line {error.lineno}: {error.message}"
        ) from None
    if isinstance(error, TemplateNotFound):
        raise BadTemplate(
            f"{template}: there is no template {error.message!r} to build on; there are {', '.join(names())}"
        ) from None
    line = _line_of(error, str(template))
    where = f"{template}, line {line}" if line else str(template)
    hint = (
        " (cockpit report --context SUBJECT lists what there is)"
        if "undefined" in str(error)
        else ""
    )
    raise BadTemplate(f"{where}: {error}{hint}") from None


def _line_of(error: BaseException, name: str) -> int | None:
    """The template's last line that was at work."""
    found, trace = None, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == name:
            found = trace.tb_lineno
        trace = trace.tb_next
    return found


def names() -> list[str]:
    """The templates that come with cockpit."""
    there = (files("cockpit.report") / "templates").iterdir()
    return sorted(one.name for one in there if one.name.endswith(".j2"))


def _charts(done: Rendered, charts: Charts, folder: str) -> Callable[[Picture | None], Markdown]:
    """What `chart(…)` in a template puts there."""

    def chart(given: Picture | None) -> Markdown:
        if given is None or charts == "none":
            return Markdown()
        if charts == "text":
            lines = text_plot.draw(given)
            return fence(lines, "text") if lines else Markdown()
        name = re.sub(r"[^a-z0-9]+", "-", given.name.lower())
        light, dark = f"{name}-light.svg", f"{name}-dark.svg"
        done.files[light] = svg.draw(given, svg.LIGHT)
        done.files[dark] = svg.draw(given, svg.DARK)
        before = f"{folder}/" if folder else ""
        return picture(f"{before}{light}", f"{before}{dark}", given.about)

    return chart


def _put(value: Any) -> Markdown:
    """What an expression of a template comes to; a table has blank lines around it, or it takes in what follows."""
    put = markdown(value)
    return Markdown(f"\n{put}\n") if isinstance(value, Table) and put else put


def _join(values: Iterable[Any], between: str = "") -> Markdown:
    return Markdown(between.join(map(markdown, values)))


def _marked(text: Any) -> Markdown:
    """What a macro of the template gives back, or a text that is trusted."""
    return Markdown(text)


FILTERS: dict[str, Callable[..., Any]] = {
    "code": code,
    "strong": strong,
    "fence": fence,
    "join": _join,
    "safe": _marked,
    "number": figure,
    "duration": fmt.duration,
    "size": fmt.size,
    "count": fmt.count,
    "percent": percent,
    "moment": moment,
}
"""What a template can do with a value, besides Jinja2's own filters."""
