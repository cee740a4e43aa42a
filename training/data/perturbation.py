"""Disparity as an estimator gets it wrong, for stage 2 of the training and for tests of robustness.

Stage 2 (Any-to-Bokeh, section 3.4) disturbs the disparity of a clip that is focused on one element, each frame on its
own. With ``M`` the focused element and ``M'`` the same displaced, it is in this order:

1. Elastic: ``u = s * smooth(noise)`` displaces ``d`` to ``d(x + u)`` (Simard et al., 2003), ``smooth`` a Gaussian of 4
   pixels and ``s`` such that a coordinate moves by 2 pixels in the mean square, which is alpha = 50.
2. Noise: ``d += 0.1 d_f (2 n - 1)``, ``n`` in 0..1 the sum of Perlin noise of 50, 20 and 10 pixels with weights 0.5,
   0.3 and 0.2, three octaves each.
3. Morphology: one time in four a dilation and one in four an erosion of the whole map, by a square of 3, 5 or 7.

``paper`` is what the paper means: 1 on ``M | M'``, 2 in the disturbed band ``M ^ M'`` and nowhere else.
``released`` is what the authors' script does: 1 on ``M'`` only, so that where an element draws back, its old disparity
stays; ``n`` evaluated on ``M' & ~M``, 0 elsewhere, and then stretched to 0..1 over the whole map, so that 2 also
shifts everything outside the band by one constant within 10 % of ``d_f``, and by exactly -10 % where the band is empty.

Lengths are in pixels of a frame 1024 wide, and scale with the width as K does. OpenCV is imported here: import this
module where the work starts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, Literal, NamedTuple

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from engine.errors import TrainingError, require
from engine.frames import Float32Array

__all__ = ["PERTURBATIONS", "blur", "elastic", "morph", "perturb"]

Mask = NDArray[np.bool_]

FULL_WIDTH: Final = 1024
"""Lengths are given for this width."""

SMOOTH: Final = 4.0
"""Sigma of the Gaussian that smooths the displacement."""

MOVED: Final = 50.0 / (np.sqrt(3.0) * 2.0 * np.sqrt(np.pi) * SMOOTH)
"""Root mean square of a displacement: ``alpha`` times that of noise in -1..1 after the Gaussian, 2.04 pixels."""

NOISE: Final = 0.1
"""Most that the noise adds, as a share of d_f."""

SCALES: Final = ((50.0, 0.5), (20.0, 0.3), (10.0, 0.2))
"""Period and weight of each Perlin noise."""

OCTAVES: Final = 3
SQUARES: Final = (1, 2, 3)
"""Half sides of the squares of the morphology: 3, 5 and 7 pixels."""

SOFTEST: Final = 4.0
"""Sigma of :func:`blur` at severity 1."""


def perturb(
    disparity: Float32Array,
    subject: Mask,
    focus: float,
    rng: Generator,
    mode: Literal["paper", "released"] = "paper",
) -> Float32Array:
    """One frame's disparity, disturbed around the element in focus; d_f itself is not changed.

    Args:
        disparity: (H, W) float32, 0..1.
        subject: (H, W) bool, the focused element without what nearer ones hide of it.
        focus: d_f, 0..1.
        rng: the same state gives the same result.
        mode: see the module.

    Returns:
        (H, W) float32, 0..1.

    Raises:
        TrainingError: the shapes differ, or focus is not in 0..1, or there is no such mode.
    """
    require(
        disparity.ndim == 2 and disparity.shape == subject.shape,
        TrainingError,
        f"perturbation: disparity is {disparity.shape} but the subject is {subject.shape}; give both as (H, W)",
    )
    require(0.0 <= focus <= 1.0, TrainingError, f"perturbation: focus must be a disparity in 0..1, got {focus}")
    require(
        mode in ("paper", "released"), TrainingError, f'perturbation: there is no mode "{mode}"; use paper or released'
    )
    field = _displacement(disparity.shape, 1.0, rng)
    displaced = _moved(subject.astype(np.uint8), field, cv2.INTER_NEAREST) > 0
    warped = _moved(disparity, field)
    if mode == "paper":
        changed = np.where(subject | displaced, warped, disparity)
        band = subject ^ displaced
        changed[band] += NOISE * focus * (2.0 * _stretched(_noise(band, rng)) - 1.0)
    else:
        changed = np.where(displaced, warped, disparity)
        band = displaced & ~subject
        everywhere = np.zeros_like(disparity)
        everywhere[band] = _noise(band, rng)
        changed += NOISE * focus * (2.0 * _stretched(everywhere) - 1.0)
    which, side = rng.random(), int(rng.choice(SQUARES))
    if which <= 0.5:
        changed = _morphed(changed, side, grow=which <= 0.25)
    return np.clip(changed, 0.0, 1.0)


def elastic(disparity: Float32Array, severity: float, rng: Generator) -> Float32Array:
    """The whole map displaced by smooth noise; severity 1 moves it as stage 2 does, 0 leaves it.

    Args:
        disparity: (H, W) float32, 0..1.
        severity: factor of the displacement, zero or more.
        rng: the same state gives the same result.

    Returns:
        (H, W) float32, 0..1.
    """
    _check_severity(severity)
    return _moved(disparity, _displacement(disparity.shape, severity, rng))


def blur(disparity: Float32Array, severity: float, rng: Generator) -> Float32Array:
    """The whole map softened by a Gaussian, as networks draw depth edges; sigma is 4 pixels at severity 1, 0 leaves it.

    Nothing here is random; ``rng`` is there for one signature. Arguments and result as for :func:`elastic`.
    """
    del rng
    _check_severity(severity)
    sigma = SOFTEST * severity * _pixel(disparity)
    return disparity.copy() if sigma == 0.0 else _smooth(disparity, sigma)


def morph(disparity: Float32Array, severity: float, rng: Generator) -> Float32Array:
    """Every element a little too large or too small, by a fair coin: a square of 7 pixels at severity 1, 0 leaves it.

    Arguments and result as for :func:`elastic`.
    """
    _check_severity(severity)
    grow = bool(rng.random() < 0.5)
    return disparity.copy() if severity == 0.0 else _morphed(disparity, SQUARES[-1] * severity, grow)


PERTURBATIONS: Final[Mapping[str, Callable[[Float32Array, float, Generator], Float32Array]]] = {
    "elastic": elastic,
    "blur": blur,
    "morph": morph,
}
"""Ways to disturb a whole map by a severity, by name."""


class _Field(NamedTuple):
    """Where every pixel is taken from: (H, W) float32 each, in pixels."""

    columns: Float32Array
    rows: Float32Array


def _check_severity(severity: float) -> None:
    require(
        bool(np.isfinite(severity)) and severity >= 0.0,
        TrainingError,
        f"perturbation: severity must be zero or more, got {severity}",
    )


def _pixel(disparity: Float32Array | Mask) -> float:
    """One pixel of the full width, in pixels of this map."""
    return float(disparity.shape[1] / FULL_WIDTH)


def _smooth(image: Float32Array, sigma: float) -> Float32Array:
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma, borderType=cv2.BORDER_REFLECT_101), np.float32)


def _displacement(shape: tuple[int, ...], severity: float, rng: Generator) -> _Field:
    height, width = shape
    pixel = width / FULL_WIDTH
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    offsets = []
    for _ in range(2):
        smooth = _smooth(2.0 * rng.random(shape, np.float32) - 1.0, SMOOTH * pixel)
        # By its own spread: a Gaussian narrower than a pixel does not smooth as the formula says.
        offsets.append(smooth * np.float32(MOVED * pixel * severity / max(float(smooth.std()), 1e-12)))
    return _Field(columns + offsets[0], rows + offsets[1])


def _moved(
    image: Float32Array | NDArray[np.uint8], field: _Field, interpolation: int = cv2.INTER_LINEAR
) -> Float32Array:
    moved = cv2.remap(image, field.columns, field.rows, interpolation, borderMode=cv2.BORDER_REFLECT_101)
    return np.asarray(moved, np.float32)


def _morphed(disparity: Float32Array, half_side: float, grow: bool) -> Float32Array:
    """Dilated or eroded by a square of ``2 half_side + 1`` pixels of the full width, at least 3 of the map's own."""
    side = 2 * max(1, round(half_side * _pixel(disparity))) + 1
    square = np.ones((side, side), np.uint8)
    return np.asarray((cv2.dilate if grow else cv2.erode)(disparity, square), np.float32)


def _stretched(values: Float32Array) -> Float32Array:
    """Over 0..1; all 0 where they are all equal."""
    if values.size == 0:
        return values
    least, most = float(values.min()), float(values.max())
    return (values - least) / (most - least) if most > least else np.zeros_like(values)


def _noise(where: Mask, rng: Generator) -> Float32Array:
    """(N,): the noise of all scales at the N pixels that are set, so that it costs what the band is large."""
    rows, columns = (place.astype(np.float32) / np.float32(_pixel(where)) for place in np.nonzero(where))
    total = np.zeros(rows.size, np.float32)
    for period, weight in SCALES:
        for octave in range(OCTAVES):
            frequency = np.float32(2**octave / period)
            total += np.float32(weight * 0.5**octave) * _perlin(rows * frequency, columns * frequency, rng)
    return total


def _perlin(rows: Float32Array, columns: Float32Array, rng: Generator) -> Float32Array:
    """(N,) gradient noise at places measured in its lattice (Perlin, 2002), under a random offset."""
    shift = rng.random(2, np.float32)
    if rows.size == 0:
        return np.zeros(0, np.float32)
    rows, columns = rows + shift[0], columns + shift[1]
    r, c = np.floor(rows).astype(np.int64), np.floor(columns).astype(np.int64)
    angles = rng.random((int(r.max()) + 2, int(c.max()) + 2), np.float32) * np.float32(2.0 * np.pi)
    y, x = rows - r, columns - c
    fade_y, fade_x = (t * t * t * (t * (t * 6.0 - 15.0) + 10.0) for t in (y, x))

    def corner(down: int, right: int) -> Float32Array:
        angle = angles[r + down, c + right]
        return np.asarray(np.cos(angle) * (x - right) + np.sin(angle) * (y - down), np.float32)

    top = corner(0, 0) + fade_x * (corner(0, 1) - corner(0, 0))
    bottom = corner(1, 0) + fade_x * (corner(1, 1) - corner(1, 0))
    return np.asarray(top + fade_y * (bottom - top), np.float32)
