"""The demo's files: a plate and a depth sequence made from a scene, and the shot document beside them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import OpenImageIO as oiio  # noqa: N813  the name that its own documentation uses

from engine.errors import OutputWriteError
from engine.frames import Float32Array
from engine.shot import Shot, save_shot, shot_from_dict
from training.scenes import SceneShot

__all__ = ["DemoFiles", "make_files"]

FRAME_RATE = (24, 1)


@dataclass(frozen=True)
class DemoFiles:
    """Where the demo's files are."""

    folder: Path

    @property
    def plate(self) -> str:
        """Pattern of the plate."""
        return str(self.folder / "plate" / "plate.%04d.exr")

    @property
    def depth(self) -> str:
        """Pattern of the depth."""
        return str(self.folder / "depth" / "depth.%04d.exr")

    @property
    def result(self) -> str:
        """Pattern of the result."""
        return str(self.folder / "result" / "result.%04d.exr")

    @property
    def shot(self) -> Path:
        """The shot document."""
        return self.folder / "shot.json"

    @property
    def movie(self) -> Path:
        """The result as a movie."""
        return self.folder / "result.mp4"

    @property
    def sheet(self) -> Path:
        """The contact sheet."""
        return self.folder / "contact_sheet.png"


def make_files(scene: SceneShot, folder: Path, quality: str, step: Callable[[int], None]) -> tuple[DemoFiles, Shot]:
    """Write plate, depth and shot document.

    Args:
        scene: what is seen, and its focus pull.
        folder: where to; made if need be.
        quality: draft or final.
        step: called after each frame.

    Raises:
        OutputWriteError: the folder may not be written, or its disk is full.
    """
    files = DemoFiles(folder)
    try:
        for part in ("plate", "depth", "result"):
            (folder / part).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputWriteError(
            f"{folder}: the folder of the demo cannot be made ({error.strerror}); choose one with --out"
        ) from error
    for frame in scene.frames:
        view = scene.scene.view(frame)
        _write(files.plate % frame, view.image, ("R", "G", "B", "A"), "half")
        _write(files.depth % frame, view.disparity[:, :, None], ("Z",), "float")
        step(frame)
    shot = shot_from_dict(_document(scene, files, quality), "demo")
    save_shot(shot, files.shot)
    return files, shot


def _document(scene: SceneShot, files: DemoFiles, quality: str) -> dict[str, object]:
    """The shot as an artist would key it: few keys, and the curve between them."""
    return {
        "name": f"Rackfocus {scene.name}",
        "plate": {"path": files.plate, "frames": f"{scene.frames[0]}-{scene.frames[-1]}"},
        "depth": {"path": files.depth, "channel": "Z", "convention": "near1", "near": 1.0, "far": 0.0},
        "focus": {"keys": _keys(scene.frames, scene.focus, "disparity")},
        "blur": {"keys": _keys(scene.frames, scene.strength, "value")},
        "renderer": {"quality": quality},
        "output": {"path": files.result, "layers": ["coc", "disparity", "overlay", "invented"]},
    }


def _keys(frames: tuple[int, ...], values: tuple[float, ...], name: str) -> list[dict[str, object]]:
    """Keys where the values turn, hold or end; eased between."""
    steps = np.sign(np.round(np.diff(values), 6))
    turns = [i + 1 for i in range(len(steps) - 1) if steps[i] != steps[i + 1]]
    kept = [0, *turns, len(frames) - 1] if steps.any() else [0]
    return [{"frame": frames[i], name: values[i], "interpolation": "ease-in-out"} for i in kept]


def _write(path: str, image: Float32Array, channels: tuple[str, ...], kind: str) -> None:
    height, width = image.shape[:2]
    spec = oiio.ImageSpec(width, height, len(channels), kind)
    spec.channelnames = channels
    spec.attribute("compression", "zips")
    spec.attribute("framesPerSecond", oiio.TypeDesc("rational"), FRAME_RATE)
    out = oiio.ImageOutput.create(path)
    if out is None or not out.open(path, spec) or not out.write_image(np.ascontiguousarray(image)) or not out.close():
        reason = out.geterror() if out is not None else oiio.geterror()
        raise OutputWriteError(f"{path}: cannot be written ({reason}); check the folder and the space on its disk")
