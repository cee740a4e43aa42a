"""The Fréchet distance between two sets of videos, of whatever a network says of their frames."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike

from engine.errors import FormatError, NumbersError, require
from engine.frames import Float32Array
from training.metrics.pictures import Float64Array, display

__all__ = ["BlockNetwork", "Moments", "add_shot", "frechet_distance"]


class BlockNetwork(Protocol):
    """A network that tells what a block of frames shows.

    Attributes:
        frames: how many make a block.
    """

    frames: int

    def prepare(self, picture: Float32Array) -> Float32Array:
        """A frame (H, W, 3) in display values as the network takes it; small, since a block of them is held."""
        ...

    def describe(self, block: list[Float32Array]) -> Float64Array:
        """The features (D,) of ``frames`` prepared frames."""
        ...


class Moments:
    """Running mean and covariance of features (D,), in the memory of one D x D matrix for any number of them.

    Each feature shifts the mean as it comes (Welford, 1962), so that nothing large is subtracted from its like.
    """

    def __init__(self) -> None:
        self.count = 0
        self.mean: Float64Array = np.zeros(0)
        self._scatter: Float64Array = np.zeros((0, 0))

    def add(self, features: ArrayLike) -> None:
        """Add one feature (D,).

        Raises:
            FormatError: it has another length than those before.
            NumbersError: it holds NaN or infinity.
        """
        values = np.asarray(features, np.float64).reshape(-1)
        require(bool(np.isfinite(values).all()), NumbersError, "the features of a block hold NaN or infinity; check it")
        if self.count == 0:
            self.mean, self._scatter = np.zeros(values.size), np.zeros((values.size, values.size))
        _of_one_length(self.mean, values)
        self.count += 1
        before = values - self.mean
        self.mean = self.mean + before / self.count
        self._scatter += np.outer(before, values - self.mean)

    @property
    def covariance(self) -> Float64Array:
        """(D, D), over ``count - 1``; NaN for fewer than two features."""
        if self.count < 2:
            return np.full_like(self._scatter, np.nan)
        return self._scatter / (self.count - 1)

    def distance(self, other: Moments) -> float:
        """:func:`frechet_distance` to another set; NaN where one has fewer than two features."""
        if min(self.count, other.count) < 2:
            return math.nan
        return frechet_distance(self.mean, self.covariance, other.mean, other.covariance)


def frechet_distance(
    mean: ArrayLike, covariance: ArrayLike, other_mean: ArrayLike, other_covariance: ArrayLike
) -> float:
    """The squared Fréchet distance between two Gaussians.

    ``|m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2))`` (Dowson and Landau, "The Fréchet distance between multivariate
    normal distributions", 1982; Heusel et al., 2017, for pictures; Unterthiner et al., 2018, for videos).

    ``tr (C1 C2)^(1/2)`` is taken as the sum of the singular values of ``R1^T R2`` with ``C = R R^T``: it stays real
    and loses no digits where there are fewer videos than features, which is where ``sqrtm(C1 C2)`` does.

    Args:
        mean, other_mean: (D,).
        covariance, other_covariance: (D, D), symmetric and without negative eigenvalues but for rounding.

    Returns:
        0 or more, in the features' units squared; 0 for equal Gaussians.

    Raises:
        FormatError: the two have features of different lengths.
    """
    m1, m2 = np.atleast_1d(np.asarray(mean, np.float64)), np.atleast_1d(np.asarray(other_mean, np.float64))
    c1, c2 = np.atleast_2d(np.asarray(covariance, np.float64)), np.atleast_2d(np.asarray(other_covariance, np.float64))
    _of_one_length(m1, m2)
    shared = float(np.linalg.svd(_root(c1).T @ _root(c2), compute_uv=False).sum())
    distance = float(np.sum((m1 - m2) ** 2) + np.trace(c1) + np.trace(c2) - 2 * shared)
    return max(0.0, distance)


def _root(covariance: Float64Array) -> Float64Array:
    """R with ``R R^T = C``."""
    values, vectors = np.linalg.eigh((covariance + covariance.T) / 2)
    root: Float64Array = vectors * np.sqrt(np.maximum(values, 0.0))
    return root


def add_shot(moments: Moments, frames: Iterable[Float32Array], network: BlockNetwork) -> int:
    """Add the features of a shot's blocks of frames: the first ``network.frames``, the next, and so on.

    Blocks do not overlap, and what is left at the end of the shot is not counted. The program that came with
    Any-to-Bokeh means the same for its VFID but starts its blocks at frames -20, -10, 0, -10, 0: see docs/metrics.md.

    Args:
        moments: of the set that the shot belongs to.
        frames: (H, W, 3) scene-linear, in order; one block of prepared frames is held at a time.
        network: see :mod:`training.metrics.networks`.

    Returns:
        How many blocks there were; 0 where the shot is shorter than a block.
    """
    block: list[Float32Array] = []
    blocks = 0
    for frame in frames:
        block.append(network.prepare(display(frame)))
        if len(block) == network.frames:
            moments.add(network.describe(block))
            block = []
            blocks += 1
    return blocks


def _of_one_length(first: Float64Array, second: Float64Array) -> None:
    require(
        first.shape == second.shape,
        FormatError,
        f"one set's features have {first.size} numbers and the other's {second.size}; use one network for both",
    )
