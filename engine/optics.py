"""Optics: from disparity, focal point and lens to the signed circle of confusion of every pixel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf, isfinite, isnan
from typing import TYPE_CHECKING, Final

import numpy as np

from engine.curve import Curve
from engine.errors import OpticsError, require
from engine.frames import Float32Array, Window

if TYPE_CHECKING:
    from engine.depth import DepthLimits
    from engine.shot import Key, Shot

__all__ = ["WORLD_UNITS", "Defocus", "circle_of_confusion", "lens_strength", "screen_width", "strength_curve"]

WORLD_UNITS: Final = {"mm": 1.0, "cm": 10.0, "dm": 100.0, "m": 1000.0, "in": 25.4, "ft": 304.8}
"""Millimetres in one world unit."""


@dataclass(frozen=True)
class Defocus:
    """How the circle of confusion departs from the plain lens.

    Attributes:
        in_focus_range: disparity on both sides of the focal plane that stays sharp; blur grows from its border.
        near_multiplier: multiplies the radius in front of the focal plane, where it is negative.
        far_multiplier: multiplies the radius behind the focal plane, where it is positive.
        maximum_radius: largest radius in pixels, on either side; None for no limit.

    Raises:
        OpticsError: one of them is negative or not finite.
    """

    in_focus_range: float = 0.0
    near_multiplier: float = 1.0
    far_multiplier: float = 1.0
    maximum_radius: float | None = None

    def __post_init__(self) -> None:
        for name in ("in_focus_range", "near_multiplier", "far_multiplier", "maximum_radius"):
            value = getattr(self, name)
            if value is not None and not (isfinite(value) and value >= 0):
                raise OpticsError(f"{name}: {value} is not a size; give a finite number of zero or more")

    @classmethod
    def of(cls, shot: Shot) -> Defocus:
        """What the shot document asks for."""
        return cls(shot.in_focus_range, shot.near_multiplier, shot.far_multiplier, shot.maximum_radius)

    @property
    def is_plain(self) -> bool:
        """Whether the radius is exactly ``K (d_f - d)``."""
        return self == Defocus()


PLAIN: Final = Defocus()


def circle_of_confusion(
    disparity: Float32Array, focus: float, strength: float, defocus: Defocus = PLAIN
) -> Float32Array:
    """Signed blur radius of every pixel, in rows (pixels of height) of the plate.

    ``r = K (d_f - d)``: positive behind the focal plane, negative in front of it (Any-to-Bokeh, equation 1, with the
    sign kept). With an in-focus range, ``d_f - d`` is the distance to the range's border, so that r is 0 inside it
    and grows from 0 outside.

    Args:
        disparity: (H, W) float32, 1 nearest to 0 farthest.
        focus: focal disparity d_f, on the same scale.
        strength: K, the radius in rows where ``abs(d - d_f)`` is 1; zero or more.
        defocus: in-focus range, multipliers in front and behind, maximum radius.

    Returns:
        (H, W) float32.

    Raises:
        OpticsError: K is negative or not finite, or the focal disparity is not finite.
    """
    check_strength(strength)
    require(
        isfinite(focus), OpticsError, f"focal disparity {focus} is not finite; give a number, 1 nearest, 0 farthest"
    )
    radius: Float32Array = np.subtract(np.float32(focus), disparity, dtype=np.float32)
    if defocus.in_focus_range > 0:
        inside = np.float32(defocus.in_focus_range)
        radius -= np.clip(radius, -inside, inside)
    radius *= np.float32(strength)
    if defocus.near_multiplier != 1 or defocus.far_multiplier != 1:
        near, far = np.float32(defocus.near_multiplier), np.float32(defocus.far_multiplier)
        radius *= np.where(radius < 0, near, far)
    if defocus.maximum_radius is not None:
        limit = np.float32(defocus.maximum_radius)
        np.clip(radius, -limit, limit, out=radius)
    return radius


def check_strength(strength: float, where: str = "blur strength K") -> None:
    """Raise OpticsError unless K is finite and zero or more."""
    usable = isfinite(strength) and strength >= 0
    require(usable, OpticsError, f"{where}: K is {strength}, but it must be finite and zero or more; correct its keys")


def lens_strength(
    focal_length: float,
    f_number: float,
    sensor_width: float,
    focus_distance: float,
    near: float,
    far: float,
    world_unit: str,
    width_px: float,
) -> float:
    """K of a thin lens: the radius in rows (pixels of height) where ``abs(d - d_f)`` is 1.

    A lens of focal length f and f-number N that is focused at s draws a point at z as a disc of diameter
    ``c = f^2 / (N (s - f)) * abs(z - s) / z`` on the sensor (Potmesil and Chakravarty, "A lens and aperture camera
    model for synthetic image generation", SIGGRAPH 1981; any optics text). Since ``abs(z - s) / z`` is
    ``s abs(1/s - 1/z)`` and disparity is linear in 1/z, the radius c/2 is K abs(d_f - d) with

        ``K = f^2 s (1/near - 1/far) / (2 N (s - f)) * width_px / sensor_width``

    Args:
        focal_length: f in millimetres.
        f_number: N.
        sensor_width: millimetres, of the part of the sensor that the plate's width shows. Of an anamorphic lens, as
            wide as the picture is seen: the sensor's own width times the squeeze.
        focus_distance: s from the lens, in world units; may be infinite.
        near: distance at disparity 1, in world units.
        far: distance at disparity 0, in world units; may be infinite.
        world_unit: mm, cm, dm, m, in or ft.
        width_px: width of the plate's display window as it is seen, in pixels of its height (see ``screen_width``).

    Raises:
        OpticsError: a value that no lens has; the lens cannot focus at its focal length or nearer; far not beyond near.
    """
    for name, value in (
        ("lens.focal_length", focal_length),
        ("lens.f_number", f_number),
        ("lens.sensor_width", sensor_width),
        ("depth.near", near),
        ("the plate's width", width_px),
    ):
        require(isfinite(value) and value > 0, OpticsError, f"{name} is {value}; a lens needs a finite number above 0")
    require(
        world_unit in WORLD_UNITS,
        OpticsError,
        f'lens.world_unit: "{world_unit}" is not known; use one of {", ".join(WORLD_UNITS)}',
    )
    require(
        far > near, OpticsError, f"depth.far {far} must lie beyond depth.near {near} for a lens; correct the limits"
    )
    unit = WORLD_UNITS[world_unit]
    focus_mm = focus_distance * unit
    if isnan(focus_mm) or focus_mm <= focal_length:
        raise OpticsError(
            f"a lens of {focal_length:g} mm cannot focus at {focus_distance:g} {world_unit}, which is not beyond its "
            "focal length; move the focus away or correct lens.world_unit"
        )
    depth_range = (1 / near - 1 / far) / unit
    # f^2 s / (s - f) written so that focus at infinity needs no case of its own.
    magnification = focal_length**2 / (1 - focal_length / focus_mm)
    return magnification * depth_range / (2 * f_number) * width_px / sensor_width


def strength_curve(
    shot: Shot, width_px: float, limits: DepthLimits, focus: Callable[[float], float] | None = None
) -> Callable[[float], float]:
    """K of a frame, from the keys of K or from the lens.

    Args:
        shot: its ``blur`` or its ``lens``.
        width_px: width of the plate's display window as it is seen, in pixels of its height (see ``screen_width``);
            only a lens needs it.
        limits: of the shot's depth; only a lens needs them.
        focus: d_f of a frame, as ``engine.depth.focus_curve`` gives it; a lens needs it, because its K depends on the
            distance it is focused at.

    Returns:
        A function of the frame number, which raises OpticsError where K is not finite or the lens cannot focus.

    Raises:
        OpticsError: a lens without a focus or without limits in world units.
    """
    if shot.lens is None:
        assert shot.blur is not None  # the document holds exactly one of them
        return _Keyed(Curve.of(shot.blur.keys, shot.blur.before, shot.blur.after))
    require(focus is not None, OpticsError, "lens: K of a lens depends on its focus; give the shot's focus curve too")
    assert focus is not None  # for the type checker
    return _Lensed(shot, width_px, limits, focus)


def screen_width(window: Window, pixel_aspect: float) -> float:
    """Width of a plate's display window as it is seen, in pixels of its height: columns times pixel aspect.

    Squeezing a plate leaves it as it is.
    """
    return window.display_width * pixel_aspect


@dataclass(frozen=True)
class _Keyed:
    """K by keys; a soft curve may swing below zero, where K stays zero."""

    curve: Curve

    def __call__(self, frame: float) -> float:
        strength = max(self.curve(frame), 0.0)
        check_strength(strength, f"frame {frame:g}")
        return strength


class _Lensed:
    """K of a real lens, whose focal length and f-number may be keyed."""

    def __init__(self, shot: Shot, width_px: float, limits: DepthLimits, focus: Callable[[float], float]) -> None:
        assert shot.lens is not None
        self._lens = shot.lens
        self._focal_length = _number(shot.lens.focal_length)
        self._f_number = _number(shot.lens.f_number)
        self._width_px = width_px
        self._near, self._far = limits.distances(shot.depth)
        self._focus = focus

    def __call__(self, frame: float) -> float:
        try:
            return lens_strength(
                self._focal_length(frame),
                self._f_number(frame),
                self._lens.sensor_width,
                self._focus_distance(frame),
                self._near,
                self._far,
                self._lens.world_unit,
                self._width_px,
            )
        except OpticsError as error:
            raise OpticsError(f"frame {frame:g}: {error.message}") from error

    def _focus_distance(self, frame: float) -> float:
        inverse = 1 / self._far + self._focus(frame) * (1 / self._near - 1 / self._far)
        return 1 / inverse if inverse > 0 else inf


def _number(value: float | tuple[Key, ...]) -> Callable[[float], float]:
    """A number, or keys, as a function of the frame."""
    if isinstance(value, tuple):
        return Curve.of(value)
    return Curve.constant(value)
