"""The two ends of a frame's way: what the networks are told of a plate, and the finished frame from their picture."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from engine.frames import Float32Array, PlateFrame, RenderedFrame, require_size
from engine.optics import Defocus, circle_of_confusion
from engine.renderers.any_to_bokeh.conditioning import network_input
from engine.renderers.any_to_bokeh.detail import SHARP, put_back_detail
from engine.renderers.any_to_bokeh.fitting import Fit
from engine.renderers.any_to_bokeh.highlights import Split, blur_beside, split_light
from engine.renderers.any_to_bokeh.tone import Tone
from engine.renderers.optical import OpticalRenderer
from engine.renderers.optical.highlights import boost_highlights
from engine.runtime import Behaviour, NetworkInput
from engine.shot import AnyToBokehOptions, Highlights

__all__ = ["Finishing", "Lens"]


@dataclass(frozen=True, eq=False)
class Lens:
    """What blurs beside the networks.

    Attributes:
        optical: the optical renderer with the shot's aperture and defocus, without a boost of highlights.
        highlights: the boost, done once to the plate.
        defocus: in-focus range, multipliers and maximum radius.
    """

    optical: OpticalRenderer
    highlights: Highlights
    defocus: Defocus

    @cached_property
    def quick(self) -> OpticalRenderer:
        """For frames in which there is nothing but lamps to blur."""
        optical = self.optical
        return OpticalRenderer(optical.aperture, "lamps", None, optical.defocus, optical.picture)

    @cached_property
    def matte(self) -> OpticalRenderer:
        """For shares of the lens at the networks' size; given radii in place of depth."""
        return OpticalRenderer(self.optical.aperture, "final", picture=self.optical.picture)

    def cancel(self) -> None:
        """Make what is under way, and any later call, raise CancelledError."""
        for renderer in (self.optical, self.quick, self.matte):
            renderer.cancel()

    def radius(self, plate: PlateFrame) -> Float32Array:
        """Signed circle of confusion of a plate, (H, W) in its pixels."""
        return circle_of_confusion(plate.disparity, plate.focus, plate.strength, self.defocus)


@dataclass(frozen=True, eq=False)
class Finishing:
    """Everything between plates of one size and the networks' pictures.

    Attributes:
        fit: the plate in the networks' picture.
        tone: the shot's curve.
        lens: what blurs beside the networks.
        options: of the shot document.
        behaviour: the profile, settled.
    """

    fit: Fit
    tone: Tone
    lens: Lens
    options: AnyToBokehOptions
    behaviour: Behaviour

    @classmethod
    def of(
        cls, plate: PlateFrame, size: tuple[int, int], exposure: float, lens: Lens, options: AnyToBokehOptions
    ) -> Finishing:
        """For a shot that begins with ``plate``, and networks made for ``size`` unless the options say otherwise."""
        if options.size is not None:
            width, height = options.size.split("x")
            size = int(width), int(height)
        rows, columns = plate.disparity.shape
        fit = Fit.of(columns, rows, plate.pixel_aspect, size)
        return cls(fit, Tone(exposure), lens, options, Behaviour.of(options))

    def network_input(self, plate: PlateFrame, index: int) -> NetworkInput:
        """What the networks are given of a plate.

        Args:
            plate: of the size that the shot began with.
            index: its place in the shot.

        Raises:
            FrameSizeError: it is of another size.
        """
        rows, columns = plate.disparity.shape
        require_size(plate.frame, (columns, rows), (self.fit.width, self.fit.height))
        radius = self.lens.radius(plate)
        base = self._split(self._boosted(plate, radius), radius).base
        values = self.options.strength_values
        return network_input(plate, index, base, radius, self.fit, self.tone, self.behaviour, values)

    def finish(self, plate: PlateFrame, picture: Float32Array) -> RenderedFrame:
        """The finished frame.

        Args:
            plate: the sharp frame.
            picture: (3, H', W') float32, what the networks made of it, display-referred, 0 to 1.

        Raises:
            CancelledError: the optical renderer was cancelled.
        """
        radius = self.lens.radius(plate)
        blurred = float(np.abs(radius).max()) > SHARP
        image = self._refocused(plate, radius, picture) if blurred else plate.image
        # What a network invents cannot be told from what it knows.
        return RenderedFrame(plate.frame, image, plate.channels, plate.window, None, plate.pixel_aspect, plate.metadata)

    def _refocused(self, plate: PlateFrame, radius: Float32Array, picture: Float32Array) -> Float32Array:
        light = self.tone.decode(self.fit.crop(np.ascontiguousarray(picture.transpose(1, 2, 0))))
        plate = self._boosted(plate, radius)
        split = self._split(plate, radius)
        if self.options.detail:
            colours = put_back_detail(split.base, light, radius, self.fit, self.lens.matte)
        else:
            colours = self.fit.enlarge(light)
        beside = blur_beside(self.lens.optical, self.lens.quick, plate, split)
        if beside.light is not None:
            colours = colours + beside.light
        return np.concatenate([colours, beside.further], axis=2) if beside.further.shape[2] else colours

    def _boosted(self, plate: PlateFrame, radius: Float32Array) -> PlateFrame:
        image = boost_highlights(plate.image, plate.channels, radius, self.lens.highlights)
        return plate if image is plate.image else replace(plate, image=image)

    def _split(self, plate: PlateFrame, radius: Float32Array) -> Split:
        """Taken twice, on the way in and on the way out: a window of splits would be as large as one of plates."""
        colours = np.ascontiguousarray(plate.image[..., :3])
        return split_light(colours, radius, self.tone, most_drawn=self.lens.quick.quality.lamps)
