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
from onnxscript import opset20 as op
from onnxscript.optimizer import fold_constants
from torch import nn
from torch.export import ExportedProgram

from engine.errors import ExportError
from export.graphs import Blueprint

__all__ = ["OPSET", "strip", "trace", "trace_module"]

OPSET: Final = 20
"""Of the graphs: the first with ``Gelu``, and before 21, whose ``GroupNormalization`` means something else than 18's.
ONNX Runtime takes it since 1.17, and the parser of TensorRT 10 knows all of it."""

LOWEST: Final = -3.4028234663852886e38
"""What a logit becomes that is not to be seen: the least fp32, of which the softmax is 0; infinity is more than some
compilers of graphs bear."""

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
                custom_translation_table={torch.ops.aten.scaled_dot_product_attention.default: _attention},
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
    """Attention in four operators; Torch's own translation computes the scale, a constant, in eight more."""
    if dropout_p or is_causal or enable_gqa:
        raise ValueError("no network here attends like that")
    factor = scale if scale is not None else query.shape[-1] ** -0.5
    logits = op.MatMul(op.Mul(query, op.Constant(value_float=factor)), op.Transpose(key, perm=[0, 1, 3, 2]))
    if attn_mask is not None:
        logits = op.Where(attn_mask, logits, op.Constant(value_float=LOWEST))
    return op.MatMul(op.Softmax(logits, axis=-1), value)


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
