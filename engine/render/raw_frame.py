"""One frame of a shot as it is decoded: plate, depth and matte on the same pixels, and where nothing is seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.depth.conventions import EMPTY_ALPHA
from engine.frames import Float32Array, Window
from engine.media import PlateImage
from engine.media.windows import empty_places

__all__ = ["RawFrame", "alpha_of", "have_one_size", "unseen_places"]

_ALL_FOUR: Final = np.ones(4, np.bool_).view(np.uint32)[0]


@dataclass(frozen=True, eq=False)
class RawFrame:
    """One frame as decoded: the plate's picture, and the depth channel's own values on the plate's data window.

    ``alpha`` is what depth is to be divided by, or what says where nothing is seen: the one beside the depth, else the
    plate's. ``depth_held`` says that the depth is another frame's. ``matte`` is the coverage of the subject on the same
    pixels, (H, W) float32 in 0..1, where the shot has one; ``matte_repaired`` counts the values that were none, and
    ``matte_held`` is as for the depth. ``empty`` is (H, W) bool, where there is nothing whose depth could be told:
    inside the display window but not in the depth's data window, or transparent and black; None where there is no such
    place. ``zeros`` is the share of zeros in the depth's file.
    """

    frame: int
    plate: PlateImage
    depth: Float32Array
    alpha: Float32Array | None
    depth_held: bool = False
    matte: Float32Array | None = None
    matte_repaired: int = 0
    matte_held: bool = False
    empty: NDArray[np.bool_] | None = None
    zeros: float = 0.0


def have_one_size(a: Window, b: Window) -> bool:
    """Whether two files show pictures of the same size."""
    return (a.display_width, a.display_height) == (b.display_width, b.display_height)


def unseen_places(plate: PlateImage, depth: Window) -> NDArray[np.bool_] | None:
    """Where nothing is that has a depth; see ``RawFrame.empty``."""
    outside = empty_places(depth, plate.window)
    alpha = alpha_of(plate)
    if alpha is None or alpha.min() > EMPTY_ALPHA:
        return outside
    # Light without coverage (a glow that was added) has a depth of its own. R, G, B, A are looked at as one number: 48
    # to 19 ms at HD, on a loaded machine.
    colours = np.ascontiguousarray(plate.image[:, :, :4])
    dark = (colours <= EMPTY_ALPHA) & (colours >= -EMPTY_ALPHA)
    nothing: NDArray[np.bool_] = dark.view(np.uint32)[:, :, 0] == _ALL_FOUR
    return nothing if outside is None else nothing | outside


def alpha_of(plate: PlateImage) -> Float32Array | None:
    """(H, W): the plate's alpha; None where it has none."""
    return plate.image[:, :, plate.channels.index("A")] if "A" in plate.channels else None
