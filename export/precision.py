"""Graphs in half precision, with every type written out: TensorRT 11 guesses none, and ONNX allows no mixing.

A half holds weights and whatever goes from layer to layer. fp32 are: norms with their scale and shift, softmax where
it stands alone, sinusoids with all that leads to them, what the U-Net is told of the blur strength until it meets the
picture (eight bits would round K), and the preparing of pictures before the first convolution. ``Attention`` is given
halves, which flash attention asks for; it keeps the softmax inside in fp32.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np
import onnx_ir as ir
from onnx_ir.passes import common as passes

from engine.errors import ExportError, require
from export.storing import cast_array

__all__ = ["narrow"]

NORMS: Final = frozenset({"InstanceNormalization", "LayerNormalization"})

ALWAYS_WIDE: Final = NORMS | {"Softmax", "Sin", "Cos", "Exp"}

FOLLOWING: Final = frozenset(
    {
        *("Reshape", "Transpose", "Squeeze", "Unsqueeze", "Slice", "Concat", "Split", "Gather", "Expand", "Identity"),
        *("Where", "AveragePool", "Neg", "Abs", "Greater", "Less", "LessOrEqual", "Equal"),
    }
)
"""Operators that compute nothing that needs precision: they stay in the type of what they are given."""

STRENGTH: Final = "strength_embedding"


def narrow(model: ir.Model, dtype: ir.DataType, borders: Iterable[str], *, whole: bool) -> None:
    """Bring a graph in fp32 to half precision.

    Args:
        model: changed; large weights stored in ``dtype``, and cast back in the graph, as ``store_weights`` leaves them.
        dtype: FLOAT16 or BFLOAT16.
        borders: names of inputs and outputs that are to be halves; all others stay fp32.
        whole: narrow all of it; if not, only what the borders say.

    Raises:
        ExportError: a constant is too large for the type.
    """
    _Narrowing(model.graph, dtype, frozenset(borders)).run(whole)
    passes.RemoveUnusedNodesPass()(model)


class _Narrowing:
    """The work on one graph: from its beginning to its end, each value getting its type."""

    def __init__(self, graph: ir.Graph, dtype: ir.DataType, borders: frozenset[str]) -> None:
        self._graph = graph
        self._half = dtype
        self._borders = borders
        self._casts: dict[tuple[ir.Value, ir.DataType], ir.Value] = {}

    def run(self, whole: bool) -> None:
        if whole:
            for value in self._graph.inputs:
                if value.name in self._borders:
                    value.dtype = self._half
            self._read_stored_weights()
            wide = _islands(self._graph)
            for node in list(self._graph):
                self._settle(node, wide)
        self._settle_outputs()

    def _read_stored_weights(self) -> None:
        """Let weights be read as they are stored."""
        for node in list(self._graph):
            source = node.inputs[0] if node.op_type == "Cast" else None
            if source is not None and source.is_initializer() and source.dtype == self._half:
                node.outputs[0].replace_all_uses_with(source)
                self._graph.remove(node, safe=True)

    def _settle(self, node: ir.Node, wide: set[ir.Node]) -> None:
        """Choose the type that a node computes in, and cast what it is given."""
        if node.op_type == "Cast" or not any(_floats(value) for value in (*node.inputs, *node.outputs)):
            return
        kind = self._kind(node, wide)
        for place, value in enumerate(node.inputs):
            if value is not None and _floats(value) and value.dtype != kind:
                node.replace_input_with(place, self._cast(value, kind, node))
        for value in node.outputs:
            if _floats(value):
                value.dtype = kind

    def _kind(self, node: ir.Node, wide: set[ir.Node]) -> ir.DataType:
        if node in wide:
            return ir.DataType.FLOAT
        if node.op_type in FOLLOWING:
            given = {value.dtype for value in node.inputs if _floats(value) and not _constant(value)}
            if len(given) < 2:
                return next(iter(given), ir.DataType.FLOAT)
        return self._half

    def _cast(self, value: ir.Value, kind: ir.DataType, before: ir.Node) -> ir.Value:
        """``value`` in another type; constants are cast now."""
        known = self._casts.get((value, kind))
        if known is not None:
            return known
        made = self._constant(value, kind) or self._inserted(value, kind, before)
        self._casts[value, kind] = made
        return made

    def _constant(self, value: ir.Value, kind: ir.DataType) -> ir.Value | None:
        tensor = value.const_value
        if tensor is None or isinstance(tensor, ir.ExternalTensor):
            return None
        array = tensor.numpy()
        narrowed = cast_array(array.astype(np.float32), kind)
        fits = bool(np.isfinite(narrowed.astype(np.float32)).all()) or not np.isfinite(array).all()
        require(fits, ExportError, f"the constant {value.name} passes the range of {kind.name.lower()}; use fp32")
        name = f"{value.name}_{kind.name.lower()}"
        made = ir.Value(name=name, shape=value.shape, type=ir.TensorType(kind))
        made.const_value = ir.Tensor(narrowed, dtype=kind, name=name)
        self._graph.register_initializer(made)
        return made

    def _inserted(self, value: ir.Value, kind: ir.DataType, before: ir.Node) -> ir.Value:
        node = ir.Node("", "Cast", [value], [ir.AttrInt64("to", kind)], name=f"Cast_{value.name}_{kind.name.lower()}")
        made = node.outputs[0]
        made.name, made.shape, made.dtype = f"{value.name}_{kind.name.lower()}", value.shape, kind
        self._graph.insert_before(before, node)
        return made

    def _settle_outputs(self) -> None:
        for place, value in enumerate(self._graph.outputs):
            wanted = self._half if value.name in self._borders else ir.DataType.FLOAT
            if value.dtype == wanted:
                continue
            node = ir.Node("", "Cast", [value], [ir.AttrInt64("to", wanted)], name=f"Cast_{value.name}")
            made = node.outputs[0]
            made.shape, made.dtype = value.shape, wanted
            name, value.name = value.name, f"{value.name}_{(value.dtype or wanted).name.lower()}"
            made.name = name
            self._graph.append(node)
            self._graph.outputs[place] = made


def _islands(graph: ir.Graph) -> set[ir.Node]:
    """The nodes that compute in fp32."""
    nodes = list(graph)
    wide = {node for node in nodes if node.op_type in ALWAYS_WIDE}
    first = next((node for node in nodes if node.op_type in ("Conv", "ConvTranspose")), None)
    for node in nodes:
        if node.op_type in ("Sin", "Cos") or node is first:
            source = node.inputs[0]
            wide |= _leading_to(source.producer() if source is not None else None)
        elif node.op_type in ("Mul", "Add") and _is_affine_of_norm(node, wide):
            wide.add(node)
    return wide | _told_of_strength(nodes)


def _leading_to(node: ir.Node | None) -> set[ir.Node]:
    """A node and all that its numbers come from."""
    found: set[ir.Node] = set()
    waiting = [node]
    while waiting:
        node = waiting.pop()
        if node is None or node in found:
            continue
        found.add(node)
        waiting += [value.producer() for value in node.inputs if value is not None and _floats(value)]
    return found


def _is_affine_of_norm(node: ir.Node, wide: set[ir.Node]) -> bool:
    """Whether a product or sum is the scale or shift of a norm over groups, which ONNX says in three operators."""
    constants = [value for value in node.inputs if value is not None and _constant(value)]
    others = [value for value in node.inputs if value is not None and not _constant(value)]
    if len(constants) != 1 or len(others) != 1:
        return False
    before = others[0].producer()
    if before is not None and before.op_type == "Reshape" and before.inputs[0] is not None:
        before = before.inputs[0].producer()
        return before is not None and before.op_type in NORMS
    return before is not None and before.op_type == "Mul" and before in wide and node.op_type == "Add"


def _told_of_strength(nodes: list[ir.Node]) -> set[ir.Node]:
    """What is computed of the blur strength and of nothing else that is not constant."""
    found: set[ir.Node] = set()
    for node in nodes:
        given = [value for value in node.inputs if value is not None and _floats(value) and not _constant(value)]
        if given and all(value.name == STRENGTH or value.producer() in found for value in given):
            found.add(node)
    return found


def _floats(value: ir.Value | None) -> bool:
    return value is not None and value.dtype in (ir.DataType.FLOAT, ir.DataType.FLOAT16, ir.DataType.BFLOAT16)


def _constant(value: ir.Value | None) -> bool:
    return value is not None and value.is_initializer()
