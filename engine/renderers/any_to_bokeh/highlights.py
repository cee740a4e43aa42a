"""Light that a display-referred network would lose, blurred in linear light beside it.

The plate is split in two. The base is what the curve holds and the network sees; the residual is all else: light
above the curve's limit, lamps, and negative values. Their sum is the plate. The residual, alpha and all further
channels go through the optical renderer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from engine.frames import Float32Array, PlateFrame
from engine.renderers.any_to_bokeh.tone import Tone
from engine.renderers.optical import OpticalRenderer
from engine.renderers.optical.lamps import take_out_lamps

__all__ = ["Beside", "Split", "blur_beside", "split_light"]

COLOURS = ("R", "G", "B")


@dataclass(frozen=True, eq=False)
class Split:
    """A plate's colours in two parts; ``base + residual`` is the plate bit for bit.

    Attributes:
        base: (H, W, 3) float32, from 0 to the curve's limit.
        residual: (H, W, 3) float32; None where it is zero everywhere.
    """

    base: Float32Array
    residual: Float32Array | None


@dataclass(frozen=True, eq=False)
class Beside:
    """What the optical renderer made of all that the network does not see.

    Attributes:
        residual: (H, W, 3) float32, to be added to the network's picture; None where there is none.
        further: (H, W, C - 3) float32, alpha and the channels after it.
        invented: (H, W) float32, as in RenderedFrame; None where nothing was rendered.
    """

    residual: Float32Array | None
    further: Float32Array
    invented: Float32Array | None


def split_light(colours: Float32Array, radius: Float32Array, tone: Tone, *, most_drawn: float) -> Split:
    """Split a plate's colours into what the curve holds and the rest.

    Args:
        colours: (H, W, 3) float32 scene-linear; boosted already where a boost of highlights is asked for.
        radius: (H, W) float32 signed circle of confusion in plate pixels. Lamps are taken out where they are blurred.
        tone: the curve; lamps stand out against its white.
        most_drawn: pixels that may be drawn for lamps, as the optical renderer's quality has it.
    """
    # With lamps left in, a small light spread in display values would arrive with a fraction of its energy.
    exposed = colours if tone.gain == 1.0 else colours * np.float32(tone.gain)
    rest, lamps = take_out_lamps(exposed, COLOURS, radius, most_drawn=most_drawn)
    unlit = colours
    if len(lamps.place) > 0:
        unlit = rest if tone.gain == 1.0 else rest * np.float32(1.0 / tone.gain)
    limit = np.float32(tone.limit)
    base = np.clip(unlit, np.float32(0.0), limit)
    changed = ~(base == colours)
    if not changed.any():
        return Split(colours, None)
    plate, part = colours[changed], np.minimum(base[changed], np.maximum(colours[changed], np.float32(0.0)))
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
    return Split(base, residual)


def blur_beside(optical: OpticalRenderer, plate: PlateFrame, residual: Float32Array | None) -> Beside:
    """Blur the residual and the channels after the colours, in linear light at full size.

    Args:
        optical: has the shot's aperture and defocus, and no boost of highlights, which belongs before the split.
        plate: the frame; only its channels after the first three are looked at.
        residual: (H, W, 3) float32, or None.

    Raises:
        CancelledError: ``optical.cancel`` was called.
    """
    further = plate.image[..., 3:]
    if residual is None and further.shape[2] == 0:
        return Beside(None, further, None)
    parts = further if residual is None else np.concatenate([residual, further], axis=2)
    channels = plate.channels[3:] if residual is None else plate.channels
    rendered = optical.render(replace(plate, image=np.ascontiguousarray(parts), channels=channels))
    if residual is None:
        return Beside(None, rendered.image, rendered.invented)
    return Beside(rendered.image[..., :3], rendered.image[..., 3:], rendered.invented)
