"""What people look at when the frames are there: a movie, and a contact sheet."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import OpenImageIO as oiio  # noqa: N813  its own documentation's name

from engine.cancelling import NEVER, Cancel
from engine.errors import CancelledError, RackfocusError
from engine.frames import Float32Array, FrameRange, RenderedFrame, Window
from engine.media import PlateInfo, PlateReader, open_writer
from engine.media.sequence import Pattern, is_movie
from engine.shot import Output, Plate, Shot

__all__ = ["assemble", "movie_path", "sheet_path"]

SHOWN: Final = 24
"""Frames on a contact sheet at most."""

THUMB: Final = 320
"""Width of a picture on it in pixels."""

GAP: Final = 8
LETTERS: Final = 22
PAPER: Final = 0.006
"""Scene-linear grey of the paper."""


def movie_path(shot: Shot) -> Path:
    """Where the movie goes: beside the frames, under their name."""
    return _beside(shot, ".mp4")


def sheet_path(shot: Shot) -> Path:
    """Where the contact sheet goes."""
    return _beside(shot, "_contact_sheet.png")


def assemble(
    shot: Shot,
    frames: FrameRange,
    *,
    movie: bool = False,
    step: Callable[[int, int], None] = lambda _done, _total: None,
    cancel: Cancel = NEVER,
) -> tuple[Path, ...]:
    """Read the result once, and write the contact sheet and, if asked, the movie.

    Args:
        shot: whose result it is.
        frames: that were rendered.
        movie: whether to write an H.264 movie, in the frame rate of the plate and with its sound.
        step: gets the number of frames that are read, and of all.
        cancel: stops it.

    Returns:
        The files that were written.

    Raises:
        MissingFrameError, CorruptError: a frame is not there or not whole.
        OutputError: a file cannot be written.
        CancelledError: ``cancel`` was set.
    """
    result = Plate(
        path=shot.output.path,
        frames=str(frames),
        colour_space=shot.output.colour_space or _same_space(shot),
        frame_rate=shot.plate.frame_rate,
    )
    shown = {frames.numbers[i] for i in np.linspace(0, len(frames) - 1, min(SHOWN, len(frames))).round().astype(int)}
    thumbs: dict[int, Float32Array] = {}
    film = Output(path=str(movie_path(shot)), codec="h264", sound=shot.output.sound) if movie else None
    with PlateReader(result) as reader:
        writer = open_writer(film, _with_movie(reader.info, shot), frames) if film is not None else None
        try:
            for done, frame in enumerate(frames):
                if cancel.is_set():
                    raise CancelledError("stopped while the result was being assembled; no file was left unfinished")
                picture = reader.read(frame)
                if frame in shown:
                    thumbs[frame] = _thumb(picture.image, picture.pixel_aspect)
                if writer is not None:
                    rendered = RenderedFrame(
                        *(frame, picture.image, picture.channels, picture.window, None, picture.pixel_aspect),
                        metadata=picture.metadata,
                    )
                    writer.write(rendered, {}, {})
                step(done + 1, len(frames))
            if writer is not None:
                writer.close()
        except BaseException:
            if writer is not None:
                writer.abort()
            raise
        page = _page(thumbs)
        size = Window.of_size(page.shape[1], page.shape[0])
        with closing(open_writer(Output(path=str(sheet_path(shot))), reader.info)) as sheet:
            sheet.write(RenderedFrame(frames.first, page, ("R", "G", "B"), size), {}, {})
    return (sheet_path(shot), *([movie_path(shot)] if movie else []))


def _beside(shot: Shot, ending: str) -> Path:
    pattern = Pattern.parse(shot.output.path)
    return pattern.folder / f"{pattern.prefix.rstrip(' ._-') or 'result'}{ending}"


def _with_movie(info: PlateInfo, shot: Shot) -> PlateInfo:
    """The result's facts, with the rate, the times and the sound of the plate where that is a movie."""
    if not is_movie(shot.plate.path):
        return info
    with suppress(RackfocusError), PlateReader(shot.plate) as plate:
        theirs = plate.info
        return replace(info, frame_rate=theirs.frame_rate, times=theirs.times, movie=theirs.movie)
    return info


def _same_space(shot: Shot) -> str | None:
    """The space that the writer took from the plate, where both are of one type."""
    same = Path(shot.plate.path).suffix.lower() == Path(shot.output.path).suffix.lower()
    return shot.plate.colour_space if same else None


def _thumb(image: Float32Array, aspect: float) -> Float32Array:
    """(h, THUMB, 3) float32 scene-linear, with square pixels."""
    source = oiio.ImageBuf(np.ascontiguousarray(image[:, :, :3]))
    height = max(1, round(image.shape[0] * THUMB / (image.shape[1] * aspect)))
    small = oiio.ImageBufAlgo.resize(source, "box", 0, oiio.ROI(0, THUMB, 0, height, 0, 1, 0, 3))
    return np.asarray(small.get_pixels(oiio.FLOAT), dtype=np.float32).reshape(height, THUMB, 3)


def _page(thumbs: dict[int, Float32Array]) -> Float32Array:
    """The pictures in rows, their frame numbers under them; scene-linear, as the writer takes it."""
    columns = min(len(thumbs), max(1, math.ceil(math.sqrt(len(thumbs)))))
    rows = math.ceil(len(thumbs) / columns)
    tall = max(picture.shape[0] for picture in thumbs.values())
    cell = tall + LETTERS + GAP
    page = np.full((GAP + rows * cell, GAP + columns * (THUMB + GAP), 3), PAPER, dtype=np.float32)
    lettered = oiio.ImageBuf(page)
    for place, (frame, picture) in enumerate(sorted(thumbs.items())):
        y, x = GAP + place // columns * cell, GAP + place % columns * (THUMB + GAP)
        roi = oiio.ROI(x, x + THUMB, y, y + picture.shape[0], 0, 1, 0, 3)
        lettered.set_pixels(roi, np.ascontiguousarray(picture))
        # A machine without fonts gets the pictures alone.
        oiio.ImageBufAlgo.render_text(lettered, x, y + tall + LETTERS - 6, str(frame), 15, "", (0.4, 0.4, 0.4))
    return np.asarray(lettered.get_pixels(oiio.FLOAT), dtype=np.float32).reshape(page.shape)
