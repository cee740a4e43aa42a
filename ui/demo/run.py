"""Run the demo: make a shot whose answer is known, render it as any shot, compare, and draw the sheet."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from engine.errors import CancelledError
from engine.frames import Float32Array
from engine.media import DepthReader, PlateReader, open_writer
from engine.render import Event, Report, Summary, Written, render
from engine.shot import Depth, Output, Plate
from training.metrics import SquaredError, decibels, paired
from training.metrics.similarity import ssim_of_display
from training.scenes import SceneShot, demo_shot
from ui.demo.files import DemoFiles, make_files
from ui.demo.sheet import Sheet, developed, grey

__all__ = ["DemoResult", "run_demo"]

THUMB: Final = 480
"""Width of a picture on the sheet in pixels."""

SHOWN: Final = 4
"""Frames on the sheet, whose truth is ray-traced: about four CPU seconds a frame."""


@dataclass(frozen=True)
class DemoResult:
    """What the demo made and measured.

    Attributes:
        folder, result, movie, sheet, shot: where things are.
        frames: how many were rendered.
        psnr, ssim: over the frames whose truth was traced.
        compared: those frames.
        seconds_per_frame: wall clock, reading and writing included, without the first frame's compilation.
    """

    folder: str
    result: str
    movie: str
    sheet: str
    shot: str
    frames: int
    psnr: float
    ssim: float
    compared: tuple[int, ...]
    seconds_per_frame: float


@dataclass(frozen=True, eq=False)
class _Column:
    """One frame on the sheet."""

    frame: int
    focus: float
    pictures: dict[str, Float32Array]


def run_demo(
    folder: Path,
    quality: str = "final",
    *,
    say: Callable[[str], None],
    report: Report,
    cancel: threading.Event,
    scene: SceneShot | None = None,
) -> DemoResult:
    """Make the demo in ``folder``.

    Args:
        folder: made if need be.
        quality: draft or final.
        say: gets a line of text for every step.
        report: gets the render's own events.
        cancel: stops it.
        scene: another shot than the demo's own.

    Raises:
        RackfocusError: any of its causes; OutputWriteError where the folder cannot be written.
    """
    _look(cancel)
    scene = scene or demo_shot()
    say(f"making {len(scene.frames)} frames of plate and depth")
    files, shot = make_files(scene, folder, quality, lambda _: _look(cancel))
    clock = _Clock(report)
    say("rendering (the first frame of a fresh installation waits about half a minute for its kernels)")
    render(shot, report=clock, overwrite=True, cancel=cancel)
    say("writing the movie")
    _write_movie(files, cancel)
    columns, psnr, ssim = _compare(scene, files, clock, say, cancel)
    say("drawing the contact sheet")
    _sheet(scene, columns, psnr, ssim, clock.seconds_per_frame).write(files.sheet)
    return DemoResult(
        folder=str(folder),
        result=files.result,
        movie=str(files.movie),
        sheet=str(files.sheet),
        shot=str(files.shot),
        frames=len(scene.frames),
        psnr=psnr,
        ssim=ssim,
        compared=tuple(column.frame for column in columns),
        seconds_per_frame=clock.seconds_per_frame,
    )


class _Clock:
    """Times the frames, and keeps the focus and blur that each was rendered with."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._times: list[float] = []
        self.written: dict[int, Written] = {}

    def __call__(self, event: Event) -> None:
        if isinstance(event, Written):
            self._times.append(time.monotonic())
            self.written[event.frame] = event
        if not isinstance(event, Summary):
            self._report(event)

    @property
    def seconds_per_frame(self) -> float:
        """The first frame starts the clock: it waits for kernels to be compiled on a fresh machine."""
        gaps = np.diff(self._times)
        return float(gaps.mean()) if gaps.size else float("nan")


def _compare(
    scene: SceneShot, files: DemoFiles, clock: _Clock, say: Callable[[str], None], cancel: threading.Event
) -> tuple[list[_Column], float, float]:
    """Trace the truth of a few frames through the lens, and measure the result against it."""
    frames = [scene.frames[i] for i in np.linspace(0, len(scene.frames) - 1, SHOWN).round().astype(int)]
    error, similar, columns = SquaredError(), [], []
    with (
        PlateReader(Plate(path=files.plate)) as plates,
        PlateReader(Plate(path=files.result)) as results,
        PlateReader(Plate(path=files.result, layer="overlay")) as overlays,
        DepthReader(Depth(path=files.depth, channel="Z"), Plate(path=files.plate)) as depths,
    ):
        for frame in frames:
            _look(cancel)
            done = clock.written[frame]
            say(f"tracing the truth of frame {frame} (focus {done.focus:.2f}, K {done.strength:.0f} px)")
            truth = scene.scene.bokeh(frame, done.focus, done.strength)
            result = results.read(frame).image
            pair = paired(result, truth)
            error.add(*pair)
            similar.append(ssim_of_display(*pair))
            pictures = {
                "plate": developed(plates.read(frame).image, THUMB),
                "disparity": grey(depths.read(frame).values, THUMB),
                "overlay": developed(overlays.read(frame).image, THUMB),
                "result": developed(result, THUMB),
                "truth": developed(truth, THUMB),
            }
            columns.append(_Column(frame, done.focus, pictures))
    return columns, decibels(error.mean), float(np.mean(similar))


def _sheet(scene: SceneShot, columns: list[_Column], psnr: float, ssim: float, seconds: float) -> Sheet:
    width, height = scene.scene.width, scene.scene.height
    first, last = scene.frames[0], scene.frames[-1]
    return Sheet(
        title="Rackfocus: a focus pull",
        subtitle=f"frames {first}-{last}, {width} x {height}, blur strength K {max(scene.strength):.0f} px; "
        "overlay: behind blue, in focus green, in front red",
        footer=f"against ray-traced truth: PSNR {psnr:.1f} dB, SSIM {ssim:.3f}; {seconds:.2f} s a frame",
        columns=[f"{column.frame}   focus at disparity {column.focus:.2f}" for column in columns],
        rows={name: [column.pictures[name] for column in columns] for name in columns[0].pictures},
    )


def _write_movie(files: DemoFiles, cancel: threading.Event) -> None:
    from engine.frames import RenderedFrame

    with PlateReader(Plate(path=files.result)) as results:
        writer = open_writer(Output(path=str(files.movie), codec="h264"), results.info)
        try:
            for frame in results.frames:
                _look(cancel)
                picture = results.read(frame)
                writer.write(RenderedFrame(frame, picture.image, picture.channels, picture.window), {}, {})
            writer.close()
        except BaseException:
            writer.abort()
            raise


def _look(cancel: threading.Event) -> None:
    if cancel.is_set():
        raise CancelledError("the demo was stopped")
