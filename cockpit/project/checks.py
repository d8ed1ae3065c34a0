"""What takes more than one key of cockpit.toml to see: names, expressions, bounds, what refers to what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic_core import PydanticCustomError

from cockpit.project.rules import RuleError, check_rule
from cockpit.project.words import heading, place
from cockpit.sweep.spec.errors import hint, show
from cockpit.sweep.spec.units import seconds

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping

    from cockpit.project.model import (
        ColumnRule,
        Contract,
        DataTable,
        EvaluationTable,
        Kpi,
        ModelTable,
    )
    from cockpit.sweep.spec.errors import Fault, KeyPath

LONGEST_NAME = 100
_FORBIDDEN = "@/\\#"


def name_problem(name: str, versioned: bool = False) -> str | None:
    """What is wrong with a name of a dataset or a model (`versioned`), a slice or a KPI; None where nothing is."""
    if not name.strip() or name != name.strip() or not name.isprintable():
        return "should be visible characters, without spaces at its ends"
    if len(name) > LONGEST_NAME:
        return f"is longer than {LONGEST_NAME} characters"
    if versioned and (any(mark in name for mark in _FORBIDDEN) or name.startswith((".", "-"))):
        return "should be without @ / \\ # and not begin with a dot or a dash"
    return None


def name_faults(table: str, names: Mapping[str, Any]) -> Iterator[Fault]:
    """The names in a table that cannot be."""
    for name in names:
        problem = name_problem(name, versioned=table in ("data", "models"))
        if problem:
            yield (table, name), f"[{table}] {show(name)}: the name {problem}"


def expression_faults(path: KeyPath, text: str) -> Iterator[Fault]:
    """An expression that cannot be parsed; what its columns are is not known here."""
    from storage.expressions.syntax import parse
    from storage.expressions.terms import FilterError

    try:
        parse(text)
    except FilterError as error:
        yield path, f"{place(path)} = {show(text)}: {error}"


def data_faults(name: str, table: DataTable) -> Iterator[Fault]:
    """Of one `[data.NAME]`."""
    path: KeyPath = ("data", name)
    start = heading(path)
    if not table.path.strip() or "\0" in table.path:
        yield (*path, "path"), f"{start} path should name a file, as in {show('rows.parquet')}"
    if table.positive is not None and table.target is None:
        yield (*path, "positive"), f"{start} positive needs target, the column it is a label of"
    if table.target is not None and table.target in table.key:
        yield (*path, "target"), f"{start} target = {show(table.target)} is a column of the key too"
    if table.contract is not None:
        yield from contract_faults((*path, "contract"), table.contract)


def contract_faults(path: KeyPath, contract: Contract) -> Iterator[Fault]:
    """Of a contract, wherever it stands."""
    for column, rule in contract.columns.items():
        yield from _bounds((*path, "columns", column), rule)
    for rule_name, text in contract.rules.items():
        yield from expression_faults((*path, "rules", rule_name), text)
    if contract.fresh is not None:
        try:
            seconds(contract.fresh.within)
        except PydanticCustomError as error:
            here = (*path, "fresh", "within")
            yield here, f"{place(here)} = {show(contract.fresh.within)} {error.message()}"


def kpi_faults(kpis: Mapping[str, Kpi], raw: Mapping[str, Any]) -> Iterator[Fault]:
    for name, kpi in kpis.items():
        path: KeyPath = ("kpis", name)
        yield from expression_faults(
            path if isinstance(raw[name], str) else (*path, "expression"), kpi.expression
        )


def metric_faults(table: EvaluationTable, kpis: Container[str]) -> Iterator[Fault]:
    """Names of metrics and margins that are neither a built-in metric nor a KPI."""
    places: dict[KeyPath, str] = {
        ("evaluation", "metrics", number): name for number, name in enumerate(table.metrics)
    }
    places |= {("evaluation", "margins", name): name for name in table.margins}
    if not places:
        return
    from cockpit.evaluate.metrics import UnknownMetric, find_metric

    for path, name in places.items():
        try:
            if name not in kpis:
                find_metric(name)
        except UnknownMetric as error:
            yield path, f"[evaluation] {path[1]}: {error}"


def model_faults(
    models: Mapping[str, ModelTable], raw: Mapping[str, Mapping[str, Any]]
) -> Iterator[Fault]:
    """Gates and rules that cannot be; `raw` are the tables as the file has them."""
    for name, table in models.items():
        path: KeyPath = ("models", name)
        yield from set_faults(path, table.on, raw["data"])
        yield from _gate_faults(path, table, raw["kpis"], raw["slices"])
        yield from _rule_faults(path, table)


def _gate_faults(
    path: KeyPath, table: ModelTable, kpis: Container[str], slices: Mapping[str, Any]
) -> Iterator[Fault]:
    from cockpit.models.gates.syntax import checked_gate
    from storage.expressions.terms import FilterError

    named = table.gates if not isinstance(table.gates, tuple) else {}
    places: dict[KeyPath, str] = {(*path, "gates", key): text for key, text in named.items()}
    if isinstance(table.gates, tuple):
        places = {(*path, "gates", number): text for number, text in enumerate(table.gates)}
    for here, text in places.items():
        try:
            checked_gate(text, kpis, slices)
        except FilterError as error:
            yield here, f"{place(here)} = {show(text)}: {error}"


def _rule_faults(path: KeyPath, table: ModelTable) -> Iterator[Fault]:
    from storage.expressions.fallbacks import parse_fallback
    from storage.expressions.terms import FilterError

    for number, text in enumerate(table.rules):
        here = (*path, "rules", number)
        try:
            parse_fallback(text)
        except FilterError as error:
            yield here, f"{place(here)} = {show(text)}: {error}"


def evaluation_faults(table: EvaluationTable, data: Mapping[str, Any]) -> Iterator[Fault]:
    """`data` are the entries of [data] as the file has them."""
    yield from set_faults(("evaluation",), table.on, data)


def set_faults(path: KeyPath, on: str | None, data: Mapping[str, Any]) -> Iterator[Fault]:
    """The name of an evaluation set, in the table at `path`, that is none."""
    sets = [name for name, entry in data.items() if _is_evaluation(entry)]
    if on is not None and on not in sets:
        start = f"{heading(path)} on = {show(on)}"
        if on in data:
            yield (*path, "on"), f"{start} needs evaluation = true in [data.{on}]"
        elif sets:
            yield (*path, "on"), f"{start} is no evaluation set{hint(on, sets)}"
        else:
            text = f"{start} is no evaluation set; add [data.{on}] with evaluation = true"
            yield (*path, "on"), text


def _is_evaluation(entry: Any) -> bool:
    return isinstance(entry, dict) and entry.get("evaluation") is True


def _bounds(path: KeyPath, rule: ColumnRule) -> Iterator[Fault]:
    start = heading(path)
    if rule.allowed == ():
        yield (
            (*path, "allowed"),
            f"{start} allowed is empty; leave it out, or name what may be there",
        )
    try:
        check_rule(str(path[-1]), rule)
    except RuleError as error:
        yield (*path, error.key), f"{start} {error.sentence}"
        return
    low, high = rule.min, rule.max
    if low is not None and high is not None and low > high:  # type: ignore[operator]
        yield (*path, "max"), f"{start} max = {show(high)} is below min = {show(low)}"
