"""The ways to make the picture. A renderer is a generator over a stream of frames."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Protocol

from engine.errors import ShotError
from engine.frames import FrameRange, PlateFrame, RenderedFrame

if TYPE_CHECKING:
    from engine.shot import Shot

__all__ = ["Renderer", "open_renderer"]


class Renderer(Protocol):
    """What the streaming loop knows of a renderer."""

    def reach(self, frames: FrameRange, within: FrameRange) -> FrameRange:
        """The frames that must be read so that ``frames`` can be rendered, never outside ``within``."""
        ...

    def stream(self, plates: Iterable[PlateFrame]) -> Iterator[RenderedFrame]:
        """Render frames in order; may hold a window of them back, never the whole shot."""
        ...

    def cancel(self) -> None:
        """Ask a render that is under way to stop within a fraction of a second; it raises ``CancelledError``."""
        ...


def open_renderer(shot: Shot) -> Renderer:
    """The renderer that ``shot.renderer.name`` asks for.

    Raises:
        ShotError: no renderer has that name.
        OpticsError: the aperture is not one that a lens has.
    """
    if shot.renderer.name == "optical":
        from engine.renderers.optical import OpticalRenderer

        return OpticalRenderer.from_shot(shot)
    raise ShotError(f'renderer.name: there is no renderer "{shot.renderer.name}"; this version has "optical"')
