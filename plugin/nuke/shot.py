"""From the node to a shot document."""

from __future__ import annotations

from typing import Any

import nuke

from ..document import focus_keys, sampled_keys, shot_document
from ..errors import EngineError
from .knobs import FIELDS, path_of, samples, still

__all__ = ["METRIC", "given_limits", "limits_known", "shot_of"]

METRIC = ("distance", "inverse")
"""Conventions of depth that hold distances, and whose near limit has to be found where it is not given."""


def shot_of(
    node: nuke.Node,
    *,
    plate: dict[str, Any],
    depth: dict[str, Any],
    frames: tuple[int, int],
    output: str,
    quality: str,
    view: str | None = None,
) -> dict[str, Any]:
    """The shot document of the node.

    Args:
        node: of ours.
        plate, depth: their parts of the document: paths, and what the files hold.
        frames: first and last of the shot; curves are asked for on these and no others.
        output: pattern of the result.
        quality: ``draft`` or ``final``.
        view: whose values, in scripts with several.

    Raises:
        EngineError: a knob says what no shot can be.
    """
    first = frames[0]
    asked = range(first, frames[1] + 1)
    kind = still(node, "focus_kind", first)
    parts: dict[str, Any] = {}
    for name, field in FIELDS.items():
        *way, last = field.split(".")
        held = parts
        for step in way:
            held = held.setdefault(step, {})
        held[last] = still(node, name, first)
    convention = still(node, "depth_kind", first)
    near, far = given_limits(node, first)
    depth = {**parts.pop("depth"), "near": near, "far": far, **depth}
    parts["aperture"]["image"] = path_of(node, "aperture_image") or None
    parts["maximum_radius"] = still(node, "maximum_radius", first) or None
    parts["renderer"].update(
        quality=quality,
        any_to_bokeh={
            "weights": path_of(node, "weights") or None,
            "device": "cpu" if still(node, "cpu_only", first) else None,
        },
    )
    if kind == "distance" and convention not in METRIC:
        raise EngineError(
            "nuke.knob",
            f'{node.name()}: the focus is a distance, but depth that is "{convention}" holds none; set focus in to '
            "disparity",
        )
    lens = None
    if still(node, "blur_kind", first) == "lens":
        lens = {
            "focal_length": sampled_keys(samples(node, "focal_length", asked, view)),
            "f_number": sampled_keys(samples(node, "f_number", asked, view)),
            "sensor_width": still(node, "sensor_width", first),
            "world_unit": still(node, "world_unit", first),
        }
    data_type = still(node, "data_type", first)
    try:
        focus = focus_keys(samples(node, "focus", asked, view), kind)
    except ValueError as error:
        raise EngineError("nuke.knob", f"{node.name()}.focus: {error}; correct its curve") from error
    return shot_document(
        name=node.name(),
        plate=plate,
        depth=depth,
        frames=frames,
        focus=focus,
        blur=sampled_keys(samples(node, "blur", asked, view)) if lens is None else None,
        lens=lens,
        output={"path": output, "data_type": None if data_type == "plate" else data_type},
        **parts,
    )


def given_limits(node: nuke.Node, frame: int) -> tuple[float | None, float | None]:
    """The depth limits that the node gives, in the channel's own values; None where it leaves them open."""
    convention = still(node, "depth_kind", frame)
    near, far = still(node, "depth_near", frame), still(node, "depth_far", frame)
    if convention in METRIC:
        return near or None, far or None
    return (None, None) if near == far or convention == "direct" else (near, far)


def limits_known(node: nuke.Node, frame: int) -> bool:
    """Whether the engine need not search the whole shot for the nearest depth."""
    return still(node, "depth_kind", frame) not in METRIC or given_limits(node, frame)[0] is not None
