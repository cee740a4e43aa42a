"""What can be said of a graph without running it: it is well formed, its shapes follow, no type is left to guess."""

from __future__ import annotations

from pathlib import Path

import onnx
from onnx import TypeProto, defs, helper

from engine.errors import ExportError, require
from engine.files import discard

__all__ = ["check_graph", "mistyped_nodes", "operators"]


def check_graph(path: Path) -> None:
    """Check a graph file with ONNX's own checker and strict inference of shapes and types, and all operators' types.

    By path, since a graph in memory may have at most 2 GB. Weights are not read but for their presence.

    Raises:
        ExportError: something is wrong with it; says what.
        OSError: the disk is full.
    """
    inferred = path.with_name(f"{path.name}.inferred")
    try:
        onnx.checker.check_model(str(path))
        onnx.shape_inference.infer_shapes_path(str(path), str(inferred), check_type=True, strict_mode=True)
        wrong = mistyped_nodes(onnx.load(inferred, load_external_data=False))
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        first = str(error).strip().splitlines()[0]
        raise ExportError(f"{path.name} does not pass ONNX's checker ({first}); report it") from error
    finally:
        discard(inferred)
    require(
        not wrong, ExportError, f"{path.name}: types do not fit at {', '.join(wrong[:3])}; report it with the precision"
    )


def mistyped_nodes(model: onnx.ModelProto) -> list[str]:
    """Nodes whose inputs and outputs do not agree with their operator's types, or are of no known type.

    An operator that says T of two inputs must get the same type at both: TensorRT casts nothing by itself.

    Args:
        model: after shape inference.
    """
    kinds = _types(model)
    wrong = []
    for node in model.graph.node:
        schema = defs.get_schema(node.op_type, _opset(model, node.domain), node.domain)
        bound: dict[str, str] = {}
        for names, formals in ((node.input, schema.inputs), (node.output, schema.outputs)):
            for place, name in enumerate(names):
                formal = formals[min(place, len(formals) - 1)]
                if not name:
                    continue
                kind = kinds.get(name)
                known = {str(allowed) for allowed in formal.types}
                if kind is None or kind not in known:
                    wrong.append(f"{node.name} ({name}: {kind})")
                elif not formal.type_str.startswith("tensor(") and bound.setdefault(formal.type_str, kind) != kind:
                    wrong.append(f"{node.name} ({bound[formal.type_str]} and {kind})")
    return wrong


def operators(model: onnx.ModelProto) -> dict[tuple[str, str], int]:
    """How often each operator works in each type (that of its first output)."""
    kinds = _types(model)
    counted: dict[tuple[str, str], int] = {}
    for node in model.graph.node:
        key = (node.op_type, kinds.get(node.output[0]) or "?")
        counted[key] = counted.get(key, 0) + 1
    return counted


def _types(model: onnx.ModelProto) -> dict[str, str]:
    graph = model.graph
    kinds = {value.name: _spoken(value.type) for value in (*graph.input, *graph.value_info, *graph.output)}
    kinds |= {
        tensor.name: f"tensor({helper.tensor_dtype_to_string(tensor.data_type).removeprefix('TensorProto.').lower()})"
        for tensor in graph.initializer
    }
    return kinds


def _spoken(kind: TypeProto) -> str:
    name = helper.tensor_dtype_to_string(kind.tensor_type.elem_type)
    return f"tensor({name.removeprefix('TensorProto.').lower()})"


def _opset(model: onnx.ModelProto, domain: str) -> int:
    return next(int(entry.version) for entry in model.opset_import if entry.domain == domain)
