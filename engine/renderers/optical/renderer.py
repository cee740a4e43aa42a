"""The optical renderer: depth of field from plate and depth alone, without learned weights."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from engine.errors import CancelledError
from engine.frames import Float32Array, FrameRange, PlateFrame, RenderedFrame, count_picture
from engine.optics import Defocus, circle_of_confusion
from engine.renderers.optical.aperture import Lens, lens_points, opening_integral, points_for
from engine.renderers.optical.half_size import half_radius, halve, restore
from engine.renderers.optical.highlights import boost_highlights
from engine.renderers.optical.lamps import Lamps, take_out_lamps
from engine.renderers.optical.light_field import paint_views
from engine.renderers.optical.quiet import quieten
from engine.renderers.optical.silhouettes import silhouette_step
from engine.renderers.optical.slices import cut_slices
from engine.renderers.optical.spot import Spot, opening_moments
from engine.renderers.optical.stack import Stack, stack_slices
from engine.renderers.optical.stamps import cut_stamps
from engine.renderers.optical.surfaces import Surfaces, find_surfaces
from engine.shot import Aperture, Highlights

if TYPE_CHECKING:
    from engine.shot import Shot

__all__ = ["QUALITIES", "OpticalRenderer", "Quality"]

SHARP = 0.02
"""Radii up to this (pixels) show no blur: a pixel would give a ten-thousandth of its light to its neighbours."""

ROWS_AT_ONCE = 64
"""Rows painted between two looks at whether the render was cancelled."""


@dataclass(frozen=True)
class Quality:
    """What a quality spends.

    Attributes:
        distance, rate, least, most: how many lens points a disc is given (see :func:`points_for`).
        reach: how far mixed pixels at a silhouette look for pure colours; 0 leaves them mixed.
        sweeps: how often invented background is smoothed.
        lamps: pixels that may be drawn for the lamps of a frame.
        askers: lens points that tell whether a pixel of a lamp's disc is lit.
        half_size: render at half the size and put the plate's sharp detail back.
    """

    distance: float
    rate: float
    least: int
    most: int
    reach: int
    sweeps: int
    lamps: float
    askers: int
    half_size: bool


QUALITIES = {
    "draft": Quality(distance=1.0, rate=8.0, least=26, most=64, reach=1, sweeps=0, lamps=1e6, askers=3, half_size=True),
    "final": Quality(
        distance=1.0, rate=90.0, least=64, most=1200, reach=3, sweeps=8, lamps=4e7, askers=9, half_size=False
    ),
    # Lamps as in final, everything else by few lens points: for plates that hold nothing but lamps.
    "lamps": Quality(
        distance=1.0, rate=8.0, least=20, most=64, reach=1, sweeps=0, lamps=4e7, askers=9, half_size=False
    ),
}


class OpticalRenderer:
    """Renders each frame on its own.

    Args:
        aperture: the lens's opening.
        quality: ``draft`` for the viewer, ``final`` for delivery, or ``lamps`` for plates of nothing else.
        highlights: boost of bright blurred pixels.
        defocus: in-focus range, multipliers and maximum radius.
        picture: (H, W) weights of a custom opening, in place of blades and ring.

    All of them can be read back.

    Raises:
        OpticsError: the custom opening is black.
    """

    def __init__(
        self,
        aperture: Aperture | None = None,
        quality: Literal["draft", "final", "lamps"] = "final",
        highlights: Highlights | None = None,
        defocus: Defocus | None = None,
        picture: Float32Array | None = None,
    ) -> None:
        self.aperture = aperture or Aperture()
        self.quality = QUALITIES[quality]
        self.highlights = highlights or Highlights()
        self.picture = picture
        self.defocus = defocus or Defocus()
        self._cancelled = threading.Event()
        self._lenses: dict[int, Lens] = {}
        self._opening = opening_integral(self.aperture, picture)
        self._moments = opening_moments(self._opening)

    @classmethod
    def from_shot(cls, shot: Shot) -> OpticalRenderer:
        """The renderer that a shot asks for.

        Raises:
            MediaError: the aperture's picture cannot be read.
            OpticsError: the aperture's picture is black.
        """
        picture = None
        if shot.aperture.image is not None:
            from engine.media import read_weights

            picture = read_weights(shot.aperture.image)
        return cls(shot.aperture, shot.renderer.quality, shot.highlights, Defocus.of(shot), picture)

    @property
    def identity(self) -> str:
        """Empty: the shot says all."""
        return ""

    def prepare(self, look: Callable[[int], Float32Array], within: FrameRange) -> None:
        """Nothing: each frame is rendered on its own."""

    def reach(self, frames: FrameRange, within: FrameRange) -> FrameRange:
        """Each frame needs itself alone."""
        return FrameRange.of(frame for frame in frames if frame in within)

    def stream(self, plates: Iterable[PlateFrame], frames: FrameRange, within: FrameRange) -> Iterator[RenderedFrame]:
        """Render frames as they come."""
        del within
        yield from (self.render(plate) for plate in plates if plate.frame in frames)

    def cancel(self) -> None:
        """Make the render under way, and any later one, raise CancelledError."""
        self._cancelled.set()

    def render(self, plate: PlateFrame, lamps: Lamps | None = None) -> RenderedFrame:
        """Render one frame.

        Args:
            plate: the frame.
            lamps: that were taken out of it before, with as many channels; found in the plate when not given.

        Raises:
            CancelledError: ``cancel`` was called.
            OpticsError: K or the focal disparity is not usable.
        """
        self._check_cancelled(plate.frame)
        radius = circle_of_confusion(plate.disparity, plate.focus, plate.strength, self.defocus)
        if float(np.abs(radius).max()) <= SHARP:
            image, invented = plate.image, np.zeros(plate.disparity.shape, np.float32)
        else:
            image, invented = self._blur(plate, radius, lamps)
        return RenderedFrame(
            frame=plate.frame,
            image=image,
            channels=plate.channels,
            window=plate.window,
            invented=invented,
            pixel_aspect=plate.pixel_aspect,
            metadata=plate.metadata,
        )

    def _blur(self, plate: PlateFrame, radius: Float32Array, lamps: Lamps | None) -> tuple[Float32Array, Float32Array]:
        if not self.quality.half_size:
            # At half the size it is quietened there, in a quarter of the time.
            radius = quieten(radius)
        image = boost_highlights(plate.image, plate.channels, radius, self.highlights)
        spot = Spot.of(self._moments, plate.pixel_aspect)
        if lamps is None:
            smallest = max(1.0, spot.halving_radius) if self.quality.half_size else 1.0
            image, lamps = take_out_lamps(
                image, plate.channels, radius, smallest=smallest, most_drawn=self.quality.lamps
            )
        if self.quality.half_size:
            small, small_radius = halve(image, radius, spot)
            small_lamps = lamps.halved(half_radius(lamps.radius, spot))
            rendered = self._through_lens(
                small, small_radius, small_lamps, plate, spot.halved(), spot.of_lamps_halved()
            )
            out = np.empty_like(image)
            invented = np.empty_like(radius)
            restore(image, radius, spot, small, rendered, out, invented)
            return out, invented
        both = self._through_lens(image, radius, lamps, plate, spot, spot)
        return np.ascontiguousarray(both[..., :-1]), np.ascontiguousarray(both[..., -1])

    def _through_lens(
        self,
        image: Float32Array,
        radius: Float32Array,
        lamps: Lamps,
        plate: PlateFrame,
        spot: Spot,
        spot_of_lamps: Spot,
    ) -> Float32Array:
        """The picture as the whole lens sees it: (H, W, C + 1), colours and invented share."""
        largest = float(np.abs(radius).max())
        quality = self.quality
        lens = self._lens(
            points_for(largest, distance=quality.distance, rate=quality.rate, least=quality.least, most=quality.most)
        )
        stack = stack_slices(radius, lens, spot, plate.pixel_aspect)
        surfaces = find_surfaces(
            image,
            radius,
            reach=quality.reach,
            judged=count_picture(plate.channels),
            sweeps=quality.sweeps,
            stack=stack,
            step=silhouette_step(plate.strength * max(self.defocus.near_multiplier, self.defocus.far_multiplier)),
            matte=plate.coverage if image.shape[:2] == plate.disparity.shape else None,
            checkpoint=lambda: self._check_cancelled(plate.frame),
        )
        stamps = cut_stamps(lamps, lens, spot_of_lamps, plate.pixel_aspect)
        return self._paint(surfaces, stack, lens, (*lamps.arrays(), *stamps.arrays()), plate)

    def _paint(
        self, surfaces: Surfaces, stack: Stack, lens: Lens, lamps: tuple[NDArray[Any], ...], plate: PlateFrame
    ) -> Float32Array:
        height, width, channels = surfaces.front.shape
        pad = min(int(np.abs(stack.shift_x).max()) + 1, width)
        wide = surfaces.widened(pad)
        self._check_cancelled(plate.frame)
        slices = cut_slices(wide, stack.borders)
        out = np.empty((height, width, channels + 1), np.float32)
        for first in range(0, height, ROWS_AT_ONCE):
            self._check_cancelled(plate.frame)
            last = min(first + ROWS_AT_ONCE, height)
            paint_views(
                wide.front, wide.coverage, wide.back, stack.radii, stack.shift_x, stack.shift_y,
                slices.start, slices.runs, slices.rows,
                lens.points, lens.nearest, lamps,
                plate.pixel_aspect, lens.cats_eye, pad, first, last, out,
            )  # fmt: skip
        return out

    def _lens(self, number: int) -> Lens:
        if number not in self._lenses:
            # A focus pull asks for a new number every frame: the last few are enough to keep.
            if len(self._lenses) > 8:
                self._lenses.clear()
            self._lenses[number] = lens_points(
                self.aperture, number, self._opening, self.picture, askers=self.quality.askers
            )
        return self._lenses[number]

    def _check_cancelled(self, frame: int) -> None:
        if self._cancelled.is_set():
            raise CancelledError(f"frame {frame}: the render was stopped before this frame was finished")
