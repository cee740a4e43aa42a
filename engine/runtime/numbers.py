"""What is said when a network's values are not finite, whichever runtime finds it."""

from __future__ import annotations

from collections.abc import Sequence

from engine.errors import NumbersError

__all__ = ["spoken_places", "values_not_finite"]


def values_not_finite(places: Sequence[int], network: str) -> NumbersError:
    """The error for a network that gives NaN or infinity in its highest precision too.

    Args:
        places: of the frames in the shot, from 0.
        network: its name in a sentence: ``encoder``, ``U-Net``.
    """
    cause = "check plate and depth there and the weights (rackfocus weights inspect), or try --precision fp32"
    return NumbersError(f"{spoken_places(places)}: the {network} gives NaN or infinity in fp32 too; {cause}")


def spoken_places(places: Sequence[int]) -> str:
    """``frame 3 of the shot`` or ``frames 1 to 8 of the shot``, the shot's first frame being 1."""
    first, last = min(places) + 1, max(places) + 1
    return f"frame {first} of the shot" if first == last else f"frames {first} to {last} of the shot"
