"""Keys that a shot never comes to, and points that its picture does not have."""

from __future__ import annotations

from collections.abc import Iterator

from engine.errors import KeysError, require
from engine.frames import FrameRange, Window
from engine.notices import Notice
from engine.shot import Shot

__all__ = ["keys_outside", "require_inside"]


def keys_outside(shot: Shot, frames: FrameRange) -> tuple[Notice, ...]:
    """What should be heard of curves whose keys all lie outside the shot: what was animated stands still.

    One key alone is a constant, wherever it lies.
    """
    return tuple(
        Notice(
            f"{what}.outside",
            f"{what}.keys lie at frames {first:g} to {last:g}, but the shot has {frames.first} to {frames.last}, so "
            "that nothing changes in it; move the keys, or correct plate.path or plate.frames",
        )
        for what, first, last in _spans(shot)
        if first < last and (last < frames.first or first > frames.last)
    )


def _spans(shot: Shot) -> Iterator[tuple[str, float, float]]:
    yield "focus", shot.focus.keys[0].frame, shot.focus.keys[-1].frame
    if shot.blur is not None:
        yield "blur", shot.blur.keys[0].frame, shot.blur.keys[-1].frame


def require_inside(window: Window, frame: int, x: float, y: float) -> tuple[int, int]:
    """Where the array's corner lies, from the top left of the display window, if the point lies in the array.

    Raises:
        KeysError: it does not.
    """
    left, top = window.x - window.display_x, window.y - window.display_y
    right, bottom = left + window.width, top + window.height
    require(
        left <= x <= right and top <= y <= bottom,
        KeysError,
        f"focus.keys: the key at frame {frame} picks the pixel {x:g},{y:g}, but the picture goes from "
        f"{left},{top} to {right},{bottom}; move it inside",
    )
    return left, top
