"""An export is whole, says what it is, and tells nothing of the machine that made it."""

from __future__ import annotations

import errno
import json
import os
import shutil
from hashlib import sha256
from pathlib import Path

import numpy as np
import onnx
import onnx_ir as ir
import pytest

from engine.errors import CancelledError, OutputExistsError, OutputWriteError, WeightsError
from engine.networks.checkpoint import open_weights
from engine.runtime.onnx.manifest import GRAPHS, Manifest, read_manifest
from engine.runtime.onnx.tensorrt_options import input_shapes, usual_frames
from export import exporting
from export.checking import check_graph, mistyped_nodes
from export.exporting import PARITY, export_weights, named_sizes
from export.storing import ALIGNMENT, store_weights
from export.trtexec import trtexec_lines
from tests.export.exported import exported, smallest_weights


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return smallest_weights(tmp_path_factory)


@pytest.fixture(scope="session")
def halves(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return exported(tmp_path_factory, "fp16")


@pytest.fixture(scope="session")
def manifest(halves: Path) -> Manifest:
    return read_manifest(halves)


def test_the_manifest_describes_the_weights(manifest: Manifest, weights: Path) -> None:
    source = open_weights(weights)
    assert manifest.fingerprint == source.fingerprint
    assert manifest.size == source.size == (128, 64)
    assert manifest.skip_channels == (32, 32, 32, 32)
    assert manifest.context_width == 32
    assert (manifest.precision, manifest.mpi_masks, manifest.clip_input) == ("fp16", "threshold", "normalised")
    assert "CC BY-NC 4.0" in manifest.licence
    assert set(manifest.tools) == {"torch", "onnx", "onnxscript", "onnx_ir", "onnxruntime"}


def test_the_digests_are_those_of_the_files(manifest: Manifest, halves: Path) -> None:
    for file in (*manifest.graphs.values(), *manifest.wide.values(), manifest.copy_graph):
        assert file.sha256 == sha256((halves / file.file).read_bytes()).hexdigest()
        if file.data:
            assert file.data_sha256 == sha256((halves / file.data).read_bytes()).hexdigest()


def test_wide_graphs_share_the_weights_of_the_narrow_ones(manifest: Manifest) -> None:
    assert set(manifest.wide) == set(GRAPHS)
    for name in GRAPHS:
        assert manifest.wide[name].data == manifest.graphs[name].data


def test_the_graphs_are_typed_throughout(manifest: Manifest, halves: Path) -> None:
    for file in (*manifest.graphs.values(), *manifest.wide.values()):
        graph = onnx.load(halves / file.file, load_external_data=False)
        assert mistyped_nodes(onnx.shape_inference.infer_shapes(graph, strict_mode=True)) == []


def test_inputs_and_outputs_are_as_the_manifest_s_page_says(manifest: Manifest, halves: Path) -> None:
    def borders(name: str, wide: bool = False) -> dict[str, tuple[int, list[str]]]:
        files = manifest.wide if wide else manifest.graphs
        graph = onnx.load(halves / files[name].file, load_external_data=False).graph  # type: ignore[index]
        return {
            value.name: (
                value.type.tensor_type.elem_type,
                [dim.dim_param or str(dim.dim_value) for dim in value.type.tensor_type.shape.dim],
            )
            for value in (*graph.input, *graph.output)
        }

    single, half = onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16
    assert borders("encoder")["pictures"] == (single, ["pictures", "3", "64*h", "64*w"])
    assert borders("encoder")["moments"] == (single, ["pictures", "8", "8*h", "8*w"])
    assert borders("encoder")["skip_1"] == (half, ["pictures", "32", "32*h", "32*w"])
    assert borders("encoder", wide=True)["skip_1"][0] == single
    assert borders("unet") == {
        "latents": (single, ["1", "frames", "8", "8*h", "8*w"]),
        "context": (single, ["1", "frames", "32"]),
        "strength_embedding": (single, ["1", "frames", "32"]),
        "time_ids": (single, ["1", "3"]),
        "regions": (onnx.TensorProto.INT32, ["1", "frames", "64*h", "64*w"]),
        "refocused": (single, ["1", "frames", "4", "8*h", "8*w"]),
    }
    assert borders("decoder")["skip_3"] == (half, ["frames", "32", "8*h", "8*w"])
    assert borders("decoder")["pictures"] == (single, ["1", "frames", "3", "64*h", "64*w"])
    assert borders("decoder", wide=True)["skip_0"][0] == single


def test_the_report_holds_every_output_at_two_sizes(halves: Path) -> None:
    report = json.loads((halves / PARITY).read_text(encoding="utf-8"))
    assert [graph["name"] for graph in report["graphs"]] == list(GRAPHS)
    entries = [entry for graph in report["graphs"] for entry in graph["agreements"]]
    assert len({(tuple(entry["size"]), entry["frames"]) for entry in entries}) == 2
    assert all(entry["psnr"] is None or entry["psnr"] > 60 for entry in entries)


def test_nothing_tells_of_the_machine(halves: Path) -> None:
    """The exporter writes paths and lines of source into every node."""
    traces = (str(Path.home()), os.path.sep + "site-packages", "torch.nn", ".py", "stack_trace", str(halves))
    for path in halves.iterdir():
        if path.suffix != ".data":
            text = path.read_bytes()
            assert not [trace for trace in traces if trace.encode() in text], path.name


def test_no_graph_repeats_by_a_count(halves: Path, manifest: Manifest) -> None:
    """``repeat_interleave`` is written wrongly by onnxscript 0.7 where the count is dynamic; nothing here needs it."""
    for file in manifest.graphs.values():
        graph = onnx.load(halves / file.file, load_external_data=False).graph
        assert not {node.op_type for node in graph.node} & {"Tile", "Loop", "Scan", "If", "SequenceAt", "NonZero"}


def test_one_shape_says_it_all_to_trtexec(manifest: Manifest, halves: Path) -> None:
    lines = trtexec_lines(manifest, halves)
    assert len(lines) == 3 * len(GRAPHS)
    (line,) = [line for line in lines if "unet.onnx" in line and "unet.model" in line]
    shapes = "latents:1x8x8x8x16,context:1x8x32,strength_embedding:1x8x32,time_ids:1x3,regions:1x8x64x128"
    for bound in ("min", "opt", "max"):
        assert f"--{bound}Shapes={shapes}" in line
    assert "--stronglyTyped" in line
    assert "--fp16" not in line
    for name in GRAPHS:
        graph = onnx.load(halves / manifest.graphs[name].file, load_external_data=False).graph
        assert list(input_shapes(manifest, name, manifest.size, usual_frames(manifest, name))) == [
            value.name for value in graph.input
        ]


def test_sizes_that_nobody_named_are_the_weights_own_upright_and_half() -> None:
    assert named_sizes((1024, 576)) == {"model": (1024, 576), "portrait": (576, 1024), "proxy": (512, 256)}
    assert named_sizes((64, 64))["proxy"] == (64, 64)


def test_an_export_is_no_folder_of_weights(halves: Path, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="is an export already"):
        export_weights(halves, tmp_path / "out")


def test_a_folder_with_something_in_it_is_not_replaced(weights: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(OutputExistsError, match="not empty"):
        export_weights(weights, tmp_path)
    with pytest.raises(OutputExistsError, match="other things than an export"):
        export_weights(weights, tmp_path, overwrite=True)
    with pytest.raises(OutputExistsError, match="the weights themselves"):
        export_weights(weights, weights, overwrite=True)
    assert (tmp_path / "notes.txt").read_text(encoding="utf-8") == "mine"


def test_a_folder_that_may_not_be_written_is_one_sentence(weights: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(OutputWriteError, match="cannot be written"):
        export_weights(weights, tmp_path / "file" / "out")


def test_a_full_disk_leaves_nothing_and_keeps_what_was_there(
    weights: Path, halves: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "out"
    shutil.copytree(halves, place)

    def full(*_: object) -> bool:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(exporting, "store_weights", full)
    with pytest.raises(OutputWriteError, match="No space left"):
        export_weights(weights, place, parity=False, overwrite=True)
    assert [entry.name for entry in tmp_path.iterdir()] == ["out"]
    assert read_manifest(place) == read_manifest(halves)


def test_a_wish_to_stop_leaves_nothing_half_written(weights: Path, tmp_path: Path) -> None:
    asked = iter([None, None])

    def stop() -> None:
        if next(asked, "stop"):
            raise CancelledError("stopped")

    with pytest.raises(CancelledError):
        export_weights(weights, tmp_path / "out", step=stop)
    assert not list(tmp_path.iterdir())


def test_weights_start_on_pages(tmp_path: Path) -> None:
    model = model_of({"first": np.ones(3000, np.float32), "second": np.ones(1500, np.float32), "small": np.ones(3)})
    assert store_weights(model, tmp_path / "data", ir.DataType.FLOAT16)
    kept = model.graph.initializers
    assert isinstance(kept["second"].const_value, ir.ExternalTensor)
    assert kept["second"].const_value.offset == 2 * ALIGNMENT
    assert not isinstance(kept["small"].const_value, ir.ExternalTensor)


@pytest.mark.slow
def test_a_graph_with_more_than_two_gigabytes_of_weights_loads(tmp_path: Path) -> None:
    """Protocol buffers end at 2 GB; weights beside the graph do not."""
    import onnxruntime

    rows = 9216
    big = np.lib.stride_tricks.as_strided(np.float32(1.5), (rows, 1 << 16), (0, 0))
    model = model_of({"big": np.ascontiguousarray(big)})
    given = ir.Value(name="x", shape=ir.Shape([1, rows]), type=ir.TensorType(ir.DataType.FLOAT))
    model.graph.inputs.append(given)
    node = ir.Node("", "MatMul", [given, model.graph.initializers["big"]], name="product")
    node.outputs[0].name, node.outputs[0].dtype = "out", ir.DataType.FLOAT
    node.outputs[0].shape = ir.Shape([1, 1 << 16])
    model.graph.append(node)
    model.graph.outputs.append(node.outputs[0])
    store_weights(model, tmp_path / "big.onnx.data", ir.DataType.FLOAT)
    exporting.save_graph(model, tmp_path / "big.onnx")
    assert (tmp_path / "big.onnx.data").stat().st_size > 2**31
    check_graph(tmp_path / "big.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "big.onnx", providers=["CPUExecutionProvider"])
    (out,) = session.run(None, {"x": np.full((1, rows), 0.5, np.float32)})
    assert np.allclose(out, 0.75 * rows)


def model_of(tensors: dict[str, np.ndarray]) -> ir.Model:
    values = []
    for name, array in tensors.items():
        array = array.astype(np.float32, copy=False)
        value = ir.Value(name=name, shape=ir.Shape(array.shape), type=ir.TensorType(ir.DataType.FLOAT))
        value.const_value = ir.tensor(array, name=name)
        values.append(value)
    return ir.Model(
        ir.Graph([], [], nodes=[], initializers=values, opset_imports={"": 20}, name="graph"), ir_version=10
    )
