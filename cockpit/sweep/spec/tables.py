"""The tables of a spec but [sweep] and [params]; people keep these files for years."""

from __future__ import annotations

import os
import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, RootModel, model_validator

from cockpit.sweep.spec.params import ParamsTable
from cockpit.sweep.spec.sweep_table import SweepTable
from cockpit.sweep.spec.table import Table, bad_table, bad_value
from cockpit.sweep.spec.units import seconds, size

__all__ = [
    "TABLES",
    "DataTable",
    "ExecutorTable",
    "LimitsTable",
    "MetricsTable",
    "ParamsTable",
    "RunTable",
    "SweepTable",
]

_FUNCTION = re.compile(r"(?P<place>.+):(?P<name>[^:]+)")


def _function(value: Any) -> Any:
    if isinstance(value, str):
        found = _FUNCTION.fullmatch(value)
        if not found or not found["name"].isidentifier():
            raise bad_value('should name a file and a function in it, as in "train.py:train"')
    return value


def _command(value: Any) -> Any:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise bad_value('should be a list of texts, as in ["python", "train.py", "--lr={lr}"]')
    if not value or not value[0]:
        raise bad_value("names no program; its first text is the program")
    if any("\0" in item for item in value):
        raise bad_value("holds a NUL character, which no argument can")
    return tuple(value)


def _function_or_command(value: Any) -> Any:
    return _function(value) if isinstance(value, str) else _command(value)


class RunTable(Table):
    """The user's code, and the interpreter it runs under."""

    function: Annotated[str, BeforeValidator(_function)] | None = None
    """`file.py:name`, the file relative to the spec."""
    command: Annotated[tuple[str, ...], BeforeValidator(_command)] | None = None
    """A program and its arguments, with placeholders (see command_line.py)."""
    python: str | None = None
    """As written in the file; `Spec.python` is the interpreter itself."""
    baseline: Annotated[str | tuple[str, ...], BeforeValidator(_function_or_command)] | None = None
    """What runs first, to be beaten, in the form of the other; None: the default point."""
    params_file: bool = False
    """Whether the command reads its parameters from the file named in COCKPIT_PARAMS."""

    @model_validator(mode="after")
    def _runs_one_thing(self) -> RunTable:
        if self.function is None and self.command is None:
            text = 'needs function = "train.py:train", or command = ["python", "train.py"]'
            raise bad_table(text)
        if self.function is not None and self.command is not None:
            raise bad_table("has both a function and a command; keep one of them", "command")
        if self.command is None and self.params_file:
            text = "params_file is for a command; a function finds its values in trial.params"
            raise bad_table(text, "params_file")
        if self.baseline is not None and isinstance(self.baseline, str) == (self.function is None):
            form = "a list, as the command is" if self.command else 'as in "train.py:baseline"'
            raise bad_table(f"baseline should be {form}", "baseline")
        return self

    @property
    def place(self) -> str:
        """The file (or the module) that has the function; empty for a command."""
        return (self.function or "").rpartition(":")[0]

    @property
    def name(self) -> str:
        """The function in it; empty for a command."""
        return (self.function or "").rpartition(":")[2]


def _patterns(value: Any) -> Any:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise bad_value(r"should be a list of texts, as in ['AUC: (?P<auc>\S+)']")
    for item in value:
        try:
            names = re.compile(item).groupindex
        except (re.error, OverflowError, RecursionError) as error:
            raise bad_value(f"is not a regular expression: {error}") from None
        if not set(names) - {"step"}:
            raise bad_value(r"needs a group by a metric's name, as in 'AUC: (?P<auc>\S+)'")
    return tuple(value)


def _file(value: Any) -> Any:
    if isinstance(value, str) and (os.path.isabs(value) or ".." in value.split("/") or not value):
        raise bad_value('should lie in the run\'s own folder, as in "metrics.jsonl"')
    return value


class MetricsTable(Table):
    """Where a command's metrics are read from."""

    lines: bool = Field(True, alias="json")
    """Whether a line of stdout that is a JSON object holds metrics."""
    file: Annotated[str, BeforeValidator(_file)] | None = None
    """JSON lines, or one JSON object; relative to the run's folder."""
    patterns: Annotated[tuple[str, ...], BeforeValidator(_patterns)] = ()
    """Regular expressions for lines of stdout; each group by name is a metric."""


class DataTable(RootModel[dict[str, str]]):
    """Data files by name."""


class LimitsTable(Table):
    """When a trial is ended from outside."""

    timeout: Annotated[float, BeforeValidator(seconds)] | None = None
    """Seconds."""
    memory: Annotated[int, BeforeValidator(size)] | None = None
    """Bytes resident, of the run's process and all below it."""
    threads: Annotated[int, Field(ge=1, le=4096)] | None = None
    """For OMP_NUM_THREADS and its like; None: cores ÷ workers."""


class ExecutorTable(Table):
    """Where trials run."""

    workers: Annotated[int, Field(ge=1, le=1024)] = 1
    isolation: Literal["warm", "process"] = "warm"
    """`process`: a fresh process for each trial of a function; a command has one anyhow."""
    recycle: Annotated[int, Field(ge=1)] | None = None
    """Trials after which a warm worker makes way for a new one."""
    recycle_memory: Annotated[int, BeforeValidator(size)] | None = None
    """Resident bytes after a trial beyond which it does."""
    retries: Annotated[int, Field(ge=0, le=100)] = 1
    """New attempts at a trial that was lost by nobody's code."""
    grace: Annotated[float, BeforeValidator(seconds)] = 5.0
    """Seconds between SIGTERM and SIGKILL."""

    @model_validator(mode="after")
    def _only_the_warm_are_recycled(self) -> ExecutorTable:
        key = "recycle" if self.recycle is not None else "recycle_memory"
        if self.isolation == "process" and getattr(self, key) is not None:
            text = f'{key} is for isolation = "warm"; a process a trial is always new'
            raise bad_table(text, key)
        return self


TABLES: dict[str, type[Table] | type[RootModel[Any]]] = {
    "sweep": SweepTable,
    "run": RunTable,
    "params": ParamsTable,
    "metrics": MetricsTable,
    "data": DataTable,
    "limits": LimitsTable,
    "executor": ExecutorTable,
}
