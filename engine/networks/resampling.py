"""Doubling a picture by nearest neighbour and convolving it 3x3, without the doubled picture.

Of the nine taps of the kernel, those that fall on copies of one pixel act as their sum: each of the four pixels that
an input pixel becomes is a 2x2 convolution of the input, with 16 products in place of 36. The four together are one
transposed convolution of 4x4 with stride 2. The result is the same but for the order of the sums.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["Doubling", "fold_upsampling", "upsample", "upsample_folded"]


class Doubling(nn.Module):
    """Maps (N, C, h, w) to (N, C, 2 h, 2 w), with the weights of diffusers' ``Upsample2D``."""

    def __init__(self, width: int) -> None:
        """For maps of ``width`` channels."""
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, maps: Tensor) -> Tensor:
        """``maps`` doubled and convolved."""
        return upsample(maps, self.conv)


def upsample(maps: Tensor, conv: nn.Conv2d) -> Tensor:
    """``conv`` of ``maps`` at twice their size (nearest neighbour).

    The kernel is folded anew each time, so that gradients reach the weights; ``upsample_folded`` takes one that was
    folded before.

    Args:
        maps: (N, C, h, w).
        conv: 3x3, stride 1, padding 1.

    Returns:
        (N, C', 2 h, 2 w).
    """
    return upsample_folded(maps, fold_upsampling(conv.weight), conv.bias)


def upsample_folded(maps: Tensor, kernel: Tensor, bias: Tensor | None) -> Tensor:
    """As ``upsample``, with the kernel that ``fold_upsampling`` made."""
    return functional.conv_transpose2d(maps, kernel, bias, stride=2, padding=1)


def fold_upsampling(weight: Tensor) -> Tensor:
    """The kernel of the transposed convolution that doubles and convolves.

    Sums are taken in at least float32 and rounded once.

    Args:
        weight: (C', C, 3, 3), of the convolution at twice the size.

    Returns:
        (C, C', 4, 4), in the precision of ``weight``.
    """
    exact = weight.to(torch.promote_types(weight.dtype, torch.float32))
    rows = _fold(exact.movedim(2, 0), 2)
    return _fold(rows.movedim(3, 0), 3).transpose(0, 1).to(weight.dtype)


def _fold(taps: Tensor, axis: int) -> Tensor:
    """Where an input sample lands: on its two copies, through the taps that see them; at offsets -1, 0, 1 and 2."""
    first, middle, last = taps.unbind(0)
    return torch.stack((last, middle + last, first + middle, first), axis)
