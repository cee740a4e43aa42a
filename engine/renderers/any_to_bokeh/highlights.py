"""Light that a display-referred network would lose, blurred in linear light beside it.

The plate is split. The base is what the curve holds and the network sees. The lamps are small and bright, and would
lose their light in a display-referred blur. The residual is all else: light above the curve's limit, and negative
values. Their sum is the plate. All but the base goes through the optical renderer, with alpha; further layers go
through it by themselves, beside the plate's own colours, so that they change nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from engine.frames import Float32Array, PlateFrame, count_picture
from engine.renderers.any_to_bokeh.tone import Tone
from engine.renderers.optical import OpticalRenderer
from engine.renderers.optical.lamps import Lamps, take_out_lamps

__all__ = ["Beside", "Split", "blur_beside", "split_light"]

COLOURS = ("R", "G", "B")


@dataclass(frozen=True, eq=False)
class Split:
    """A plate's colours in parts; without its lamps the plate is ``base + residual`` bit for bit.

    Attributes:
        base: (H, W, 3) float32, from 0 to the curve's limit.
        residual: (H, W, 3) float32; None where it is zero everywhere.
        lamps: what was taken out before, in the plate's own light.
    """

    base: Float32Array
    residual: Float32Array | None
    lamps: Lamps


@dataclass(frozen=True, eq=False)
class Beside:
    """What the optical renderer made of all that the network does not see.

    Attributes:
        light: (H, W, 3) float32, to be added to the network's picture; None where there is none.
        further: (H, W, C - 3) float32, alpha and the channels after it.
    """

    light: Float32Array | None
    further: Float32Array


def split_light(colours: Float32Array, radius: Float32Array, tone: Tone, *, most_drawn: float) -> Split:
    """Split a plate's colours into what the curve holds and the rest.

    Args:
        colours: (H, W, 3) float32 scene-linear; boosted already where a boost of highlights is asked for.
        radius: (H, W) float32 signed circle of confusion in plate pixels. Lamps are taken out where they are blurred.
        tone: the curve; lamps stand out against its white.
        most_drawn: pixels that may be drawn for lamps, as the optical renderer's quality has it.
    """
    # Lamps stand out against white as the network sees it.
    exposed = colours if tone.gain == 1.0 else colours * np.float32(tone.gain)
    _, found = take_out_lamps(exposed, COLOURS, radius, most_drawn=most_drawn)
    lamps = replace(found, light=found.light / np.float32(tone.gain))
    unlit = _without(colours, lamps)
    limit = np.float32(tone.limit)
    base = np.clip(unlit, np.float32(0.0), limit)
    changed = ~(base == unlit)
    if not changed.any():
        return Split(unlit, None, lamps)
    plate, part = unlit[changed], np.minimum(base[changed], np.maximum(unlit[changed], np.float32(0.0)))
    left = plate - part
    # One of two parts is at least half of the sum, so the difference to it is exact (Sterbenz).
    part = plate - left
    above = part > limit
    left[above] = np.nextafter(left[above], np.float32(np.inf))
    part[above] = plate[above] - left[above]
    part[~np.isfinite(part)] = 0.0
    base[changed] = part
    residual = np.zeros_like(base)
    residual[changed] = left
    return Split(base, residual, lamps)


def blur_beside(optical: OpticalRenderer, quick: OpticalRenderer, plate: PlateFrame, split: Split) -> Beside:
    """Blur what the network does not see, in linear light at full size.

    Args:
        optical: has the shot's aperture and defocus, and no boost of highlights, which belongs before the split.
        quick: the same in the quality ``lamps``, for frames in which there is nothing but lamps to blur.
        plate: the frame, boosted where its colours were.
        split: of its colours.

    Raises:
        CancelledError: one of the renderers was cancelled.
    """
    picture = count_picture(plate.channels)
    alpha, layers = plate.image[..., 3:picture], plate.image[..., picture:]
    beside = _blur_picture(optical, quick, plate, split, alpha)
    if layers.shape[2] == 0:
        return beside
    blurred = optical.render(plate).image[..., picture:] if _varies(layers) else layers
    return Beside(beside.light, np.concatenate([beside.further, blurred], axis=2))


def _varies(channels: Float32Array) -> bool:
    """Whether they are to be blurred: what is the same everywhere stays the same, as the alpha of most plates."""
    return bool((channels != channels[:1, :1]).any())


def _blur_picture(
    optical: OpticalRenderer, quick: OpticalRenderer, plate: PlateFrame, split: Split, further: Float32Array
) -> Beside:
    """The residual, the lamps, and alpha (``further``) where there is one."""
    varies = _varies(further)
    if split.residual is None and not varies and len(split.lamps.place) == 0:
        return Beside(None, further)
    light = np.zeros_like(split.base) if split.residual is None else split.residual
    image = np.concatenate([light, further], axis=2) if varies else light
    lamps = split.lamps
    if varies:
        lamps = replace(lamps, light=np.pad(lamps.light, ((0, 0), (0, further.shape[2]))))
    channels = plate.channels[: image.shape[2]]
    renderer = quick if split.residual is None and not varies else optical
    made = renderer.render(replace(plate, image=np.ascontiguousarray(image), channels=channels), lamps).image
    return Beside(made[..., :3], made[..., 3:] if varies else further)


def _without(colours: Float32Array, lamps: Lamps) -> Float32Array:
    """The colours less the lamps' light; ``colours`` themselves where there are none."""
    if len(lamps.place) == 0:
        return colours
    unlit = colours.copy()
    unlit[lamps.place[:, 0], lamps.place[:, 1]] -= lamps.light
    return unlit
