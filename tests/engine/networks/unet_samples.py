"""Small U-Nets with all weights random and all gates open, and clips to run them on."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from engine.networks.presets import PRESETS, UNetConfig
from engine.networks.unet import AnyToBokehUNet

TINY: UNetConfig = PRESETS["tiny"].unet
GATE = 0.7


class Clip(NamedTuple):
    """What ``AnyToBokehUNet.forward`` takes, in its order."""

    latents: Tensor
    context: Tensor
    strength: Tensor
    time_ids: Tensor
    regions: Tensor | None


def open_up(module: nn.Module, seed: int = 1) -> None:
    """Fill norms, biases, shares and gates, which start alike, so that each of them tells in the result."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            if "alpha_" in name:
                parameter.fill_(GATE)
            elif parameter.ndim < 2:
                centre = 1.0 if "norm" in name and name.endswith("weight") else 0.0
                parameter.copy_(centre + 0.2 * torch.randn(parameter.shape, generator=generator))


def tiny_unet(seed: int = 1) -> AnyToBokehUNet:
    torch.manual_seed(seed)
    unet = AnyToBokehUNet(TINY)
    open_up(unet, seed)
    return unet.eval()


def blocky_regions(batch: int, frames: int, height: int, width: int) -> Tensor:
    """Labels 0 to 3 in blocks of 12 pixels, so that their borders cut the cells of every level."""
    small = torch.randint(0, 4, (batch * frames, 1, height // 12 + 1, width // 12 + 1)).float()
    large = nn.functional.interpolate(small, scale_factor=12.0)[:, 0, :height, :width]
    return large.to(torch.uint8).unflatten(0, (batch, frames))


def clip(batch: int = 1, frames: int = 3, size: tuple[int, int] = (8, 16), masks: bool = False, seed: int = 2) -> Clip:
    torch.manual_seed(seed)
    height, width = size
    return Clip(
        torch.randn(batch, frames, TINY.in_channels, height, width),
        torch.randn(batch, frames, TINY.cross_attention_dim),
        torch.rand(batch, frames, 32) * 2 - 1,
        torch.tensor([[6.0, 127.0, 0.0], [7.0, 127.0, 0.1]])[:batch],
        blocky_regions(batch, frames, 8 * height, 8 * width) if masks else None,
    )


def assert_same(ours: Tensor, literal: Tensor, tolerance: float = 1e-5) -> None:
    """Equal within ``tolerance`` of the largest value: float32 sums taken in another order, 2e-6 as measured."""
    assert ours.shape == literal.shape
    assert (ours - literal).abs().max() <= tolerance * literal.abs().max()
