"""A sweep of any program: what its command may say, and what is found wrong before it starts."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING

import pytest

from cockpit.sweep.executors.command_line import render
from cockpit.sweep.executors.work import MetricSources
from cockpit.sweep.spec import SpecError, load_spec

if TYPE_CHECKING:
    from pathlib import Path

    from cockpit.sweep.spec import Spec

TEXT = """\
[run]
command = ["./train.sh", "--lr={lr}", "{flag:amp}"]
[params]
lr = { type = "float", low = 0.0, high = 1.0 }
amp = { type = "bool" }
[data]
rows = "my {rows}.csv"
"""
COMMAND = '["./train.sh", "--lr={lr}", "{flag:amp}"]'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "train.sh").write_text("#!/bin/sh\n")
    (tmp_path / "train.sh").chmod(0o755)
    (tmp_path / "notes.txt").write_text("no program\n")
    (tmp_path / "train.py").write_text("print({})\n")
    (tmp_path / "my {rows}.csv").write_text("x\n")
    return tmp_path


def loaded(folder: Path, text: str) -> Spec:
    (folder / "sweep.toml").write_text(text)
    return load_spec(folder / "sweep.toml")


def complaint(folder: Path, text: str) -> str:
    with pytest.raises(SpecError) as caught:
        loaded(folder, text)
    return str(caught.value).replace(f"{folder}/sweep.toml ", "").replace(str(folder), "FOLDER")


def test_a_command_is_a_list_whose_program_is_found(folder: Path) -> None:
    spec = loaded(folder, TEXT)
    assert spec.run.function is None
    assert spec.run.command == (f"{folder}/train.sh", "--lr={lr}", "{flag:amp}")
    assert (spec.baseline_kind, spec.metrics_from) == ("point", MetricSources())
    shell = loaded(folder, TEXT.replace('"./train.sh"', '"sh", "train.sh"'))
    assert shell.run.command is not None
    assert shell.run.command[:2] == (shutil.which("sh"), "train.sh")
    bare = loaded(folder, TEXT.replace('"./train.sh"', '"train.sh"'))
    assert bare.run.command == spec.run.command


def test_python_is_the_interpreter_that_the_spec_names(folder: Path) -> None:
    (folder / "bin").mkdir()
    (folder / "bin/python").symlink_to(sys.executable)
    text = TEXT.replace('"./train.sh"', '"python", "train.py"')
    spec = loaded(folder, text.replace("[params]", 'python = "bin/python"\n[params]'))
    assert spec.run.command is not None
    assert spec.run.command[0] == f"{folder}/bin/python"


def test_a_data_file_reaches_the_command_by_its_name(folder: Path) -> None:
    text = TEXT.replace(
        '"{flag:amp}"]', '"{flag:amp}", "{data:rows}"]\nbaseline = ["sh", "{data:rows}"]'
    )
    spec = loaded(folder, text)
    assert spec.run.command is not None
    assert isinstance(spec.run.baseline, tuple)
    assert render(spec.run.command, {"lr": 1, "amp": False}, {})[2] == f"{folder}/my {{rows}}.csv"
    assert render(spec.run.baseline, {}, {})[1] == f"{folder}/my {{rows}}.csv"
    assert spec.baseline_kind == "function"


@pytest.mark.parametrize(
    "command",
    ['["sh", "train.sh", "{params}"]', '["sh", "train.sh"]\nparams_file = true'],
)
def test_a_program_that_reads_the_file_needs_no_placeholders(folder: Path, command: str) -> None:
    assert loaded(folder, TEXT.replace(COMMAND, command)).run.command is not None


def test_where_metrics_come_from_is_said_in_a_table(folder: Path) -> None:
    table = "[metrics]\njson = false\nfile = \"m.jsonl\"\npatterns = ['AUC: (?P<auc>\\S+)']\n"
    assert loaded(folder, TEXT + table).metrics_from == MetricSources(
        json=False, file="m.jsonl", patterns=(r"AUC: (?P<auc>\S+)",)
    )


CASES = {
    '["./train.sh", "{flag:amp}"]': 'line 2: [run] command has no place for lr; add "--lr={lr}", or'
    " {params} for the file of all parameters, or params_file = true where the program opens"
    " COCKPIT_PARAMS",
    '["./train.sh"]': 'line 2: [run] command has no place for lr, amp; add "--lr={lr}" "{flag:amp}",'
    " or {params} for the file of all parameters, or params_file = true where the program opens"
    " COCKPIT_PARAMS",
    '["./train.sh", "{rl}", "{flag:amp}"]': "line 2: [run] command holds {rl}, which is no"
    ' parameter; did you mean "lr"?',
    '["./train.sh", "{lr}", "{flag:apm}"]': "line 2: [run] command holds {apm}, which is no"
    ' parameter; did you mean "amp"?',
    '["./train.sh", "{lr}", "{amp}", "{data:row}"]': "line 2: [run] command holds {data:row}, which"
    ' is no parameter; did you mean "data:rows"?',
    '["./train.sh", "{flag:lr}", "{amp}"]': "line 2: [run] command holds {flag:lr}, which is for a"
    " bool; write {lr} for its value",
    '["./train.sh", "{lr}", "--{flag:amp}"]': 'line 2: [run] command holds "--{flag:amp}", where'
    " {flag:amp} has to be an argument by itself",
    """["./train.sh", '{"lr": {lr}}', "{amp}"]""": 'line 2: [run] command holds "{\\"lr\\": {lr}}"'
    " with a single {; write {{ and }} for braces",
    '"./train.sh --lr={lr}"': 'line 2: [run] command = "./train.sh --lr={lr}" should be a list of'
    ' texts, as in ["python", "train.py", "--lr={lr}"]',
    "[]": "line 2: [run] command = [] names no program; its first text is the program",
    '["{lr}", "{flag:amp}"]': 'line 2: [run] command: the program "{lr}" holds a placeholder; name'
    " the program itself",
    '["./trian.sh", "{lr}", "{amp}"]': 'line 2: [run] command: "./trian.sh" was not found in FOLDER;'
    ' did you mean "train.sh"?',
    '["no-such-program", "{lr}", "{amp}"]': 'line 2: [run] command: "no-such-program" is neither on'
    " PATH nor in FOLDER",
    '["./notes.txt", "{lr}", "{amp}"]': 'line 2: [run] command: "./notes.txt" may not be executed;'
    " run chmod +x ./notes.txt, or name what runs it",
    '["..", "{lr}", "{amp}"]': 'line 2: [run] command: ".." is a folder; name the program in it',
    '["PYTHON", "-u", "trian.py", "{lr}", "{amp}"]': "line 2: [run] command: trian.py was not found"
    ' in FOLDER; did you mean "train.py"?',
}


@pytest.mark.parametrize("command", CASES, ids=range(len(CASES)))
def test_what_cannot_run_is_told_before_anything_runs(folder: Path, command: str) -> None:
    said = complaint(folder, TEXT.replace(COMMAND, command.replace("PYTHON", sys.executable)))
    assert said == CASES[command]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("[executor]\nrecycle = 9", "line 9: [executor] recycle is for a function; a command is"
         " always a new process"),
        ("[metrics]\npatterns = ['AUC: (']", """line 9: [metrics] patterns = ["AUC: ("] is not a"""
         " regular expression: missing ), unterminated subpattern at position 5"),
        ("[metrics]\npatterns = ['AUC: (?P<step>.)']", "line 9: [metrics] patterns = [\"AUC:"
         " (?P<step>.)\"] needs a group by a metric's name, as in 'AUC: (?P<auc>\\S+)'"),
        ('[metrics]\nfile = "/tmp/m"', 'line 9: [metrics] file = "/tmp/m" should lie in the run\'s'
         ' own folder, as in "metrics.jsonl"'),
        ("[[enqueue]]\nepochs = 3", "line 9: [[enqueue]] epochs is not in [params]; known: lr, amp"),
    ],
)  # fmt: skip
def test_tables_beside_a_command_are_checked_with_it(folder: Path, more: str, said: str) -> None:
    assert complaint(folder, TEXT + more) == said


def test_a_baseline_names_known_values_only(folder: Path) -> None:
    text = TEXT.replace("[params]", 'baseline = ["./train.sh", "{lr}", "{depth}"]\n[params]')
    said = complaint(folder, text)
    assert said.startswith("line 3: [run] baseline holds {depth}, which is no parameter")
    text = TEXT.replace("[params]", 'baseline = "train.py:simple"\n[params]')
    assert complaint(folder, text) == "line 3: [run] baseline should be a list, as the command is"


def test_a_choice_that_no_argument_can_hold_is_told(folder: Path) -> None:
    text = TEXT.replace('"{flag:amp}"]', '"{flag:amp}", "{kind}"]')
    text = text.replace("[data]", 'kind = { type = "categorical", choices = ["a\\u0000"] }\n[data]')
    assert "cannot give kind a choice with a NUL character" in complaint(folder, text)
