"""A module as a graph on disk, in some precision, and what ONNX Runtime makes of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from export.checking import check_graph
from export.precision import narrow
from export.storing import DTYPES, save_graph, store_weights
from export.tracing import trace_module

FRAMES = torch.export.Dim("frames", min=1, max=64)
HEIGHT = torch.export.Dim("h", min=1, max=64)
WIDTH = torch.export.Dim("w", min=1, max=64)


def write_graph(
    folder: Path,
    module: nn.Module,
    inputs: Mapping[str, Tensor],
    dynamic: tuple[Mapping[int, Any], ...],
    precision: str = "fp32",
) -> Path:
    """Export a module with one output, ``out``, and check the graph."""
    model = trace_module(module, tuple(inputs.values()), tuple(inputs), ("out",), dynamic)
    path = folder / "part.onnx"
    store_weights(model, folder / "part.onnx.data", DTYPES[precision])
    if precision != "fp32":
        narrow(model, DTYPES[precision], (), whole=True)
    save_graph(model, path)
    check_graph(path)
    return path


def run_graph(path: Path, inputs: Mapping[str, Tensor]) -> NDArray[Any]:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    (out,) = session.run(None, {name: value.numpy() for name, value in inputs.items()})
    return np.asarray(out)


def inferred(path: Path) -> onnx.ModelProto:
    """A graph with the types of all its values."""
    return onnx.shape_inference.infer_shapes(onnx.load(path, load_external_data=False), strict_mode=True)
