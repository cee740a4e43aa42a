"""Frame numbers as a farm writes them."""

from __future__ import annotations

from engine.errors import ShotError, require
from engine.frames import FrameRange

__all__ = ["LONGEST", "range_expression"]

LONGEST = 1024
"""Characters of a parameter's value in Open Job Description 2023-09."""


def range_expression(frames: FrameRange) -> str:
    """The frames as Open Job Description writes them: ``1001-1024``, ``1-99:2``, ``-3--1,7``.

    ``FrameRange.parse`` reads all of these.

    Raises:
        ShotError: they are so scattered that no parameter holds them.
    """
    parts: list[str] = []
    left = list(frames)
    while left:
        step = left[1] - left[0] if len(left) > 1 else 1
        run = 1
        while run < len(left) and left[run] - left[run - 1] == step:
            run += 1
        if run == 2 and step > 1:  # two frames are no rhythm
            run = 1
        first, last = left[0], left[run - 1]
        parts.append(str(first) if run == 1 else f"{first}-{last}" + (f":{step}" if step > 1 else ""))
        left = left[run:]
    text = ",".join(parts)
    require(
        len(text) <= LONGEST,
        ShotError,
        f"frames: {len(frames)} frames in {len(parts)} pieces are more than a job's parameter holds; "
        "make several jobs, each with some of them in --frames",
    )
    return text
