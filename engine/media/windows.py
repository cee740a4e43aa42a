"""Where pixels lie: data windows inside and around a display window.

| where                                       | what is there                                          |
|---------------------------------------------|--------------------------------------------------------|
| in the data window                          | the file's pixels                                      |
| in the display window, not in the data      | nothing: black, transparent, no depth, not covered     |
| outside both, where the data reach the edge | the border, continued: nobody knows what is there      |

A plate, its depth, its matte and each of its layers may have a data window of their own; all are laid on the plate's
``Window.whole``, by their place in the display window.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from engine.errors import FormatError, require
from engine.frames import Window

__all__ = ["check_whole", "empty_places", "laid_on", "placed_beside", "result_window"]

Number = TypeVar("Number", bound=np.generic)

MARGIN: Final = 3
"""Pixels around the blur's reach: small blurs are drawn by filters of a few pixels, in draft of twice as many."""

SHARP: Final = 0.02
"""Radii up to this are not blurred at all (see the renderers)."""

_MOST: Final = 1 << 27
"""Pixels that a display window may have beside a smaller data window: 16384 x 8192."""


def check_whole(window: Window, place: str) -> Window:
    """``window.whole``, of a size that memory can hold.

    Raises:
        FormatError: display and data window together are far larger than the pixels that the file holds.
    """
    whole = window.whole
    require(
        whole.width * whole.height <= max(_MOST, 4 * window.width * window.height),
        FormatError,
        f"{place}: its display window of {window.display_width}x{window.display_height} pixels at "
        f"{window.display_x},{window.display_y} and its data window of {window.width}x{window.height} at "
        f"{window.x},{window.y} lie too far apart to be one picture; correct the windows, or crop it",
    )
    return whole


def laid_on(values: NDArray[Number], theirs: Window, ours: Window) -> NDArray[Number]:
    """Pixels of one data window on another; see the table above.

    Args:
        values: (H, W) or (H, W, C) numbers of the data window of ``theirs``.
        theirs: where they lie.
        ours: where they are wanted; its display window has the same size.

    Returns:
        The same array where the windows agree, else a new one of the data window of ``ours``.
    """
    (rows, down), (columns, across) = _places(theirs, ours)
    if _is_all(rows, down, values.shape[0]) and _is_all(columns, across, values.shape[1]):
        return values
    made = np.zeros((rows.size, columns.size, *values.shape[2:]), values.dtype)
    there, beside = np.flatnonzero(down), np.flatnonzero(across)
    if there.size and beside.size:
        # Both are runs: what is clamped lies at the ends of them.
        place = slice(there[0], there[-1] + 1), slice(beside[0], beside[-1] + 1)
        made[place] = values[rows[there]][:, columns[beside]]
    return made


def empty_places(theirs: Window, ours: Window) -> NDArray[np.bool_] | None:
    """Where ``laid_on`` finds nothing: (H, W) bool of the data window of ``ours``; None where it finds all.

    The display windows may differ in size, of depth that is scaled.
    """
    (_, down), (_, across) = _places(theirs, ours)
    if down.all() and across.all():
        return None
    return ~(down[:, None] & across[None, :])


def placed_beside(theirs: Window, plate: Window) -> Window:
    """Where a picture lies that goes with a plate.

    A file that knows no windows (a PNG) and is of the size of the plate's data window, but not of its display window,
    was made of the plate's pixels, and lies on them.

    Args:
        theirs: as its file says.
        plate: data window of the plate's file.
    """
    plain = theirs.is_plain and (theirs.width, theirs.height) != (plate.display_width, plate.display_height)
    return plate if plain and (theirs.width, theirs.height) == (plate.width, plate.height) else theirs


def result_window(stored: Window, radius: float, pixel_aspect: float) -> Window:
    """The data window of a result: the plate's own, grown by the blur.

    Args:
        stored: of the plate's file.
        radius: largest that the frame can have, in pixels of height.
        pixel_aspect: width of a pixel over its height.
    """
    if radius <= SHARP:
        return stored
    return stored.grown(ceil(radius / pixel_aspect) + MARGIN, ceil(radius) + MARGIN)


_Places = tuple[NDArray[np.intp], NDArray[np.bool_]]


def _places(theirs: Window, ours: Window) -> tuple[_Places, _Places]:
    """For each row and column of ours, the row or column of theirs, and whether there is one."""
    (down, across), (their_down, their_across) = _lines(ours), _lines(theirs)
    (whole_down, whole_across) = _lines(theirs.whole)
    return _along(their_down, whole_down, down), _along(their_across, whole_across, across)


@dataclass(frozen=True)
class _Line:
    """One axis of a window: where the data begin, from the display window's corner; their count; the display's."""

    start: int
    count: int
    display: int


def _lines(window: Window) -> tuple[_Line, _Line]:
    return (
        _Line(window.y - window.display_y, window.height, window.display_height),
        _Line(window.x - window.display_x, window.width, window.display_width),
    )


def _along(theirs: _Line, whole: _Line, ours: _Line) -> _Places:
    """One axis; pixels of another size are found by their centres."""
    places = np.arange(ours.start, ours.start + ours.count)
    if ours.display != theirs.display:
        places = np.floor((places + 0.5) * (theirs.display / ours.display)).astype(np.intp)
    # Outside of both windows the border of the two together is continued: data where they reach it, nothing elsewhere.
    places = np.clip(places, whole.start, whole.start + whole.count - 1) - theirs.start
    inside = (places >= 0) & (places < theirs.count)
    return np.clip(places, 0, theirs.count - 1), inside


def _is_all(places: NDArray[np.intp], there: NDArray[np.bool_], count: int) -> bool:
    """Whether the places are all of ``count``, in order."""
    return places.size == count and bool(there.all()) and bool((places == np.arange(count)).all())
