"""The ways to make the picture. A renderer is a generator over a stream of frames."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Protocol

from engine.errors import ShotError
from engine.frames import Float32Array, FrameRange, PlateFrame, RenderedFrame

if TYPE_CHECKING:
    from engine.shot import Shot

__all__ = ["Renderer", "open_renderer"]


class Renderer(Protocol):
    """What the streaming loop knows of a renderer."""

    @property
    def identity(self) -> str:
        """What decides its pixels beside the shot and its frames (weights, precision); empty if nothing does."""
        ...

    def prepare(self, look: Callable[[int], Float32Array], within: FrameRange) -> None:
        """Settle what is to be the same in all frames; called once, before ``identity`` and ``stream``.

        Args:
            look: the plate of a frame, (H, W, C) scene-linear; few frames at most, it reads them from disk.
            within: the shot's frames. What is settled depends on the shot alone, never on the frames asked for.
        """
        ...

    def reach(self, frames: FrameRange, within: FrameRange) -> FrameRange:
        """The frames that must be read so that ``frames`` can be rendered, never outside ``within``."""
        ...

    def stream(self, plates: Iterable[PlateFrame], frames: FrameRange, within: FrameRange) -> Iterator[RenderedFrame]:
        """Render ``frames`` in order, given the plates that ``reach(frames, within)`` names, in order.

        May hold a window of them back, never the whole shot. A frame comes out the same whichever others are asked for.
        """
        ...

    def cancel(self) -> None:
        """Ask a render that is under way to stop within a fraction of a second; it raises ``CancelledError``."""
        ...


def open_renderer(shot: Shot) -> Renderer:
    """The renderer that ``shot.renderer.name`` asks for.

    Raises:
        ShotError: no renderer has that name.
        OpticsError: the aperture is not one that a lens has.
        WeightsError, DeviceError, DependencyError: a learned renderer cannot run here as the shot asks.
    """
    if shot.renderer.name == "optical":
        from engine.renderers.optical import OpticalRenderer

        return OpticalRenderer.from_shot(shot)
    if shot.renderer.name == "any-to-bokeh":
        from engine.renderers.any_to_bokeh import AnyToBokehRenderer

        return AnyToBokehRenderer.from_shot(shot)
    raise ShotError(f'renderer.name: there is no renderer "{shot.renderer.name}"; use optical or any-to-bokeh')
