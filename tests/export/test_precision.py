"""Half precision is written into the graph, node by node, with islands of fp32."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnx_ir as ir
import pytest
import torch
from onnx import TensorProto, helper
from torch import Tensor, nn

from engine.errors import ExportError
from export.checking import check_graph, mistyped_nodes, operators
from export.storing import store_weights
from export.tracing import OPSET, WIDEST_HEAD
from tests.export.graphs_on_disk import FRAMES, inferred, write_graph

HALVES = {"fp16": "tensor(float16)", "bf16": "tensor(bfloat16)"}
WIDE = "tensor(float)"


class Small(nn.Module):
    """One of each: what is told of the strength, a sinusoid, a convolution, both norms, attention fused and not."""

    def __init__(self) -> None:
        super().__init__()
        self.k_encoder = nn.Linear(32, 64)
        self.conv = nn.Conv2d(4, 64, 3, padding=1)
        self.group = nn.GroupNorm(32, 64)
        self.layer = nn.LayerNorm(64)
        self.query = nn.Linear(64, 64, bias=False)
        self.widen = nn.Linear(64, WIDEST_HEAD + 8, bias=False)

    def forward(self, latents: Tensor, strength_embedding: Tensor, time_ids: Tensor) -> Tensor:
        x = nn.functional.silu(self.group(self.conv(latents)))
        x = x.flatten(2).transpose(1, 2) + self.k_encoder(strength_embedding)[:, None] + torch.sin(time_ids * 1000)
        heads = self.query(self.layer(x)).unflatten(-1, (2, -1)).transpose(1, 2)
        seen = nn.functional.scaled_dot_product_attention(heads, heads, heads)
        head = self.widen(seen.transpose(1, 2).flatten(2))[:, None]
        out: Tensor = nn.functional.scaled_dot_product_attention(head, head, head)
        return out


def small_inputs() -> dict[str, Tensor]:
    return {
        "latents": torch.randn(3, 4, 8, 8),
        "strength_embedding": torch.randn(3, 32),
        "time_ids": torch.tensor([[6.0]]),
    }


@pytest.fixture(scope="module", params=["fp16", "bf16"])
def graph(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp(request.param)
    dynamic = ({0: FRAMES}, {0: FRAMES}, {})
    return write_graph(folder, Small().eval(), small_inputs(), dynamic, request.param), HALVES[request.param]


def test_every_operator_is_given_one_type(graph: tuple[Path, str]) -> None:
    assert mistyped_nodes(inferred(graph[0])) == []


def test_norms_softmax_and_sinusoids_compute_in_fp32_and_the_rest_in_halves(graph: tuple[Path, str]) -> None:
    path, half = graph
    types: dict[str, set[str]] = {}
    for name, kind in operators(inferred(path)):
        types.setdefault(name, set()).add(kind)
    for name in ("InstanceNormalization", "LayerNormalization", "Softmax", "Sin"):
        assert types[name] == {WIDE}, name
    assert types["Conv"] == {half}
    assert types["Attention"] == {half}
    assert half in types["MatMul"]
    assert types["Sigmoid"] == {half}


def test_the_strength_is_encoded_in_fp32(graph: tuple[Path, str]) -> None:
    """Eight bits of bf16 would round K itself."""
    model = inferred(graph[0])
    kinds = {value.name: value.type.tensor_type.elem_type for value in (*model.graph.value_info, *model.graph.input)}
    (first,) = [node for node in model.graph.node if "strength_embedding" in node.input]
    assert first.op_type in ("Gemm", "MatMul")
    assert kinds[first.output[0]] == TensorProto.FLOAT


def test_what_crosses_to_numpy_is_fp32(graph: tuple[Path, str]) -> None:
    model = onnx.load(graph[0], load_external_data=False)
    borders = (*model.graph.input, *model.graph.output)
    assert {value.type.tensor_type.elem_type for value in borders} == {TensorProto.FLOAT}


def test_large_weights_are_stored_in_halves(graph: tuple[Path, str]) -> None:
    model = onnx.load(graph[0], load_external_data=False)
    outside = [tensor for tensor in model.graph.initializer if tensor.external_data]
    assert outside
    assert all(tensor.data_type in (TensorProto.FLOAT16, TensorProto.BFLOAT16) for tensor in outside)


def test_the_opset_knows_the_types(graph: tuple[Path, str]) -> None:
    model = onnx.load(graph[0], load_external_data=False)
    assert model.opset_import[0].version == OPSET


def test_an_implicit_cast_is_found(tmp_path: Path) -> None:
    """ONNX's own checker does not look at it by itself."""
    one = helper.make_tensor_value_info("one", TensorProto.FLOAT, [2])
    other = helper.make_tensor_value_info("other", TensorProto.FLOAT16, [2])
    out = helper.make_tensor_value_info("out", TensorProto.FLOAT, [2])
    node = helper.make_node("Add", ["one", "other"], ["out"], name="mixed")
    model = helper.make_model(
        helper.make_graph([node], "graph", [one, other], [out]), opset_imports=[helper.make_opsetid("", 20)]
    )
    assert mistyped_nodes(model) == ["mixed (tensor(float) and tensor(float16))"]
    path = tmp_path / "mixed.onnx"
    onnx.save(model, path)
    with pytest.raises(ExportError, match=r"mixed\.onnx"):
        check_graph(path)


def test_a_weight_beyond_the_range_of_fp16_is_refused(tmp_path: Path) -> None:
    weight = ir.Value(name="weight", shape=ir.Shape([2048]), type=ir.TensorType(ir.DataType.FLOAT))
    weight.const_value = ir.tensor(np.full(2048, 1e5, np.float32), name="weight")
    graph = ir.Graph([], [], nodes=[], initializers=[weight], opset_imports={"": 20})
    with pytest.raises(ExportError, match="weight passes the range of fp16"):
        store_weights(ir.Model(graph, ir_version=10), tmp_path / "data", ir.DataType.FLOAT16)
