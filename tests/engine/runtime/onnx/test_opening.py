from __future__ import annotations

import json
import shutil
from hashlib import sha256
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import onnx
import pytest

pytest.importorskip("onnxruntime")

from engine.errors import (
    CorruptWeightsError,
    DependencyError,
    DeviceError,
    MissingWeightsError,
    RackfocusError,
    WeightsError,
)
from engine.runtime import extras
from engine.runtime.onnx.opening import open_onnx_networks
from engine.runtime.opening import open_networks
from engine.shot import AnyToBokehOptions
from tests.engine.runtime.onnx.toys import edit_manifest, frame, make_export


@pytest.fixture
def export(tmp_path: Path) -> Path:
    return make_export(tmp_path / "toy")


def opened(folder: Path, **options: Any) -> Any:  # noqa: ANN401
    return open_networks(AnyToBokehOptions(weights=str(folder), **options))


def digests(export: Path) -> dict[str, Any]:
    """Of the files as they are now, whatever they are."""
    graphs = json.loads((export / "manifest.json").read_text())["graphs"]
    for entry in graphs.values():
        entry["sha256"] = sha256((export / entry["file"]).read_bytes()).hexdigest()
    return {"graphs": graphs}


def test_opening_reads_no_weights(export: Path) -> None:
    (export / "encoder.data").write_bytes(b"")
    assert opened(export).identity.startswith("toy fp32")


def test_what_the_export_was_not_made_for_says_how_to_make_one_that_is(export: Path) -> None:
    again = "export again with rackfocus export --mpi-masks threshold --clip-input normalised, or render with --mpi"
    with pytest.raises(WeightsError, match=again):
        opened(export, profile="paper")
    with pytest.raises(WeightsError, match="rackfocus export --clip-input normalised,"):
        opened(export, clip_input="normalised")
    with pytest.raises(
        DeviceError, match=r"computes in fp32, .*fp16; export again with rackfocus export --precision fp16"
    ):
        opened(export, precision="fp16")
    assert opened(export, precision="fp32", profile="paper", mpi_masks="off", clip_input="plain").size == (128, 64)


def test_without_onnx_runtime_the_error_names_the_commands_that_install_it(
    export: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def find(name: str) -> ModuleSpec | None:
        return None if name == "onnxruntime" else ModuleSpec(name, None)

    monkeypatch.setattr(extras, "find_spec", find)
    with pytest.raises(DependencyError, match=r"pip install -c constraints.txt '.\[onnx\]'.*'.\[gpu\]'"):
        open_onnx_networks(AnyToBokehOptions(weights=str(export)))


@pytest.mark.parametrize(("opset", "version"), [(20, "1.20.1"), (23, "1.25.0"), (23, "2.0.0")])
def test_a_runtime_that_has_the_operators_opens_the_export(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, opset: int, version: str
) -> None:
    monkeypatch.setattr("onnxruntime.__version__", version)
    assert opened(make_export(tmp_path / "toy", opset=opset)).size == (128, 64)


def test_a_runtime_that_is_older_than_the_operators_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Loaded all the same, attention would run on the CPU and nobody would know."""
    monkeypatch.setattr("onnxruntime.__version__", "1.24.4")
    with pytest.raises(
        DependencyError, match=r"opset 23 and needs ONNX Runtime 1\.25 or newer, but 1\.24\.4 is install"
    ):
        opened(make_export(tmp_path / "toy", opset=23))


def test_a_graph_that_is_not_the_manifest_s_is_refused_at_once(export: Path) -> None:
    with (export / "unet.onnx").open("ab") as file:
        file.write(b"\0")
    with pytest.raises(CorruptWeightsError, match=r"unet.onnx: this is not the file"):
        opened(export)


@pytest.mark.parametrize("spoil", ["flip", "truncate", "empty"])
def test_data_that_is_not_the_manifest_s_is_refused_before_a_frame_is_encoded(export: Path, spoil: str) -> None:
    data = export / "decoder.data"
    held = data.read_bytes()
    data.write_bytes({"flip": bytes([held[0] ^ 1]) + held[1:], "truncate": held[:-1], "empty": b""}[spoil])
    networks = opened(export)
    with pytest.raises(CorruptWeightsError, match=r"decoder.data: this is not the file"):
        networks.encode(frame())


def test_a_missing_file_is_named(export: Path) -> None:
    (export / "decoder.data").unlink()
    with pytest.raises(MissingWeightsError, match=r"decoder.data missing"):
        opened(export)


def change(export: Path, how: str) -> None:
    graph = export / "encoder.onnx"
    model = onnx.load(str(graph), load_external_data=False)
    if how == "newer form":
        model.ir_version = 99
    elif how == "newer operators":
        model.opset_import[0].version = 99
    elif how == "unknown operator":
        model.graph.node[0].op_type = "Refocus"
    elif how == "other outputs":
        model.graph.output[0].name, model.graph.node[-1].output[0] = "others", "others"
        model.graph.node.append(onnx.helper.make_node("Identity", ["out"], ["others"]))
        model.graph.node[-2].output[0] = "skip_3"
    graph.write_bytes(b"no graph at all" if how == "rubbish" else model.SerializeToString())


@pytest.mark.parametrize(
    ("how", "kind", "said"),
    [
        ("rubbish", CorruptWeightsError, r"encoder.onnx: this graph is damaged .*copy it again, or export again"),
        (
            "newer form",
            WeightsError,
            r"encoder.onnx: this graph is of a newer kind .*99.*update onnxruntime, or export",
        ),
        ("newer operators", WeightsError, r"encoder.onnx: this graph is of a newer kind .*99.*update onnxruntime"),
        (
            "unknown operator",
            WeightsError,
            r"encoder.onnx: this graph is of a newer kind .*Refocus.*update onnxruntime",
        ),
        ("other outputs", WeightsError, r"encoder.onnx: its inputs and outputs .*others.*export again"),
    ],
)
def test_a_graph_that_cannot_be_used_says_what_it_is(
    export: Path, how: str, kind: type[RackfocusError], said: str
) -> None:
    """With the digests of the files that are there, as an export of another version would have."""
    change(export, how)
    edit_manifest(export, **digests(export))
    networks = opened(export)
    with pytest.raises(kind, match=said):
        networks.encode(frame())


def test_an_export_that_was_moved_is_the_same(export: Path, tmp_path: Path) -> None:
    elsewhere = Path(shutil.copytree(export, tmp_path / "else" / "where"))
    assert opened(elsewhere).identity == opened(export).identity
