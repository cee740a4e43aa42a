"""Small scripted networks, written as files."""

from __future__ import annotations

import warnings
from pathlib import Path

import torch
from torch import Tensor, nn


class LastOfTwo(nn.Module):
    """Answers as RAFT does, with a list; its flow is the first picture's red and the second's green."""

    def forward(self, first: Tensor, second: Tensor) -> list[Tensor]:
        flow = torch.cat([first[:, 0:1], second[:, 1:2]], 1)
        return [flow * 0, flow]


class OneOfFour(nn.Module):
    """Answers as no flow network does."""

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        return torch.cat([first, second[:, 0:1]], 1)


class OverTime(nn.Module):
    """Features that are the channels' means of each frame, (1, 3, T)."""

    def forward(self, clip: Tensor) -> Tensor:
        return clip.mean([3, 4])


class Flat(nn.Module):
    """Features (1, 3 T): the channels' means of each frame."""

    def forward(self, clip: Tensor) -> Tensor:
        return clip.mean([3, 4]).flatten(1)


class Loose(nn.Module):
    """Features without the clip's own axis."""

    def forward(self, clip: Tensor) -> Tensor:
        return clip.mean([0, 2, 3, 4])


def scripted(network: nn.Module, path: Path) -> Path:
    """The file of a network."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.script(network).save(str(path))
    return path
