"""Graphs on disk: the weights in a file of their own, written one by one, and digests of both."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import ml_dtypes
import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from engine.errors import ExportError
from engine.files import flush_open
from engine.runtime.onnx.manifest import GraphFile

__all__ = ["DTYPES", "cast_array", "digest_of", "file_of", "save_graph", "store_weights"]

DTYPES: Final = {"fp32": ir.DataType.FLOAT, "fp16": ir.DataType.FLOAT16, "bf16": ir.DataType.BFLOAT16}

_NUMPY: Final = {
    ir.DataType.FLOAT: np.dtype(np.float32),
    ir.DataType.FLOAT16: np.dtype(np.float16),
    ir.DataType.BFLOAT16: np.dtype(ml_dtypes.bfloat16),
}

INLINE: Final = 1024
"""Numbers up to which a constant stays in the graph itself, where shape inference can see it."""

ALIGNMENT: Final = 4096
"""Where a tensor starts in the data file: on a page, so that a runtime may map it."""


def store_weights(model: ir.Model, data: Path, dtype: ir.DataType) -> bool:
    """Write the large weights of a graph to a file, in ``dtype``; the graph then points there and computes as before.

    One tensor at a time is cast, and its memory let go of. Where ``dtype`` is not fp32, the weights are cast back to
    fp32 in the graph, so that its meaning stays but for their rounding.

    Args:
        model: in fp32; changed.
        data: the file to write, beside which the graph will lie.
        dtype: FLOAT, FLOAT16 or BFLOAT16.

    Returns:
        Whether there was anything to store; if not, no file is written.

    Raises:
        OSError: the file cannot be written.
    """
    large = [
        value
        for value in model.graph.initializers.values()
        if value.const_value is not None
        and value.const_value.dtype == ir.DataType.FLOAT
        and value.const_value.size > INLINE
    ]
    if not large:
        return False
    with data.open("wb") as file:
        for value in large:
            assert value.const_value is not None
            exact = value.const_value.numpy()
            array = cast_array(exact, dtype)
            _require_finite(value.name, exact, array)
            file.write(b"\0" * (-file.tell() % ALIGNMENT))
            offset = file.tell()
            file.write(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
            value.const_value = ir.ExternalTensor(
                data.name,
                offset,
                array.nbytes,
                dtype,
                shape=value.const_value.shape,
                name=value.name or "",
                base_dir=data.parent,
            )
            value.dtype = dtype
        flush_open(file)
    if dtype != ir.DataType.FLOAT:
        for value in large:
            _cast_back(model.graph, value)
    return True


def save_graph(model: ir.Model, path: Path) -> None:
    """Write a graph whose weights were stored.

    Raises:
        OSError: it cannot be written.
    """
    data = ir.to_proto(model).SerializeToString()
    with path.open("wb") as file:
        file.write(data)
        flush_open(file)


def file_of(graph: Path, data: Path | None) -> GraphFile:
    """What the manifest says of a graph that was saved."""
    import onnx

    nodes = len(onnx.load(graph, load_external_data=False).graph.node)
    return GraphFile(
        file=graph.name,
        data=data.name if data else None,
        sha256=digest_of(graph),
        data_sha256=digest_of(data) if data else None,
        nodes=nodes,
    )


def digest_of(path: Path) -> str:
    """SHA-256 of a file, read in pieces."""
    digest = sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 22):
            digest.update(piece)
    return digest.hexdigest()


def cast_array(array: NDArray[np.float32], dtype: ir.DataType) -> NDArray[Any]:
    """Numbers in another type; what is too large becomes infinite."""
    with np.errstate(over="ignore"):
        return array.astype(_NUMPY[dtype], copy=False)


def _require_finite(name: str | None, was: NDArray[np.float32], now: NDArray[Any]) -> None:
    if now.dtype == np.float16 and not np.isfinite(now).all() and np.isfinite(was).all():
        raise ExportError(f"the weight {name} passes the range of fp16; export with --precision bf16 or fp32")


def _cast_back(graph: ir.Graph, stored: ir.Value) -> None:
    """Let all that reads a weight read it in fp32."""
    wide = ir.Node("", "Cast", [stored], [ir.AttrInt64("to", ir.DataType.FLOAT)], name=f"Widen_{stored.name}")
    wide.outputs[0].name = f"{stored.name}_fp32"
    wide.outputs[0].dtype, wide.outputs[0].shape = ir.DataType.FLOAT, stored.shape
    for user, index in [use for use in stored.uses() if use[0] is not wide]:
        user.replace_input_with(index, wide.outputs[0])
    first = next(iter(graph), None)
    if first is None:
        graph.append(wide)
    else:
        graph.insert_before(first, wide)
