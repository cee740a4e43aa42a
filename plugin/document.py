"""A shot document as plain data, from what a host samples.

Field names are those of the shot document (``docs/shot.md``). The engine validates the document; here it is only put
together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import isfinite
from typing import Any, Union

__all__ = ["curve_keys", "focus_keys", "sampled_keys", "shot_document"]

SCHEMA_VERSION = 1
TOLERANCE = 1e-9
"""How far a curve through the keys may lie from a sample."""

Key = dict[str, Any]
Part = Union[str, Mapping[str, Any]]
Keys = Union[float, Sequence[Mapping[str, Any]], Mapping[str, Any]]


def sampled_keys(samples: Mapping[float, float]) -> list[Key]:
    """The fewest keys whose straight lines go through every sample within 1e-9.

    Args:
        samples: value by frame, as ``valueAt(frame)`` of a host gives them; expressions are in it already.

    Returns:
        Keys ``{"frame", "value", "interpolation": "linear"}`` in order of frames; one where the value never changes.

    Raises:
        ValueError: no samples, or one that is not finite.
    """
    return _kept(samples, "value")


def focus_keys(samples: Mapping[float, float], kind: str = "disparity") -> list[Key]:
    """Keys of the focal point from samples, see ``sampled_keys``.

    Args:
        samples: disparity or distance by frame.
        kind: ``disparity``, or ``distance`` in the depth channel's own unit. ``shot_document`` sets ``focus.space`` to
            suit, because a straight line through distances is none through disparities.

    Raises:
        ValueError: no samples, one that is not finite, or a distance that is not above 0.
    """
    if kind not in ("disparity", "distance"):
        raise ValueError(f'a focus is sampled as "disparity" or "distance", not as "{kind}"')
    for frame, value in samples.items():
        if kind == "distance" and not value > 0:
            raise ValueError(f"frame {frame:g}: the focus distance is {value:g}, but it must be above 0")
    return _kept(samples, kind)


def curve_keys(keys: Iterable[Mapping[str, Any]], kind: str = "value") -> list[Key]:
    """Keys of a host's own spline, tangents kept.

    Args:
        keys: each with ``frame``, ``value``, and where it has them ``interpolation`` to the next key (``constant``,
            ``linear``, ``bezier``; bezier when not given) and the Bezier handles ``left`` and ``right`` as offsets from
            the key, ``{"frame": ..., "value": ...}``.
        kind: ``value`` for K and lens values, ``disparity`` or ``distance`` for the focus.

    Returns:
        Keys as the shot document has them, in order of frames; of two at one frame the later counts.

    Raises:
        ValueError: no keys, or a number that is not finite.
    """
    by_frame: dict[float, Key] = {}
    for key in keys:
        frame = _number(key["frame"], "the frame of a key")
        made: Key = {"frame": frame, kind: _number(key["value"], f"the value at frame {frame:g}")}
        made["interpolation"] = key.get("interpolation") or "bezier"
        for side, sign in (("left", -1), ("right", 1)):
            handle = key.get(side)
            if handle is not None:
                across = _number(handle["frame"], f"the {side} handle at frame {frame:g}")
                # Hosts leave a handle a rounding error beyond its key.
                across = across if across * sign > 0 else 0.0
                made[side] = {"frames": across, "value": _number(handle["value"], f"the {side} handle at {frame:g}")}
        by_frame[frame] = made
    if not by_frame:
        raise ValueError("the curve has no keys; set at least one")
    return [by_frame[frame] for frame in sorted(by_frame)]


def shot_document(
    *,
    plate: Part,
    depth: Part | None,
    frames: str | tuple[int, int] | None,
    focus: Keys,
    blur: Keys | None = None,
    lens: Mapping[str, Any] | None = None,
    output: Part,
    **further: Any,  # noqa: ANN401  any field
) -> dict[str, Any]:
    """A shot document; what is None is left out, at any depth.

    Args:
        plate, depth, output: a path, or the whole part of the document; depth None where it is in the plate's files.
        frames: of the shot, ``"1001-1024"`` or first and last; None for all that exist.
        focus: keys, a disparity that holds for the whole shot, or the whole part.
        blur: keys of K, a K that holds for the whole shot, or the whole part; or give a lens.
        lens: the part of the document.
        further: other fields of a shot, such as ``aperture`` or ``in_focus_range``.
    """
    sharp = _part(plate)
    if frames is not None:
        sharp["frames"] = frames if isinstance(frames, str) else "{}-{}".format(*frames)
    focal = _animated(focus, "disparity")
    if "space" not in focal and any("distance" in key for key in focal.get("keys", ())):
        focal["space"] = "distance"
    document = {
        "schema_version": SCHEMA_VERSION,
        "plate": sharp,
        "depth": None if depth is None else _part(depth),
        "focus": focal,
        "blur": None if blur is None else _animated(blur, "value"),
        "lens": lens,
        "output": _part(output),
    }
    whole: dict[str, Any] = _without_none({**document, **further})
    return whole


def _kept(samples: Mapping[float, float], kind: str) -> list[Key]:
    points = sorted((float(frame), float(value)) for frame, value in samples.items())
    if not points:
        raise ValueError("the curve has no samples; sample it at one frame at least")
    for frame, value in points:
        _number(frame, "a frame number")
        _number(value, f"the value at frame {frame:g}")
    if all(abs(value - points[0][1]) <= TOLERANCE for _, value in points):
        points = points[:1]
    kept, start = [0], 0
    while start < len(points) - 1:
        start = _farthest(points, start)
        kept.append(start)
    return [{"frame": points[at][0], kind: points[at][1], "interpolation": "linear"} for at in kept]


def _farthest(points: Sequence[tuple[float, float]], start: int) -> int:
    """The farthest sample to which a straight line from ``start`` runs through all between."""
    frame0, value0 = points[start]
    lowest, highest = float("-inf"), float("inf")
    reached = start + 1
    for at in range(start + 1, len(points)):
        across = points[at][0] - frame0
        slope = (points[at][1] - value0) / across
        if lowest <= slope <= highest:
            reached = at
        lowest = max(lowest, slope - TOLERANCE / across)
        highest = min(highest, slope + TOLERANCE / across)
        if lowest > highest:
            break
    return reached


def _number(value: object, what: str) -> float:
    number = float(value)  # type: ignore[arg-type]
    if not isfinite(number):
        raise ValueError(f"{what} is {number}; it must be finite")
    return number


def _part(given: Part) -> dict[str, Any]:
    return {"path": given} if isinstance(given, str) else dict(given)


def _animated(given: Keys, kind: str) -> dict[str, Any]:
    if isinstance(given, Mapping):
        return dict(given)
    if isinstance(given, (int, float)):
        return {"keys": [{"frame": 0, kind: given}]}
    return {"keys": list(given)}


def _without_none(value: Any) -> Any:  # noqa: ANN401  any JSON
    if isinstance(value, Mapping):
        return {name: _without_none(inner) for name, inner in value.items() if inner is not None}
    if isinstance(value, (list, tuple)):
        return [_without_none(inner) for inner in value]
    return value
