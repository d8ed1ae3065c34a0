"""Programs in any language sweep unchanged."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import psutil

from tests.e2e.conftest import eventually

if TYPE_CHECKING:
    from tests.e2e.conftest import Project

SHELL = """#!/bin/sh
# takes two words and prints a line; knows nothing of anybody
echo "rows read: 3"
echo "score: $(( $1 * 2 ))"
[ "$2" = "a b" ] || exit 3
"""
ARGPARSE = """
import argparse, json
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, required=True)
parser.add_argument("--layers", type=int, default=1)
parser.add_argument("--amp", action="store_true")
args = parser.parse_args()
for epoch in range(3):
    print(json.dumps({"epoch": epoch, "loss": args.lr / (epoch + args.layers)}))
print(json.dumps({"loss": args.lr, "amp_used": int(args.amp)}))
"""


def sweep(project: Project, run: str, params: str, *, body: str = "", rest: str = "") -> None:
    project.write(
        "sweep.toml",
        f"""
[sweep]
name = "s"
metric = "loss"
trials = 6
seed = 1
{body}
[run]
{run}
[params]
{params}
{rest}
[executor]
workers = 2
grace = 1
""",
    )


def test_a_shell_script(project: Project) -> None:
    project.write("score.sh", SHELL).chmod(0o755)
    sweep(
        project,
        'command = ["./score.sh", "{x}", "{word}"]',
        'x = { type = "int", low = 1, high = 9 }\n'
        'word = { type = "categorical", choices = ["a b"] }',
        rest="[metrics]\npatterns = ['score: (?P<loss>\\d+)']",
    )
    project.run("sweep", "sweep.toml")
    runs = project.json("runs")
    assert [run["state"] for run in runs] == ["complete"] * 6
    assert all(run["metrics"]["loss"] == 2 * run["params"]["x"] for run in runs)


def test_an_argparse_script_with_flags(project: Project) -> None:
    project.write("fit.py", ARGPARSE)
    sweep(
        project,
        'command = ["python", "fit.py", "--lr={lr}", "--layers", "{layers}", "{flag:amp}"]',
        'lr = { type = "float", low = 1e-4, high = 1.0, log = true }\n'
        'layers = { type = "int", low = 1, high = 4 }\namp = { type = "bool" }',
    )
    project.run("sweep", "sweep.toml")
    for run in project.json("runs"):
        assert run["metrics"]["amp_used"] == run["params"]["amp"]
        assert run["metrics"]["loss"] == run["params"]["lr"]


def test_a_program_behind_the_others_is_pruned_with_all_it_started(project: Project) -> None:
    project.write(
        "slow.sh",
        """#!/bin/sh
sleep 1000 &
echo $! >> pids
echo "{\\"loss\\": $1, \\"step\\": 0}"
if [ "$1" -gt 4 ]; then trap '' TERM; while :; do sleep 0.05; done; fi
kill $!
""",
    ).chmod(0o755)
    sweep(
        project,
        'command = ["./slow.sh", "{x}"]',
        'x = { type = "int", low = 1, high = 9, default = 1 }',
        body='pruner = { name = "threshold", upper = 4.5 }\nsampler = "random"',
        rest="[[enqueue]]\nx = 9\n[[enqueue]]\nx = 8\n",
    )
    project.run("sweep", "sweep.toml")
    states = {run["params"]["x"]: run["state"] for run in project.json("runs")}
    assert all((state == "pruned") == (x > 4) for x, state in states.items())
    assert states[9] == "pruned"
    pids = {int(pid) for pid in (project.folder / "pids").read_text().split()}
    eventually(lambda: not any(map(psutil.pid_exists, pids)))


def test_what_lies_in_its_folder_are_the_artifacts(project: Project) -> None:
    project.write(
        "keep.sh",
        '#!/bin/sh\ncp "$COCKPIT_PARAMS" "$COCKPIT_RUN_DIR/model.json"\n'
        'echo "{\\"loss\\": 1}" > "$COCKPIT_RUN_DIR/m.json"\n',
    ).chmod(0o755)
    sweep(
        project,
        'command = ["./keep.sh"]\nparams_file = true',
        'x = { type = "int", low = 1, high = 9 }',
        rest='[metrics]\nfile = "m.json"',
    )
    project.run("sweep", "sweep.toml", "--trials", "1")
    shown = project.json("show", "s#0")
    assert shown["metrics"] == {"loss": 1}
    assert set(shown["artifacts"]["files"]) == {"model.json", "m.json"}
    folder = project.folder / ".cockpit" / "runs" / shown["id"] / "artifacts"
    assert json.loads((folder / "model.json").read_text()) == shown["params"]


def test_a_program_that_fails_says_why_in_its_own_words(project: Project) -> None:
    project.write("fails.sh", '#!/bin/sh\necho "no such column: age" >&2\nexit 4\n').chmod(0o755)
    sweep(project, 'command = ["./fails.sh", "{x}"]', 'x = { type = "int", low = 1, high = 9 }')
    project.run("sweep", "sweep.toml", "--trials", "1", code=3)
    (run,) = project.json("runs")
    assert run["state"] == "failed"
    assert "no such column: age" in run["reason"]
    assert "code 4" in run["reason"]


def test_a_command_that_leaves_a_param_out_is_not_started(project: Project) -> None:
    sweep(project, 'command = ["true"]', 'lr = { type = "float", low = 0.1, high = 1.0 }')
    said = project.run("sweep", "sweep.toml", code=2).stderr
    assert "sweep.toml line" in said
    assert "lr" in said
    assert not (project.folder / ".cockpit").exists()
