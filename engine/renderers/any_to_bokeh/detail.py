"""The plate's own pixels where they are in focus or nearly so, and the network's picture everywhere else.

A pixel of the refocused picture is ``cover * focused + (1 - cover) * blurred``. Cover is the share of the lens that
sees a thing which is too sharp for the network's pixels; what that share sees is known at full size, from the plate and
the depth. Blurred is the mean of what the rest of the lens sees. What the network gives is the mean of this sum over
its larger pixels; taking the known part out of it leaves the blurred light alone, without a trace of the sharp edges.
So neither a subject's edge nor a veil before it leaves a halo.
"""

from __future__ import annotations

from typing import Final

import numba as nb
import numpy as np

from engine.frames import Float32Array, PlateFrame, Window
from engine.renderers.any_to_bokeh.fitting import Fit
from engine.renderers.optical import OpticalRenderer
from engine.renderers.optical.silhouettes import STEP

__all__ = ["SHARP", "focused_layer", "put_back_detail", "sharp_share"]

SHARP: Final = 0.5
"""Radii up to this (plate pixels) show no blur, in the optical renderer too."""

KNOWN_TO, SEEN_FROM = 0.5, 1.25
"""Radii, in the network's pixels, up to which the plate alone is used and from which the network alone is. Shrinking
and enlarging blur by themselves like a disc of about 0.6 pixels, which is little beside 1.25."""

TRUST: Final = np.float32(0.25)
"""Share of a network's pixel that must be blurred for its blurred light to be taken from it rather than from its
neighbours: an error of the network grows by no more than one over this."""

FAINT: Final = np.float32(1.0 / 64.0)
"""Where the neighbours show less blurred light than this share, their plain mean counts too."""


def put_back_detail(
    base: Float32Array, picture: Float32Array, radius: Float32Array, fit: Fit, optical: OpticalRenderer
) -> Float32Array:
    """The refocused picture at the plate's size.

    Args:
        base: (H, W, 3) float32 scene-linear, what of the plate went to the network.
        picture: (h, w, 3) float32 scene-linear, what the network made of it, at content size.
        radius: (H, W) float32, signed, in plate pixels.
        fit: the plate in the network's picture.
        optical: with the shot's aperture and no defocus of its own; it is given radii, not depth. Final quality: the
            network's pixels are few enough. Only runs where something blurred is in front.

    Returns:
        (H, W, 3) float32, zero or more where base and picture are, and no brighter than both; the base bit for bit
        where it is in focus and nothing blurred is in front.

    Raises:
        CancelledError: ``optical.cancel`` was called.
    """
    softest = SEEN_FROM / fit.row_scale
    if float(np.abs(radius).min()) >= softest:
        return fit.enlarge(picture)
    focused, cover = focused_layer(base, radius, fit)
    if float(radius.min()) < -SHARP:
        cover *= _seen(radius, fit, optical)
    known = fit.shrink(_weighted(focused, cover))
    blurred = _fill(picture - known[..., :3], np.float32(1.0) - known[..., 3], picture)
    # A mean of light is no brighter than its brightest part, however wrong the network is about the rest.
    np.minimum(blurred, max(float(base.max()), float(picture.max())), out=blurred)
    return _over(focused, cover, fit.enlarge(blurred))


def sharp_share(radius: Float32Array, row_scale: float) -> Float32Array:
    """How far the plate is asked and not the network: 1 in focus, 0 where the network's pixels hold all there is.

    Args:
        radius: (H, W) float32, signed, in plate pixels.
        row_scale: content rows of a plate row, at most 1.
    """
    first, last = max(KNOWN_TO / row_scale, SHARP), SEEN_FROM / row_scale
    t = np.clip((np.abs(radius) - np.float32(first)) / np.float32(last - first), np.float32(0.0), np.float32(1.0))
    share: Float32Array = np.float32(1.0) - t * t * (np.float32(3.0) - np.float32(2.0) * t)
    return share


def focused_layer(base: Float32Array, radius: Float32Array, fit: Fit) -> tuple[Float32Array, Float32Array]:
    """The plate through the lens, of things that are in focus or nearly so.

    Args:
        base: (H, W, 3) float32.
        radius: (H, W) float32, signed, in plate pixels.
        fit: the plate in the network's picture.

    Returns:
        (H, W, 3) colours, each the mean over the pixel's own disc on its own surface; (H, W) share of the lens that
        sees them past everything but what is far in front.
    """
    share = sharp_share(radius, fit.row_scale)
    aspect = fit.content_width / fit.width / fit.row_scale
    focused = np.empty_like(base)
    cover = np.empty_like(share)
    _gather(np.ascontiguousarray(base), radius, share, aspect, focused, cover)
    veils = (radius < -SHARP) & (share > 0)
    if veils.any():
        reach = int(SEEN_FROM / fit.row_scale + 0.5)
        _hide(np.where(veils, radius, np.float32(0.0)), radius, share, reach, aspect, cover)
    return focused, cover


@nb.njit(cache=True, parallel=True, nogil=True)
def _gather(
    base: Float32Array,
    radius: Float32Array,
    share: Float32Array,
    aspect: float,
    focused: Float32Array,
    cover: Float32Array,
) -> None:
    height, width, _ = base.shape
    for y in nb.prange(height):
        for x in range(width):
            own = radius[y, x]
            cover[y, x] = share[y, x]
            for c in range(3):
                focused[y, x, c] = base[y, x, c]
            size = abs(own)
            if size <= SHARP or share[y, x] <= 0.0:
                continue
            outer = size + np.float32(0.5)
            down, across = int(outer), int(outer / aspect)
            same = STEP + np.float32(0.25) * size
            red = green = blue = seen = past = np.float32(0.0)
            for j in range(max(y - down, 0), min(y + down + 1, height)):
                for i in range(max(x - across, 0), min(x + across + 1, width)):
                    aside = np.float32((i - x) * aspect)
                    weight = min(outer - np.sqrt(np.float32((j - y) ** 2) + aside * aside), np.float32(1.0))
                    if weight <= 0.0:
                        continue
                    farther = radius[j, i] - own
                    if abs(farther) <= same:
                        red += weight * base[j, i, 0]
                        green += weight * base[j, i, 1]
                        blue += weight * base[j, i, 2]
                        seen += weight
                    elif farther > 0.0:
                        # The lens looks past the surface's edge here. Behind a nearer thing the surface goes on.
                        past += weight
            focused[y, x, 0], focused[y, x, 1], focused[y, x, 2] = red / seen, green / seen, blue / seen
            cover[y, x] *= seen / (seen + past)


@nb.njit(cache=True, parallel=True, nogil=True)
def _hide(
    veils: Float32Array, radius: Float32Array, share: Float32Array, reach: int, aspect: float, cover: Float32Array
) -> None:
    """Take from cover what discs of nearer surfaces lay over it.

    Args:
        veils: (H, W) radius of what may hide, 0 elsewhere.
        radius, share: (H, W) of all.
        reach: rows that the largest disc spans to one side.
        aspect: width of a pixel over its height.
        cover: (H, W), changed.
    """
    height, width = radius.shape
    aside = min(int(reach / aspect) + 1, width)
    for y in nb.prange(height):
        first, last = max(y - reach, 0), min(y + reach + 1, height)
        nearest = np.zeros(width, np.float32)
        for j in range(first, last):
            for x in range(width):
                nearest[x] = min(nearest[x], veils[j, x])
        for x in range(width):
            if cover[y, x] <= 0.0:
                continue
            left, right = max(x - aside, 0), min(x + aside + 1, width)
            low = np.float32(0.0)
            for i in range(left, right):
                low = min(low, nearest[i])
            if low > radius[y, x] - STEP:
                continue
            hidden = np.float32(0.0)
            for j in range(first, last):
                for i in range(left, right):
                    size = -veils[j, i]
                    if size <= 0.0 or radius[y, x] + size <= STEP + np.float32(0.25) * size:
                        continue
                    across = np.float32((i - x) * aspect)
                    distance = np.sqrt(np.float32((j - y) ** 2) + across * across)
                    weight = min(size + np.float32(0.5) - distance, np.float32(1.0))
                    if weight > 0.0:
                        hidden += share[j, i] * weight * np.float32(aspect) / (np.float32(np.pi) * size * size)
            cover[y, x] *= max(np.float32(1.0) - hidden, np.float32(0.0))


def _seen(radius: Float32Array, fit: Fit, optical: OpticalRenderer) -> Float32Array:
    """Share of the lens to which things far in front leave a pixel's own thing, (H, W)."""
    hides = np.where(radius < -SHARP, np.float32(1.0) - sharp_share(radius, fit.row_scale), np.float32(0.0))
    near = (radius < -SHARP).astype(np.float32)
    small = fit.shrink(np.stack([hides, near, radius * near, radius * (1 - near)], axis=2))
    mostly = small[..., 1]
    # A pixel of the network shows two things at a silhouette; its radius is that of the larger one, no mean of both.
    of_near, of_far = small[..., 2] / np.maximum(mostly, 0.5), small[..., 3] / np.maximum(1 - mostly, 0.5)
    small_radius = np.where(mostly >= 0.5, of_near, of_far) * np.float32(fit.row_scale)
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
    left = np.float32(1.0) - fit.enlarge(rendered.image[..., 0])
    # A thing that is a little in front itself is not hidden by its own share.
    own = np.maximum(np.float32(1.0) - hides, FAINT)
    seen: Float32Array = np.clip(left / own, np.float32(0.0), np.float32(1.0))
    return seen


@nb.njit(cache=True, parallel=True, nogil=True)
def _weighted(image: Float32Array, cover: Float32Array) -> Float32Array:
    """(H, W, 4) what the layer gives to the picture, and its share."""
    height, width, _ = image.shape
    out = np.empty((height, width, 4), np.float32)
    for y in nb.prange(height):
        for x in range(width):
            share = cover[y, x]
            for c in range(3):
                out[y, x, c] = share * image[y, x, c]
            out[y, x, 3] = share
    return out


@nb.njit(cache=True, parallel=True, nogil=True)
def _over(focused: Float32Array, cover: Float32Array, blurred: Float32Array) -> Float32Array:
    height, width, _ = focused.shape
    out = np.empty_like(focused)
    for y in nb.prange(height):
        for x in range(width):
            share = cover[y, x]
            for c in range(3):
                out[y, x, c] = share * focused[y, x, c] + (np.float32(1.0) - share) * blurred[y, x, c]
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
    filled: Float32Array = np.maximum((light + missing * near) / (share[..., None] + missing), np.float32(0.0))
    return filled


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
