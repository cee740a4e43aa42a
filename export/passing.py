"""Graphs of one operator, for the runtime's own needs: they copy values on the device."""

from __future__ import annotations

import onnx_ir as ir

from export.tracing import OPSET

__all__ = ["copying_graph"]


def copying_graph(dtype: ir.DataType) -> ir.Model:
    """Input ``source`` (N, C, H, W) to output ``target``, the same."""
    shape = ir.Shape(["n", "c", "h", "w"])
    given = ir.Value(name="source", shape=shape, type=ir.TensorType(dtype))
    node = ir.Node("", "Identity", [given], name="Copy")
    made = node.outputs[0]
    made.name, made.shape, made.dtype = "target", shape, dtype
    graph = ir.Graph([given], [made], nodes=[node], name="copy", opset_imports={"": OPSET})
    return ir.Model(graph, ir_version=10, producer_name="rackfocus")
