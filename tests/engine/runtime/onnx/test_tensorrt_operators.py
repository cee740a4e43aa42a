"""The table of what TensorRT takes, on small graphs that it should refuse, and on our own that it should not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from engine.runtime.onnx.tensorrt_operators import ANY, OPERATORS, unsupported

onnx = pytest.importorskip("onnx", reason="needs the export extra")

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

FLOAT, FLOAT16, UINT8, INT64, BOOL, DOUBLE = 1, 10, 2, 7, 9, 11


def graph(
    nodes: list[NodeProto],
    inputs: dict[str, tuple[int, list[int]]],
    outputs: dict[str, int],
    weights: dict[str, list[int]] | None = None,
    opset: int = 20,
) -> ModelProto:
    from onnx import helper

    made = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info(name, kind, shape) for name, (kind, shape) in inputs.items()],
        [helper.make_tensor_value_info(name, kind, None) for name, kind in outputs.items()],
        [helper.make_tensor(name, INT64, [len(whole)], whole) for name, whole in (weights or {}).items()],
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", opset)])
    return onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True)


def node(operator: str, inputs: str, outputs: str, **attributes: Any) -> NodeProto:  # noqa: ANN401
    from onnx import helper

    return helper.make_node(operator, inputs.split(), outputs.split(), name=f"the_{operator}", **attributes)


def reasons(model: ModelProto) -> list[str]:
    return [found.reason for found in unsupported(model, "small")]


PICTURE = {"x": (FLOAT, [1, 3, 8, 8])}


def test_a_graph_of_documented_operators_is_taken() -> None:
    nodes = [node("Sigmoid", "x", "s"), node("Mul", "x s", "m"), node("Reshape", "m shape", "y")]
    assert unsupported(graph(nodes, PICTURE, {"y": FLOAT}, {"shape": [1, 3, 64]})) == []


def test_what_is_refused_says_its_graph_its_node_and_why() -> None:
    (found,) = unsupported(graph([node("NonMaxSuppression", "b s", "y")], BOXES, {"y": INT64}), "unet")
    assert str(found) == (
        "unet: NonMaxSuppression the_NonMaxSuppression: an operator that is not in the table of what TensorRT 10 takes"
    )


BOXES = {"b": (FLOAT, [1, 4, 4]), "s": (FLOAT, [1, 1, 4])}


def test_planes_of_bytes_are_compared_after_a_cast_and_not_before() -> None:
    ports = {"regions": (UINT8, [1, 8, 8]), "one": (UINT8, [1])}
    model = graph([node("LessOrEqual", "regions one", "y")], ports, {"y": 9})
    assert [found.type for found in unsupported(model)] == ["UINT8", "UINT8"]
    nodes = [
        node("Cast", "regions", "whole", to=6),
        node("Cast", "one", "limit", to=6),
        node("LessOrEqual", "whole limit", "y"),
    ]
    assert reasons(graph(nodes, ports, {"y": 9})) == []


def test_bytes_in_the_middle_of_a_graph_are_refused() -> None:
    nodes = [node("Cast", "x", "bytes", to=UINT8), node("Cast", "bytes", "y", to=FLOAT)]
    assert len(reasons(graph(nodes, PICTURE, {"y": FLOAT}))) == 2


def test_numbers_of_twice_the_width_would_be_cast_in_silence_and_are_refused() -> None:
    reason, _ = reasons(graph([node("Add", "x x", "y")], {"x": (DOUBLE, [4])}, {"y": DOUBLE}))
    assert "DOUBLE" in reason


def test_a_graph_whose_types_do_not_follow_is_refused_by_onnx(tmp_path: Path) -> None:
    from onnx import helper

    made = helper.make_graph(
        [node("Add", "x h", "y")],
        "mixed",
        [helper.make_tensor_value_info("x", FLOAT, [4]), helper.make_tensor_value_info("h", FLOAT16, [4])],
        [helper.make_tensor_value_info("y", FLOAT, [4])],
    )
    onnx.save(helper.make_model(made, opset_imports=[helper.make_opsetid("", 20)]), tmp_path / "mixed.onnx")
    with pytest.raises(onnx.shape_inference.InferenceError):
        unsupported(tmp_path / "mixed.onnx")


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ({"mode": "linear", "coordinate_transformation_mode": "align_corners"}, None),
        ({"mode": "nearest", "coordinate_transformation_mode": "asymmetric"}, None),
        ({"mode": "cubic"}, "mode cubic; only nearest and linear"),
        ({"mode": "linear", "antialias": 1}, "antialias"),
        ({"mode": "linear", "coordinate_transformation_mode": "half_pixel_symmetric"}, "coordinates by"),
        ({"mode": "linear", "keep_aspect_ratio_policy": "not_larger"}, "aspect ratio"),
    ],
)
def test_only_some_ways_of_resizing_are_taken(attributes: dict[str, Any], reason: str | None) -> None:
    from onnx import helper

    resize = helper.make_node("Resize", ["x", "", "", "sizes"], ["y"], **attributes)
    found = reasons(graph([resize], PICTURE, {"y": FLOAT}, {"sizes": [1, 3, 4, 4]}))
    assert not found if reason is None else reason in found[0]


def test_axes_that_are_computed_are_refused() -> None:
    ports = {"x": (FLOAT, [1, 4]), "axes": (INT64, [1])}
    (found,) = reasons(graph([node("ReduceMean", "x axes", "y")], ports, {"y": FLOAT}))
    assert found == "axes must be known when the engine is built"
    assert not reasons(graph([node("ReduceMean", "x axes", "y")], {"x": (FLOAT, [1, 4])}, {"y": FLOAT}, {"axes": [1]}))


def test_the_mean_of_a_layer_is_not_an_output() -> None:
    ports = {"x": (FLOAT, [2, 4]), "scale": (FLOAT, [4])}
    model = graph([node("LayerNormalization", "x scale", "y mean")], ports, {"y": FLOAT, "mean": FLOAT})
    assert reasons(model) == ["an output besides the first"]


HEADS = [2, 5, 7, 16]


def attention(inputs: str = "q k v mask", outputs: str = "y", **attributes: Any) -> ModelProto:  # noqa: ANN401
    ports = dict.fromkeys(("q", "k", "v", "past_k", "past_v"), (FLOAT16, HEADS)) | {"mask": (BOOL, [2, 1, 7, 7])}
    given = {name: port for name, port in ports.items() if name in inputs.split()}
    made = dict.fromkeys(outputs.split(), FLOAT16)
    return graph([node("Attention", inputs, outputs, **attributes)], given, made, opset=23)


def test_attention_is_taken_with_a_mask_of_truths_and_without() -> None:
    assert reasons(attention()) == reasons(attention("q k v")) == []


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (lambda: attention("q k v mask past_k past_v", "y present_k present_v"), "keys or values of earlier runs"),
        (lambda: attention("q k v", "y present_k"), "an output besides the first"),
        (lambda: attention(softcap=2.0), "a cap on the logits"),
        (lambda: attention(q_num_heads=5, kv_num_heads=5), "heads told by an attribute"),
    ],
)
def test_attention_is_refused_with_more_than_that(model: Callable[[], ModelProto], reason: str) -> None:
    assert reasons(model())[0].startswith(reason)


def test_an_opset_that_tensorrt_does_not_know_is_refused() -> None:
    model = graph([node("Sigmoid", "x", "y")], PICTURE, {"y": FLOAT})
    model.opset_import[0].version = 25
    assert reasons(model) == ["opset 25; TensorRT knows 9 to 24"]


def test_operators_of_other_makers_are_refused() -> None:
    from onnx import helper

    model = graph([node("Sigmoid", "x", "y")], PICTURE, {"y": FLOAT})
    model.graph.node[0].domain = "com.microsoft"
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    assert len(reasons(model)) == 1


def test_the_table_names_operators_and_types_that_there_are() -> None:
    known = {schema.name for schema in onnx.defs.get_all_schemas()}
    assert set(OPERATORS) <= known
    assert set.union(*(set(row.types) for row in OPERATORS.values())) <= set(onnx.TensorProto.DataType.keys())
    assert not ANY & {"DOUBLE", "UINT8"}


@pytest.mark.slow
def test_the_u_net_with_depth_planes_has_nothing_that_tensorrt_does_not_document(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="needs the torch extra")
    pytest.importorskip("onnxscript", reason="needs the export extra")
    from engine.networks.presets import UNetConfig
    from engine.networks.unet import AnyToBokehUNet
    from export.storing import save_graph
    from export.tracing import trace_module

    config = UNetConfig((32, 32), (1, 1), 1, 32, 32, 96)
    inputs = (
        torch.randn(1, 2, 8, 8, 8),
        torch.randn(1, 2, 32),
        torch.randn(1, 2, 32),
        torch.tensor([[6.0, 127.0, 0.0]]),
        torch.randint(0, 4, (1, 2, 64, 64), dtype=torch.int32),
    )
    names = ("latents", "context", "strength_embedding", "time_ids", "regions")
    model = trace_module(AnyToBokehUNet(config).eval(), inputs, names, ("refocused",), ({},) * 5)
    save_graph(model, tmp_path / "unet.onnx")
    assert [str(found) for found in unsupported(tmp_path / "unet.onnx")] == []
