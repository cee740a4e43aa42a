"""What TensorRT 10 documents as supported, and what of a graph it does not.

Source: ``docs/operators.md`` of the project onnx-tensorrt, the parser that ONNX Runtime's provider and ``trtexec`` use,
as of TensorRT 10.15 (opset 9 to 24), read on 2026-11-21; only operators that our graphs have or may come to have. A
table cannot prove that an engine builds. It finds what certainly does not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

__all__ = ["OPERATORS", "OPSETS", "Support", "Unsupported", "unsupported"]

OPSETS: Final = range(9, 25)

FLOATS: Final = frozenset({"FLOAT", "FLOAT16", "BFLOAT16"})
WHOLE: Final = frozenset({"INT32", "INT64"})
BOOL: Final = frozenset({"BOOL"})
NUMBERS: Final = FLOATS | WHOLE
ANY: Final = NUMBERS | BOOL
"""ONNX's names of element types. DOUBLE is left out on purpose: TensorRT makes it FLOAT, which is a cast nobody asked
for; UINT8 is only an input or output of the whole graph, with a Cast behind or before it."""


@dataclass(frozen=True)
class Support:
    """One row of the table.

    Attributes:
        types: element types of what it computes on.
        shape_inputs: places of inputs that tell sizes, axes or indices and are whole numbers whatever the types.
        free_outputs: whether its outputs are of a type of their own: comparisons, shapes.
        constants: places of inputs that must be known when the engine is built.
        restriction: says what is wrong with a node, from its attributes, its number of inputs and its outputs; None
            where all is well.
    """

    types: frozenset[str]
    shape_inputs: tuple[int, ...] = ()
    free_outputs: bool = False
    constants: tuple[int, ...] = ()
    restriction: Callable[[Mapping[str, Any], Sequence[str], Sequence[str]], str | None] | None = None


@dataclass(frozen=True)
class Unsupported:
    """A node that TensorRT does not take.

    Attributes:
        graph: name of the file, or what the caller calls the graph.
        node: name of the node.
        operator: like ``LessOrEqual``.
        type: the element type that is at fault; empty where it is something else.
        reason: in words.
    """

    graph: str
    node: str
    operator: str
    type: str
    reason: str

    def __str__(self) -> str:
        return f"{self.graph}: {self.operator} {self.node}: {self.reason}"


def _resize(attributes: Mapping[str, Any], inputs: Sequence[str], _: Sequence[str]) -> str | None:
    mode = attributes.get("mode", b"nearest").decode()
    place = attributes.get("coordinate_transformation_mode", b"half_pixel").decode()
    places = ("half_pixel", "pytorch_half_pixel", "tf_half_pixel_for_nn", "asymmetric", "align_corners")
    if mode not in ("nearest", "linear"):
        return f"mode {mode}; only nearest and linear"
    if place not in places:
        return f"coordinates by {place}; only {', '.join(places)}"
    if attributes.get("antialias", 0):
        return "antialias"
    if attributes.get("keep_aspect_ratio_policy", b"stretch") != b"stretch":
        return "an aspect ratio policy other than stretch"
    if "axes" in attributes and len(inputs) > 2 and inputs[2]:
        return "scales for some axes only"
    return None


def _first_output_only(_: Mapping[str, Any], __: Sequence[str], outputs: Sequence[str]) -> str | None:
    return "an output besides the first" if any(outputs[1:]) else None


def _undilated_pooling(attributes: Mapping[str, Any], _: Sequence[str], outputs: Sequence[str]) -> str | None:
    if any(step != 1 for step in attributes.get("dilations", ())):
        return "dilations"
    if len(attributes.get("kernel_shape", ())) not in (2, 3):
        return "pooling over other than two or three sides"
    return "indices as an output" if any(outputs[1:]) else None


def _plain_scatter(attributes: Mapping[str, Any], _: Sequence[str], __: Sequence[str]) -> str | None:
    reduction = attributes.get("reduction", b"none")
    return None if reduction == b"none" else f"reduction {reduction.decode()}"


def _plain_attention(attributes: Mapping[str, Any], inputs: Sequence[str], outputs: Sequence[str]) -> str | None:
    if any(inputs[4:]):
        return "keys or values of earlier runs, or lengths, as inputs"
    if len(outputs) > 1:
        return "an output besides the first"
    if attributes.get("softcap", 0.0):
        return "a cap on the logits"
    if "q_num_heads" in attributes or "kv_num_heads" in attributes:
        return "heads told by an attribute; only as the second of four sides"
    return None


_FLOATING: Final = (
    "BatchNormalization Ceil Clip Conv ConvTranspose Cos Einsum Elu Erf Exp Floor Gemm GlobalAveragePool "
    "GroupNormalization HardSigmoid HardSwish InstanceNormalization LeakyRelu Log MatMul Reciprocal Round Sigmoid Sin "
    "Softmax Softplus Sqrt Tanh"
)
_NUMERIC: Final = "Abs Add Div Max Mean Min Mod Mul Neg Pow Relu Sign Sub Sum"
_COMPARING: Final = "Equal Greater GreaterOrEqual Less LessOrEqual"
_REDUCING: Final = "ReduceL2 ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare"

OPERATORS: Final[Mapping[str, Support]] = {
    **{name: Support(FLOATS) for name in _FLOATING.split()},
    **{name: Support(NUMBERS) for name in _NUMERIC.split()},
    **{name: Support(NUMBERS, free_outputs=True) for name in _COMPARING.split()},
    **{name: Support(NUMBERS, (1,), constants=(1,)) for name in _REDUCING.split()},
    **{name: Support(BOOL) for name in ("And", "Not", "Or", "Xor")},
    **{name: Support(ANY) for name in ("Concat", "Flatten", "Identity", "Transpose", "Where")},
    **{name: Support(ANY, (1,)) for name in ("Expand", "Gather", "GatherElements", "GatherND", "Reshape", "Split")},
    **{name: Support(ANY, (1,)) for name in ("Tile", "Trilu")},
    **{name: Support(ANY, (1,), constants=(1,)) for name in ("Squeeze", "Unsqueeze")},
    **{name: Support(ANY, free_outputs=True) for name in ("Shape", "Size")},
    "Attention": Support(FLOATS | BOOL, restriction=_plain_attention),
    "AveragePool": Support(FLOATS, restriction=_undilated_pooling),
    "Cast": Support(ANY),
    "Constant": Support(ANY, free_outputs=True),
    "ConstantOfShape": Support(frozenset(), (0,), free_outputs=True),
    "CumSum": Support(FLOATS, (1,), constants=(1,)),
    "Gelu": Support(NUMBERS),
    "IsInf": Support(FLOATS, free_outputs=True),
    "IsNaN": Support(NUMBERS, free_outputs=True),
    "LayerNormalization": Support(FLOATS, restriction=_first_output_only),
    "MaxPool": Support(FLOATS, restriction=_undilated_pooling),
    "Pad": Support(NUMBERS, (1, 3)),
    "Range": Support(NUMBERS),
    "Resize": Support(FLOATS, (1, 2, 3), restriction=_resize),
    "ScatterND": Support(NUMBERS, (1,), restriction=_plain_scatter),
    "Slice": Support(ANY, (1, 2, 3, 4)),
    "TopK": Support(NUMBERS, (1,), free_outputs=True),
}
"""Operators by name.

Attention, since TensorRT 10.14: a node cannot show that queries, keys, values and mask have four sides each, as ours
have; ONNX lets none but the mask be BOOL. TensorRT takes it as one fused kernel or builds no engine: what would let it
fall apart again, ``TRT_decomposable``, is an attribute that ONNX and ONNX Runtime refuse. Which sizes of a head and
which cards have a kernel is not in the table of operators.
"""


def unsupported(model: Path | ModelProto, graph: str | None = None) -> list[Unsupported]:
    """Nodes of a graph that TensorRT 10 does not document as supported, in the types that they are used with.

    Weights are not read. Types come from strict inference, so a graph whose types do not follow is refused by ONNX.

    Args:
        model: a file, or a graph in memory with everything inferred.
        graph: what it is called; the file's name if None.

    Raises:
        onnx.shape_inference.InferenceError: shapes or types contradict each other.
        OSError: there is no such file.
    """
    import onnx

    if isinstance(model, Path):
        graph = graph or model.stem
        # In memory, since it is small without its weights; by its path it would write a second file.
        loaded = onnx.load(model, load_external_data=False)
        model = onnx.shape_inference.infer_shapes(loaded, check_type=True, strict_mode=True)
    name = graph or model.graph.name
    found = [
        Unsupported(name, "", "opset", "", f"opset {opset.version}; TensorRT knows {OPSETS[0]} to {OPSETS[-1]}")
        for opset in model.opset_import
        if opset.domain in ("", "ai.onnx") and opset.version not in OPSETS
    ]
    types = _types(model)
    borders = {port.name for port in (*model.graph.input, *model.graph.output)}
    constants = {weight.name for weight in model.graph.initializer}
    constants |= {tensor for node in model.graph.node if node.op_type == "Constant" for tensor in node.output}
    for node in model.graph.node:
        place = node.name or next(iter(node.output), "")
        faults = (*_faults(node, types, borders), *_changing(node, constants))
        found += [Unsupported(name, place, node.op_type, *fault) for fault in faults]
    return found


def _types(model: ModelProto) -> dict[str, str]:
    """Element type of every tensor, by ONNX's name of it."""
    from onnx import TensorProto

    numbers = {value.name: value.type.tensor_type.elem_type for value in (*model.graph.value_info, *model.graph.output)}
    numbers |= {value.name: value.type.tensor_type.elem_type for value in model.graph.input}
    numbers |= {weight.name: weight.data_type for weight in model.graph.initializer}
    return {tensor: str(TensorProto.DataType.Name(number)) for tensor, number in numbers.items()}


def _faults(node: NodeProto, types: Mapping[str, str], borders: set[str]) -> Iterator[tuple[str, str]]:
    """What is wrong with a node: the type at fault, and words."""
    from onnx.helper import get_attribute_value

    row = OPERATORS.get(node.op_type) if node.domain in ("", "ai.onnx") else None
    if row is None:
        yield "", "an operator that is not in the table of what TensorRT 10 takes"
        return
    attributes = {attribute.name: get_attribute_value(attribute) for attribute in node.attribute}
    wrong = row.restriction and row.restriction(attributes, node.input, node.output)
    if wrong:
        yield "", wrong
    computed = [tensor for place, tensor in enumerate(node.input) if tensor and place not in row.shape_inputs]
    told = [node.input[place] for place in row.shape_inputs if place < len(node.input) and node.input[place]]
    if node.op_type == "Resize":
        told = [tensor for tensor in told if tensor == (node.input[3] if len(node.input) > 3 else "")]
    made = [] if row.free_outputs else [tensor for tensor in node.output if tensor]
    for tensor in dict.fromkeys((*computed, *made)):
        kind = types.get(tensor, "unknown")
        if kind not in row.types and not (node.op_type == "Cast" and kind == "UINT8" and tensor in borders):
            yield kind, f"{kind} in {tensor}; only {', '.join(sorted(row.types))}"
    for tensor in told:
        if types.get(tensor, "unknown") not in WHOLE:
            yield types.get(tensor, "unknown"), f"{types.get(tensor, 'unknown')} in {tensor}; only INT32, INT64"


def _changing(node: NodeProto, constants: set[str]) -> Iterator[tuple[str, str]]:
    """Inputs of a node that must be known when the engine is built, and are computed."""
    row = OPERATORS.get(node.op_type)
    for place in row.constants if row else ():
        if place < len(node.input) and node.input[place] and node.input[place] not in constants:
            yield "", f"{node.input[place]} must be known when the engine is built"
