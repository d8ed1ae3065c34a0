"""What a command names: its program on disk, and the parameters in its placeholders."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from cockpit.sweep.executors.command_line import (
    MORE,
    BadPlaceholder,
    escaped,
    flags,
    placeholders,
    render,
    with_values,
)
from cockpit.sweep.spec.errors import hint, show
from cockpit.sweep.spec.files import beside, interpreter, is_program, placed
from cockpit.sweep.spec.params import BoolParam, CategoricalParam

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cockpit.sweep.spec.errors import Fault
    from cockpit.sweep.spec.params import Param
    from cockpit.sweep.spec.tables import RunTable

DATA = "data:"
PYTHONS = ("python", "python3")


def startable(folder: Path, run: RunTable, data: Mapping[str, Path]) -> RunTable:
    """Its commands with the program found and the data files in place; still templates."""
    files = {f"{DATA}{name}": str(path) for name, path in data.items()}
    ready: dict[str, tuple[str, ...]] = {}
    for key in ("command", "baseline"):
        argv = getattr(run, key)
        if isinstance(argv, tuple):
            program = find_program(folder, run, _text(argv[0]))
            ready[key] = (escaped(str(program)), *with_values(argv[1:], files))
    return run.model_copy(update=ready)


def find_program(folder: Path, run: RunTable, name: str) -> Path | None:
    """The program to start: `python` is the spec's interpreter, where it names one.

    A bare name is sought on PATH, then in the spec's folder, as everything else is.
    """
    if name in PYTHONS and run.python is not None:
        return interpreter(folder, run.python)
    on_path = shutil.which(name) if os.sep not in name else None
    if on_path:
        return Path(on_path)
    path = placed(folder, name)
    return path if is_program(path) else None


def command_faults(
    folder: Path,
    run: RunTable,
    params: Mapping[str, Param] | None,
    data: Mapping[str, str] | None,
) -> Iterator[Fault]:
    """Goes by [params] and [data] where they are fine."""
    for key in ("command", "baseline"):
        argv = getattr(run, key)
        if not isinstance(argv, tuple):
            continue
        here, start = ("run", key), f"[run] {key}"
        try:
            names, switches = placeholders(argv), flags(argv)
        except BadPlaceholder as error:
            yield here, f"{start} {error}"
            continue
        program = _program_fault(folder, run, argv)
        if program:
            yield here, f"{start}: {program}"
        if params is None or data is None:
            continue
        texts = list(_name_faults(names, switches, params, data))
        missing = [name for name in params if name not in names]
        if missing and not texts and key == "command" and not _reads_file(run, names, params):
            texts.append(_left_out(missing, params))
        for text in texts:
            yield here, f"{start} {text}"


def _name_faults(
    names: frozenset[str],
    switches: frozenset[str],
    params: Mapping[str, Param],
    data: Mapping[str, str],
) -> Iterator[str]:
    known = [*params, *MORE, *(f"{DATA}{name}" for name in data)]
    for name in sorted(names - set(known)):
        yield f"holds {{{name}}}, which is no parameter{hint(name, known)}"
    for name in sorted(switches & set(known)):
        if not isinstance(params.get(name), BoolParam):
            yield f"holds {{flag:{name}}}, which is for a bool; write {{{name}}} for its value"
    for name in sorted(names & set(params)):
        param = params[name]
        if isinstance(param, CategoricalParam) and any("\0" in str(c) for c in param.choices):
            yield f"cannot give {name} a choice with a NUL character, which no argument can hold"


def _reads_file(run: RunTable, names: frozenset[str], params: Mapping[str, Param]) -> bool:
    return run.params_file or ("params" in names and "params" not in params)


def _left_out(missing: list[str], params: Mapping[str, Param]) -> str:
    """A parameter that nobody reads would be searched for nothing."""
    forms = " ".join(
        show(f"{{flag:{name}}}" if isinstance(params[name], BoolParam) else f"--{name}={{{name}}}")
        for name in missing[:3]
    )
    return (
        f"has no place for {', '.join(missing[:10])}; add {forms}, or {{params}} for the file of all"
        " parameters, or params_file = true where the program opens COCKPIT_PARAMS"
    )


def _program_fault(folder: Path, run: RunTable, argv: tuple[str, ...]) -> str | None:
    if placeholders(argv[:1]):
        return f"the program {show(argv[0])} holds a placeholder; name the program itself"
    name = _text(argv[0])
    if find_program(folder, run, name) is None:
        return _no_program(folder, name)
    script = _script(argv) if Path(name).name.startswith("python") else None
    if script and not os.path.isfile(placed(folder, script)):
        return f"{script} was not found{beside(placed(folder, script))}"
    return None


def _no_program(folder: Path, name: str) -> str:
    path = placed(folder, name)
    if os.path.isdir(path):
        return f"{show(name)} is a folder; name the program in it"
    if os.path.isfile(path):
        return f"{show(name)} may not be executed; run chmod +x {name}, or name what runs it"
    where = (
        f"was not found{beside(path)}" if os.sep in name else f"is neither on PATH nor in {folder}"
    )
    return f"{show(name)} {where}"


def _script(argv: tuple[str, ...]) -> str | None:
    """The Python file that a command runs, where it can be told."""
    for each in argv[1:]:
        if each.startswith("-"):
            if each[:2] in ("-m", "-c", "-W", "-X"):
                return None
            continue
        return _text(each) if each.endswith(".py") and not placeholders([each]) else None
    return None


def _text(template: str) -> str:
    """What a template without placeholders says."""
    return render([template], {}, {})[0]
