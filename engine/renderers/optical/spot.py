"""The spot: how wide the lens draws the image of a point.

What a small blur looks like is its second moment and little else. A disc of radius r has a quarter of ``r**2`` along
each axis; other openings have their own share. Everything that widens a point, as halving a picture, spreading light
between lens points and moving by whole pixels, is measured in this one quantity and adds up to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

__all__ = ["HALVING", "Spot", "opening_moments"]

HALVING = 1.5
"""Second moment, in squared full-size pixels, of halving and doubling, one half by each (see ``half_size``)."""


@dataclass(frozen=True)
class Spot:
    """Second moment of a point's image along x and y, for a signed radius r: ``max(moment r**2 - less, 0)``.

    Attributes:
        moment: along x and y, in squared pixels per squared pixel of radius; pixel aspect is in the one along x.
        less: what is drawn elsewhere, in squared pixels: nothing at full size.
    """

    moment: tuple[float, float]
    less: tuple[float, float] = (0.0, 0.0)

    @classmethod
    def of(cls, opening: tuple[float, float], aspect: float) -> Spot:
        """The spot of an opening (see :func:`opening_moments`) on pixels of this aspect."""
        return cls((opening[0] / aspect**2, opening[1]))

    @property
    def halving_radius(self) -> float:
        """Radius from which the lens draws a point as wide as halving does, along either axis."""
        return sqrt(HALVING / min(self.moment))

    def halved(self) -> Spot:
        """The spot at half the size, for radii that ``half_radius`` gave: the axis along which the disc is widest loses
        nothing, along the other one halving has drawn a part of it already."""
        widest = max(self.moment)
        x, y = (0.25 * HALVING * (1.0 - moment / widest) for moment in self.moment)
        return Spot(self.moment, (x, y))

    def of_lamps_halved(self) -> Spot:
        """The spot of lamps at half the size, on the radii of the picture: what its halving would widen, they draw."""
        x, y = (less - 0.125 * HALVING for less in self.halved().less)
        return Spot(self.moment, (x, y))


def opening_moments(opening: NDArray[np.float64]) -> tuple[float, float]:
    """Second moment of the opening's light about the middle of the lens, along x and y, in squared radii.

    Args:
        opening: integral of its light (see :func:`~engine.renderers.optical.aperture.opening_integral`).
    """
    lines = np.linspace(-1.0, 1.0, opening.shape[0])
    # Of each cell: of its middle, and of the cell about its middle.
    square = (0.5 * (lines[1:] + lines[:-1])) ** 2 + (lines[1] - lines[0]) ** 2 / 12.0
    return float(np.diff(opening[-1]) @ square), float(np.diff(opening[:, -1]) @ square)
