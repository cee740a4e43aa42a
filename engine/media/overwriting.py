"""What a result would be written over: the shot's own files, or one still for many frames."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path

from engine.errors import OutputExistsError, ShotError, require
from engine.frames import FrameRange
from engine.media.finding import find
from engine.media.sequence import Pattern, is_movie
from engine.shot import Depth, Matte, Output, Plate

__all__ = ["check_output", "takes_one_picture"]


def takes_one_picture(output: Output, plate: Plate) -> bool:
    """Whether a path to one picture means that picture, whatever lies beside it: the result has room for one only."""
    return plate.frames is None and not is_movie(output.path) and Pattern.parse(output.path).is_still


def check_output(
    output: Output, plate: Plate, depth: Depth, frames: FrameRange | None = None, matte: Matte | None = None
) -> None:
    """Refuse to write over an input, frame by frame, through links too, or several frames into one still.

    Args:
        frames: those to be written; the plate's when not given.

    Raises:
        OutputExistsError: a frame of the result is a file of the plate, the depth or the matte.
        ShotError: several frames go to a path without a frame number.
        MediaError: the plate cannot be found.
    """
    if frames is None:
        from engine.media.source import open_source

        with closing(open_source(plate.path, "plate.path", alone=takes_one_picture(output, plate))) as source:
            frames = source.frames(plate.frames, "plate.path")
    require(
        len(frames) < 2 or is_movie(output.path) or not Pattern.parse(output.path).is_still,
        ShotError,
        f'output.path: "{output.path}" has no frame number, so that {len(frames)} frames would replace each other; '
        "write it like name.%04d.exr",
    )
    inputs = [("plate", plate.path, 0)] + ([("depth", depth.path, depth.frame_offset)] if depth.path else [])
    inputs += [("matte", matte.path, matte.frame_offset)] if matte else []
    for what, path, offset in inputs:
        found = find(path, f"{what}.path", takes_one_picture(output, plate))
        for frame in frames:
            theirs, ours = found.file(frame + offset), _file(output.path, frame)
            if _same(ours, theirs):
                raise OutputExistsError(
                    f"output.path: frame {frame} would replace the {what}'s own file {theirs}; choose another output"
                )
            if is_movie(output.path) and found.pattern.is_still:
                break


def _file(path: str, frame: int) -> Path:
    return Path(path) if is_movie(path) else Pattern.parse(path).path(frame)


def _same(ours: Path, theirs: Path) -> bool:
    if ours.exists() and theirs.exists():
        return ours.samefile(theirs)
    return Path(os.path.realpath(ours)) == Path(os.path.realpath(theirs))
