"""From a network to a graph in memory, with nothing in it of the machine that made it."""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import onnx_ir as ir
import torch
from onnx_ir.passes import common as passes
from onnxscript import opset23 as op
from onnxscript.optimizer import fold_constants
from torch import nn
from torch.export import ExportedProgram

from engine.errors import ExportError
from export.graphs import Blueprint

__all__ = ["OPSET", "strip", "trace", "trace_module"]

OPSET: Final = 23
"""Of the graphs, in every precision: the first with ``Attention`` as one operator."""

WIDEST_HEAD: Final = 256
"""Channels of a head that fused attention takes. Of more, as in the VAE with its one head of 512, ONNX Runtime's CUDA
provider picks a kernel that many cards cannot start (its issue 28388), and TensorRT was seen to build no engine (4705).
"""

_UNSAID: Final = ("is_causal", "qk_matmul_output_mode", "softcap")
"""Attributes of ``Attention`` that Torch writes with their defaults, and that TensorRT's table lists as unsupported."""

_NOISY: Final = ("torch.onnx", "torch.export", "torch.fx", "onnxscript", "onnx_ir")

_WHOLE: Final = 1 << 40
"""Bytes and numbers that a constant may have to be computed now; what is left would be computed at every start."""


def trace(blueprint: Blueprint, module: nn.Module) -> ir.Model:
    """The graph of a network in fp32.

    Its weights share the memory of the module's, but for those that were computed from them.

    Raises:
        ExportError: Torch cannot say the network in ONNX.
    """
    return trace_module(module, blueprint.example, blueprint.inputs, blueprint.outputs, blueprint.dynamic)


def trace_module(
    module: nn.Module,
    example: tuple[torch.Tensor, ...],
    inputs: tuple[str, ...],
    outputs: tuple[str, ...],
    dynamic: tuple[Mapping[int, Any], ...],
) -> ir.Model:
    """As ``trace``, for any module."""
    with _quiet(), torch.no_grad():
        try:
            program = torch.onnx.export(
                module.eval(),
                example,
                dynamo=True,
                opset_version=OPSET,
                verbose=False,
                input_names=inputs,
                output_names=outputs,
                dynamic_shapes=dynamic,
                custom_translation_table={
                    torch.ops.aten.scaled_dot_product_attention.default: _attention,
                    torch.ops.aten.group_norm.default: _group_norm,
                },
            )
        except Exception as error:
            cause = error.__cause__ or error  # the exporter's own message is advice to its makers
            first = (str(cause).strip().splitlines() or [type(cause).__name__])[0].rstrip(".")
            raise ExportError(
                f"Torch {torch.__version__} cannot write the graph ({first}); install the versions of constraints.txt"
            ) from error
    assert program is not None
    assert program.exported_program is not None
    model: ir.Model = program.model
    fold_constants(model, input_size_limit=_WHOLE, output_size_limit=_WHOLE)
    for tidy in (
        passes.IdentityEliminationPass(),
        passes.CommonSubexpressionEliminationPass(),
        passes.RemoveUnusedNodesPass(),
        passes.LiftConstantsToInitializersPass(lift_all_constants=True, size_limit=0),
    ):
        tidy(model)
    for node in model.graph:
        if node.op_type == "Attention":
            for name in _UNSAID:
                node.attributes.pop(name, None)
    _name_sides(model, program.exported_program, dynamic)
    strip(model)
    return model


def strip(model: ir.Model) -> None:
    """Remove what a graph says of the machine and the program that made it: paths, lines of source, stack traces."""
    passes.ClearMetadataAndDocStringPass()(model)
    model.doc_string = model.graph.doc_string = None
    for place in (model, model.graph, *model.graph.all_nodes()):
        place.metadata_props.clear()
    for value in _values(model):
        value.metadata_props.clear()
        value.doc_string = None
        if value.const_value is not None:
            value.const_value.doc_string = None
    model.producer_name, model.producer_version = "rackfocus", None
    for number, node in enumerate(model.graph):
        node.name = f"{node.op_type}_{number}"


def _values(model: ir.Model) -> Iterator[ir.Value]:
    yield from model.graph.inputs
    yield from model.graph.initializers.values()
    for node in model.graph.all_nodes():
        yield from node.outputs


def _name_sides(model: ir.Model, program: ExportedProgram, dynamic: tuple[Mapping[int, Any], ...]) -> None:
    """Put ``h``, ``w`` and ``frames`` for the symbols that Torch counted out, at inputs and outputs."""
    placeholders = [node.meta["val"] for node in program.graph.nodes if node.op == "placeholder"][-len(dynamic) :]
    names: dict[str, str] = {}
    for tensor, dims in zip(placeholders, dynamic, strict=True):
        for place, dim in dims.items():
            (symbol,) = tensor.shape[place].node.expr.free_symbols
            names[str(symbol)] = getattr(dim, "root", dim).__name__
    said = re.compile(r"\b(" + "|".join(map(re.escape, names)) + r")\b") if names else None
    for value in (*model.graph.inputs, *model.graph.outputs):
        if value.shape is not None and said is not None:
            value.shape = ir.Shape(
                [dim if isinstance(dim, int) else said.sub(lambda m: names[m[0]], str(dim)) for dim in value.shape]
            )
    for node in model.graph:
        for value in node.outputs:
            if not value.is_graph_output():
                # ONNX Runtime takes equal text for equal size and shares the memory; Torch's text is not that exact
                # (ONNX Runtime 1.31 with Torch 2.13: two levels of the U-Net "alike", and a size refused as it ran).
                value.shape = None


def _attention(  # type: ignore[no-untyped-def]  # noqa: ANN202  onnxscript reads annotations as types of the graph
    query,  # noqa: ANN001
    key,  # noqa: ANN001
    value,  # noqa: ANN001
    attn_mask=None,  # noqa: ANN001
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
):
    """Attention as one operator where it can be fused; a mask gets a row for every query, as ONNX Runtime asks."""
    if dropout_p or is_causal or enable_gqa:
        raise ValueError("no network here attends like that")
    if attn_mask is None and query.shape[-1] > WIDEST_HEAD:
        factor = scale if scale is not None else query.shape[-1] ** -0.5
        logits = op.MatMul(op.Mul(query, op.Constant(value_float=factor)), op.Transpose(key, perm=[0, 1, 3, 2]))
        return op.MatMul(op.Softmax(logits, axis=-1), value)
    if attn_mask is not None:
        one, queries = op.Constant(value_ints=[1]), op.Shape(query, start=2, end=3)
        attn_mask = op.Expand(attn_mask, op.Concat(one, one, queries, one, axis=0))
    seen, _, _, _ = op.Attention(query, key, value, attn_mask, scale=scale)
    return seen


def _group_norm(  # type: ignore[no-untyped-def]  # noqa: ANN202
    x,  # noqa: ANN001
    num_groups: int,
    weight=None,  # noqa: ANN001
    bias=None,  # noqa: ANN001
    eps: float = 1e-5,
    cudnn_enabled: bool = True,  # noqa: ARG001
):
    """A norm over groups by one over instances, which providers have as one kernel.

    ONNX's ``GroupNormalization`` has none in ONNX Runtime 1.31: it becomes 29 operators, which take twice the time on
    the CPU, and the variance as a difference of two means.
    """
    if weight is None or bias is None:
        raise ValueError("no network here has a norm without scale and shift")
    ones, zeros = op.Constant(value_floats=[1.0] * num_groups), op.Constant(value_floats=[0.0] * num_groups)
    grouped = op.Reshape(x, op.Constant(value_ints=[0, num_groups, -1]))
    normed = op.Reshape(op.InstanceNormalization(grouped, ones, zeros, epsilon=eps), op.Shape(x))
    sides = op.Constant(value_ints=list(range(1, len(x.shape) - 1)))
    return op.Add(op.Mul(normed, op.Unsqueeze(weight, sides)), op.Unsqueeze(bias, sides))


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what the exporter tells its own makers: that torchvision is not here, that interfaces will change."""
    loggers = [logging.getLogger(name) for name in _NOISY]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
