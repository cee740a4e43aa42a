"""Small shots on disk, and a renderer that is quick and easy to foretell."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO as oiio  # noqa: N813

from engine.errors import CancelledError
from engine.frames import Float32Array, FrameRange, PlateFrame, RenderedFrame
from engine.shot import Shot, shot_from_dict

FIRST = 1001


class Tint:
    """Light times 1 + d_f + K d: cheap, and different wherever focus, K or disparity differ.

    Looks at its neighbours like a windowed renderer if ``window`` is above 0: it holds frames back, and adds the mean
    of the frames within the window.
    """

    def __init__(self, window: int = 0, wait: float = 0.0, identity: str = "", notes: tuple[str, ...] = ()) -> None:
        self.window = window
        self.identity = identity
        self.notes = notes
        self.looked_at: Float32Array | None = None
        self.rendered: list[int] = []
        self._wait = wait
        self._stop = threading.Event()

    def prepare(self, look: Callable[[int], Float32Array], within: FrameRange) -> None:
        self.looked_at = look(within.first)

    def reach(self, frames: FrameRange, within: FrameRange) -> FrameRange:
        near = {f + offset for f in frames for offset in range(-self.window, self.window + 1)}
        return FrameRange.of(f for f in near if f in within)

    def stream(self, plates: Iterable[PlateFrame], frames: FrameRange, within: FrameRange) -> Iterator[RenderedFrame]:
        assert all(frame in within for frame in frames)
        yield from (made for made in self._all(plates) if made.frame in frames)

    def _all(self, plates: Iterable[PlateFrame]) -> Iterator[RenderedFrame]:
        held: dict[int, PlateFrame] = {}
        for plate in plates:
            held[plate.frame] = plate
            ready = plate.frame - self.window
            if ready in held:
                yield self._one(held, ready)
            held.pop(plate.frame - 2 * self.window - 1, None)
        for frame in sorted(held):
            if frame > plate.frame - self.window:
                yield self._one(held, frame)

    def cancel(self) -> None:
        self._stop.set()

    def _one(self, held: dict[int, PlateFrame], frame: int) -> RenderedFrame:
        if self._stop.wait(self._wait):
            raise CancelledError("the renderer was stopped")
        self.rendered.append(frame)
        plate = held[frame]
        gain = np.float32(1 + plate.focus) + np.float32(plate.strength) * plate.disparity[:, :, None]
        image = plate.image * gain
        if self.window:
            near = [held[f].image for f in sorted(held) if abs(f - frame) <= self.window]
            image = image + np.mean(near, axis=0, dtype=np.float32)
        return RenderedFrame(
            frame, image, plate.channels, plate.window, None, plate.pixel_aspect, plate.metadata, self.notes
        )


def write_exr(path: Path, image: Float32Array, channels: tuple[str, ...], kind: str = "float") -> None:
    spec = oiio.ImageSpec(image.shape[1], image.shape[0], image.shape[2], kind)
    spec.channelnames = channels
    out = oiio.ImageOutput.create(str(path))
    assert out.open(str(path), spec), out.geterror()
    assert out.write_image(np.ascontiguousarray(image)), out.geterror()
    assert out.close()


def read_exr(path: Path) -> Float32Array:
    image = oiio.ImageInput.open(str(path))
    assert image is not None, oiio.geterror()
    pixels: Float32Array = image.read_image(format=oiio.FLOAT)
    image.close()
    return pixels


def header(path: Path) -> dict[str, Any]:
    image = oiio.ImageInput.open(str(path))
    assert image is not None, oiio.geterror()
    entries = {entry.name: entry.value for entry in image.spec().extra_attribs}
    image.close()
    return entries


def make_plates(folder: Path, frames: int = 5, width: int = 24, height: int = 16) -> None:
    """A plate with an alpha, and a depth in metres that differs from frame to frame."""
    for name in ("plate", "depth"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(7)
    for frame in range(FIRST, FIRST + frames):
        image = rng.random((height, width, 4), dtype=np.float32)
        image[:, :, 3] = 1
        depth = np.linspace(2 + 0.1 * (frame - FIRST), 20, width, dtype=np.float32)
        write_exr(folder / "plate" / f"plate.{frame}.exr", image, ("R", "G", "B", "A"), "half")
        write_exr(folder / "depth" / f"depth.{frame}.exr", np.tile(depth, (height, 1))[:, :, None], ("Z",))


def shot_data(folder: Path, **changes: object) -> dict[str, Any]:
    """A document of the shot that ``make_plates`` writes; ``changes`` replace whole parts."""
    data: dict[str, Any] = {
        "plate": {"path": str(folder / "plate" / "plate.%04d.exr")},
        "depth": {"path": str(folder / "depth" / "depth.%04d.exr"), "near": 2.0},
        "focus": {"keys": [{"frame": 1001, "disparity": 0.9}, {"frame": 1005, "disparity": 0.1}]},
        "blur": {"keys": [{"frame": 1001, "value": 2.0}, {"frame": 1005, "value": 6.0}]},
        "output": {"path": str(folder / "out" / "out.%04d.exr")},
    }
    return data | changes


def make_shot(folder: Path, frames: int = 5, **changes: object) -> Shot:
    make_plates(folder, frames)
    return shot_from_dict(shot_data(folder, **changes))


def outputs(folder: Path) -> dict[str, bytes]:
    """Pixels of all that was written, by file name."""
    return {file.name: read_exr(file).tobytes() for file in sorted((folder / "out").iterdir())}
