"""A graph that was made to eat memory or time is stopped, and whoever asked is told; the program lives on."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil
import pytest
from onnx import TensorProto, helper
from sklearn.ensemble import HistGradientBoostingClassifier

from cockpit.models.bundle import load_bundle
from cockpit.models.formats import guarded
from cockpit.models.formats.guarded import Guarded
from cockpit.models.formats.skops_model import SkopsModel
from cockpit.models.safety import BundleError, BundleRefused, ModelStopped
from tests.unit.saved_models import fitted, people, save

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

HUGE = 1 << 42
"""Numbers: more than any machine has."""
MUCH = 180_000_000
"""Numbers: 720 MB."""


def graph(nodes: Sequence[Any], **constants: Any) -> bytes:
    """A model of `x` (rows, 1) that answers `y`."""
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 1])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    kinds = {bool: TensorProto.BOOL, int: TensorProto.INT64, float: TensorProto.FLOAT}
    given = [
        helper.make_tensor(
            name, kinds[type(np.ravel(value)[0].item())], np.shape(value), np.ravel(value).tolist()
        )
        for name, value in constants.items()
    ]
    made = helper.make_graph(nodes, "g", [x], [y], given)
    opset = [helper.make_opsetid("", 17)]
    content: bytes = helper.make_model(made, opset_imports=opset, ir_version=8).SerializeToString()
    return content


def node(kind: str, inputs: str, outputs: str, **attributes: Any) -> Any:
    return helper.make_node(kind, inputs.split(), outputs.split(), **attributes)


def loop(times: int) -> bytes:
    """Adds 1 so many times."""
    scalar = helper.make_tensor_value_info
    body = helper.make_graph(
        [node("Identity", "on", "still"), node("Add", "before one", "after")],
        "body",
        [
            scalar("i", TensorProto.INT64, []),
            scalar("on", TensorProto.BOOL, []),
            scalar("before", TensorProto.FLOAT, None),
        ],
        [scalar("still", TensorProto.BOOL, []), scalar("after", TensorProto.FLOAT, None)],
        [helper.make_tensor("one", TensorProto.FLOAT, [], [1.0])],
    )
    return graph([node("Loop", "n yes x", "y", body=body)], n=times, yes=True)


def doubled(times: int) -> bytes:
    """Rows that are laid beside themselves again and again: small to say, and 2 ** times as large."""
    nodes = [node("Concat", f"x{i} x{i}", f"x{i + 1}", axis=1) for i in range(times)]
    nodes = [node("Identity", "x", "x0"), *nodes]
    return graph([*nodes, node("ReduceSum", f"x{times} axis", "y", keepdims=0)], axis=[1])


def of_the_row() -> bytes:
    """As many numbers as the row says: nothing of it can be seen in the graph."""
    return graph(
        [
            node("ReduceMax", "x", "most", keepdims=0),
            node("Cast", "most", "count", to=TensorProto.INT64),
            node("Reshape", "count one", "shape"),
            node("ConstantOfShape", "shape", "big"),
            node("Cos", "big", "bigger"),
            node("ReduceSum", "bigger", "sum", keepdims=0),
            node("Add", "x sum", "y"),
        ],
        one=[1],
    )


def tiled() -> bytes:
    nodes = [
        node("Tile", "x many", "big"),
        node("Cos", "big", "more"),
        node("Add", "more big", "z"),
    ]
    return graph([*nodes, node("ReduceSum", "z axis", "y", keepdims=0)], many=[1, MUCH], axis=[1])


def expanded() -> bytes:
    nodes = [node("Expand", "x many", "big"), node("Cos", "big", "more")]
    return graph(
        [*nodes, node("ReduceSum", "more axis", "y", keepdims=0)], many=[1, MUCH], axis=[1]
    )


ROW = {"x": np.ones(1, dtype=np.float64)}


def asked(content: bytes, rows: dict[str, Any] | None = None) -> Any:
    rows = rows or ROW
    return Guarded(content, ["x"], []).answers(rows, len(rows["x"]))["y_pred"]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guarded, "memory_limit", lambda: 400 << 20)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("make", [tiled, expanded, lambda: doubled(29)])
def test_a_graph_that_eats_memory_is_stopped(make: Callable[[], bytes]) -> None:
    with pytest.raises(
        BundleRefused, match=r"GiB of memory while it answered 1 row, of the 0\.4 it"
    ):
        asked(make())


@pytest.mark.usefixtures("small")
def test_one_that_eats_by_what_stands_in_the_row_is_stopped_there() -> None:
    model = Guarded(of_the_row(), ["x"], [])
    assert model.answers(ROW, 1)["y_pred"].tolist() == [2.0]
    with pytest.raises(BundleRefused, match="of memory while it answered"):
        model.answers({"x": np.array([float(MUCH)])}, 1)
    with pytest.raises(BundleRefused, match="of memory while it answered"):
        model.answers(ROW, 1)  # it is not asked again


def test_what_no_machine_has_is_an_error_of_its_own() -> None:
    huge = graph([node("ConstantOfShape", "shape", "big"), node("Add", "x big", "y")], shape=[HUGE])
    with pytest.raises(BundleError, match=r"the model does not (answer these rows|load)"):
        asked(huge)


def test_one_that_goes_on_for_ever_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    assert asked(loop(10)).tolist() == [11.0]
    monkeypatch.setattr(guarded, "ANSWER_SECONDS", 0.2)
    with pytest.raises(BundleRefused, match="took more than 0 s while it answered 1 row"):
        asked(loop(1 << 40))


def test_rows_are_asked_in_parts_and_come_back_in_order() -> None:
    rows = np.arange(10_000, dtype=np.float64)
    found = asked(loop(3), {"x": rows})
    assert np.array_equal(found, rows + 3)
    assert asked(loop(3), {"x": rows[:0]}).tolist() == []


def test_answers_that_are_not_one_a_row_are_refused() -> None:
    with pytest.raises(BundleError, match="answers 2 rows with 1 values"):
        asked(graph([node("ReduceSum", "x axis", "y")], axis=[0]), {"x": np.ones(2)})


def test_a_model_of_scikit_learn_lives_in_such_a_process_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its types may be allowed, and its numbers such that the code that reads them crashes."""
    rows = people(300)
    trees = HistGradientBoostingClassifier(max_iter=5)
    save(tmp_path / "model", fitted(rows, trees), rows, target="rich")
    bundle = load_bundle(tmp_path / "model")
    assert bundle.signature.formats == ("skops",)
    model = bundle.model
    assert isinstance(model, SkopsModel)
    assert bundle.answers(rows)["y_score"].shape == (300, 2)
    assert model.seconds(bundle.signature.fitted(rows), 5).shape == (5,)
    os.kill(model._model._process.pid, signal.SIGSEGV)
    with pytest.raises(BundleError, match="the process of the model ended while it answered"):
        bundle.answers(rows)
    monkeypatch.setattr(guarded, "memory_limit", lambda: 0)
    with pytest.raises(ModelStopped, match="GiB of memory while it was loaded"):
        load_bundle(tmp_path / "model").answers(rows)


def test_who_was_interrupted_does_not_get_the_answer_to_the_question_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = Guarded(loop(3), ["x"], [])

    def interrupted(*_: object) -> bytes:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(model, "_read", interrupted)
        with pytest.raises(KeyboardInterrupt):
            model.answers({"x": np.ones(5)}, 5)
    with pytest.raises(BundleError, match="was left while it answered 5 rows"):
        model.answers(ROW, 1)


def test_the_process_ends_with_its_model_and_with_its_parent() -> None:
    model = Guarded(loop(1), ["x"], [])
    process = psutil.Process(model._process.pid)
    del model
    gc.collect()
    assert not process.is_running()
    program = (
        "from cockpit.models.formats.guarded import Guarded; import sys, time\n"
        "from tests.unit.test_bundle_guard import loop\n"
        "model = Guarded(loop(1), ['x'], []); print(model._process.pid, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = psutil.Process(int(parent.stdout.readline()))
    os.kill(parent.pid, signal.SIGKILL)
    parent.communicate()
    deadline = time.monotonic() + 20
    while child.is_running() and child.status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline, "a model outlived who asked it"
        time.sleep(0.05)
