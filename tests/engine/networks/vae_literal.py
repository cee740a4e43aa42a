"""The autoencoder written out plainly, from its formulas and the names of its tensors: an oracle for tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.nn import functional

Weights = Mapping[str, Tensor]

GROUPS = 32


def convolved(x: Tensor, weights: Weights, name: str, stride: int = 1, padding: int | tuple[int, ...] = 0) -> Tensor:
    convolve = functional.conv2d if x.dim() == 4 else functional.conv3d
    return convolve(x, weights[f"{name}.weight"], weights.get(f"{name}.bias"), stride, padding)


def normed(x: Tensor, weights: Weights, name: str, eps: float) -> Tensor:
    """Each frame, or each clip as a whole, in 32 groups of channels."""
    parts = x.reshape(len(x), GROUPS, -1)
    mean, variance = parts.mean(-1, keepdim=True), parts.var(-1, correction=0, keepdim=True)
    plain = ((parts - mean) / (variance + eps).sqrt()).reshape(x.shape)
    shape = (-1, *(1,) * (x.dim() - 2))
    return plain * weights[f"{name}.weight"].reshape(shape) + weights[f"{name}.bias"].reshape(shape)


def swished(x: Tensor) -> Tensor:
    return x * torch.sigmoid(x)


def residual(x: Tensor, weights: Weights, name: str, eps: float) -> Tensor:
    padding = 1 if x.dim() == 4 else (1, 0, 0)
    inner = convolved(swished(normed(x, weights, f"{name}.norm1", eps)), weights, f"{name}.conv1", 1, padding)
    inner = convolved(swished(normed(inner, weights, f"{name}.norm2", eps)), weights, f"{name}.conv2", 1, padding)
    if f"{name}.conv_shortcut.weight" in weights:
        x = convolved(x, weights, f"{name}.conv_shortcut")
    return x + inner


def residual_over_time(x: Tensor, weights: Weights, name: str, frames: int) -> Tensor:
    spatial = residual(x, weights, f"{name}.spatial_res_block", eps=1e-6)
    windows = []
    for window in torch.split(spatial, frames):
        clip = window.transpose(0, 1)[None]
        temporal = residual(clip, weights, f"{name}.temporal_res_block", eps=1e-5)
        share = torch.sigmoid(weights[f"{name}.time_mixer.mix_factor"])
        windows.append(((1 - share) * clip + share * temporal)[0].transpose(0, 1))
    return torch.cat(windows)


def attended(x: Tensor, weights: Weights, name: str) -> Tensor:
    tokens = normed(x, weights, f"{name}.group_norm", 1e-6).flatten(2).transpose(1, 2)
    query, key, value = (
        tokens @ weights[f"{name}.to_{part}.weight"].T + weights[f"{name}.to_{part}.bias"] for part in "qkv"
    )
    seen = torch.softmax(query @ key.transpose(1, 2) / query.shape[-1] ** 0.5, dim=-1) @ value
    seen = seen @ weights[f"{name}.to_out.0.weight"].T + weights[f"{name}.to_out.0.bias"]
    return x + seen.transpose(1, 2).reshape(x.shape)


def encoded(pictures: Tensor, weights: Weights, layers: int) -> tuple[Tensor, list[Tensor]]:
    """Moments, and what enters each of the four levels."""
    x = convolved(pictures, weights, "encoder.conv_in", 1, 1)
    skips = []
    for level in range(4):
        skips.append(x)
        name = f"encoder.down_blocks.{level}"
        for layer in range(layers):
            x = residual(x, weights, f"{name}.resnets.{layer}", 1e-6)
        if level < 3:
            x = convolved(functional.pad(x, (0, 1, 0, 1)), weights, f"{name}.downsamplers.0.conv", stride=2)
    x = residual(x, weights, "encoder.mid_block.resnets.0", 1e-6)
    x = attended(x, weights, "encoder.mid_block.attentions.0")
    x = residual(x, weights, "encoder.mid_block.resnets.1", 1e-6)
    x = convolved(swished(normed(x, weights, "encoder.conv_norm_out", 1e-6)), weights, "encoder.conv_out", 1, 1)
    return convolved(x, weights, "quant_conv"), skips


def decoded(latents: Tensor, skips: Sequence[Tensor], weights: Weights, layers: int, frames: int) -> Tensor:
    """Pictures (N, 3, H, W) of latents (N, 4, h, w), N frames in windows of so many; skips full size first."""
    x = convolved(latents, weights, "decoder.conv_in", 1, 1)
    x = residual_over_time(x, weights, "decoder.mid_block.resnets.0", frames)
    if layers == 2:
        x = attended(x, weights, "decoder.mid_block.attentions.0")
        x = residual_over_time(x, weights, "decoder.mid_block.resnets.1", frames)
    for level in range(4):
        x = x + convolved(skips[3 - level], weights, f"decoder.skip_conv_{level + 1}")
        name = f"decoder.up_blocks.{level}"
        for layer in range(layers + 1):
            x = residual_over_time(x, weights, f"{name}.resnets.{layer}", frames)
        if level < 3:
            x = x.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
            x = convolved(x, weights, f"{name}.upsamplers.0.conv", 1, 1)
    x = convolved(swished(normed(x, weights, "decoder.conv_norm_out", 1e-6)), weights, "decoder.conv_out", 1, 1)
    windows = [
        convolved(window.transpose(0, 1)[None], weights, "decoder.time_conv_out", 1, (1, 0, 0))[0].transpose(0, 1)
        for window in torch.split(x, frames)
    ]
    return torch.cat(windows)
