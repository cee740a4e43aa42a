"""What a renderer knows of the networks, wherever they run: frames go in and come out as NumPy arrays, and everything
between stays where it was made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from numpy.typing import NDArray

from engine.frames import Float32Array
from engine.wois import Blendable

__all__ = ["EncodedFrame", "NetworkInput", "Networks"]


@dataclass(frozen=True, eq=False)
class NetworkInput:
    """What the networks are given of one frame. H and W are multiples of 64.

    Attributes:
        index: place of the frame in the shot, from 0; seeds what is drawn at random.
        picture: (3, H, W) float32 display-referred colours, 0 to 1.
        defocus: (H, W) float32, the unsigned distance from the focal plane in disparity, 0 to 1.
        strength_embedding: (32,) float32, what the network is told of K.
        regions: (H, W) uint8, the depth plane of each pixel: 0 around the focal plane to 3; None where masks are off.
    """

    index: int
    picture: Float32Array
    defocus: Float32Array
    strength_embedding: Float32Array
    regions: NDArray[Any] | None = None


@dataclass(frozen=True, eq=False)
class EncodedFrame:
    """What is kept of one frame between the networks, on the device; only the runtime that made it looks inside.

    Attributes:
        latents: of picture and defocus map, (8, H / 8, W / 8).
        context: of the image encoder, (1024,) at the released size.
        strength_embedding: (32,).
        regions: (H, W), or None.
        skips: what the encoder hands to the decoder, from full size to an eighth.
    """

    latents: Any
    context: Any
    strength_embedding: Any
    regions: Any
    skips: tuple[Any, ...]


class Networks(Protocol):
    """The networks of Any-to-Bokeh on a device.

    All methods are called from one thread, but for ``cancel``. They raise CancelledError after ``cancel``,
    MemoryShortError when nothing smaller is left to try, and NumbersError for values that stay not finite.
    """

    @property
    def identity(self) -> str:
        """A fingerprint of weights and precision: equal ones give equal pictures."""
        ...

    @property
    def size(self) -> tuple[int, int]:
        """Width and height that the weights were made for, multiples of 64."""
        ...

    def encode(self, frame: NetworkInput) -> EncodedFrame:
        """Encode picture, defocus map and context of one frame."""
        ...

    def refocus(self, window: Sequence[EncodedFrame]) -> Sequence[Blendable]:
        """The latents of the refocused picture, (4, H / 8, W / 8) each, for every frame of a window."""
        ...

    def decode(self, latents: Sequence[Blendable], window: Sequence[EncodedFrame]) -> Sequence[Float32Array]:
        """The refocused pictures, (3, H, W) float32 from 0 to 1, of the frames of a window."""
        ...

    def notes(self) -> tuple[str, ...]:
        """What was put right since the last call, as kinds of warning (``network.redone``, ``network.memory``), some
        with a reason after a colon (``network.fallback: ...``)."""
        ...

    def cancel(self) -> None:
        """Make what is under way, and any later call until ``resume``, raise CancelledError."""
        ...

    def resume(self) -> None:
        """Let calls run again after a cancel; nothing that was loaded is loaded again."""
        ...
