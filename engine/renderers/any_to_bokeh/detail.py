"""The plate's own pixels where they are in focus, and the network's picture everywhere else.

A pixel of the refocused picture is ``cover * plate + (1 - cover) * blurred``: cover is the share of the lens that sees
the pixel's thing in focus, blurred the mean of what the rest of the lens sees. Cover is known at full size, from the
depth and from how far blurred things in front hide it. What the network gives is the mean of this over its larger
pixels; taking the plate's share out of it leaves the blurred light alone, without a trace of the sharp edges. So
neither a subject's edge nor a veil before it leaves a halo.
"""

from __future__ import annotations

from typing import Final

import numba as nb
import numpy as np

from engine.frames import Float32Array, PlateFrame, Window
from engine.renderers.any_to_bokeh.fitting import Fit
from engine.renderers.optical import OpticalRenderer

__all__ = ["SHARP", "cover_in_focus", "put_back_detail", "sharp_share"]

SHARP: Final = 0.5
"""Radii up to this (plate pixels) show no blur, in the optical renderer too."""

TRUST: Final = np.float32(0.25)
"""Share of a network's pixel that must be blurred for its blurred light to be taken from it rather than from its
neighbours: an error of the network grows by no more than one over this."""

FAINT: Final = np.float32(1.0 / 64.0)
"""Where the neighbours show less blurred light than this share, their plain mean counts too."""


def sharp_share(radius: Float32Array, row_scale: float) -> Float32Array:
    """Share of the plate's own detail that a blur of ``radius`` leaves: 1 in focus, 0 where the network sees it all.

    Shrinking and enlarging blur like a disc of ``1 / row_scale`` pixels: mean over a pixel and straight lines between
    pixels have together a quarter of its square as variance, and so has the disc. In between the share follows the
    variance.

    Args:
        radius: (H, W) float32, signed, in plate pixels.
        row_scale: content rows of a plate row, at most 1.
    """
    softest = 1.0 / row_scale
    span = np.float32(max(softest**2, 1.0) - SHARP**2)
    return np.clip(1.0 - (radius * radius - np.float32(SHARP**2)) / span, np.float32(0.0), np.float32(1.0))


def cover_in_focus(radius: Float32Array, fit: Fit, optical: OpticalRenderer) -> Float32Array:
    """Share of the lens that sees each pixel of the plate in focus, (H, W) float32 from 0 to 1.

    Args:
        radius: (H, W) float32, signed, in plate pixels.
        fit: the plate in the network's picture.
        optical: with the shot's aperture and no defocus of its own; it is given radii, not depth. Draft will do. Only
            runs where something blurred is in front.

    Raises:
        CancelledError: ``optical.cancel`` was called.
    """
    share = sharp_share(radius, fit.row_scale)
    if float(radius.min()) >= -SHARP:
        return share
    hidden = _hidden(radius, share, fit, optical)
    seen = np.float32(1.0) - hidden
    # A thing a little in front hides itself by what its own share lacks.
    return np.where(radius < 0, np.minimum(share, seen), share * seen)


def _hidden(radius: Float32Array, share: Float32Array, fit: Fit, optical: OpticalRenderer) -> Float32Array:
    """Share of the lens that is hidden by blurred things in front of the focal plane, (H, W)."""
    in_front = np.where(radius < 0, np.float32(1.0) - share, np.float32(0.0))
    near = (radius < -SHARP).astype(np.float32)
    small = fit.shrink(np.stack([in_front, near, radius * near, radius * (1 - near)], axis=2))
    mostly = small[..., 1]
    # A pixel of the network shows two things at a silhouette; its radius is that of the larger one, no mean of both.
    small_radius = np.where(
        mostly >= 0.5, small[..., 2] / np.maximum(mostly, 0.5), small[..., 3] / np.maximum(1 - mostly, 0.5)
    ) * np.float32(fit.row_scale)
    height, width = mostly.shape
    rendered = optical.render(
        PlateFrame(
            frame=0,
            image=np.ascontiguousarray(small[..., :1]),
            channels=("matte",),
            disparity=-small_radius.astype(np.float32),
            focus=0.0,
            strength=1.0,
            window=Window.of_size(width, height),
        )
    )
    return np.clip(fit.enlarge(rendered.image[..., 0]), np.float32(0.0), np.float32(1.0))


def put_back_detail(base: Float32Array, picture: Float32Array, cover: Float32Array, fit: Fit) -> Float32Array:
    """The refocused picture at the plate's size.

    Args:
        base: (H, W, 3) float32 scene-linear, what of the plate went to the network.
        picture: (h, w, 3) float32 scene-linear, what the network made of it, at content size.
        cover: (H, W) float32, see ``cover_in_focus``. 1 gives the plate bit for bit, 0 the network.
        fit: the plate in the network's picture.

    Returns:
        (H, W, 3) float32, zero or more where base and picture are.
    """
    if float(cover.max()) <= 0.0:
        return fit.enlarge(picture)
    of_plate = fit.shrink(_weighted(base, cover))
    blurred = _fill(picture - of_plate[..., :3], np.float32(1.0) - of_plate[..., 3], picture)
    return _over(base, cover, fit.enlarge(blurred))


@nb.njit(cache=True, parallel=True, nogil=True)
def _weighted(base: Float32Array, cover: Float32Array) -> Float32Array:
    """(H, W, 4) what the plate gives to the picture, and its share."""
    height, width, _ = base.shape
    out = np.empty((height, width, 4), np.float32)
    for y in nb.prange(height):
        for x in range(width):
            share = cover[y, x]
            for c in range(3):
                out[y, x, c] = share * base[y, x, c]
            out[y, x, 3] = share
    return out


@nb.njit(cache=True, parallel=True, nogil=True)
def _over(base: Float32Array, cover: Float32Array, blurred: Float32Array) -> Float32Array:
    height, width, _ = base.shape
    out = np.empty_like(base)
    for y in nb.prange(height):
        for x in range(width):
            share = cover[y, x]
            for c in range(3):
                out[y, x, c] = share * base[y, x, c] + (np.float32(1.0) - share) * blurred[y, x, c]
    return out


def _fill(light: Float32Array, share: Float32Array, picture: Float32Array) -> Float32Array:
    """Colours of the blurred things, also where they cover little of a pixel or nothing.

    Args:
        light: (h, w, 3) float32, what they give to the picture.
        share: (h, w) float32, how much of each pixel they are.
        picture: (h, w, 3) float32, the whole picture.
    """
    around = _spread(np.concatenate([light, share[..., None], picture], axis=2))
    near = (around[..., :3] + FAINT * around[..., 4:]) / (around[..., 3:4] + FAINT)
    missing = TRUST * (1 - share[..., None])
    return np.maximum((light + missing * near) / (share[..., None] + missing), np.float32(0.0))


_TAPS: Final = np.array([1.0, 6.0, 15.0, 20.0, 15.0, 6.0, 1.0], np.float32) / np.float32(64.0)
"""Neighbours that are asked, along each side: a bell whose deviation is 1.2 of the network's pixels."""


def _spread(image: Float32Array) -> Float32Array:
    """Binomial mean over the neighbours, edges repeated."""
    for axis in (0, 1):
        reach = len(_TAPS) // 2
        around = [(reach, reach) if side == axis else (0, 0) for side in range(3)]
        wide = np.pad(image, around, mode="edge")
        count = image.shape[axis]
        image = sum(tap * np.take(wide, range(k, k + count), axis=axis) for k, tap in enumerate(_TAPS))
    return image
