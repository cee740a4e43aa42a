"""Exports made by hand in a blink: graphs of a few operators with the inputs and outputs of the real ones.

What they compute is no refocusing, but every input counts, frames of a window see each other, and each can be made to
overflow, to run out of memory or to take long.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnx
from onnx import numpy_helper, parser

from engine.runtime import NetworkInput
from engine.runtime.onnx.manifest import GRAPHS, Manifest

HEIGHT, WIDTH = 64, 128
CONTEXT = 4

_TYPES = {"fp32": ("float", 1), "fp16": ("float16", 10)}
_POOL = "AveragePool<kernel_shape = [2, 2], strides = [2, 2]>"
_HEAD = '<ir_version: {ir}, opset_import: ["" : {opset}]>\n'


def make_export(
    folder: Path,
    precision: Literal["fp32", "fp16"] = "fp32",
    *,
    masks: Literal["off", "threshold"] = "off",
    wide: bool = True,
    overflow: Sequence[str] = (),
    nan: Sequence[str] = (),
    most: int = 1000,
    busy: int = 0,
    context: int = CONTEXT,
    ir: int = 10,
    opset: int = 20,
) -> Path:
    """An export.

    Args:
        folder: to make.
        precision: of skips, and of what overflows.
        masks: whether the U-Net takes regions.
        wide: whether graphs in fp32 are there beside those in fp16.
        overflow: graphs that leave the range of fp16.
        nan: graphs that give NaN in any precision.
        most: frames that fit into memory when they are decoded together.
        busy: products of matrices that the U-Net makes before it is done, about 10 ms each.
        context: width of the image encoder's vector.
        ir: version of the files' form.
        opset: version of their operators.
    """
    folder.mkdir(parents=True)
    head = _HEAD.format(ir=ir, opset=opset)

    def write(name: str, kind: str) -> dict[str, Any]:
        graph = name.partition(".")[0]
        ending = _ending(graph, overflow, nan, kind)
        text = {
            "encoder": lambda: _encoder(kind, ending),
            "image_encoder": lambda: _image_encoder(ending, context),
            "unet": lambda: _unet(ending, masks, busy, context),
            "decoder": lambda: _decoder(kind, ending, most),
            "copy": lambda: _copy(kind),
        }[graph]()
        model = parser.parse_model(head + text)
        for held in model.graph.initializer:  # only raw data moves to a file of its own
            held.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(held), held.name))
        path, data = folder / f"{name}.onnx", folder / f"{name}.data"
        weighty = bool(model.graph.initializer)
        onnx.save_model(model, str(path), save_as_external_data=weighty, location=data.name, size_threshold=0)
        return {
            "file": path.name,
            "data": data.name if weighty else None,
            "sha256": sha256(path.read_bytes()).hexdigest(),
            "data_sha256": sha256(data.read_bytes()).hexdigest() if weighty else None,
            "nodes": len(model.graph.node),
        }

    manifest = Manifest(
        rackfocus="0",
        fingerprint="toy",
        licence="none",
        precision=precision,
        mpi_masks=masks,
        clip_input="plain",
        size=(WIDTH, HEIGHT),
        named_sizes={"model": (WIDTH, HEIGHT)},
        scaling_factor=0.5,
        context_width=context,
        skip_channels=(3, 3, 3, 3),
        opset=opset,
        tools={},
        graphs={name: write(name, precision) for name in GRAPHS},  # type: ignore[arg-type]
        wide={name: write(f"{name}.wide", "fp32") for name in GRAPHS} if wide and precision != "fp32" else {},  # type: ignore[arg-type]
        copy_graph=write("copy", precision),  # type: ignore[arg-type]
    )
    (folder / "manifest.json").write_text(manifest.model_dump_json())
    return folder


def edit_manifest(folder: Path, **changes: object) -> None:
    """Change entries of the manifest."""
    place = folder / "manifest.json"
    place.write_text(json.dumps(json.loads(place.read_text()) | changes))


def frame(index: int = 0, *, regions: bool = False) -> NetworkInput:
    """A frame that differs from those with other indices."""
    draw = np.random.default_rng(index)
    given = NetworkInput(
        index=index,
        picture=draw.random((3, HEIGHT, WIDTH), dtype=np.float32),
        defocus=draw.random((HEIGHT, WIDTH), dtype=np.float32),
        strength_embedding=draw.random(32, dtype=np.float32),
    )
    return replace(given, regions=(given.defocus * 3.99).astype(np.uint8)) if regions else given


def _ending(graph: str, overflow: Sequence[str], nan: Sequence[str], kind: str) -> str:
    """From ``raw`` to ``out``, through the range of a precision."""
    _, number = _TYPES[kind]
    if graph in nan:
        return "nought = Sub(raw, raw) out = Div(nought, nought)"
    factor = 1e6 if graph in overflow else 2.0
    return (
        f"narrow = Cast<to = {number}>(raw) wide_factor = Constant<value = float {{{factor}}}>() "
        f"step = Cast<to = {number}>(wide_factor) up = Mul(narrow, step) down = Div(up, step) out = Cast<to = 1>(down)"
    )


def _encoder(kind: str, ending: str) -> str:
    name, number = _TYPES[kind]
    weights = ", ".join(f"{(i * 7 % 11 - 5) / 20}" for i in range(24))
    return f"""encoder (float[n, 3, h, w] pictures) => (float[n, 8, h3, w3] moments, {name}[n, 3, h, w] skip_0,
        {name}[n, 3, h1, w1] skip_1, {name}[n, 3, h2, w2] skip_2, {name}[n, 3, h3, w3] skip_3)
        <float[8, 3, 1, 1] weights = {{{weights}}}> {{
        half = {_POOL}(pictures) quarter = {_POOL}(half) eighth = {_POOL}(quarter)
        raw = Conv(eighth, weights) {ending} moments = Identity(out)
        skip_0 = Cast<to = {number}>(pictures) skip_1 = Cast<to = {number}>(half)
        skip_2 = Cast<to = {number}>(quarter) skip_3 = Cast<to = {number}>(eighth) }}"""


def _image_encoder(ending: str, context: int) -> str:
    weights = ", ".join(f"{i / 10}" for i in range(3 * context))
    return f"""image_encoder (float[n, 3, h, w] pictures) => (float[n, {context}] context)
        <float[3, {context}] weights = {{{weights}}}> {{
        mean = GlobalAveragePool(pictures) flat = Flatten(mean) raw = MatMul(flat, weights) {ending}
        context = Identity(out) }}"""


def _unet(ending: str, masks: str, busy: int, context: int) -> str:
    regions, seen = (", int32[1, t, hh, ww] regions", "cast = Cast<to = 1>(regions)") if masks != "off" else ("", "")
    work = ["zero = Sub(told, told) side = Constant<value = int64[2] {700, 700}>() m0 = Expand(zero, side)"]
    work += [f"m{i + 1} = MatMul(m{i}, m{i})" for i in range(busy)]
    work += [f"worked = ReduceMax<keepdims = 0>(m{busy})"]
    return f"""unet (float[1, t, 8, h, w] latents, float[1, t, {context}] context, float[1, t, 32] strength_embedding,
        float[1, 3] time_ids{regions}) => (float[1, t, 4, h, w] refocused) {{
        picture, defocus = Split<axis = 2, num_outputs = 2>(latents) {seen or "cast = Identity(time_ids)"}
        over_time = Constant<value = int64[1] {{1}}>() mean = ReduceMean(defocus, over_time)
        small = Constant<value = float {{0.01}}>() a = ReduceMean<keepdims = 0>(context)
        b = ReduceMean<keepdims = 0>(strength_embedding) c = ReduceMean<keepdims = 0>(time_ids)
        d = ReduceMean<keepdims = 0>(cast) ab = Add(a, b) abc = Add(ab, c) told = Add(abc, d)
        {" ".join(work)} more = Add(told, worked) added = Mul(more, small)
        both = Add(picture, mean) raw = Add(both, added) {ending} refocused = Identity(out) }}"""


def _decoder(kind: str, ending: str, most: int) -> str:
    name, _ = _TYPES[kind]
    weights = ", ".join(f"{(i % 5 - 2) / 10}" for i in range(12))
    means = " ".join(f"w{i} = Cast<to = 1>(skip_{i}) m{i} = ReduceMean(w{i}, over_space)" for i in range(1, 4))
    return f"""decoder (float[1, t, 4, h, w] latents, {name}[t, 3, h0, w0] skip_0, {name}[t, 3, h1, w1] skip_1,
        {name}[t, 3, h2, w2] skip_2, {name}[t, 3, h3, w3] skip_3) => (float[1, t, 3, h0, w0] pictures)
        <float[3, 4, 1, 1] weights = {{{weights}}}> {{
        first = Constant<value = int64[1] {{0}}>() flat = Squeeze(latents, first) mixed = Conv(flat, weights)
        scales = Constant<value = float[4] {{1, 1, 8, 8}}>() large = Resize<mode = "nearest">(mixed, , scales)
        over_space = Constant<value = int64[2] {{2, 3}}>() {means}
        over_frames = ReduceMean<keepdims = 1>(large, first)
        full = Cast<to = 1>(skip_0) s1 = Add(full, large) s2 = Add(s1, m1) s3 = Add(s2, m2) s4 = Add(s3, m3)
        little = Constant<value = float {{0.05}}>() near = Mul(over_frames, little) summed = Add(s4, near)
        frames = Shape<start = 0, end = 1>(flat) most = Constant<value = int64[1] {{{most}}}>()
        beyond = Sub(frames, most) none = Sub(most, most) over = Max(beyond, none)
        huge = Constant<value = int64[1] {{4398046511104}}>() room = Mul(over, huge) filled = ConstantOfShape(room)
        counted = ReduceSum<keepdims = 0>(filled) raw = Add(summed, counted) {ending}
        pictures = Unsqueeze(out, first) }}"""


def _copy(kind: str) -> str:
    name, _ = _TYPES[kind]
    return f"copy ({name}[n, c, h, w] source) => ({name}[n, c, h, w] target) {{ target = Identity(source) }}"
