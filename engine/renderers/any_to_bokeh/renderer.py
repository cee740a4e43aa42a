"""The any-to-bokeh renderer: windows of a one-step video diffusion model over a stream of plates.

A frame goes through: ``conditioning`` (what the networks are told), the networks' encoder, windows of the U-Net blended
by ``engine.wois``, windows of the decoder blended alike, and ``finishing`` (full size, the plate's own detail, the
light that the networks cannot hold).
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from engine.errors import CancelledError
from engine.frames import Float32Array, FrameRange, PlateFrame, RenderedFrame
from engine.optics import Defocus
from engine.renderers.any_to_bokeh.finishing import Finishing, Lens
from engine.renderers.any_to_bokeh.tone import measure_exposure
from engine.renderers.optical import OpticalRenderer
from engine.runtime import Behaviour, EncodedFrame, Networks
from engine.runtime.opening import open_networks
from engine.shot import AnyToBokehOptions, Highlights
from engine.wois import Blendable, WindowGrid, blend_windows

if TYPE_CHECKING:
    from engine.shot import Shot

__all__ = ["AnyToBokehRenderer"]

LOOKS: Final = 5
"""Frames, spread evenly over the shot, whose light decides the exposure."""


@dataclass(frozen=True, eq=False)
class _Held:
    """A frame on its way: the plate, and what the encoder made of it."""

    plate: PlateFrame
    encoded: EncodedFrame


@dataclass(frozen=True)
class _Grids:
    """Where the windows of the U-Net and of the decoder lie over the shot."""

    refocus: WindowGrid
    decode: WindowGrid

    @classmethod
    def of(cls, length: int, options: AnyToBokehOptions) -> _Grids:
        """The windows that the options ask for; a shot shorter than a decoder's window has a shorter one.

        Raises:
            ShotError: windows that overlap by more than half.
        """
        behaviour = Behaviour.of(options)
        asked = WindowGrid(length, options.decode_window, options.decode_overlap, "centred")
        size = min(asked.size, length)
        return cls(
            WindowGrid(length, 2 * options.overlap, options.overlap, behaviour.ramp),
            replace(asked, size=size, overlap=min(asked.overlap, size // 2)),
        )

    def reach(self, wanted: Iterable[int], options: AnyToBokehOptions) -> tuple[int, ...]:
        """The frames that must be read to make the wanted ones."""
        return self.refocus.reach(self.decode.reach(wanted) if options.blend == "latents" else wanted)


class AnyToBokehRenderer:
    """Renders a stream in overlapping windows, on the shot's own grid.

    Args:
        networks: U-Net, autoencoder and image encoder on some device.
        options: of the shot document.
        optical: blurs what the networks cannot hold; without a boost of highlights.
        highlights: boost of bright blurred pixels, done once to the plate.
        defocus: in-focus range, multipliers and maximum radius.

    Raises:
        ShotError: windows that overlap by more than half.
    """

    def __init__(
        self,
        networks: Networks,
        options: AnyToBokehOptions | None = None,
        optical: OpticalRenderer | None = None,
        highlights: Highlights | None = None,
        defocus: Defocus | None = None,
    ) -> None:
        self._networks = networks
        self._options = options or AnyToBokehOptions()
        defocus = defocus or Defocus()
        self._lens = Lens(optical or OpticalRenderer(defocus=defocus), highlights or Highlights(), defocus)
        self._exposure = self._options.exposure
        self._cancelled = threading.Event()
        _Grids.of(1, self._options)

    @classmethod
    def from_shot(cls, shot: Shot) -> AnyToBokehRenderer:
        """The renderer that a shot asks for; its weights are checked now and loaded with the first frame.

        Raises:
            WeightsError: no weights are given, or they cannot be used.
            DeviceError: the device or the precision cannot be had here.
            DependencyError: an extra is not installed.
            MediaError, OpticsError: the aperture's picture cannot be used.
        """
        networks = open_networks(shot.renderer.any_to_bokeh)
        optical = OpticalRenderer.from_shot(shot.model_copy(update={"highlights": Highlights()}))
        return cls(networks, shot.renderer.any_to_bokeh, optical, shot.highlights, Defocus.of(shot))

    @property
    def identity(self) -> str:
        """Weights, precision and exposure."""
        return f"{self._networks.identity} exposure {self._exposure or 0.0:g}"

    def prepare(self, look: Callable[[int], Float32Array], within: FrameRange) -> None:
        """Measure the exposure of the shot, unless it is given."""
        if self._options.exposure is None:
            spread = {round(step * (len(within) - 1) / (LOOKS - 1)) for step in range(LOOKS)}
            self._exposure = measure_exposure(look(within.numbers[index]) for index in sorted(spread))

    def reach(self, frames: FrameRange, within: FrameRange) -> FrameRange:
        """The frames of all windows that ``frames`` are made of."""
        wanted = [_place(frame, within) for frame in frames if frame in within]
        reached = _Grids.of(len(within), self._options).reach(wanted, self._options)
        return FrameRange(tuple(within.numbers[index] for index in reached))

    def stream(self, plates: Iterable[PlateFrame], frames: FrameRange, within: FrameRange) -> Iterator[RenderedFrame]:
        """Render ``frames``; holds about two windows of frames.

        Raises:
            FrameSizeError: a plate has another size than the first.
            CancelledError, MemoryShortError, NumbersError, WeightsError: see ``engine.runtime.Networks``.
        """
        finishing: list[Finishing] = []

        def encoded() -> Iterator[tuple[int, _Held]]:
            for plate in plates:
                self._check_cancelled(plate.frame)
                if not finishing:
                    finishing.append(self._finishing(plate))
                index = _place(plate.frame, within)
                yield index, _Held(plate, self._networks.encode(finishing[0].network_input(plate, index)))

        wanted = [_place(frame, within) for frame in frames]
        for held, picture in self._pictures(encoded(), _Grids.of(len(within), self._options), wanted):
            self._check_cancelled(held.plate.frame)
            yield replace(finishing[0].finish(held.plate, picture), notes=self._networks.notes())

    def cancel(self) -> None:
        """Make the render under way, and any later one, raise CancelledError."""
        self._cancelled.set()
        self._networks.cancel()
        self._lens.cancel()

    def _pictures(
        self, encoded: Iterable[tuple[int, _Held]], grids: _Grids, wanted: Sequence[int]
    ) -> Iterator[tuple[_Held, Float32Array]]:
        """What the networks make of the wanted frames, (3, H, W) display-referred."""
        if self._options.blend == "frames":
            for _, held, picture in blend_windows(encoded, grids.refocus, wanted, self._decoded_window):
                yield held, picture
            return
        latents = blend_windows(encoded, grids.refocus, grids.decode.reach(wanted), self._refocus)
        with_latents = ((index, (held, latent)) for index, held, latent in latents)
        for _, (held, _), picture in blend_windows(with_latents, grids.decode, wanted, self._decode):
            yield held, picture

    def _refocus(self, window: Sequence[_Held]) -> Sequence[Blendable]:
        return self._networks.refocus([held.encoded for held in window])

    def _decode(self, window: Sequence[tuple[_Held, Blendable]]) -> Sequence[Float32Array]:
        return self._networks.decode([latent for _, latent in window], [held.encoded for held, _ in window])

    def _decoded_window(self, window: Sequence[_Held]) -> Sequence[Float32Array]:
        return self._decode(list(zip(window, self._refocus(window), strict=True)))

    def _finishing(self, plate: PlateFrame) -> Finishing:
        return Finishing.of(plate, self._networks.size, self._exposure or 0.0, self._lens, self._options)

    def _check_cancelled(self, frame: int) -> None:
        if self._cancelled.is_set():
            raise CancelledError(f"frame {frame}: the render was stopped before this frame was finished")


def _place(frame: int, within: FrameRange) -> int:
    """The frame's index in the shot."""
    return bisect_left(within.numbers, frame)
