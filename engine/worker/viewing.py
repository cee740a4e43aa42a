"""The lane of looks: a preview of one frame, or the depth under a point."""

from __future__ import annotations

import itertools
import math
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np

from engine.depth import DepthLimits
from engine.errors import FormatError, OpticsError, OutputExistsError, OutputWriteError, ShotError, require
from engine.files import discard, place_file, reason_of, scratch_folder, temporary_path
from engine.frames import PlateFrame, RenderedFrame, Window
from engine.media.saving import NewPart, save_image
from engine.media.sequence import Pattern, is_movie
from engine.optics import Defocus, circle_of_confusion
from engine.render import Event, LimitsFound, Searching
from engine.renderers.optical import OpticalRenderer
from engine.shot import Shot, shot_from_dict
from engine.worker.kernels import Kernels
from engine.worker.lanes import Job
from engine.worker.messages import Preview, Sample
from engine.worker.opened import OpenShot, Proxy
from engine.worker.rendering import NAMES

__all__ = ["ViewDesk"]

KEPT: Final = 16
"""Previews without a path of their own that stay; older ones are removed."""

AROUND: Final = 4
"""Pixels around a region beyond the largest radius: silhouettes look at their neighbours."""


class ViewDesk:
    """Does what ``preview`` and ``sample`` ask; keeps the last shot open."""

    def __init__(self, kernels: Kernels) -> None:
        self._kernels = kernels
        self._open: OpenShot | None = None
        self._files = _Files()

    def close(self) -> None:
        """Remove the previews."""
        self._files.close()

    def work(self, job: Job[Preview] | Job[Sample]) -> Mapping[str, Any]:
        """Answer a preview or a sample.

        Raises:
            RackfocusError: any of its causes.
        """
        with self._kernels.turn():
            asked = job.parameters
            return self._sample(job, asked) if isinstance(asked, Sample) else self._preview(job, asked)

    def _preview(self, job: Job[Any], asked: Preview) -> Mapping[str, Any]:
        begin = time.monotonic()
        shot = shot_from_dict(asked.shot)
        path = self._files.place(asked.path, shot)
        opened, limits = self._opened(job, shot, asked.frame)
        pull = opened.pull(shot, limits)
        focus, strength = pull.focus(asked.frame), pull.strength(asked.frame)
        proxy = opened.proxy(asked.frame, asked.scale, limits, job.check)
        look = _Look(proxy, shot, asked, focus, strength)
        renderer = OpticalRenderer.from_shot(look.shot)
        job.halted_by(renderer.cancel)
        picture = look.cut(renderer.render(look.frame()))
        job.check()
        _write(path, picture)
        return {
            "path": str(path),
            "width": picture.window.width,
            "height": picture.window.height,
            "region": look.shown_region(),
            "scale": proxy.scale,
            "focus": focus,
            "strength": strength,
            "renderer": "optical",
            "seconds": time.monotonic() - begin,
        }

    def _sample(self, job: Job[Any], asked: Sample) -> Mapping[str, Any]:
        shot = shot_from_dict(asked.shot)
        opened, limits = self._opened(job, shot, asked.frame)
        disparity = opened.sampler(limits)(asked.frame, asked.x, asked.y, asked.radius)
        try:
            distance: float | None = limits.distance_at(disparity, shot.depth)
        except OpticsError:  # normalised depth holds none
            distance = None
        told = {"near": _finite(limits.near), "far": _finite(limits.far)}
        return {"disparity": disparity, "distance": _finite(distance), "limits": told}

    def _opened(self, job: Job[Any], shot: Shot, frame: int) -> tuple[OpenShot, DepthLimits]:
        job.check()
        if self._open is None or not self._open.serves(shot, frame):
            if self._open is not None:
                self._open.close()
                self._open = None
            self._open = OpenShot(shot)
            self._open.serves(shot, frame)

        def report(event: Event) -> None:
            if isinstance(event, Searching | LimitsFound) and not job.answered:
                job.notify({"event": NAMES[type(event)], **asdict(event)})

        limits = self._open.limits(shot, report, job.stop)
        job.check()
        return self._open, limits


class _Look:
    """What of a proxy is rendered, and what of that is shown, in the proxy's pixels."""

    def __init__(self, proxy: Proxy, shot: Shot, asked: Preview, focus: float, strength: float) -> None:
        self._proxy = proxy
        self._number, self._focus, self._strength = asked.frame, focus, strength * proxy.row_scale
        most = None if shot.maximum_radius is None else shot.maximum_radius * proxy.row_scale
        self.shot = shot.model_copy(update={"maximum_radius": most})
        self.shown = self._region(asked.region)
        self.rendered = self._around(self.shown)

    def frame(self) -> PlateFrame:
        """What the renderer is given."""
        left, top, right, bottom = self.rendered
        proxy, coverage = self._proxy, self._proxy.coverage
        return PlateFrame(
            frame=self._number,
            image=np.ascontiguousarray(proxy.image[top:bottom, left:right]),
            channels=proxy.channels,
            disparity=np.ascontiguousarray(proxy.disparity[top:bottom, left:right]),
            focus=self._focus,
            strength=self._strength,
            window=Window.of_size(right - left, bottom - top),
            pixel_aspect=proxy.pixel_aspect,
            coverage=None if coverage is None else np.ascontiguousarray(coverage[top:bottom, left:right]),
        )

    def cut(self, made: RenderedFrame) -> RenderedFrame:
        """What is shown of it, at its place in the display window, which is as much smaller."""
        proxy, window = self._proxy, self._proxy.window
        left, top, right, bottom = self.shown
        x, y = left - self.rendered[0], top - self.rendered[1]
        width, height = right - left, bottom - top
        return RenderedFrame(
            frame=self._number,
            image=np.ascontiguousarray(made.image[y : y + height, x : x + width]),
            channels=made.channels,
            window=Window(
                round((window.x - window.display_x) * proxy.scale) + left,
                round((window.y - window.display_y) * proxy.row_scale) + top,
                *(width, height, 0, 0),
                max(round(window.display_width * proxy.scale), 1),
                max(round(window.display_height * proxy.row_scale), 1),
            ),
            pixel_aspect=proxy.pixel_aspect,
        )

    def shown_region(self) -> list[float]:
        """What is shown, in pixels of the display window of the plate."""
        proxy, window = self._proxy, self._proxy.window
        left, top = window.x - window.display_x, window.y - window.display_y
        x0, y0, x1, y1 = self.shown
        return [
            x0 / proxy.scale + left,
            y0 / proxy.row_scale + top,
            x1 / proxy.scale + left,
            y1 / proxy.row_scale + top,
        ]

    def _region(self, asked: list[float] | None) -> tuple[int, int, int, int]:
        proxy, window = self._proxy, self._proxy.window
        height, width = proxy.disparity.shape
        left, top = window.display_x - window.x, window.display_y - window.y
        x0, y0, x1, y1 = asked or (0, 0, window.display_width, window.display_height)
        # Whole pixels of the proxy, so far as they are touched; a hair is no touch.
        across = [math.floor((x0 + left) * proxy.scale + 1e-6), math.ceil((x1 + left) * proxy.scale - 1e-6)]
        down = [math.floor((y0 + top) * proxy.row_scale + 1e-6), math.ceil((y1 + top) * proxy.row_scale - 1e-6)]
        x, right = (min(max(side, 0), width) for side in across)
        y, bottom = (min(max(side, 0), height) for side in down)
        require(
            x < right and y < bottom,
            ShotError,
            f"region: {x0:g},{y0:g} to {x1:g},{y1:g} shows nothing of the picture of "
            f"{window.display_width}x{window.display_height} pixels; give left, top, right and bottom inside it",
        )
        return x, y, right, bottom

    def _around(self, shown: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
        """With the light that reaches it from outside."""
        height, width = self._proxy.disparity.shape
        if self.shot.aperture.cats_eye > 0:  # its shape depends on where the picture's middle is
            return 0, 0, width, height
        ends = np.array([[self._proxy.disparity.min(), self._proxy.disparity.max()]], np.float32)
        radius = np.abs(circle_of_confusion(ends, self._focus, self._strength, Defocus.of(self.shot))).max()
        across, down = (math.ceil(float(radius) / wide) + AROUND for wide in (self._proxy.pixel_aspect, 1.0))
        left, top, right, bottom = shown
        return max(left - across, 0), max(top - down, 0), min(right + across, width), min(bottom + down, height)


class _Files:
    """Where previews go: where the host says, or into a folder of the worker's own that goes with it."""

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._count = itertools.count(1)
        self._made: deque[Path] = deque()

    def place(self, path: str | None, shot: Shot) -> Path:
        """The file to write.

        Raises:
            FormatError: the host's is no EXR file.
            OutputExistsError: it is one of the shot's own files.
        """
        if path is None:
            return self._next()
        require(
            path.lower().endswith(".exr") and "\0" not in path,
            FormatError,
            f"path: {path[:200]!r} is no EXR file, as which previews are written; give a name that ends in .exr",
        )
        matte = None if shot.matte is None else shot.matte.path
        require(
            not any(_is_read(path, read) for read in (shot.plate.path, shot.depth.path, matte)),
            OutputExistsError,
            f"path: {path} is read by the shot, and would be lost; give the preview another name",
        )
        return Path(path)

    def close(self) -> None:
        """Remove the folder."""
        if self._folder is not None:
            discard(self._folder)

    def _next(self) -> Path:
        if self._folder is None:
            self._folder = scratch_folder()
        self._made.append(self._folder / f"preview-{next(self._count):06}.exr")
        if len(self._made) > KEPT:
            discard(self._made.popleft())
        return self._made[-1]


def _is_read(path: str, read: str | None) -> bool:
    """Whether a path is one of the files that a shot reads, whichever frame it is of and however it is spelt."""
    if read is None:
        return False
    asked, pattern = Path(path), Pattern.parse(read)
    number = None if is_movie(read) else pattern.number(asked.name)
    theirs = Path(read) if number is None else pattern.path(number)
    alike = asked.exists() and theirs.exists() and asked.samefile(theirs)
    return path == read or alike


def _write(path: Path, picture: RenderedFrame) -> None:
    part = NewPart(
        image=picture.image,
        channels=picture.channels,
        formats=("half",) * len(picture.channels),
        window=picture.window,
        pixel_aspect=picture.pixel_aspect,
        compression="zips",
    )
    temporary = temporary_path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        save_image(temporary, "openexr", [part], f"preview {path}")
        place_file(temporary, path)
    except OSError as error:
        raise OutputWriteError(f"{path}: cannot be written ({reason_of(error)}); give another path") from error
    finally:
        discard(temporary)


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
