"""A sweep that can start: what `load_specs` makes of a file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from cockpit.sweep.spec.errors import Problem, SpecInvalid
from cockpit.sweep.spec.lines import key_lines, line_of
from cockpit.sweep.spec.sweep_table import EXHAUSTIVE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from cockpit.sweep.executors.work import MetricSources
    from cockpit.sweep.provenance.data import DataFile
    from cockpit.sweep.spec.errors import KeyPath
    from cockpit.sweep.spec.params import Param
    from cockpit.sweep.spec.sweep_table import SweepTable
    from cockpit.sweep.spec.tables import ExecutorTable, LimitsTable, RunTable

BaselineKind = Literal["none", "point", "function"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """A sweep that can start."""

    path: Path | None
    """The file; None where the sweep was asked for by its function alone."""
    label: str
    """The file as the user named it, for messages."""
    text: str
    """The file's text; TOML in the function form too, so that a store always has one."""
    folder: Path
    """Where the spec lies; the worker's folder."""
    overrides: Mapping[str, Any] = field(default_factory=dict)
    """What was given beside the file, by dotted place: `sweep.trials`."""
    cell: str | None = None
    """Which of the [[matrix]] it is, as in `adult-forest`; its name ends in it."""
    moved: Mapping[KeyPath, KeyPath] = field(default_factory=dict)
    """Where a value that the file does not have in its place does stand; () for nowhere."""
    sweep: SweepTable
    run: RunTable
    """Of a command, and of the baseline that is one, the program is found and `{data:NAME}` filled."""
    python: Path
    """The interpreter of the user's code."""
    params: Mapping[str, Param]
    enqueue: tuple[Mapping[str, Any], ...] = ()
    """Points to be tried first; each names some of the parameters, or all."""
    metrics_from: MetricSources
    data: Mapping[str, Path]
    """Absolute paths by name."""
    versions: Mapping[str, str] = field(default_factory=dict)
    """Of [data], what names a registered version (`adult-eval@v4`), by name; only the store knows its path."""
    kept: Mapping[str, DataFile] = field(default_factory=dict)
    """Of `data`, what is a version already: registered ones, and the project's evaluation sets."""
    limits: LimitsTable
    executor: ExecutorTable

    @property
    def baseline_kind(self) -> BaselineKind:
        """What runs first: nothing, the default point, or the baseline of [run].

        grid and brute_force list their points, of which the default point need not be one.
        """
        if not self.sweep.baseline:
            return "none"
        if self.run.baseline is not None:
            return "function"
        return "none" if self.sweep.sampler.name in EXHAUSTIVE else "point"

    def invalid(self, path: KeyPath, text: str) -> SpecInvalid:
        """An error that only a later step could find, with its file and line."""
        line = None if self.path is None else line_of(key_lines(self.text, self.moved), path)
        return SpecInvalid([Problem(self.label, line or None, text)])
