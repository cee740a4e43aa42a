"""The image encoder's resize as products with matrices, so that one graph serves every size.

``resize_smoothly`` blurs with as many taps as the size asks for, which a graph of dynamic size cannot have. Blur and
bicubic interpolation are linear along each side: here their matrix is computed from the side's length, in the graph.
"""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["resize_by_matrices"]

_SHARPNESS = -0.75
"""The cubic's free parameter, as in Torch's bicubic interpolation."""


def resize_by_matrices(pictures: Tensor, height: int, width: int) -> Tensor:
    """What ``engine.networks.image_encoder.resize_smoothly`` gives, but for the order of sums.

    Args:
        pictures: (N, C, H, W) float32; H and W larger than the blur reaches, as every multiple of 64 is.
        height: wanted H.
        width: wanted W.

    Returns:
        (N, C, height, width) float32.
    """
    down = _resizing(pictures[0, 0, :, 0], height)
    across = _resizing(pictures[0, 0, 0, :], width)
    return torch.matmul(torch.matmul(down, pictures), across.transpose(0, 1))


def _resizing(side: Tensor, size: int) -> Tensor:
    """The matrix (size, length of ``side``) that blurs a side and then interpolates it."""
    places = torch.arange(side.shape[0], device=side.device).to(torch.float32)
    return torch.matmul(_interpolation(places, size), _blur(places, size))


def _blur(places: Tensor, size: int) -> Tensor:
    """The blur (S, S) before a side becomes ``size``, reflected at its ends; see ``gaussian_kernel``."""
    last = places[-1:]
    deviation = (((last + 1) / size - 1) / 2).clamp(min=0.001)
    reach = torch.floor(torch.floor((4 * deviation).clamp(min=3)) / 2)
    here, there = places[:, None], places[None, :]
    # A place sees each source directly, and once more in the mirror at either end; ends themselves have no image.
    weights = _bell(there - here, deviation, reach)
    weights = weights + torch.where(there > 0, _bell(-there - here, deviation, reach), 0.0)
    weights = weights + torch.where(there < last, _bell(2 * last - there - here, deviation, reach), 0.0)
    return weights / weights.sum(1, keepdim=True)


def _bell(distance: Tensor, deviation: Tensor, reach: Tensor) -> Tensor:
    """The Gaussian, cut off beyond ``reach`` pixels."""
    scaled = distance / deviation
    return torch.where(distance.abs() <= reach, torch.exp(-0.5 * scaled * scaled), 0.0)


def _interpolation(places: Tensor, size: int) -> Tensor:
    """Bicubic interpolation (size, S), ends on ends."""
    last = places[-1:]
    source = torch.arange(size, device=places.device).to(torch.float32)[:, None] * (last / (size - 1))
    first = torch.floor(source)
    part = source - first
    weights = torch.zeros_like(source - places[None, :])
    for tap, weight in zip((-1, 0, 1, 2), _cubic(part), strict=True):
        seen = torch.minimum((first + tap).clamp(min=0.0), last)
        weights = weights + torch.where(places[None, :] == seen, weight, 0.0)
    return weights


def _cubic(part: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Weights of the four pixels around a place that lies ``part`` of a pixel after the second."""
    a = _SHARPNESS

    def near(x: Tensor) -> Tensor:
        return ((a + 2) * x - (a + 3)) * x * x + 1

    def far(x: Tensor) -> Tensor:
        return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a

    return far(part + 1), near(part), near(1 - part), far(2 - part)
