"""Attention and norms over groups are said in the operators that providers have kernels for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import Tensor, nn
from torch.export import Dim

from export.checking import operators
from export.tracing import OPSET, WIDEST_HEAD
from tests.export.graphs_on_disk import FRAMES, inferred, run_graph, write_graph

HEADS = 3
QUERIES, KEYS = Dim("queries", min=1, max=512), Dim("keys", min=1, max=512)

MASKS = {
    "none": None,
    "of keys": lambda batch, _, keys: (batch, 1, 1, keys),
    "of rows": lambda batch, queries, keys: (batch, 1, queries, keys),
    "of all": lambda _, queries, keys: (1, 1, queries, keys),
}
MASKS_SIDES = {
    "of keys": {0: FRAMES, 3: KEYS},
    "of rows": {0: FRAMES, 2: QUERIES, 3: KEYS},
    "of all": {2: QUERIES, 3: KEYS},
}


class Attending(nn.Module):
    def forward(self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None) -> Tensor:
        return nn.functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)


class Norm(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(4, 12)
        nn.init.normal_(self.norm.weight)
        nn.init.normal_(self.norm.bias)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.norm(x)
        return out


def attended(batch: int, queries: int, keys: int, width: int, mask: str = "none") -> dict[str, Tensor]:
    """What goes into attention; a mask leaves every query the first key, as one over depth planes leaves it some."""
    inputs = {
        "query": torch.randn(batch, HEADS, queries, width),
        "key": torch.randn(batch, HEADS, keys, width),
        "value": torch.randn(batch, HEADS, keys, width),
    }
    shape = MASKS[mask]
    if shape is not None:
        inputs["mask"] = torch.rand(shape(batch, queries, keys)) > 0.4
        inputs["mask"][..., 0] = True
    return inputs


def written(folder: Path, width: int, mask: str = "none", precision: str = "fp32") -> Path:
    sides = ({0: FRAMES, 2: QUERIES}, {0: FRAMES, 2: KEYS}, {0: FRAMES, 2: KEYS})
    dynamic = (*sides, MASKS_SIDES[mask]) if mask in MASKS_SIDES else sides
    return write_graph(folder, Attending(), attended(2, 6, 10, width, mask), dynamic, precision)


@pytest.mark.parametrize(
    ("width", "mask"), [(8, "none"), (40, "none"), (64, "none"), (16, "of keys"), (16, "of rows"), (16, "of all")]
)
def test_attention_gives_torch_s_numbers_at_every_size(tmp_path: Path, width: int, mask: str) -> None:
    torch.manual_seed(0)
    path = written(tmp_path, width, mask)
    for batch, queries, keys in ((1, 1, 1), (3, 7, 1), (1, 1, 13), (2, 91, 64), (5, 13, 37)):
        inputs = attended(batch, queries, keys, width, mask)
        wanted = Attending()(**inputs).numpy()
        assert np.abs(run_graph(path, inputs) - wanted).max() < 5e-6, (batch, queries, keys)


@pytest.mark.parametrize(("precision", "kind"), [("fp32", "tensor(float)"), ("fp16", "tensor(float16)")])
def test_attention_is_one_plain_operator(tmp_path: Path, precision: str, kind: str) -> None:
    """One output and nothing said of caps and types, which TensorRT or some kernels of CUDA refuse."""
    model = inferred(written(tmp_path, 16, "of keys", precision))
    counted = operators(model)
    assert counted["Attention", kind] == 1
    assert not {name for name, _ in counted} & {"Softmax", "MatMul", "Where"}
    (node,) = (node for node in model.graph.node if node.op_type == "Attention")
    assert len(node.output) == 1
    assert not node.attribute
    assert {entry.domain: entry.version for entry in model.opset_import} == {"": OPSET}


def test_a_head_too_wide_to_be_fused_is_written_out(tmp_path: Path) -> None:
    torch.manual_seed(0)
    width = WIDEST_HEAD + 8
    path = written(tmp_path, width)
    assert "Attention" not in {name for name, _ in operators(inferred(path))}
    inputs = attended(2, 9, 21, width)
    assert np.abs(run_graph(path, inputs) - Attending()(**inputs).numpy()).max() < 5e-6


def test_halves_come_as_near_as_their_rounding_lets_them(tmp_path: Path) -> None:
    """Each number of the result is a mean of values with weights that sum to one: a few steps of 2^-11."""
    torch.manual_seed(0)
    path = written(tmp_path, 64, "of keys", "fp16")
    inputs = attended(2, 91, 64, 64, "of keys")
    wanted = Attending()(**inputs).numpy()
    error = np.sqrt(np.mean(np.square(run_graph(path, inputs) - wanted)))
    assert error < 2**-11 * np.abs(wanted).max()


@pytest.mark.parametrize("shape", [(3, 12, 10), (3, 12, 4, 6)])
def test_a_norm_over_groups_is_one_kernel_and_bears_a_far_mean(tmp_path: Path, shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    module = Norm().eval()
    path = write_graph(tmp_path, module, {"x": torch.randn(shape)}, ({0: FRAMES},))
    names = {name for name, _ in operators(inferred(path))}
    assert "InstanceNormalization" in names
    assert "GroupNormalization" not in names
    far = torch.randn(5, *shape[1:]) + 300
    with torch.no_grad():
        wanted = module.double()(far.double()).numpy()
    assert np.abs(run_graph(path, {"x": far}) - wanted).max() < 1e-3


def test_onnx_s_own_norm_over_groups_would_fall_apart() -> None:
    """Why it is not used: while this holds, ONNX Runtime has no kernel for it, and its formula cancels."""
    port = [onnx.helper.make_tensor_value_info(name, 1, shape) for name, shape in (("x", [1, 4, 64]), ("w", [4]))]
    node = onnx.helper.make_node("GroupNormalization", ["x", "w", "w"], ["y"], num_groups=2)
    graph = onnx.helper.make_graph([node], "norm", port, [onnx.helper.make_tensor_value_info("y", 1, [1, 4, 64])])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", OPSET)], ir_version=10)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    far = np.random.default_rng(0).normal(3000, 1, (1, 4, 64)).astype(np.float32)
    (out,) = session.run(None, {"x": far, "w": np.ones(4, np.float32)})
    wanted = nn.functional.group_norm(torch.from_numpy(far).double(), 2).numpy() + 1
    assert np.abs(out - wanted).max() > 1e-2
