"""Graphs of one operator, for the runtime's own needs: they copy values on the device."""

from __future__ import annotations

import onnx_ir as ir

from export.tracing import OPSET

__all__ = ["copying_graph"]

RANK = 4
"""Of what is copied: (N, C, H, W)."""


def copying_graph(source: ir.DataType, target: ir.DataType) -> ir.Model:
    """Input ``source`` (N, C, H, W) in one type to output ``target`` in the same, or in another."""
    shape = ir.Shape(["n", "c", "h", "w"])
    given = ir.Value(name="source", shape=shape, type=ir.TensorType(source))
    if source == target:
        node = ir.Node("", "Identity", [given], name="Copy")
    else:
        node = ir.Node("", "Cast", [given], [ir.AttrInt64("to", target)], name="Cast")
    made = node.outputs[0]
    made.name, made.shape, made.dtype = "target", shape, target
    graph = ir.Graph([given], [made], nodes=[node], name="copy", opset_imports={"": OPSET})
    return ir.Model(graph, ir_version=10, producer_name="rackfocus")
