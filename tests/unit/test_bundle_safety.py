"""What a bundle may not do: each is refused with a reason, and nothing of it was run."""

from __future__ import annotations

import io
import json
import os
import pickle
import shutil
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest

from cockpit.models.bundle import BundleError, BundleRefused, load_bundle
from cockpit.models.formats import onnx_model, skops_model
from tests.unit.saved_models import claim, fitted, people, save, seal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run") / "model"
    rows = people()
    save(folder, fitted(rows), rows, target="rich", unsafe_pickle=True)
    return folder


@pytest.fixture
def folder(honest: Path, tmp_path: Path) -> Path:
    shutil.copytree(honest, tmp_path / "model")
    load_bundle(tmp_path / "model").check_example()
    return tmp_path / "model"


class Trap:
    """Runs when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> Any:
        return os.system, (f"touch {self.marker}",)


def use(folder: Path, format_: str | None = None) -> None:
    """Ask the model, in a format of its own choice where one is named."""
    if format_ is not None:
        toml = folder / "model.toml"
        told = toml.read_text("utf-8").splitlines()
        lines = [f'formats = ["{format_}"]' if line[:9] == "formats =" else line for line in told]
        toml.write_text("\n".join(lines) + "\n", "utf-8")
        seal(folder)
    load_bundle(folder).predict(people(2))


def _flip(folder: Path) -> None:
    content = bytearray((folder / "model.onnx").read_bytes())
    content[len(content) // 2] ^= 1
    (folder / "model.onnx").write_bytes(content)


def _longer(folder: Path) -> None:
    with (folder / "model.toml").open("a") as file:
        file.write("trusted = ['everything']\n")


def _link(folder: Path) -> None:
    elsewhere = folder.parent / "elsewhere"
    (folder / "model.onnx").rename(elsewhere)
    (folder / "model.onnx").symlink_to(elsewhere)


def _link_of_a_folder(folder: Path) -> None:
    (folder.parent / "away").mkdir()
    (folder / "files").symlink_to(folder.parent / "away")


def _pipe(folder: Path) -> None:
    (folder / "model.onnx").unlink()
    os.mkfifo(folder / "model.onnx")


NOTHING = {"sha256": "0" * 64, "bytes": 0}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_flip, "model.onnx was changed"),
        (_longer, r"has [\d,]+ bytes; its manifest says"),
        (lambda folder: (folder / "model.pkl").unlink(), "model.pkl is missing"),
        (lambda folder: (folder / "numpy.py").touch(), "'numpy.py', of which its manifest knows"),
        (lambda folder: claim(folder, **{"model.pkl": None}), "'model.pkl', of which its manifest"),
        (_link, "is a link"),
        (_link_of_a_folder, "is a link"),
        (_pipe, "no regular file"),
        (lambda folder: claim(folder, **{"../../passwd": NOTHING}), "leads out of the folder"),
        (lambda folder: claim(folder, **{"/etc/passwd": NOTHING}), "leads out of the folder"),
        (lambda folder: claim(folder, **{"a//b": NOTHING}), "leads out of the folder"),
        (lambda folder: claim(folder, **{"a\\..\\b": NOTHING}), "leads out of the folder"),
        (
            lambda folder: claim(folder, a={"sha256": "x", "bytes": 1}),
            "does not say what 'a'",
        ),
        (lambda folder: claim(folder, a=1), "does not say what 'a'"),
        (lambda folder: (folder / "manifest.json").write_text("[" * 99999), "is no manifest"),
        (lambda folder: (folder / "manifest.json").write_text('{"bundle": 1}'), "is no manifest"),
        (lambda folder: (folder / "manifest.json").write_bytes(b" " * (5 << 20)), "too many"),
        (lambda folder: (folder / "manifest.json").unlink(), "is no bundle"),
    ],
)
def test_a_bundle_that_is_not_what_its_manifest_says(
    folder: Path, change: Callable[[Path], Any], message: str
) -> None:
    change(folder)
    with pytest.raises(BundleError, match=message):
        load_bundle(folder)


def test_another_bundle_in_its_place(folder: Path) -> None:
    meant = load_bundle(folder).digest
    (folder / "example.json").write_text((folder / "example.json").read_text("utf-8") + " ")
    seal(folder)
    with pytest.raises(BundleRefused, match="not the bundle that was meant"):
        load_bundle(folder, digest=meant)


@pytest.mark.parametrize(
    "text", ["", "formats = 1", 'formats = ["exe"]', "\x00", "a = " + "[" * 5000]
)
def test_a_signature_that_cannot_be(folder: Path, text: str) -> None:
    (folder / "model.toml").write_text(text, "utf-8")
    seal(folder)
    with pytest.raises(BundleRefused, match="cannot be understood"):
        load_bundle(folder)


def test_a_crafted_pickle_is_not_loaded(folder: Path, tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    trap = pickle.dumps(Trap(marker))
    (folder / "model.pkl").write_bytes(trap)
    with pytest.raises(BundleRefused, match="--unsafe-pickle"):
        use(folder, "pickle")
    for name, format_ in (("model.skops", "skops"), ("model.onnx", "onnx")):
        (folder / name).write_bytes(trap)
        with pytest.raises(BundleRefused, match=f"{name} is no"):
            use(folder, format_)
    assert not marker.exists()


def archive(folder: Path, change: Callable[[dict[str, Any], dict[str, bytes]], None]) -> None:
    """Write model.skops anew, its schema and its members changed."""
    path = folder / "model.skops"
    with zipfile.ZipFile(path) as read:
        members = {name: read.read(name) for name in read.namelist()}
    schema = json.loads(members["schema.json"])
    change(schema, members)
    members["schema.json"] = json.dumps(schema).encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as write:
        for name, content in members.items():
            write.writestr(name, content)


def node(loader: str, module: str, name: str, **more: Any) -> dict[str, Any]:
    return {"__loader__": loader, "__module__": module, "__class__": name, "__id__": 1, **more}


@pytest.mark.parametrize(
    ("strange", "message"),
    [
        (node("FunctionNode", "posix", "system"), "posix.system"),
        (node("FunctionNode", "builtins", "eval"), "builtins.eval"),
        (node("FunctionNode", "sklearn.utils", "shuffle"), "sklearn.utils.shuffle"),
        (node("ObjectNode", "subprocess", "Popen"), "subprocess.Popen"),
        (node("ObjectNode", "cockpit.models.bundle", "Bundle"), "cockpit.models.bundle.Bundle"),
        (node("ObjectNode", "sklearn.utils.metadata_routing", "X"), "metadata_routing.X"),
        (node("ObjectNode", "sklearn.externals.joblib.Memory", "Memory"), "joblib.Memory.Memory"),
        (node("TypeNode", "posix", "system"), "posix.system"),
        (node("MethodNode", "sklearn.pipeline", "Pipeline"), "by MethodNode"),
        (node("OperatorFuncNode", "operator", "methodcaller"), "by OperatorFuncNode"),
        (node("ConstructorFromReduceNode", "sklearn.pipeline", "Pipeline"), "by Constructor"),
        (node("LossNode", "os", "system"), "os.system"),
        ({"__class__": "Pipeline", "__module__": "sklearn.pipeline"}, "by None"),
    ],
)
def test_types_that_no_model_may_have(folder: Path, strange: dict[str, Any], message: str) -> None:
    def change(schema: dict[str, Any], members: dict[str, bytes]) -> None:
        schema["content"]["content"]["extra"] = {"a": [strange]}

    archive(folder, change)
    with pytest.raises(BundleRefused, match=message):
        use(folder, "skops")


def test_what_the_artifact_says_may_be_trusted_counts_for_nothing(folder: Path) -> None:
    """Neither in its archive nor in its description."""

    def change(schema: dict[str, Any], members: dict[str, bytes]) -> None:
        schema["trusted"] = schema["__trusted__"] = ["posix.system"]
        schema["content"]["content"]["f"] = node("FunctionNode", "posix", "system", trusted=True)

    archive(folder, change)
    with (folder / "model.toml").open("a") as file:
        file.write('\n[trust]\ntypes = ["posix.system"]\n')
    with pytest.raises(BundleRefused, match=r"wants to load posix\.system, which no model may"):
        use(folder, "skops")


def _npy(array: Any, **options: Any) -> bytes:
    out = io.BytesIO()
    np.save(out, array, **options)
    return out.getvalue()


def _huge() -> bytes:
    out = io.BytesIO()
    told = {"descr": "<f8", "fortran_order": False, "shape": (10**12,)}
    np.lib.format.write_array_header_1_0(out, told)
    return out.getvalue()


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"0.npy": b"\0" * (200 << 20)}, "no honest archive"),
        ({"../../evil.npy": b""}, "no name of a file of its own"),
        ({"/evil.npy": b""}, "no name of a file of its own"),
        ({"a\\b.npy": b""}, "no name of a file of its own"),
        (
            {"0.npy": _npy(np.array([Trap], dtype=object), allow_pickle=True)},
            "holds a pickle in 0.npy",
        ),
        ({"0.npy": _huge()}, "an array of 8,000,000,000,000 bytes"),
        ({"0.npy": b"\x93NUMPY\x09\x00"}, "is no archive of skops"),
        ({"0.npy": b"nothing"}, "is no archive of skops"),
    ],
)
def test_archives_that_are_not_honest(
    folder: Path, members: dict[str, bytes], message: str
) -> None:
    archive(folder, lambda _, there: there.update(members))
    with pytest.raises(BundleRefused, match=message):
        use(folder, "skops")


def test_a_member_that_is_longer_than_it_says(folder: Path) -> None:
    """The directory of the archive understates what comes out: the bytes are cut there and do not add up."""
    archive(folder, lambda _, there: there.update({"big.npy": b"\0" * (50 << 20)}))
    content = bytearray((folder / "model.skops").read_bytes())
    size = (50 << 20).to_bytes(4, "little")
    assert content.count(size) >= 1
    (folder / "model.skops").write_bytes(content.replace(size, (64).to_bytes(4, "little")))
    with pytest.raises(BundleRefused, match="is no archive of skops"):
        use(folder, "skops")


def test_weights_from_another_file(folder: Path, tmp_path: Path) -> None:
    model = onnx.load_model_from_string((folder / "model.onnx").read_bytes())
    weights = onnx.numpy_helper.from_array(np.zeros(4, np.float32), "stolen")
    weights.ClearField("raw_data")
    weights.data_location = onnx.TensorProto.EXTERNAL
    weights.external_data.add(key="location", value="../../../../etc/passwd")
    model.graph.initializer.append(weights)
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(BundleRefused, match="weights from another file"):
        use(folder, "onnx")


def test_operators_of_strangers(folder: Path) -> None:
    model = onnx.load_model_from_string((folder / "model.onnx").read_bytes())
    model.graph.node[0].domain = "evil.example"
    with pytest.raises(BundleRefused, match=r"has the operator evil\.example:"):
        onnx_model.check(model.SerializeToString())
    model.opset_import.add(domain="evil.example", version=1)
    with pytest.raises(BundleRefused, match=r"asks for operators of 'evil\.example'"):
        onnx_model.check(model.SerializeToString())


def test_weights_from_another_file_wherever_they_stand(folder: Path) -> None:
    """In a node's attribute, in a branch of it, in a function: each place where a tensor may be."""
    stolen = onnx.numpy_helper.from_array(np.zeros(4, np.float32), "stolen")
    stolen.ClearField("raw_data")
    stolen.external_data.add(key="location", value="../../etc/passwd")
    constant = onnx.helper.make_node("Constant", [], ["c"], value=stolen)
    branch = onnx.helper.make_graph([constant], "b", [], [])
    choice = onnx.helper.make_node("If", ["x"], ["y"], then_branch=branch, else_branch=branch)
    plain = onnx.load_model_from_string((folder / "model.onnx").read_bytes())
    for place in (constant, choice):
        model = onnx.ModelProto()
        model.CopyFrom(plain)
        model.graph.node.append(place)
        with pytest.raises(BundleRefused, match="weights from another file"):
            onnx_model.check(model.SerializeToString())
    model = onnx.ModelProto()
    model.CopyFrom(plain)
    model.functions.add(name="f", domain="", node=[constant])
    with pytest.raises(BundleRefused, match="weights from another file"):
        onnx_model.check(model.SerializeToString())


def test_an_honest_archive_is_no_matter(folder: Path) -> None:
    skops_model.check((folder / "model.skops").read_bytes())
    use(folder, "skops")
