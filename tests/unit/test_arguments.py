"""What a tracked command's own arguments say of the run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from cockpit.tracking.arguments import params_of, stem_of, typed

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    "line, params",
    [
        ("train.py --lr 0.1 --depth=3", {"lr": 0.1, "depth": 3}),
        ("train.py --learning-rate 1e-3", {"learning_rate": 0.001}),
        ("train.py --amp --lr 1", {"amp": True, "lr": 1}),
        ("train.py --lr 1 --amp", {"lr": 1, "amp": True}),
        ("train.py --amp -v", {"amp": True}),
        ("train.py --shift -3 --scale -.5e1", {"shift": -3, "scale": -5.0}),
        ("train.py --shuffle false --loss=log", {"shuffle": False, "loss": "log"}),
        ("train.py --name= --data=a=b", {"name": "", "data": "a=b"}),
        ("train.py --input -", {"input": "-"}),
        ("train.py --opt.lr 2 --lr 1 --lr 3", {"opt.lr": 2, "lr": 3}),
        ("train.py data.csv -x 3 --3 ---", {}),
        ("train.py --lr 1 -- --depth 3", {"lr": 1}),
        ("--lr 1", {}),
    ],
)
def test_options_are_params(line: str, params: dict[str, Any]) -> None:
    found = params_of(line.split(" "))
    assert found == params
    assert [type(value) for value in found.values()] == [type(value) for value in params.values()]


@pytest.mark.parametrize(
    "text, value",
    [("1_000", "1_000"), ("1.", 1.0), ("TRUE", True), ("yes", "yes"), ("9" * 30, float("9" * 30))],
)
def test_only_what_is_plainly_a_number_is_one(text: str, value: Any) -> None:
    assert typed(text) == value


@pytest.mark.parametrize(
    "line, name",
    [
        ("python train.py --lr 1", "train"),
        ("/usr/bin/python3.11 -u src/train.py", "train"),
        ("python -m pkg.train", "train"),
        ("python -c code", "python"),
        ("bash run.sh x", "run"),
        ("./train.sh", "train"),
        ("torchrun --nproc 2 train.py", "train"),
        ("myprog train.py", "myprog"),
        ("python gone.py", "python"),
        ("env A=1 ./python3.11 train.py", "train"),
    ],
)
def test_a_run_is_called_after_its_script(line: str, name: str, tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    for file in ("train.py", "run.sh", "src/train.py", "python3.11"):
        (tmp_path / file).touch()
    assert stem_of(line.split(), tmp_path) == name
