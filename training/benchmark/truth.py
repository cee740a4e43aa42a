"""The benchmark's shots with their ray-traced truth, kept on disk because tracing takes minutes."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from engine.errors import OutputWriteError
from engine.files import discard, flush_file, move, temporary_path
from engine.frames import Float32Array, PlateFrame, Window

if TYPE_CHECKING:
    from training.scenes import SceneShot

__all__ = ["KnownShot", "cache_folder", "known_shot"]

_LAYOUT = 2
"""Of the cached files; another number makes all of them anew."""


@dataclass(frozen=True, eq=False)
class KnownShot:
    """A shot whose answer is known.

    Attributes:
        name: of the shot.
        frames: plates with disparity, focus and K, as a renderer gets them; with alpha where a shot has transparency.
        truth: (T, H, W, 3) float32 scene-linear.
        filtered: (H, W) float32 of every frame: disparity as an antialiased render has it, mixed at edges.
    """

    name: str
    frames: tuple[PlateFrame, ...]
    truth: Float32Array
    filtered: tuple[Float32Array, ...]


def cache_folder() -> Path:
    """Where the user's system keeps what can be made again: ``rackfocus/truth`` below it."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or str(Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = str(Path.home() / "Library" / "Caches")
    else:
        base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "rackfocus" / "truth"


def known_shot(shot: SceneShot, folder: Path | None = None, say: Callable[[str], None] = lambda _: None) -> KnownShot:
    """Plates, disparity and truth of a shot: from the cache, or traced now and put there.

    The cache's key is a digest of the source of ``training.scenes`` and of the shot's numbers, so a changed scene is
    traced anew; the files of its older self are removed.

    Args:
        shot: what to trace.
        folder: the cache; the user's own if None.
        say: gets a line for every frame that is traced.

    Raises:
        OutputWriteError: the cache cannot be written.
    """
    folder = folder or cache_folder()
    stem = f"{shot.name}.{shot.scene.width}x{shot.scene.height}.{shot.frames[0]}-{shot.frames[-1]}"
    path = folder / f"{stem}.{_digest(shot)}.npz"
    if not path.is_file():
        _trace(shot, path, stem, say)
    with np.load(path, allow_pickle=False) as kept:
        images, truth = kept["image"].astype(np.float32), kept["truth"].astype(np.float32)
        disparities, filtered = kept["disparity"], kept["filtered"]
    window = Window.of_size(shot.scene.width, shot.scene.height)
    frames = tuple(
        PlateFrame(number, image, ("R", "G", "B", "A")[: image.shape[-1]], disparity, focus, strength, window)
        for number, image, disparity, focus, strength in zip(
            shot.frames, images, disparities, shot.focus, shot.strength, strict=True
        )
    )
    return KnownShot(shot.name, frames, truth, tuple(filtered))


def _half(images: list[Float32Array]) -> NDArray[np.float16]:
    """Half floats, as an EXR plate has them: half the disk, and an error beyond 80 dB in display values."""
    return np.clip(np.stack(images), 0.0, 65504.0).astype(np.float16)


def _digest(shot: SceneShot) -> str:
    """Sixteen letters that change with the code of the scenes or with the shot."""
    import training.scenes

    digest = hashlib.sha256()
    for source in sorted(Path(training.scenes.__file__).parent.glob("*.py")):
        digest.update(source.name.encode() + b"\0" + source.read_bytes())
    numbers = (_LAYOUT, shot.name, shot.scene.width, shot.scene.height, shot.frames, shot.focus, shot.strength)
    digest.update(repr(numbers).encode())
    return digest.hexdigest()[:16]


def _trace(shot: SceneShot, path: Path, stem: str, say: Callable[[str], None]) -> None:
    """Trace every frame and write them as one file, whole or not at all."""
    images, disparities, filtered, truth = [], [], [], []
    for count, (frame, focus, strength) in enumerate(zip(shot.frames, shot.focus, shot.strength, strict=True), 1):
        say(f"{shot.name}: tracing the truth of frame {count} of {len(shot.frames)}")
        view = shot.scene.view(frame)
        images.append(view.image)
        disparities.append(view.disparity)
        filtered.append(shot.scene.soft_disparity(frame))
        truth.append(shot.scene.bokeh(frame, focus, strength)[..., :3])
    if min(float(image[..., 3].min()) for image in images) >= 1.0:
        # Alpha that says nothing would only cost every renderer time.
        images = [image[..., :3] for image in images]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = temporary_path(path, ".npz")
        try:
            depths, soft = np.stack(disparities), np.stack(filtered)
            np.savez(part, image=_half(images), disparity=depths, filtered=soft, truth=_half(truth))
            flush_file(part)
            move(part, path)
        finally:
            discard(part)
        for older in path.parent.glob(f"{stem}.*.npz"):
            if older != path:
                discard(older)
    except OSError as error:
        raise OutputWriteError(
            f"{path}: the truth cannot be kept ({error.strerror}); free some space or choose another cache folder"
        ) from error
