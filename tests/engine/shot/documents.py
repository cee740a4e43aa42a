"""Shots to test with: a plain one, and any that the models allow."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import strategies as st

from engine.shot import (
    AnyToBokehOptions,
    Aperture,
    Blur,
    Depth,
    Focus,
    FocusKey,
    Handle,
    Highlights,
    Key,
    LensSettings,
    Matte,
    Output,
    Plate,
    RendererChoice,
    Shot,
)

PLAIN: dict[str, Any] = {
    "schema_version": 1,
    "plate": {"path": "plate.%04d.exr", "frames": "1001-1024"},
    "depth": {"path": "depth.%04d.exr", "near": 1.0, "far": 50.0},
    "focus": {"keys": [{"frame": 1001, "disparity": 0.62}, {"frame": 1024, "pixel": [812, 404]}]},
    "blur": {"keys": [{"frame": 1001, "value": 24}]},
    "output": {"path": "out/result.%04d.exr"},
}


def plain(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - anything may stand in a document
    """The plain document with fields changed; None takes a field out."""
    document = copy.deepcopy(PLAIN) | changes
    return {name: value for name, value in document.items() if value is not None}


numbers = st.floats(-1e6, 1e6)
positive = st.floats(1e-3, 1e6)
names = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=12).filter(str.strip)
paths = names.map(lambda name: f"/shots/sh010/{name.replace('/', '-')}.%04d.exr")
handle_sizes = st.floats(0, 50)
interpolations = st.sampled_from(["constant", "linear", "bezier", "ease-in", "ease-out", "ease-in-out", "settle"])
extrapolations = st.sampled_from(["hold", "linear"])
left_handles = st.none() | st.builds(Handle, frames=handle_sizes.map(lambda size: -size), value=numbers)
right_handles = st.none() | st.builds(Handle, frames=handle_sizes, value=numbers)


@st.composite
def keys(draw: st.DrawFn, values: st.SearchStrategy[float]) -> tuple[Key, ...]:
    frames = draw(st.lists(st.floats(-1e4, 1e5), min_size=1, max_size=4, unique=True).map(sorted))
    return tuple(
        Key(
            frame=frame,
            value=draw(values),
            interpolation=draw(interpolations),
            left=draw(left_handles),
            right=draw(right_handles),
        )
        for frame in frames
    )


@st.composite
def focuses(draw: st.DrawFn, metric: bool) -> Focus:
    frames = draw(st.lists(st.floats(-1e4, 1e5), min_size=1, max_size=4, unique=True).map(sorted))
    points = [
        st.fixed_dictionaries({"pixel": st.tuples(numbers, numbers)}),
        st.fixed_dictionaries({"disparity": st.floats(-0.5, 1.5)}),
    ]
    if metric:
        points.append(st.fixed_dictionaries({"distance": positive}))
    return Focus(
        keys=tuple(
            FocusKey(
                frame=frame,
                interpolation=draw(interpolations),
                left=draw(left_handles),
                right=draw(right_handles),
                **draw(st.one_of(points)),
            )
            for frame in frames
        ),
        space=draw(st.sampled_from(["disparity", "distance"])) if metric else "disparity",
        before=draw(extrapolations),
        after=draw(extrapolations),
        sample_radius=draw(st.integers(0, 64)),
    )


@st.composite
def depths(draw: st.DrawFn) -> Depth:
    convention = draw(st.sampled_from(["distance", "inverse", "near1", "far1", "direct"]))
    low, high = sorted(draw(st.tuples(st.floats(0.1, 10), st.floats(11, 1000))))
    near, far = {
        "distance": (low, draw(st.sampled_from([high, float("inf"), None]))),
        "inverse": (high, draw(st.sampled_from([low, 0.0, None]))),
        "near1": (high, low),
        "far1": (low, high),
        "direct": (None, None),
    }[convention]
    return Depth(
        path=draw(st.none() | paths),
        part=draw(st.none() | names | st.integers(0, 9)),
        channel=draw(st.none() | names),
        convention=convention,
        near=near,
        far=far,
        unpremultiply=draw(st.booleans()),
        clean_edges=draw(st.booleans()),
        edges=draw(st.sampled_from(["auto", "exact", "repair"])),
        edge_strength=draw(st.floats(0, 4)),
        fit=draw(st.sampled_from(["error", "scale"])),
        frame_offset=draw(st.integers(-10000, 10000)),
    )


plates = st.builds(
    Plate,
    path=paths,
    frames=st.none() | st.sampled_from(["1001-1024", "1,4,7-9x2", "-3--1"]),
    part=st.none() | names | st.integers(0, 9),
    layer=st.none() | names,
    extra_layers=st.lists(names, max_size=3).map(tuple),
    colour_space=st.none() | names,
    frame_rate=st.none() | positive,
    pixel_aspect=st.none() | positive,
    on_missing=st.sampled_from(["error", "hold", "black"]),
)
mattes = st.builds(
    Matte,
    path=paths,
    channel=st.none() | names,
    disparity=st.none() | st.floats(0, 1),
    frame_offset=st.integers(-10000, 10000),
)
lenses = st.builds(
    LensSettings,
    focal_length=positive | keys(positive),
    f_number=positive | keys(positive),
    sensor_width=positive,
    world_unit=st.sampled_from(["mm", "cm", "dm", "m", "in", "ft"]),
)
apertures = st.builds(
    Aperture,
    blades=st.sampled_from([0, 3, 7, 16]),
    roundness=st.floats(0, 1),
    rotation=numbers,
    aspect=st.floats(0.1, 10),
    cats_eye=st.floats(0, 1),
    ring=st.floats(-1, 1),
    softness=st.floats(0, 1),
) | st.builds(Aperture, image=paths)
outputs = st.builds(
    Output,
    path=names.map(lambda name: f"/out/{name.replace('/', '-')}.%04d.exr"),
    data_type=st.sampled_from([None, "half", "float"]),
    compression=st.sampled_from([None, "zips", "dwaa:45"]),
    layers=st.lists(st.sampled_from(["coc", "disparity", "overlay", "invented"]), unique=True).map(tuple),
    codec=st.sampled_from([None, "h264", "hevc", "prores"]),
    metadata=st.dictionaries(names, names, max_size=3),
)


any_to_bokeh = st.builds(
    AnyToBokehOptions,
    weights=st.none() | st.just("/lib/weights"),
    image_encoder=st.none() | st.just("/lib/svd"),
    profile=st.sampled_from(["released", "paper"]),
    mask_exponent=st.none() | st.floats(0, 10),
    overlap=st.integers(1, 16),
    ramp=st.sampled_from([None, "released", "centred"]),
    size=st.none() | st.just("1024x576"),
    exposure=st.none() | st.floats(-20, 20),
    runtime=st.sampled_from(["auto", "torch", "onnx"]),
    device=st.sampled_from(["auto", "cpu", "cuda", "cuda:1", "tensorrt", "mps", "coreml"]),
)
renderers = st.builds(
    RendererChoice,
    name=st.sampled_from(["optical", "any-to-bokeh"]),
    quality=st.sampled_from(["draft", "final"]),
    any_to_bokeh=any_to_bokeh,
)


@st.composite
def shots(draw: st.DrawFn) -> Shot:
    depth = draw(depths())
    metric = depth.convention in ("distance", "inverse")
    by_lens = metric and draw(st.booleans())
    blur = st.builds(Blur, keys=keys(st.floats(0, 500)), before=extrapolations, after=extrapolations)
    return Shot(
        name=draw(st.just("") | names),
        plate=draw(plates),
        depth=depth,
        matte=draw(st.none() | mattes),
        focus=draw(focuses(metric)),
        blur=None if by_lens else draw(blur),
        lens=draw(lenses) if by_lens else None,
        in_focus_range=draw(st.floats(0, 1)),
        near_multiplier=draw(st.floats(0, 100)),
        far_multiplier=draw(st.floats(0, 100)),
        maximum_radius=draw(st.none() | st.floats(0, 2000)),
        aperture=draw(apertures),
        highlights=draw(st.builds(Highlights, threshold=positive, gain=positive)),
        renderer=draw(renderers),
        output=draw(outputs),
    )
