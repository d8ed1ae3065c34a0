"""What is wrong with a spec: one line each, with the file, the key, the line and the way out."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from cockpit.sweep.spec import SpecSyntax, load_spec
from cockpit.sweep.spec.errors import nearest, printable
from cockpit.sweep.spec.search import PRUNERS, SAMPLERS
from cockpit.sweep.spec.table import tag
from cockpit.sweep.spec.together import PROJECT
from tests.unit.test_spec import complaints, folder

__all__ = ["folder"]

RUN = '[run]\nfunction = "train.py:train"\n'

CASES = {
    "[sweep]\ntrails = 30": 'line 4: [sweep] trails is not a known key; did you mean "trials"?',
    '[sweep]\ntrials = "ten"': 'line 4: [sweep] trials = "ten" should be a whole number',
    "[sweep]\ntrials = 0": "line 4: [sweep] trials = 0 should be at least 1",
    '[sweep]\ndirection = "max"': 'line 4: [sweep] direction = "max" should be one of "maximize"'
    ' or "minimize"',
    '[sweep]\nmetric = ["a", "b"]': "line 4: [sweep] 2 metrics but 1 direction; give one direction"
    " for each metric, in a list",
    '[sweep]\nmetric = ["a", "a"]': 'line 4: [sweep] metric = ["a", "a"] names "a" more than once;'
    " keep one",
    '[sweep]\nsampler = "tep"': 'line 4: [sweep] sampler = "tep" is not a known sampler; did you'
    ' mean "tpe"?',
    '[sweep]\npruner = "halving"': 'line 4: [sweep] pruner = "halving" is not a known pruner; did'
    ' you mean "successive_halving"?',
    '[sweep]\nsampler = { name = "tpe", n_startup = 3 }': "line 4: [sweep] sampler: n_startup is"
    ' not a known key of tpe; did you mean "n_startup_trials"?',
    '[sweep]\nsampler = { name = "tpe", seed = 3 }': "line 4: [sweep] sampler: seed is not an"
    " option here; put seed = … into [sweep]",
    '[sweep]\npruner = { name = "threshold" }': "line 4: [sweep] pruner threshold needs lower,"
    " upper or both",
    '[sweep]\nname = "a/b"': 'line 4: [sweep] name = "a/b" should have no #, / or \\ in it, nor -'
    " at its start; set [sweep] name",
    '[params]\nlr = { type = "float", low = 0.3, high = 0.001 }': "line 4: [params] lr: low 0.3 is"
    " above high 0.001",
    '[params]\nlr = { type = "float", low = 0, high = 1, log = true }': "line 4: [params] lr:"
    " log = true needs low > 0, and low is 0.0",
    '[params]\nlr = { type = "float", low = 1, high = 2, log = true, step = 0.5 }': "line 4:"
    " [params] lr: log = true and step cannot go together; keep one of them",
    '[params]\nn = { type = "int", low = 1, high = 10, step = 4 }': "line 4: [params] n: step 4"
    " does not end at high 10; the last value is 9: set high to it",
    '[params]\nx = { type = "float", low = 0, high = 1e30, step = 1e-9 }': "line 4: [params] x:"
    " step 1e-09 is too small for the range 0.0 to 1e+30",
    '[params]\nn = { type = "int", low = 1.5, high = 10 }': "line 4: [params] n: low = 1.5 should"
    " be a whole number",
    '[params]\nx = { type = "float", low = nan, high = 1 }': "line 4: [params] x: low = NaN should"
    " be a finite number",
    '[params]\nx = { type = "float", low = 0, high = 1, choices = [1] }': "line 4: [params] x:"
    " choices is not for type float, which takes low, high, log, step, default",
    '[params]\nx = { type = "flaot", low = 0, high = 1 }': 'line 4: [params] x: type = "flaot" is'
    ' not a known type; did you mean "float"?',
    "[params]\nx = { low = 0, high = 1 }": "line 4: [params] x: needs a type, one of float, int,"
    " categorical, bool",
    "[params]\nx = 3": 'line 4: [params] x = 3 should be as in x = { type = "float", low = 0.0,'
    " high = 1.0 }",
    '[params]\nx = { type = "float", low = 0 }': "line 4: [params] x: needs high",
    '[params]\nx = { type = "categorical", choices = [] }': "line 4: [params] x: choices = [] is"
    " empty; give at least one choice",
    '[params]\nx = { type = "categorical", choices = [1, true] }': "line 4: [params] x: choices ="
    " [1, true] holds 1 and true, which are one value; keep one",
    '[params]\nx = { type = "categorical", choices = [0.5, 0.5] }': "line 4: [params] x: choices ="
    " [0.5, 0.5] holds 0.5 more than once; keep one",
    '[params]\nx = { type = "float", low = -1.7e308, high = 1.7e308 }': "line 4: [params] x: the"
    " range -1.7e+308 to 1.7e+308 is too wide for a number to measure",
    '[sweep]\npruner = { name = "hyperband", min_resource = 9, max_resource = 3 }': "line 4: [sweep]"
    " max_resource 3 is below min_resource 9, so that nothing would be pruned",
    '[sweep]\nsampler = { name = "cmaes", with_margin = true, lr_adapt = true }': "line 4: [sweep]"
    " with_margin and lr_adapt cannot go together; keep one of them",
    '[sweep]\nsampler = "grid"\n[params]\n'
    'x = { type = "float", low = 0, high = 1, step = 1e-12 }': "line 4: [sweep] the grid has"
    " 1,000,000,000,001 points; at most 100,000: use wider steps",
    '[sweep]\nsampler = "brute_force"\n[params]\n'
    'x = { type = "int", low = 1, high = 200000 }': 'line 6: [params] x: sampler = "brute_force"'
    " tries all its 200,000 values; at most 100,000: use a wider step",
    '[data]\ntrain = "row.csv"': 'line 4: [data] train = "row.csv" was not found in FOLDER; did'
    ' you mean "rows.csv"?',
    '[data]\ntrain = "part-*.csv"': 'line 4: [data] train = "part-*.csv": no file answers to it in'
    " FOLDER",
    '[data]\ntrain = "."': 'line 4: [data] train = "." is a folder; name a file',
    '[data]\ntrain = "/dev/null"': 'line 4: [data] train = "/dev/null" is no regular file; name one',
    '[limits]\ntimeout = "10 minutes"': 'line 4: [limits] timeout = "10 minutes" should be a time'
    ' such as "10m", "90s" or "1h30m", or a number of seconds',
    '[params]\nx = { type = "float", low = 0, high = 1, default = 2 }': "line 4: [params] x: default"
    " 2.0 is not within low 0.0 and high 1.0",
    '[params]\nx = { type = "float", low = 0, high = 1, step = 0.25, default = 0.3 }': "line 4:"
    " [params] x: default 0.3 is not on a step; the nearest is 0.25",
    '[params]\nx = { type = "categorical", choices = ["a", 1], default = true }': "line 4: [params]"
    ' x: default true is not one of the choices "a", 1',
    '[params]\nx = { type = "bool", default = "yes" }': 'line 4: [params] x: default = "yes" should'
    " be true or false",
    '[sweep]\ntime = "soon"': 'line 4: [sweep] time = "soon" should be a time such as "10m", "90s"'
    ' or "1h30m", or a number of seconds',
    "[sweep]\npatience = 0": "line 4: [sweep] patience = 0 should be at least 1",
    '[sweep]\nduplicates = "drop"': 'line 4: [sweep] duplicates = "drop" should be one of "run" or'
    ' "skip"',
    '[sweep]\nconstraints = ["ms < 20"]': 'line 4: [sweep] constraints = ["ms < 20"] should hold a'
    ' metric, <= or >=, and a number, as in ["latency_ms <= 20"]',
    '[sweep]\nconstraints = "ms <= 20"': 'line 4: [sweep] constraints = "ms <= 20" should be a list'
    ' of texts, as in ["latency_ms <= 20"]',
    '[sweep]\nconstraints = ["ms<=20", "ms <= 20.0"]': 'line 4: [sweep] constraints = ["ms<=20",'
    ' "ms <= 20.0"] holds "ms <= 20" more than once; keep one',
    '[sweep]\nsampler = { name = "nsgaii", crossover = "sbxx" }': "line 4: [sweep] sampler:"
    ' crossover = "sbxx" is not a known crossover; did you mean "sbx"?',
    '[sweep]\nsampler = { name = "nsgaii", crossover = { name = "sbx", et = 2 } }': "line 4:"
    ' [sweep] sampler: crossover: et is not a known key of sbx; did you mean "eta"?',
    '[sweep]\nsampler = { name = "nsgaii", mutation = { name = "polynomial", eta = -1 } }': "line 4:"
    " [sweep] sampler: mutation: eta = -1 should be at least 0.0",
    '[sweep]\nsampler = { name = "nsgaii", population_size = 2, crossover = "spx" }': "line 4:"
    " [sweep] crossover spx needs a population_size of 3",
    '[sweep]\nsampler = { name = "nsgaiii", reference_points = [[1, 2]] }': "line 4: [sweep]"
    " reference_points have 2 numbers each, for 1 metrics; give one number for each metric",
    '[sweep]\nsampler = { name = "nsgaiii", reference_points = [[1], [1, 2]] }': "line 4: [sweep]"
    " sampler: reference_points = [[1], [1, 2]] should be a list of points, as in [[1.0, 0.0],"
    " [0.5, 0.5]]",
    '[limits]\nmemory = "4 giga"': 'line 4: [limits] memory = "4 giga" should be a size such as'
    ' "4GB" or "512MB", or a number of bytes',
    "[limits]\nmemory = 4": 'line 4: [limits] memory = 4 should be at least "1MB"; write it with'
    ' its unit, as in "4GB"',
    "[limits]\nthreads = 0": "line 4: [limits] threads = 0 should be at least 1",
    '[executor]\nisolation = "fork"': 'line 4: [executor] isolation = "fork" should be one of'
    ' "warm" or "process"',
    '[executor]\nisolation = "process"\nrecycle = 9': "line 5: [executor] recycle is for isolation"
    ' = "warm"; a process a trial is always new',
    "[metrics]\njson = true": "line 3: [metrics] is for a command; a function reports and returns"
    " its metrics",
    '[params]\nx = { type = "bool" }\n[[enqueue]]\nx = 1': "line 6: [[enqueue]] x = 1 should be"
    " true or false",
    '[params]\nxs = { type = "bool" }\n[[enqueue]]\n[[enqueue]]\nxz = true': "line 5: [[enqueue]]"
    " is empty; name a parameter and its value below it|sweep.toml line 7: [[enqueue]] xz is not in"
    ' [params]; did you mean "xs"?',
    "[[enqueue]]\nx = [1]": "line 4: [[enqueue]] x = [1] should be text, a number, true or false",
    "[enqueue]\nx = 1": "line 3: [enqueue] should be written [[enqueue]], once for each point, its"
    " values below it",
    '[sweep]\nsampler = "grid"\n[params]\nx = { type = "bool" }\n[[enqueue]]\nx = true': "line 7:"
    ' [[enqueue]] has no use with sampler = "grid", which tries every point; leave it out',
    "[executor]\nworkers = true": "line 4: [executor] workers = true should be a whole number",
    "[executer]\nworkers = 2": 'line 3: [executer] is not a known table; did you mean "executor"?',
    "[[sweep]]\ntrials = 2": "line 3: [sweep] should be a table of keys below the line [sweep],"
    ' not [{"trials": 2}]',
    "[sweep]\ntrials = 1\ntrials = 2": "line 5: trials is set twice; keep one",
    "[sweep]\ntrials = ten": "line 4: not TOML: trials = ten: text needs quotes, true and false"
    " are written small",
    '[sweep]\nname = "x': 'line 4: not TOML: name = "x: the quotes are not closed on this line',
    '[sweep]\nsampler = "grid"': 'line 4: [sweep] sampler = "grid" needs [params] to make a grid of',
    '[sweep]\nsampler = "brute_force"\n[params]\nx = { type = "float", low = 0, high = 1 }': "line"
    ' 6: [params] x: sampler = "brute_force" tries every value, so a float needs a step',
    '[sweep]\nsampler = "grid"\ntrials = 3\n[params]\nx = { type = "bool" }': "line 5: [sweep]"
    " trials = 3 is more than the grid's 2 points; leave trials out to try each once",
}


@pytest.mark.parametrize("text", CASES, ids=range(len(CASES)))
def test_one_mistake_is_one_line_that_says_what_to_do(folder: Path, text: str) -> None:
    expected = CASES[text].replace("FOLDER", str(folder))
    assert complaints(folder, RUN + text) == f"sweep.toml {expected}".split("|")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "",
            'sweep.toml: [run] needs function = "train.py:train", or command = ["python",'
            ' "train.py"]',
        ),
        (
            "[run]\n",
            'sweep.toml line 1: [run] needs function = "train.py:train", or command = ["python",'
            ' "train.py"]',
        ),
        (
            f'{RUN}command = ["sh", "x.sh"]',
            "sweep.toml line 3: [run] has both a function and a command; keep one of them",
        ),
        (
            f'{RUN}baseline = "train.py:smple"',
            'sweep.toml line 3: [run] baseline = "train.py:smple": train.py has no smple; did you'
            ' mean "simple"?',
        ),
        (
            f'{RUN}baseline = ["sh", "x.sh"]',
            'sweep.toml line 3: [run] baseline should be as in "train.py:baseline"',
        ),
        (
            f"{RUN}params_file = true",
            "sweep.toml line 3: [run] params_file is for a command; a function finds its values in"
            " trial.params",
        ),
        (
            '[run]\nfunction = "train.py"',
            'sweep.toml line 2: [run] function = "train.py" should name a file and a function in'
            ' it, as in "train.py:train"',
        ),
        (
            '[run]\nfunction = "trian.py:train"',
            'sweep.toml line 2: [run] function = "trian.py:train": trian.py was not found in'
            ' FOLDER; did you mean "train.py"?',
        ),
        (
            f'{RUN}python = ".venv/bin/python"',
            'sweep.toml line 3: [run] python = ".venv/bin/python": no such interpreter in FOLDER;'
            " make that environment, or leave python out",
        ),
        (f"trials = 3\n{RUN}", "sweep.toml line 1: trials stands above every table; put it below"
         " [sweep]"),
    ],
)  # fmt: skip
def test_nothing_runs_without_a_function_that_is_there(
    folder: Path,
    text: str,
    expected: str,
) -> None:
    assert complaints(folder, text) == [expected.replace("FOLDER", str(folder))]


def test_all_mistakes_are_told_at_once_in_the_files_order(folder: Path) -> None:
    text = "[sweep]\ntrails = 3\nseed = -1\n[run]\nfunctoin = 'a'\n[limits]\ntimeout = 0\n"
    lines = complaints(folder, text)
    assert [line.split(":")[0] for line in lines] == [f"sweep.toml line {n}" for n in (2, 3, 5, 7)]


def test_a_missing_package_is_named_before_the_start(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    (line,) = complaints(folder, f'{RUN}[sweep]\nsampler = "gp"')
    assert line.endswith(
        """sampler = "gp" needs scipy and torch; pip install 'experiment-cockpit[gp]'"""
    )
    text = f'{RUN}[sweep]\npruner = {{ name = "patient", patience = 1, wrapped = "wilcoxon" }}'
    (line,) = complaints(folder, text)
    assert line.endswith("""needs scipy; pip install 'experiment-cockpit[wilcoxon]'""")


def test_every_extra_that_is_named_is_there() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    assert project["name"] == PROJECT
    for model in (*SAMPLERS, *PRUNERS):
        options = {"with_margin": True} if tag(model) == "cmaes" else {}
        setting = model.model_construct(**options)
        extra = project["optional-dependencies"].get(tag(model), [])
        assert [each.partition(">")[0] for each in extra] == sorted(setting.needs)


def test_several_metrics_refuse_what_is_for_one(folder: Path) -> None:
    text = f'{RUN}[sweep]\nmetric = ["a", "b"]\ndirection = ["minimize", "minimize"]\n'
    (line,) = complaints(folder, text + 'pruner = "median"')
    assert line == 'sweep.toml line 6: [sweep] pruner = "median" is for one metric; leave it out' \
        " with several"  # fmt: skip
    for option in ('sampler = "cmaes"', "patience = 3"):
        (line,) = complaints(folder, text + option)
        assert "is for one metric" in line


def test_nothing_from_the_file_reaches_the_terminal_raw(folder: Path) -> None:
    text = RUN + '[params]\n"a\\u001b[31m\\n" = { type = "bool", "\\u009b" = 1 }'
    (line,) = complaints(folder, text)
    assert line.isprintable()
    assert r"a\x1b[31m\n" in line


def test_numbers_and_nestings_beyond_sense_are_errors_not_crashes(folder: Path) -> None:
    for value in ("1" + "0" * 5000, "[" * 5000 + "]" * 5000):
        (line,) = complaints(folder, f"{RUN}[sweep]\nseed = {value}")
        assert line.startswith("sweep.toml: cannot be read as TOML")


def test_bytes_that_are_no_text_are_told_with_their_line(folder: Path) -> None:
    (folder / "sweep.toml").write_bytes(b"[run]\n# caf\xe9\n")
    with pytest.raises(SpecSyntax, match="line 2: not UTF-8 text"):
        load_spec(folder / "sweep.toml")


def test_nearest_finds_typing_mistakes_and_nothing_else() -> None:
    known = ("trials", "sampler", "pruner", "seed", "low", "log")
    assert nearest("trails", known) == "trials"
    assert nearest("Sampler", known) == "sampler"
    assert nearest("lgo", known) == "log"
    assert nearest("epochs", known) is None
    assert nearest("", known) is None
    assert printable("a\x1b[0m\u202eb") == r"a\x1b[0m\u202eb"
